/* swa.c - the average as a plain mean of the weights it takes. */
#include "support/wrapping.h"

Test(swa, averages_late_weights_alike)
{
    lab l = lab_with("{swa: {of: {sgd: {lr: 0.1, momentum: 0.9}}, start: 3, every: 4}}");
    lab alone = lab_with("{sgd: {lr: 0.1, momentum: 0.9}}");
    values sum = {0}, mean = {0};
    int count = 0;
    for (int s = 1; s <= 16; s++) {
        step(&l), step(&alone);
        const values w = weights_of(&alone), got = weights_of(&l), none = {0};
        same(&got, &w, 0);
        if (s == 3 || s == 7 || s == 11 || s == 15) {
            sum = moved(&sum, 1, &w);
            mean = moved(&none, 1. / ++count, &sum);
        }
        const values seen = view_of(&l);
        same(&seen, s < 3 ? &w : &mean, 1e-14);
    }
    cr_assert_eq(count, 4);
    close_lab(&l), close_lab(&alone);
}

Test(swa, refuses_what_it_cannot_do)
{
    refuses_as_a_wrapper("swa", ", start: 1");
    refuse("optimizer", "swa", "{of: sgd}", "start");
    refuse("optimizer", "swa", "{of: sgd, start: 0}", "start");
    refuse("optimizer", "swa", "{of: sgd, start: 1, every: 0}", "every");
}

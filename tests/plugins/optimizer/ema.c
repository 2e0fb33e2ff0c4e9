/* ema.c - the average by its formula, beside the weights of the wrapped optimizer
 * alone. */
#include "support/wrapping.h"

Test(ema, averages_and_leaves_training_alone)
{
    lab l = lab_with("{ema: {of: {sgd: {lr: 0.1, momentum: 0.9}}, decay: 0.8}}");
    lab alone = lab_with("{sgd: {lr: 0.1, momentum: 0.9}}");
    values average = {0};
    for (int s = 1; s <= 12; s++) {
        step(&l), step(&alone);
        const values w = weights_of(&alone), got = weights_of(&l);
        same(&got, &w, 0);
        average = mixed(&average, &w, s == 1 ? 1 : 1 - 0.8);
        const values seen = view_of(&l), again = weights_of(&l);
        same(&seen, &average, 1e-14);
        same(&again, &w, 0);
    }
    close_lab(&l), close_lab(&alone);
}

/* The penalty's zeros are there when the average is taken. */
Test(ema, averages_what_a_prox_leaves)
{
    lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                     "model: [{dense: 2}]\nloss: mse\nregularizer: {l1: 100}\n"
                     "optimizer: {ema: {of: {sgd: {lr: 0.1}}, decay: 0.5}}");
    for (int s = 0; s < 3; s++) step(&l);
    tn_updater_view(l.updater, true);
    for (int64_t i = 0; i < size_of(&l, 0); i++) cr_assert_eq(weights(&l, 0)[i], 0);
    close_lab(&l);
}

Test(ema, refuses_what_it_cannot_do)
{
    refuses_as_a_wrapper("ema", "");
    refuse("optimizer", "ema", "{of: sgd, decay: 1.5}", "decay");
}

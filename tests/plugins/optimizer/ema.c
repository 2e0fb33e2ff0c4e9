/* ema.c - the average as the sum that it stands for, over all weights of the wrapped optimizer
 * alone. (That a resumed run has the same bits: tests/core/checkpoint.c.) */
#include "support/wrapping.h"

enum { STEPS = 24 };

/* sum_k decay^(newest - k) w_k / sum_k decay^(newest - k) */
static values weighed(const values *made, int newest, double decay)
{
    values sum = {0};
    double all = 0;
    for (int k = 0; k <= newest; k++) {
        const double share = pow(decay, newest - k);
        sum = moved(&sum, share, &made[k]);
        all += share;
    }
    const values none = {0};
    return moved(&none, 1 / all, &sum);
}

Test(ema, averages_and_leaves_training_alone)
{
    for (int i = 0; i < 4; i++) {
        char text[200];
        const double decay[] = {0, 0.8, 0.999, 1};
        snprintf(text, sizeof text,
                 "{ema: {of: {sgd: {lr: 0.1, momentum: 0.9}}, decay: %g}}", decay[i]);
        lab l = lab_with(text), alone = lab_with("{sgd: {lr: 0.1, momentum: 0.9}}");
        values made[STEPS];
        for (int s = 0; s < STEPS; s++) {
            step(&l), step(&alone);
            made[s] = weights_of(&alone);
            const values got = weights_of(&l), average = weighed(made, s, decay[i]);
            same(&got, &made[s], 0);
            const values seen = view_of(&l), again = weights_of(&l);
            same(&seen, &average, 1e-13);
            same(&again, &made[s], 0);
        }
        close_lab(&l), close_lab(&alone);
    }
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

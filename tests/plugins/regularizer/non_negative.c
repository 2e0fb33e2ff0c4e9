/* non_negative.c - what is negative becomes +0, the rest stays. */
#include "support/regularizing.h"

Test(non_negative, cuts_at_zero_and_leaves_nan)
{
    subject s = subject_of("non_negative", NULL, 1, 6);
    double w[] = {-1, 2, -0.0, 0, NAN, -INFINITY};
    prox_of(&s, (double[]){1, 1, 1, 1, 1, 1}, w);
    cr_assert(w[1] == 2 && isnan(w[4]));
    for (int i = 0; i < 6; i++)
        if (i != 1 && i != 4) cr_assert(w[i] == 0 && !signbit(w[i]), "%d", i);
    near(w, (double[]){0, 2, 0, 0}, 4, 0);
}

Test(non_negative, finds_the_constrained_minimum_under_any_steps)
{
    static const char *const optimizer[] = {"sgd", "adam"};
    for (int i = 0; i < 2; i++) {
        double w[WEIGHTS], g[WEIGHTS];
        tn_instance *r = make("regularizer", "non_negative", NULL, 1);
        const course c = {make("optimizer", optimizer[i], NULL, 1), r, 0.01, 0, 20000};
        const tn_tile t = tile_of(r, WEIGHTS);
        run_f64(&c, w);
        near(w, (double[]){0.3, 0.2, 0}, WEIGHTS, 1e-7);
        for (int k = 0; k < WEIGHTS; k++) g[k] = hollow[k] * (w[k] - centre[k]);
        cr_assert_leq(
            ((const tn_regularizer_f64 *)r->vtable)->violation(r->self, &t, w, g), 1e-7);
    }
}

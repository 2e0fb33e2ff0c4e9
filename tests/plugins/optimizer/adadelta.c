/* adadelta.c - against PyTorch's Adadelta, and what a prox, decay and bad options do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(adadelta, follows_pytorch)
{
    follow_torch("adadelta");
}

/* The units of the gradient cancel: gradients a million times as large give the same
 * first step. */
Test(adadelta, steps_do_not_depend_on_the_size_of_gradients)
{
    double w[] = {0, 0}, s[] = {0, 0}, a[] = {0, 0}, *const slot[] = {s, a};
    const double g[] = {1e3, 1e9};
    const tn_instance *adadelta = make("optimizer", "adadelta", NULL, 1);
    const tn_optimizer_f64 *o = adadelta->vtable;
    const tn_tile t = tile_of(adadelta, 2);
    const tn_update u = {.step = 1, .rate = 1};
    o->update(adadelta->self, &t, &u, w, g, slot);
    cr_assert_float_eq(w[0], -1e-3 / sqrt(0.1), 1e-12);
    cr_assert_float_eq(w[1], w[0], 1e-12);
    cr_assert_eq(adadelta->entry->learning_rate, 1);
}

/* By the average after the step, which comes to rest. */
Test(adadelta, step_size_is_what_a_unit_of_gradient_moves_at_rest)
{
    moves_by_step_size("adadelta", "{rho: 0.5, epsilon: 0.1}", 2000, 1e-12);
}

Test(adadelta, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("adadelta", "{rho: 0.5, epsilon: 0.01}", 0.1, "0.4",
               (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(adadelta, decays_only_what_decays)
{
    decays_only_what_decays("adadelta", "{weight_decay: 0.5}", NULL);
}

Test(adadelta, refuses_impossible_options)
{
    refuse("optimizer", "adadelta", "{rho: 1}", "rho");
    refuse("optimizer", "adadelta", "{epsilon: 0}", "epsilon");
}

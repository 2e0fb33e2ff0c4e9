/* adam.c - against PyTorch's Adam, and what a prox, decay and bad options do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(adam, follows_pytorch)
{
    follow_torch("adam");
}

Test(adam, first_step_has_the_size_of_the_rate)
{
    double w[] = {1, 1}, m[] = {0, 0}, v[] = {0, 0}, *const slot[] = {m, v};
    const double g[] = {1e-3, -1e3};
    const tn_instance *adam = make("optimizer", "adam", NULL, 1);
    const tn_optimizer_f64 *o = adam->vtable;
    const tn_tile t = tile_of(adam, 2);
    const tn_update u = {.step = 1, .rate = 0.01};
    o->update(adam->self, &t, &u, w, g, slot);
    near(w, (double[]){0.99, 1.01}, 2, 1e-7);
    cr_assert_eq(adam->entry->learning_rate, 1e-3);
}

Test(adam, step_size_is_what_a_unit_of_gradient_moves)
{
    moves_by_step_size("adam", NULL, 20, 0);
}

Test(adam, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("adam", NULL, 0.01, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(adam, decays_only_what_decays)
{
    decays_only_what_decays("adam", "{weight_decay: 0.5}", NULL);
}

Test(adam, refuses_impossible_options)
{
    refuse("optimizer", "adam", "{beta1: 1}", "beta1");
    refuse("optimizer", "adam", "{epsilon: 0}", "epsilon");
}

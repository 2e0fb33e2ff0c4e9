/* adagrad.c - against PyTorch's Adagrad, and what a prox, decay and bad options do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(adagrad, follows_pytorch)
{
    follow_torch("adagrad");
}

/* With gradients of one size, step t is rate / sqrt(t). */
Test(adagrad, steps_shrink_with_the_root_of_time)
{
    double w = 0, sum = 0, *const slot[] = {&sum};
    const double g = -3;
    const tn_instance *adagrad = make("optimizer", "adagrad", NULL, 1);
    const tn_optimizer_f64 *o = adagrad->vtable;
    const tn_tile t = tile_of(adagrad, 1);
    for (int64_t s = 1; s <= 50; s++) {
        const tn_update u = {.step = s, .rate = 0.01};
        const double before = w;
        o->update(adagrad->self, &t, &u, &w, &g, slot);
        cr_assert_float_eq(w - before, 0.01 / sqrt((double)s), 1e-12);
    }
}

Test(adagrad, step_size_is_what_a_unit_of_gradient_moves)
{
    moves_by_step_size("adagrad", NULL, 20, 0);
    moves_by_step_size("adagrad", "{lr_decay: 0.1, initial: 2}", 20, 0);
}

Test(adagrad, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("adagrad", NULL, 0.5, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(adagrad, decays_only_what_decays)
{
    decays_only_what_decays("adagrad", "{weight_decay: 0.5}", NULL);
}

Test(adagrad, refuses_impossible_options)
{
    refuse("optimizer", "adagrad", "{initial: -1}", "initial");
    refuse("optimizer", "adagrad", "{lr_decay: -1}", "lr_decay");
    refuse("optimizer", "adagrad", "{epsilon: 0}", "epsilon");
}

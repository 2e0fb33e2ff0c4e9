/* amsgrad.c - against PyTorch's Adam and AdamW with amsgrad, and what the largest moment
 * does. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(amsgrad, follows_pytorch)
{
    follow_torch("amsgrad");
}

/* After one large gradient adam's steps grow again; these do not. */
Test(amsgrad, steps_stay_small_after_a_large_gradient)
{
    double w = 0, m = 0, v = 0, most = 0, before = 0, size = 0;
    double *const slot[] = {&m, &v, &most};
    const tn_instance *amsgrad = make("optimizer", "amsgrad", "{beta2: 0.5}", 1);
    const tn_optimizer_f64 *o = amsgrad->vtable;
    const tn_tile t = tile_of(amsgrad, 1);
    for (int64_t s = 1; s <= 200; s++) {
        const double g = s == 1 ? 100 : 0.01;
        const tn_update u = {.step = s, .rate = 0.01};
        before = w;
        o->update(amsgrad->self, &t, &u, &w, &g, slot);
        o->step_size(amsgrad->self, &t, &u, slot, &size);
    }
    cr_assert_eq(most, 5000);
    cr_assert_float_eq(size, 0.01 / sqrt(5000), 1e-9);
    cr_assert_float_eq(before - w, size * 0.01, 1e-9);
}

Test(amsgrad, step_size_is_what_a_unit_of_gradient_moves)
{
    moves_by_step_size("amsgrad", NULL, 20, 0);
}

Test(amsgrad, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("amsgrad", NULL, 0.01, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(amsgrad, decays_only_what_decays)
{
    decays_only_what_decays("amsgrad", "{weight_decay: 0.5}", NULL);
    decays_only_what_decays("amsgrad", "{weight_decay: 0.5, decoupled: true}", NULL);
}

Test(amsgrad, refuses_impossible_options)
{
    refuse("optimizer", "amsgrad", "{beta2: 1}", "beta2");
    refuse("optimizer", "amsgrad", "{epsilon: 0}", "epsilon");
}

/* radam.c - against PyTorch's RAdam, when it begins to trust its second moment, and what
 * a prox, decay and bad options do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(radam, follows_pytorch)
{
    follow_torch("radam");
}

/* r = 5 is passed at step 6 with beta2 0.999: before it a step is rate times the mean
 * gradient, of whatever size. */
Test(radam, goes_by_the_first_moment_until_step_6)
{
    double w = 0, m = 0, v = 0, *const slot[] = {&m, &v};
    const double g = 100;
    const tn_instance *radam = make("optimizer", "radam", NULL, 1);
    const tn_optimizer_f64 *o = radam->vtable;
    const tn_tile t = tile_of(radam, 1);
    for (int64_t s = 1; s <= 6; s++) {
        const tn_update u = {.step = s, .rate = 0.01};
        const double before = w;
        o->update(radam->self, &t, &u, &w, &g, slot);
        if (s < 6)
            cr_assert_float_eq(before - w, 1, 1e-12, "step %d", (int)s);
        else
            cr_assert_lt(before - w, 0.01);
    }
}

Test(radam, step_size_is_what_a_unit_of_gradient_moves)
{
    moves_by_step_size("radam", NULL, 20, 0);
    moves_by_step_size("radam", "{beta2: 0.5}", 20, 0); /* never trusted */
}

Test(radam, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("radam", NULL, 0.01, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(radam, decays_only_what_decays)
{
    decays_only_what_decays("radam", "{weight_decay: 0.5}", NULL);
    decays_only_what_decays("radam", "{weight_decay: 0.5, decoupled: true}", NULL);
}

Test(radam, refuses_impossible_options)
{
    refuse("optimizer", "radam", "{beta2: 1}", "beta2");
}

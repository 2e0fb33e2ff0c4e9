/* adamw.c - against PyTorch's AdamW and adam, and what a prox and decay do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(adamw, follows_pytorch)
{
    follow_torch("adamw");
}

Test(adamw, without_decay_is_adam_bit_for_bit)
{
    double w[WEIGHTS], adam[WEIGHTS];
    course c = {make("optimizer", "adamw", "{weight_decay: 0}", 1), NULL, 0.02, 1, 30};
    run_f64(&c, w);
    c.optimizer = make("optimizer", "adam", NULL, 1);
    run_f64(&c, adam);
    cr_assert_arr_eq(w, adam, sizeof w);
}

Test(adamw, decay_does_not_pass_through_the_moments)
{
    double w = 2, m = 0, v = 0, *const slot[] = {&m, &v};
    const double g = 0;
    const tn_instance *adamw = make("optimizer", "adamw", "{weight_decay: 0.1}", 1);
    const tn_optimizer_f64 *o = adamw->vtable;
    const tn_tile t = tile_of(adamw, 1);
    const tn_update u = {.step = 1, .rate = 0.5, .decays = 1};
    o->update(adamw->self, &t, &u, &w, &g, slot);
    cr_assert(w == 2 * (1 - 0.5 * 0.1) && m == 0 && v == 0);
}

Test(adamw, decays_only_what_decays)
{
    decays_only_what_decays("adamw", "{weight_decay: 0.5}", "{weight_decay: 0}");
}

Test(adamw, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("adamw", "{weight_decay: 0}", 0.01, "0.4",
               (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

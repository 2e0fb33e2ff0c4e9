/* rmsprop.c - against PyTorch's RMSprop, and what a prox, decay and bad options do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(rmsprop, follows_pytorch)
{
    follow_torch("rmsprop");
}

Test(rmsprop, keeps_what_its_options_need)
{
    static const char *const options[] = {NULL, "{momentum: 0.5}", "{centered: true}",
                                          "{momentum: 0.5, centered: true}"};
    static const int32_t kept[] = {1, 2, 2, 3};
    for (int i = 0; i < 4; i++) {
        const tn_instance *o = make("optimizer", "rmsprop", options[i], 1);
        cr_assert_eq(((const tn_optimizer_f64 *)o->vtable)->slots(o->self), kept[i]);
    }
}

/* A gradient that is always the same has no variance; rounding must not make a NaN of
 * it. */
Test(rmsprop, centered_variance_is_never_negative)
{
    double w = 0, room[2] = {0}, *const slot[] = {room, room + 1};
    const tn_instance *o = make("optimizer", "rmsprop", "{centered: true, alpha: 0.3}",
                                1);
    const tn_tile t = tile_of(o, 1);
    for (int64_t s = 1; s <= 500; s++) {
        const double g = 0.1;
        const tn_update u = {.step = s, .rate = 1e-9};
        ((const tn_optimizer_f64 *)o->vtable)->update(o->self, &t, &u, &w, &g, slot);
        cr_assert(isfinite(w), "step %d", (int)s);
    }
}

Test(rmsprop, step_size_is_what_a_unit_of_gradient_moves)
{
    moves_by_step_size("rmsprop", NULL, 20, 0);
    moves_by_step_size("rmsprop", "{alpha: 0.8, momentum: 0.5}", 500, 1e-12);
}

Test(rmsprop, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("rmsprop", NULL, 1e-3, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
    find_lasso("rmsprop", "{momentum: 0.9}", 1e-3, "0.4",
               (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(rmsprop, decays_only_what_decays)
{
    decays_only_what_decays("rmsprop", "{weight_decay: 0.5}", NULL);
}

Test(rmsprop, refuses_impossible_options)
{
    refuse("optimizer", "rmsprop", "{alpha: 1}", "alpha");
    refuse("optimizer", "rmsprop", "{momentum: 1}", "momentum");
}

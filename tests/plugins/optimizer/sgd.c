/* sgd.c - against PyTorch's SGD and worked examples, and what a prox, decay and bad
 * options do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(sgd, follows_pytorch)
{
    follow_torch("sgd");
}

/* Weight `w` after `steps` with gradient g, rate 0.1 and decay 0.01. */
static double after(double w, double g, int64_t steps, const char *options)
{
    const tn_instance *sgd = make("optimizer", "sgd", options, 1);
    const tn_optimizer_f64 *o = sgd->vtable;
    const tn_tile t = tile_of(sgd, 1);
    for (int64_t s = 1; s <= steps; s++) {
        const tn_update u = {.step = s, .rate = 0.1, .decays = 1};
        o->update(sgd->self, &t, &u, &w, &g, NULL);
    }
    return w;
}

/* Decay through the gradient and of the weight itself are the same without momentum. */
Test(sgd, P2_N10_P2_N17_P2_N18_decay)
{
    static const char *const ways[] = {"{weight_decay: 0.01}",
                                       "{weight_decay: 0.01, decoupled: true}"};
    cr_assert_float_eq(after(10, 2, 1, "{}"), 9.8, 1e-12);
    for (int i = 0; i < 2; i++) {
        cr_assert_float_eq(after(10, 2, 1, ways[i]), 9.79, 1e-12);
        cr_assert_float_eq(after(10, 2, 10, ways[i]), 7.9094, 5e-5);
        cr_assert_float_eq(after(10, 2, 100, ways[i]), -9.9936, 5e-5);
        cr_assert_float_eq(after(10, 2, 500, ways[i]), -72.6604, 5e-5);
        cr_assert_float_eq(after(5, 0, 100, ways[i]), 4.52396, 5e-6);
        cr_assert_float_eq(after(8, 0, 100, ways[i]), 7.23834, 5e-6);
    }
}

Test(sgd, keeps_a_velocity_only_with_momentum)
{
    const tn_instance *plain = make("optimizer", "sgd", NULL, 1),
                      *heavy = make("optimizer", "sgd", "{momentum: 0.5}", 1);
    cr_assert_eq(((const tn_optimizer_f64 *)plain->vtable)->slots(plain->self), 0);
    cr_assert_eq(((const tn_optimizer_f64 *)heavy->vtable)->slots(heavy->self), 1);
    cr_assert_eq(plain->entry->learning_rate, 0.01);
}

Test(sgd, decoupled_decay_shrinks_the_weight_and_not_the_velocity)
{
    double w = 10, v = 0, *const slot[] = {&v};
    const double g = 2;
    const tn_instance *sgd = make(
        "optimizer", "sgd", "{momentum: 0.9, weight_decay: 0.01, decoupled: true}", 1);
    const tn_optimizer_f64 *o = sgd->vtable;
    const tn_tile t = tile_of(sgd, 1);
    const tn_update u = {.step = 1, .rate = 0.1, .decays = 1};
    o->update(sgd->self, &t, &u, &w, &g, slot);
    cr_assert_float_eq(w, 10 * (1 - 0.001) - 0.2, 1e-14);
    cr_assert_eq(v, 2);
}

Test(sgd, decays_only_what_decays)
{
    decays_only_what_decays("sgd", "{weight_decay: 0.5}", NULL);
}

Test(sgd, rate_0_leaves_weights_alone)
{
    double w[WEIGHTS];
    const course c = {make("optimizer", "sgd", "{momentum: 0.9, weight_decay: 0.1}", 1),
                      NULL, 0, 1, 5};
    run_f64(&c, w);
    cr_assert_arr_eq(w, begin, sizeof w);
}

Test(sgd, step_size_is_what_a_unit_of_gradient_moves)
{
    moves_by_step_size("sgd", NULL, 20, 0);
    moves_by_step_size("sgd", "{momentum: 0.9}", 20, 0);
    moves_by_step_size("sgd", "{momentum: 0.9, nesterov: true}", 20, 0);
    moves_by_step_size("sgd", "{momentum: 0.9, dampening: 0.4}", 20, 0);
}

/* A prox whose steps fit the velocity ends at the minimum of loss plus penalty, not
 * beside it. */
Test(sgd, P3_F8_lasso_with_momentum_dampening_and_nesterov)
{
    find_lasso("sgd", "{momentum: 0.9, dampening: 0.9}", 0.1, "0.4",
               (double[]){0, 0.2 - 0.4 / 3, -0.2});
    find_lasso("sgd", "{momentum: 0.9}", 0.02, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
    find_lasso("sgd", "{momentum: 0.9, nesterov: true}", 0.02, "0.4",
               (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(sgd, refuses_what_does_not_go_together)
{
    refuse("optimizer", "sgd", "{nesterov: true}", "nesterov needs a momentum above 0");
    refuse("optimizer", "sgd", "{dampening: 0.5}", "dampening needs a momentum above 0");
    refuse("optimizer", "sgd", "{momentum: 0.9, dampening: 0.5, nesterov: true}",
           "nesterov goes with dampening 0 only");
    refuse("optimizer", "sgd", "{momentum: 1}", "momentum");
}

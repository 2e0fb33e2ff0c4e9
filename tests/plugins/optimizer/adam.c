/* adam.c - against PyTorch's Adam: weights after six updates of support/optimizing.h's
 * function, made with torch 1.13 in double. */
#include "support/optimizing.h"

Test(adam, follows_pytorch)
{
    static const trace traces[] = {
        {NULL, 0.01, {0.94011564738386677, -0.44011564680438175, 0.19006209390142542}},
        {"{beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weight_decay: 0.05}",
         0.02,
         {0.88092658738524598, -0.38084285446336474, 0.1306360993888514}},
    };
    follow("adam", traces, 2);
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

/* Under a constant gradient a weight moves by exactly its step size times the gradient.
 * */
Test(adam, step_size_is_what_a_unit_of_gradient_moves)
{
    double w = 0, m = 0, v = 0, step, *const slot[] = {&m, &v};
    const double g = 0.7;
    const tn_instance *adam = make("optimizer", "adam", NULL, 1);
    const tn_optimizer_f64 *o = adam->vtable;
    const tn_tile t = tile_of(adam, 1);
    for (int64_t s = 1; s <= 20; s++) {
        const tn_update u = {.step = s, .rate = 0.01};
        const double before = w;
        o->update(adam->self, &t, &u, &w, &g, slot);
        o->step_size(adam->self, &t, &u, slot, &step);
        cr_assert_float_eq(before - w, step * g, 1e-15);
    }
}

Test(adam, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("adam", NULL, 0.01, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(adam, decays_only_what_decays)
{
    double with[WEIGHTS], without[WEIGHTS];
    course c = {make("optimizer", "adam", "{weight_decay: 0.5}", 1), NULL, 0.1, 0, 6};
    run_f64(&c, with);
    c.optimizer = make("optimizer", "adam", NULL, 1);
    run_f64(&c, without);
    cr_assert_arr_eq(with, without, sizeof with);
}

Test(adam, refuses_impossible_options)
{
    refuse("optimizer", "adam", "{beta1: 1}", "beta1");
    refuse("optimizer", "adam", "{epsilon: 0}", "epsilon");
}

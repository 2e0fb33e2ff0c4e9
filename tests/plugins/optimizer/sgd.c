/* sgd.c - against PyTorch's SGD: weights after six updates of support/optimizing.h's
 * function, made with torch 1.13 in double. */
#include "support/optimizing.h"

Test(sgd, follows_pytorch)
{
    static const trace traces[] = {
        {NULL, 0.1, {0.6720087, 0.1176457, -0.081135136718750014}},
        {"{momentum: 0.9}",
         0.1,
         {0.12037439999999987, 0.66670960000000012, -0.68928236328125003}},
        {"{momentum: 0.9, nesterov: true}",
         0.1,
         {0.1215812794016999, 0.33577844847069999, -0.79390422978552744}},
        {"{momentum: 0.9, weight_decay: 0.05}",
         0.1,
         {0.074698308906484365, 0.6538622140071485, -0.69142897388085556}},
    };
    follow("sgd", traces, 4);
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
    double with[WEIGHTS], without[WEIGHTS];
    course c = {make("optimizer", "sgd", "{weight_decay: 0.5}", 1), NULL, 0.1, 0, 6};
    run_f64(&c, with);
    c.optimizer = make("optimizer", "sgd", NULL, 1);
    run_f64(&c, without);
    cr_assert_arr_eq(with, without, sizeof with);
}

Test(sgd, rate_0_leaves_weights_alone)
{
    double w[WEIGHTS];
    const course c = {make("optimizer", "sgd", "{momentum: 0.9, weight_decay: 0.1}", 1),
                      NULL, 0, 1, 5};
    run_f64(&c, w);
    cr_assert_arr_eq(w, begin, sizeof w);
}

/* Under a constant gradient a weight moves by exactly step size times gradient. */
Test(sgd, step_size_is_what_a_unit_of_gradient_moves)
{
    static const char *const options[] = {NULL, "{momentum: 0.9}",
                                          "{momentum: 0.9, nesterov: true}"};
    for (int k = 0; k < 3; k++) {
        double w = 0, v = 0, size, *const slot[] = {&v};
        const double g = 0.7;
        const tn_instance *sgd = make("optimizer", "sgd", options[k], 1);
        const tn_optimizer_f64 *o = sgd->vtable;
        const tn_tile t = tile_of(sgd, 1);
        for (int64_t s = 1; s <= 20; s++) {
            const tn_update u = {.step = s, .rate = 0.01};
            const double before = w;
            o->update(sgd->self, &t, &u, &w, &g, slot);
            o->step_size(sgd->self, &t, &u, slot, &size);
            cr_assert_float_eq(before - w, size * g, 1e-15);
        }
    }
}

/* A prox whose steps fit the velocity ends at the minimum of loss plus penalty, not
 * beside it. */
Test(sgd, P3_F8_lasso_with_momentum_and_nesterov)
{
    find_lasso("sgd", "{momentum: 0.9}", 0.02, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
    find_lasso("sgd", "{momentum: 0.9, nesterov: true}", 0.02, "0.4",
               (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(sgd, refuses_nesterov_without_momentum_and_momentum_1)
{
    refuse("optimizer", "sgd", "{nesterov: true}", "momentum");
    refuse("optimizer", "sgd", "{momentum: 1}", "momentum");
}

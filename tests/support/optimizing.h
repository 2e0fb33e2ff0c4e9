/* optimizing.h - runs an optimizer on sum a/2 (w - b)^2, a function whose minimum is
 * known with and without penalties, the way the host does: penalty's gradient, decay, the
 * update, prox. */
#ifndef TESTS_SUPPORT_OPTIMIZING_H
#define TESTS_SUPPORT_OPTIMIZING_H

#include "support/slots.h"

#define WEIGHTS 3
static const double hollow[WEIGHTS] = {1, 3, 0.5}, centre[WEIGHTS] = {0.3, 0.2, -1};
static const double begin[WEIGHTS] = {1, -0.5, 0.25};

typedef struct course {
    tn_instance *optimizer, *regularizer; /* regularizer may be NULL */
    double rate;
    int32_t decays;
    int64_t steps;
} course;

TN_UNUSED static void run_f64(const course *c, double *w)
{
    double room[3][WEIGHTS] = {0}, *const slot[] = {room[0], room[1], room[2]};
    const tn_optimizer_f64 *o = c->optimizer->vtable;
    const tn_regularizer_f64 *r = c->regularizer ? c->regularizer->vtable : NULL;
    const tn_tile t = tile_of(c->optimizer, WEIGHTS);
    memcpy(w, begin, sizeof begin);
    for (int64_t s = 1; s <= c->steps; s++) {
        const tn_update u = {.step = s, .rate = c->rate, .decays = c->decays};
        double g[WEIGHTS], step[WEIGHTS];
        for (int i = 0; i < WEIGHTS; i++) g[i] = hollow[i] * (w[i] - centre[i]);
        const bool prox = r && r->prox &&
                          (!r->proximal || r->proximal(c->regularizer->self));
        const tn_tile rt = r ? tile_of(c->regularizer, WEIGHTS) : t;
        if (r && !prox && r->gradient) r->gradient(c->regularizer->self, &rt, w, g);
        if (r && r->decay) r->decay(c->regularizer->self, &rt, c->rate, w);
        o->update(c->optimizer->self, &t, &u, w, g, slot);
        if (!prox) continue;
        o->step_size(c->optimizer->self, &t, &u, slot, step);
        r->prox(c->regularizer->self, &rt, step, w);
    }
}

/* A parameter that does not decay goes where it would without decay. */
TN_UNUSED static void decays_only_what_decays(const char *optimizer, const char *with,
                                              const char *without)
{
    double a[WEIGHTS], b[WEIGHTS];
    course c = {make("optimizer", optimizer, with, 1), NULL, 0.1, 0, 6};
    run_f64(&c, a);
    c.optimizer = make("optimizer", optimizer, without, 1);
    run_f64(&c, b);
    cr_assert_arr_eq(a, b, sizeof a);
    c.optimizer = make("optimizer", optimizer, with, 1);
    c.decays = 1;
    run_f64(&c, a);
    cr_assert(a[0] != b[0]);
}

/* Under a constant gradient a weight moves by its step size times the gradient: at each
 * step, or, within `bound` of 1, from the last on. */
TN_UNUSED static void moves_by_step_size(const char *optimizer, const char *options,
                                         int64_t steps, double bound)
{
    double w = 0, size, room[3] = {0}, *const slot[] = {room, room + 1, room + 2};
    const double g = 0.7;
    const tn_instance *instance = make("optimizer", optimizer, options, 1);
    const tn_optimizer_f64 *o = instance->vtable;
    const tn_tile t = tile_of(instance, 1);
    for (int64_t s = 1; s <= steps; s++) {
        const tn_update u = {.step = s, .rate = 0.01};
        const double before = w;
        o->update(instance->self, &t, &u, &w, &g, slot);
        o->step_size(instance->self, &t, &u, slot, &size);
        if (bound > 0 && s < steps) continue;
        cr_assert(fabs(before - w - size * g) <= 1e-15 + bound * size * g,
                  "%s %s, step %d: moved %.17g by a step size of %.17g", optimizer,
                  options ? options : "", (int)s, before - w, size);
    }
}

/* The minimum of the function plus lambda sum |w|, which is the centre's element b
 * thresholded by lambda / a; zeros among them must be exact. */
TN_UNUSED static void find_lasso(const char *optimizer, const char *options, double rate,
                                 const char *lambda, const double *minimum)
{
    double w[WEIGHTS];
    const course c = {make("optimizer", optimizer, options, 1),
                      make("regularizer", "l1", lambda, 1), rate, 1, 20000};
    run_f64(&c, w);
    for (int i = 0; i < WEIGHTS; i++)
        if (minimum[i] == 0) cr_assert(w[i] == 0 && !signbit(w[i]), "%d: %.17g", i, w[i]);
    near(w, minimum, WEIGHTS, 1e-7);
}

#endif

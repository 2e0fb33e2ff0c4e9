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
    double m[WEIGHTS] = {0}, v[WEIGHTS] = {0}, *const slot[] = {m, v};
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

TN_UNUSED static void run_f32(const course *c, double *result)
{
    float w[WEIGHTS], m[WEIGHTS] = {0}, v[WEIGHTS] = {0}, *const slot[] = {m, v};
    const tn_optimizer_f32 *o = c->optimizer->vtable;
    const tn_tile t = tile_of(c->optimizer, WEIGHTS);
    for (int i = 0; i < WEIGHTS; i++) w[i] = (float)begin[i];
    for (int64_t s = 1; s <= c->steps; s++) {
        const tn_update u = {.step = s, .rate = c->rate, .decays = c->decays};
        float g[WEIGHTS];
        for (int i = 0; i < WEIGHTS; i++)
            g[i] = (float)hollow[i] * (w[i] - (float)centre[i]);
        o->update(c->optimizer->self, &t, &u, w, g, slot);
    }
    for (int i = 0; i < WEIGHTS; i++) result[i] = (double)w[i];
}

typedef struct trace {
    const char *options;
    double rate, expected[WEIGHTS]; /* weights after six updates */
} trace;

/* Both precisions follow a reference's trace. */
TN_UNUSED static void follow(const char *name, const trace *traces, int count)
{
    for (int i = 0; i < count; i++) {
        double w[WEIGHTS];
        course c = {make("optimizer", name, traces[i].options, 1), NULL, traces[i].rate,
                    1, 6};
        run_f64(&c, w);
        near(w, traces[i].expected, WEIGHTS, 1e-14);
        c.optimizer = make("optimizer", name, traces[i].options, 0);
        run_f32(&c, w);
        near(w, traces[i].expected, WEIGHTS, 3e-7);
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

/* tensors.h - optimizers that take norms of each tensor: through the host, in double, on
 * the net of support/lab.h, and in float by their slots. */
#ifndef TESTS_SUPPORT_TENSORS_H
#define TESTS_SUPPORT_TENSORS_H

#include "support/slots.h"

#include "tests/support/lab.h"

typedef struct tensor_rule {
    double rate, beta1, beta2, epsilon, decay, trust;
} tensor_rule;

/* A step of n elements, written plainly; kept: values that start as zeros. `adapts`: a
 * weight. */
typedef void (*tensor_step)(const tensor_rule *, int64_t step, bool adapts, int64_t n,
                            double *w, const double *g, double (*kept)[64]);

static double norm_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* Ten steps of the lab's network, weights and biases. */
TN_UNUSED static void follows_in_lab(const char *optimizer, const tensor_rule *rule,
                                     tensor_step plain)
{
    char text[400];
    static double kept[4][2][64];
    memset(kept, 0, sizeof kept);
    snprintf(text, sizeof text,
             "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
             "model: [{dense: 4}, tanh, {dense: 2}]\nloss: mse\noptimizer: %s",
             optimizer);
    lab l = open_lab(text);
    for (int64_t s = 1; s <= 10; s++) {
        double w[4][64];
        look(&l);
        for (int32_t p = 0; p < 4; p++) {
            memcpy(w[p], weights(&l, p), sizeof(double) * (size_t)size_of(&l, p));
            plain(rule, s, l.graph->param[p].decays, size_of(&l, p), w[p],
                  gradient(&l, p), kept[p]);
        }
        step(&l);
        for (int32_t p = 0; p < 4; p++) near(weights(&l, p), w[p], size_of(&l, p), 1e-14);
    }
    close_lab(&l);
}

/* A prox by the optimizer's step size ends where loss plus l1 is least: of the lab's net
 * without activations the weight of feature 0 alone stays, and the others are exact zeros. */
TN_UNUSED static void finds_lasso_in_lab(const char *optimizer, int64_t steps)
{
    char text[400];
    int zeros = 0;
    snprintf(
        text, sizeof text,
        "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
        "model: [{dense: {units: 2, bias: false, regularizer: {l1: 0.3}}}]\nloss: mse\n"
        "optimizer: %s",
        optimizer);
    lab l = open_lab(text);
    for (int64_t s = 0; s < steps; s++) step(&l);
    look(&l);
    const double *w = weights(&l, 0), *g = gradient(&l, 0);
    for (int64_t i = 0; i < size_of(&l, 0); i++) {
        zeros += w[i] == 0 && !signbit(w[i]);
        const double wrong = w[i] == 0  ? fabs(g[i]) - 0.3
                             : w[i] > 0 ? fabs(g[i] + 0.3)
                                        : fabs(g[i] - 0.3);
        cr_assert_leq(wrong, 1e-6, "%s, weight %d, %.17g: gradient %.17g", optimizer,
                      (int)i, w[i], g[i]);
    }
    cr_assert_eq(zeros, 4, "%s: %d zeros", optimizer, zeros);
    close_lab(&l);
}

/* Ten steps of one weight, in float, by the slots. */
TN_UNUSED static void follows_in_float(const char *optimizer, const char *options,
                                       const tensor_rule *rule, tensor_step plain)
{
    enum { N = 37 };
    const tn_key key = {{3, 4}};
    const tn_instance *instance = make("optimizer", optimizer, options, 0);
    const tn_optimizer_f32 *o = instance->vtable;
    float w[N], g[N], kept[2][N] = {0}, *const slot[] = {kept[0], kept[1]};
    double want[N], exact[N], plainly[2][64] = {0};
    for (int i = 0; i < N; i++)
        want[i] = (double)(w[i] = (float)tn_random_normal(key, (uint64_t)i));
    for (int64_t s = 1; s <= 10; s++) {
        double sums[2] = {0}, *const acc[] = {sums, sums + 1};
        float stats[2], *const stat[] = {stats, stats + 1};
        const void *const known[] = {stats, stats + 1};
        tn_tile t = tile_of(instance, N);
        const tn_update u = {.step = s, .rate = rule->rate, .decays = 1};
        for (int i = 0; i < N; i++) {
            g[i] = (float)tn_random_normal(key, (uint64_t)(N * s + i)) * 1e-2f;
            exact[i] = (double)g[i];
        }
        plain(rule, s, true, N, want, exact, plainly);
        if (o->sum)
            o->sum(instance->self, &t, &u, w, g, slot, acc);
        else
            o->reduce.add(instance->self, &t, w, g, acc);
        o->reduce.finish(instance->self, &t, 1, N, (const double *const *)acc, stat);
        t.stat = known;
        o->update(instance->self, &t, &u, w, g, slot);
        for (int i = 0; i < N; i++) exact[i] = (double)w[i];
        note_values(exact, want, N, 0);
        near(exact, want, N, 1e-5 * norm_of(want, N) / sqrt(N));
    }
}

#endif

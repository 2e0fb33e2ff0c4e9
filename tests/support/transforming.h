/* transforming.h - gradient transforms at work on a small network: all gradients before, and after
 * one update. */
#ifndef TESTS_SUPPORT_TRANSFORMING_H
#define TESTS_SUPPORT_TRANSFORMING_H

#include <string.h>

#include "tests/support/lab.h"
#include "tests/support/note.h"

enum { PARAMS = 4 }; /* 4 x 3, 4, 2 x 4, 2 */

typedef struct change {
    lab l;
    double was[PARAMS][64], before[PARAMS][64], after[PARAMS][64];
} change;

static void copy_all(const lab *l, double *(*of)(const lab *, int32_t), double (*to)[64])
{
    for (int32_t p = 0; p < PARAMS; p++)
        memcpy(to[p], of(l, p), sizeof(double) * (size_t)size_of(l, p));
}

static double *gradient_of(const lab *l, int32_t p)
{
    return gradient(l, p);
}

static double *weights_of(const lab *l, int32_t p)
{
    return weights(l, p);
}

/* `rest`: gradient: [...], and what else the config says; the rate is 1, without momentum. */
TN_UNUSED static change *change_by(const char *rest)
{
    static change c;
    char text[600];
    snprintf(text, sizeof text,
             "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
             "model: [{dense: 4}, tanh, {dense: 2}]\nloss: mse\n"
             "optimizer: {sgd: {lr: 1}}\n%s\n",
             rest);
    c.l = open_lab(text);
    look(&c.l);
    copy_all(&c.l, weights_of, c.was);
    copy_all(&c.l, gradient_of, c.before);
    step(&c.l);
    copy_all(&c.l, gradient_of, c.after);
    return &c;
}

TN_UNUSED static double norm_of(const double *v, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += v[i] * v[i];
    return sqrt(sum);
}

TN_UNUSED static double norm_of_all(const change *c, double (*v)[64])
{
    double sum = 0;
    for (int32_t p = 0; p < PARAMS; p++) {
        const double norm = norm_of(v[p], size_of(&c->l, p));
        sum += norm * norm;
    }
    return sqrt(sum);
}

/* w - step, in all elements. */
TN_UNUSED static void stepped(const change *c, double (*step_made)[64])
{
    for (int32_t p = 0; p < PARAMS; p++) {
        double want[64];
        for (int64_t i = 0; i < size_of(&c->l, p); i++)
            want[i] = c->was[p][i] - step_made[p][i];
        note_near(weights(&c->l, p), want, size_of(&c->l, p), 1e-14, "weight");
    }
}

#endif

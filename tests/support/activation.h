/* activation.h - what suites of activations share: gradients of random shapes and option sets, the
 * ends of the range in both precisions, splits and threads. */
#ifndef TESTS_SUPPORT_ACTIVATION_H
#define TESTS_SUPPORT_ACTIVATION_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "tests/support/check.h"
#include "tests/support/note.h"

enum { ACTIVATION_ROUNDS = 24 };

typedef struct activation {
    const char *name;
    const char *options[4]; /* sets of them, "{}" among them */
} activation;

static const char *activation_set(const activation *a, uint32_t i)
{
    uint32_t n = 0;
    while (n < 4 && a->options[n]) n++;
    return a->options[i % n];
}

/* In whole nets of random shapes. `even`: an even number of features. */
TN_UNUSED static void activation_in_nets(const activation *a, bool even)
{
    for (uint32_t seed = 1; seed <= ACTIVATION_ROUNDS; seed++) {
        char model[300];
        const int units = (int)check_draw(seed, 0, 1, 5);
        snprintf(model, sizeof model, "[{dense: %d}, {%s: %s}, {dense: 2}]",
                 even ? 2 * units : units, a->name, activation_set(a, seed));
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 3),
                        check_draw(seed, 1, 1, 3), true);
    }
}

/* The slots alone, of inputs from -6 to 6. */
TN_UNUSED static void activation_slots(const activation *a)
{
    for (uint32_t seed = 1; seed <= ACTIVATION_ROUNDS; seed++) {
        check_layer *l = check_layer_new(a->name, activation_set(a, seed),
                                         check_draw_shape(seed, 1, 3, 5),
                                         check_draw(seed, 1, 1, 3), 1);
        check_random(l->x[0], l->n, seed + 500);
        for (int64_t i = 0; i < l->n; i++) l->x[0][i] *= 6;
        check_slot_gradients(l);
    }
}

/* A set of options on 1 thread and on 4, and in float and double. */
TN_UNUSED static void activation_threads(const activation *a)
{
    for (uint32_t i = 0; i < 4 && a->options[i]; i++) {
        char model[300];
        snprintf(model, sizeof model, "[{dense: 36}, {%s: %s}, {dense: 3}]", a->name,
                 a->options[i]);
        check_threads(model, check_shape(2, 30, 5, 0), 40);
        check_precisions(model, NULL, 0, check_shape(2, 6, 5, 0), 7, 1e-4);
    }
}

/* Any split of the work; in place. */
TN_UNUSED static void activation_splits(const activation *a)
{
    for (uint32_t i = 0; i < 4 && a->options[i]; i++)
        check_runs(a->name, a->options[i], 1, true);
}

typedef struct activation_point {
    double x, y, slope;
} activation_point;

static bool activation_is(double got, double want, double tolerance)
{
    return got == want || (isnan(got) && isnan(want)) ||
           fabs(got - want) <= tolerance * fabs(want);
}

/* y and dy/dx at single points, within `tolerance` of their size: 0 and infinities are exact. */
TN_UNUSED static void activation_points(const char *name, const char *options, int32_t n,
                                        const activation_point *point, double tolerance)
{
    check_layer *l = check_layer_new(name, options, check_shape(1, 1, 0, 0), n, 1);
    for (int32_t i = 0; i < n; i++) l->x[0][i] = point[i].x, l->gy[i] = 1;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int32_t i = 0; i < n; i++) {
        if (tolerance <= 1e-9) note_values(&l->y[i], &point[i].y, 1, 1);
        cr_assert(activation_is(l->y[i], point[i].y, tolerance),
                  "%s(%g) = %.17g, not %.17g", name, point[i].x, l->y[i], point[i].y);
        cr_assert(
            isnan(point[i].x) || activation_is(l->gx[0][i], point[i].slope, tolerance),
            "%s'(%g) = %.17g, not %.17g", name, point[i].x, l->gx[0][i], point[i].slope);
    }
}

/* y alone, in float: within 2e-6 of its size. */
TN_UNUSED static void activation_float_points(const char *name, const char *options,
                                              int32_t n, const activation_point *point)
{
    char model[300];
    snprintf(model, sizeof model, "[{%s: %s}]", name, options);
    check_net *net = check_net_new(model, NULL, 0, check_shape(2, n, 1, 0), 1, 0, 1);
    for (int32_t i = 0; i < n; i++) ((float *)net->x)[i] = (float)point[i].x;
    const float *y = check_net_output(net);
    for (int32_t i = 0; i < n; i++) {
        const double got = (double)y[i], want = (double)(float)point[i].y;
        note_values(&got, &want, 1, 0);
        cr_assert(activation_is(got, want, 2e-6), "%s(%g) = %.9g, not %.9g", name,
                  point[i].x, got, point[i].y);
    }
}

/* What the host knows of it. */
TN_UNUSED static void activation_states(const char *name, double gain,
                                        const char *initializer, int32_t kinks)
{
    const tn_entry *entry = check_plugin("layer", name, NULL, 0)->entry;
    cr_assert_float_eq(entry->gain, gain, 1e-12);
    cr_assert_str_eq(entry->initializer, initializer);
    cr_assert_eq(entry->kink_count, kinks);
}

/* 1 / sqrt(E y^2) of a normal x, by midpoints: what gains are. */
TN_UNUSED static double activation_gain(const char *name, const char *options)
{
    enum { POINTS = 20000 };
    double square = 0;
    check_layer *l = check_layer_new(name, options, check_shape(1, 1, 0, 0), POINTS, 1);
    for (int32_t i = 0; i < POINTS; i++) l->x[0][i] = (i + 0.5) / 1000 - 10;
    double *x = check_room(POINTS, sizeof *x);
    memcpy(x, l->x[0], POINTS * sizeof *x);
    check_forward(l, true, 0);
    for (int32_t i = 0; i < POINTS; i++)
        square += l->y[i] * l->y[i] * exp(-x[i] * x[i] / 2) / 1000 / sqrt(2 * M_PI);
    return 1 / sqrt(square);
}

/* What the weights before it begin with, by `init: auto`: its words in the table of layers. */
TN_UNUSED static void activation_chooses(const char *model, const char *words)
{
    check_net *net = check_net_new(model, NULL, 0, check_shape(1, 4, 0, 0), 1, 1, 1);
    cr_assert_str_eq(net->graph->param[0].init_text, words);
}

#endif

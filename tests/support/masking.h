/* masking.h - what the suites of random layers share: what they make of ones, whether that obeys its
 * law within five standard errors, and whether masks that should have nothing to do with each other
 * have not. */
#ifndef TESTS_SUPPORT_MASKING_H
#define TESTS_SUPPORT_MASKING_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

enum { MASK_MANY = 1 << 20 }; /* draws */

/* Outputs of a net in training at a step, whose input is ones. */
TN_UNUSED static const double *mask_of_ones(const char *model, tn_shape in,
                                            int64_t samples, uint64_t step)
{
    check_net *net = check_net_new(model, NULL, 0, in, samples, 1, 1);
    double *x = net->x;
    for (int64_t i = 0; i < samples * net->inputs; i++) x[i] = 1;
    net->pass.step = step;
    return check_net_output(net);
}

/* Mean and variance, the latter around the law's mean. `fourth`: its fourth central moment. */
TN_UNUSED static void mask_has_moments(const double *m, int64_t n, double mean,
                                       double variance, double fourth)
{
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += m[i];
        squares += (m[i] - mean) * (m[i] - mean);
    }
    const double many = (double)n, spread = fmax(0, fourth - variance * variance);
    cr_assert_float_eq(sum / many, mean, 5 * sqrt(variance / many), "mean %.9g, not %.9g",
                       sum / many, mean);
    cr_assert_float_eq(squares / many, variance, 5 * sqrt(spread / many) + 1e-9,
                       "variance %.9g, not %.9g", squares / many, variance);
}

/* Each is `dropped`, with probability p, or `kept`. */
TN_UNUSED static void mask_has_two_points(const double *m, int64_t n, double p,
                                          double kept, double dropped)
{
    const double q = 1 - p, apart = kept - dropped;
    double *points = check_room(n, sizeof *points);
    for (int64_t i = 0; i < n; i++)
        points[i] = fabs(m[i] - kept) < fabs(m[i] - dropped) ? kept : dropped;
    check_near(m, points, n, 1e-14, "mask");
    mask_has_moments(m, n, q * kept + p * dropped, p * q * apart * apart,
                     p * q * (p * p * p + q * q * q) * pow(apart, 4));
}

/* Normal number i of a stream by Box and Muller, with the C library's functions: pairs 2k, 2k + 1 of
 * its words. */
TN_UNUSED static double mask_normal(tn_key key, int64_t i)
{
    const uint32_t one = tn_random_bits(key, (uint64_t)(i & ~1)),
                   two = tn_random_bits(key, (uint64_t)(i | 1));
    const double r = sqrt(-2 * log(((one >> 1) + 0.5) * 0x1p-31)),
                 angle = 1.57079632679489661923 *
                         ((two >> 30) + (int32_t)(two << 2) * 0x1p-32);
    return r * (i & 1 ? sin(angle) : cos(angle));
}

/* The correlation of n pairs that are independent: its standard error is 1 / sqrt(n). */
TN_UNUSED static void mask_is_apart(const double *a, const double *b, int64_t n,
                                    const char *what)
{
    double mean[2] = {0}, sum[3] = {0};
    for (int64_t i = 0; i < n; i++)
        mean[0] += a[i] / (double)n, mean[1] += b[i] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        const double x = a[i] - mean[0], y = b[i] - mean[1];
        sum[0] += x * x, sum[1] += y * y, sum[2] += x * y;
    }
    const double r = sum[2] / sqrt(sum[0] * sum[1]);
    cr_assert(fabs(r) <= 5 / sqrt((double)n), "correlation of %s is %g", what, r);
}

/* The first row of each sample. */
TN_UNUSED static const double *mask_first_rows(const double *y, int64_t samples,
                                               int64_t size, int64_t width)
{
    double *first = check_room(samples * width, sizeof *first);
    for (int64_t s = 0; s < samples; s++)
        memcpy(first + s * width, y + s * size, sizeof *first * (size_t)width);
    return first;
}

/* Masks of two steps, of two layers, of neighbours and of two samples. */
TN_UNUSED static void mask_is_independent(const char *layer, tn_shape in, int64_t samples)
{
    const int64_t size = tn_shape_count(&in), width = tn_shape_width(&in),
                  n = samples * width;
    char one[100], second[120];
    snprintf(one, sizeof one, "[%s]", layer);
    snprintf(second, sizeof second, "[{dropout: 0}, %s]", layer);
    const double *a = mask_first_rows(mask_of_ones(one, in, samples, 0), samples, size,
                                      width),
                 *b = mask_first_rows(mask_of_ones(one, in, samples, 1), samples, size,
                                      width),
                 *c = mask_first_rows(mask_of_ones(second, in, samples, 0), samples, size,
                                      width);
    mask_is_apart(a, b, n, "two steps");
    mask_is_apart(a, c, n, "two layers");
    mask_is_apart(a, a + 1, n - 1, "neighbours");
    mask_is_apart(a, a + width, n - width, "two samples");
}

/* Gradients under a fixed mask, on random shapes of these ranks: between products, and riding on
 * one. `layer` has a %g for p, which stays below `most`. */
TN_UNUSED static void mask_check_gradients(const char *layer, double most,
                                           int32_t least_rank, int32_t most_rank)
{
    char one[100], model[200];
    for (uint32_t i = 0; i < 30; i++) {
        const tn_shape in = check_draw_shape(i, least_rank, most_rank, 5);
        const int64_t samples = i ? check_draw(i, 9, 2, 7) : 1;
        snprintf(one, sizeof one, layer, most * (i + 0.5) / 30);
        snprintf(model, sizeof model, "[{dense: 5}, %s, {dense: 3}]", one);
        check_gradients(model, NULL, 0, in, samples, true);
        snprintf(model, sizeof model, "[{dense: 4}, tanh, %s]", one);
        check_gradients(model, NULL, 0, in, samples, true);
    }
}

/* The same on any number of threads, for each sample alone, in any split, in both precisions. */
TN_UNUSED static void mask_is_the_same(const char *layer, tn_shape in, int64_t samples)
{
    char model[200];
    snprintf(model, sizeof model, "[{dense: 70}, %s, tanh, {dense: 33}, %s]", layer,
             layer);
    check_threads(model, in, samples);
    check_samples(model, in, samples);
    check_precisions(model, NULL, 0, in, samples, 1e-5);
}

/* Outside training a layer of its own plan, and one of a plan that trains, is the identity. */
TN_UNUSED static void mask_is_idle(const char *model, tn_shape in, int64_t samples)
{
    check_net *net = check_net_new(model, NULL, 0, in, samples, 1, 1);
    tn_error e = {0};
    tn_plan *plan;
    const void *y;
    net->pass.training = false;
    const size_t bytes = sizeof(double) * (size_t)(samples * net->inputs);
    cr_assert_eq(memcmp(check_net_output(net), net->x, bytes), 0);
    cr_assert_eq(tn_plan_new(net->graph, samples, false, false, &plan, &e), TN_OK, "%s",
                 e.text);
    cr_assert_eq(tn_plan_forward(plan, &net->pass, net->x, &y, &e), TN_OK, "%s", e.text);
    cr_assert_eq(memcmp(y, net->x, bytes), 0);
    tn_plan_free(plan);
}

/* Parameters of `from`, where two nets have the same. */
TN_UNUSED static void mask_copy_params(const check_net *from, check_net *to)
{
    cr_assert_eq(from->graph->params, to->graph->params);
    for (int32_t i = 0; i < from->graph->params; i++) {
        const tn_tensor *v = &from->graph->param[i].value;
        memcpy(to->graph->param[i].value.data, v->data,
               sizeof(double) * (size_t)tn_count(v));
    }
}

/* Gradients of two nets in training are the same, bit for bit, where their parameters are. */
TN_UNUSED static void mask_changes_nothing(const char *with, const char *without,
                                           tn_shape in)
{
    check_net *a = check_net_new(with, NULL, 0, in, 9, 1, 1),
              *b = check_net_new(without, NULL, 0, in, 9, 1, 1);
    mask_copy_params(b, a);
    cr_assert_eq(check_net_loss(a, true), check_net_loss(b, true));
    for (int32_t i = 0; i < a->graph->params; i++) {
        const tn_tensor g = tn_plan_gradient(a->plan, i),
                        h = tn_plan_gradient(b->plan, i);
        cr_assert_eq(memcmp(g.data, h.data, sizeof(double) * (size_t)tn_count(&g)), 0,
                     "gradient %d", (int)i);
    }
}

/* In training, with an option of 0, a layer might as well not be there, bit for bit: forward, with -0,
 * infinity and no number, and backward. */
TN_UNUSED static void mask_of_0_is_the_identity(const char *layer, tn_shape in)
{
    enum { SAMPLES = 9 };
    char model[200];
    snprintf(model, sizeof model, "[%s]", layer);
    check_net *net = check_net_new(model, NULL, 0, in, SAMPLES, 1, 1);
    double *x = net->x;
    const size_t n = (size_t)(SAMPLES * net->inputs);
    for (size_t i = 0; i < n; i += 3) x[i] = -0.0;
    x[1] = INFINITY, x[4] = NAN;
    cr_assert_eq(memcmp(check_net_output(net), x, n * sizeof *x), 0);
    snprintf(model, sizeof model, "[{dense: 5}, relu, %s, {dense: 3}]", layer);
    mask_changes_nothing(model, "[{dense: 5}, relu, {dense: 3}]", in);
}

/* ---- one mask for all positions of a sample ------------------------------------------------- */

static check_layer *mask_layer(const char *layer, const char *p, tn_shape in,
                               int64_t samples)
{
    check_layer *l = check_layer_new(layer, p, in, samples, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    return l;
}

/* Number s width + c of the stream is that of sample s, channel c, wherever the tile begins. */
TN_UNUSED static void mask_is_of_columns(const char *layer, tn_shape in)
{
    const check_layer *l = mask_layer(layer, "0.3", in, 50);
    const int64_t per = l->rows / 50;
    double *y = check_room(l->n, sizeof *y), *gx = check_room(l->n, sizeof *gx);
    for (int64_t i = 0; i < l->n; i++) {
        const int64_t sample = i / l->width / per, c = i % l->width;
        const bool out = tn_random_bits((tn_key){{5, 6}},
                                        (uint64_t)(sample * l->width + c)) < 0x4ccccccc;
        y[i] = out ? 0 : l->x[0][i] / 0.7, gx[i] = out ? 0 : l->gy[i] / 0.7;
    }
    check_near(l->y, y, l->n, 1e-15, "y");
    check_near(l->gx[0], gx, l->n, 1e-15, "gx");
}

/* Rows that are longer than what is drawn at a time, in tiles of any size. */
TN_UNUSED static void mask_is_of_long_rows(const char *layer)
{
    check_layer *l = check_layer_new(layer, "0.5", check_shape(2, 3, 700, 0), 4, 1);
    check_forward(l, true, 0);
    double *y = check_room(l->n, sizeof *y);
    memcpy(y, l->y, sizeof *y * (size_t)l->n);
    for (int64_t i = 0; i < l->n; i++)
        cr_assert_eq(y[i] == 0, y[i / 2100 * 2100 + i % 700] == 0);
    for (int64_t run = 1; run < 1000; run = 3 * run + 7) {
        check_forward(l, true, run);
        cr_assert_arr_eq(y, l->y, sizeof *y * (size_t)l->n);
    }
}

/* Samples of six positions with 64 channels. */
TN_UNUSED static void mask_of_columns_obeys_its_law(const char *layer, tn_shape in)
{
    char node[80], model[100];
    snprintf(node, sizeof node, "{%s: 0.3}", layer);
    snprintf(model, sizeof model, "[{%s: 0.3}]", layer);
    const double *y = mask_of_ones(model, in, 16384, 2);
    mask_has_two_points(mask_first_rows(y, 16384, 384, 64), MASK_MANY, 0.3, 1 / 0.7, 0);
    mask_is_independent(node, in, 4096);
}

static bool mask_zeros(const double *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (y[i] != 0 || signbit(y[i])) return false;
    return true;
}

/* Where p is 0 what goes in comes out, where it is 1 zeros do. */
TN_UNUSED static void mask_kernel_has_both_ends(const char *kind, const char *name,
                                                tn_shape in)
{
    check_layer *none = check_kernel_new(kind, name, "0", in, 9, 1),
                *all = check_kernel_new(kind, name, "1", in, 9, 1);
    check_forward(none, true, 0);
    check_backward(none, true, 0);
    cr_assert_arr_eq(none->y, none->x[0], sizeof(double) * (size_t)none->n);
    cr_assert_arr_eq(none->gx[0], none->gy, sizeof(double) * (size_t)none->n);
    all->x[0][3] = INFINITY, all->x[0][4] = NAN, all->gy[5] = -INFINITY;
    check_forward(all, true, 0);
    check_backward(all, true, 0);
    cr_assert(mask_zeros(all->y, all->n) && mask_zeros(all->gx[0], all->n), "%s", name);
}

TN_UNUSED static void mask_has_both_ends(const char *layer, tn_shape in)
{
    char node[80];
    snprintf(node, sizeof node, "{%s: 0}", layer);
    mask_of_0_is_the_identity(node, in);
    mask_kernel_has_both_ends("layer", layer, in);
}

#endif

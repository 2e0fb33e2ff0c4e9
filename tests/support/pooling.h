/* pooling.h - what the suites of max_pool and avg_pool share: pools drawn at random, with their
 * options as text, and a plain implementation to compare with. */
#ifndef TESTS_SUPPORT_POOLING_H
#define TESTS_SUPPORT_POOLING_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/rounds.h"

typedef struct pool_case {
    tn_shape shape; /* of a sample */
    int32_t axes;
    int64_t kernel[2], stride[2], before[2], out[2];
    char options[200];
} pool_case;

static void pool_list(int32_t axes, const int64_t *number, char text[40])
{
    if (axes == 1)
        snprintf(text, 40, "%d", (int)number[0]);
    else
        snprintf(text, 40, "[%d, %d]", (int)number[0], (int)number[1]);
}

/* Kernels of 1 to 3, strides of 1 to 3, each padding, one axis or two. */
TN_UNUSED static pool_case pool_random(uint32_t seed, const char *more)
{
    static const char *const name[] = {"valid", "same", "explicit"};
    pool_case p = {0};
    int32_t at = 0;
    int64_t pad[2] = {0};
    p.axes = (int32_t)check_draw(seed, at++, 1, 2);
    const int64_t padding = check_draw(seed, at++, 0, 2);
    for (int32_t i = 0; i < p.axes; i++) {
        p.shape.dim[i] = check_draw(seed, at++, 3, 7);
        p.kernel[i] = check_draw(seed, at++, 1, 3),
        p.stride[i] = check_draw(seed, at++, 1, 3);
        pad[i] = padding == 2 ? check_draw(seed, at++, 0, p.kernel[i] - 1) : 0;
        const int64_t in = p.shape.dim[i];
        p.out[i] = padding == 1 ? (in + p.stride[i] - 1) / p.stride[i]
                                : (in + 2 * pad[i] - p.kernel[i]) / p.stride[i] + 1;
        const int64_t all = (p.out[i] - 1) * p.stride[i] + p.kernel[i] - in;
        p.before[i] = padding == 1 ? (all > 0 ? all / 2 : 0) : pad[i];
    }
    p.shape.rank = p.axes + 1;
    p.shape.dim[p.axes] = check_draw(seed, at++, 1, 3);
    char kernel[40], stride[40], pads[40];
    pool_list(p.axes, p.kernel, kernel), pool_list(p.axes, p.stride, stride);
    pool_list(p.axes, pad, pads);
    snprintf(p.options, sizeof p.options,
             padding == 2 ? "{kernel: %s, stride: %s, padding: %s%s, pad: %s}"
                          : "{kernel: %s, stride: %s, padding: %s%s}",
             kernel, stride, name[padding], more, pads);
    return p;
}

/* One window of the sample x: `see` is told of each value in it. */
TN_UNUSED static void pool_window(const pool_case *p, const double *x, int64_t row,
                                  int64_t col, int64_t channel,
                                  void (*see)(void *, double), void *data)
{
    const bool two = p->axes == 2;
    const int64_t height = two ? p->shape.dim[0] : 1;
    const int64_t width = p->shape.dim[p->axes - 1];
    const int64_t channels = p->shape.dim[p->axes];
    const int32_t last = p->axes - 1;
    for (int64_t a = 0; a < (two ? p->kernel[0] : 1); a++)
        for (int64_t b = 0; b < p->kernel[last]; b++) {
            const int64_t i = two ? row * p->stride[0] - p->before[0] + a : 0;
            const int64_t j = col * p->stride[last] - p->before[last] + b;
            if (i >= 0 && i < height && j >= 0 && j < width)
                see(data, x[(i * width + j) * channels + channel]);
        }
}

/* The output of layer `name` against `value` of each window. */
TN_UNUSED static void pool_compare(const char *name, const pool_case *p, int64_t samples,
                                   double (*value)(const pool_case *, const double *x,
                                                   int64_t row, int64_t col, int64_t c))
{
    char model[300];
    snprintf(model, sizeof model, "[{%s: %s}]", name, p->options);
    check_net *net = check_net_new(model, NULL, 0, p->shape, samples, 1, 3);
    const double *y = check_net_output(net);
    const int64_t rows = p->axes == 2 ? p->out[0] : 1, cols = p->out[p->axes - 1];
    const int64_t channels = p->shape.dim[p->axes];
    cr_assert_eq(net->outputs, rows * cols * channels, "%s", model);
    double *want = check_room(samples * net->outputs, sizeof *want), *to = want;
    for (int64_t s = 0; s < samples; s++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                for (int64_t c = 0; c < channels; c++)
                    *to++ = value(p, (double *)net->x + s * net->inputs, i, j, c);
    check_near(y, want, samples * net->outputs, 1e-14, model);
}

TN_UNUSED static void pool_gradients(const char *name, const pool_case *p,
                                     int64_t samples)
{
    char model[300];
    snprintf(model, sizeof model, "[{dense: 3}, {%s: %s}, flatten, {dense: 2}]", name,
             p->options);
    check_gradients(model, NULL, 0, p->shape, samples, true);
}

TN_UNUSED static tn_shape pool_draw(const char *name, uint32_t seed, const char *more,
                                    char layers[CHECK_LAYERS])
{
    pool_case p = pool_random(seed, more);
    p.shape.dim[p.axes] = check_draw(seed, 50, 1, 40);
    snprintf(layers, CHECK_LAYERS, "{%s: %s}", name, p.options);
    return p.shape;
}

/* Steps that stand one above the other are pooled as each by itself is, where windows do not overlap
 * and divide the height (docs/guide.md): the same bits. */
TN_UNUSED static void pool_steps(const char *name)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        const int64_t samples = check_draw(seed, 0, 1, 3),
                      steps = check_draw(seed, 1, 1, 4), high = check_draw(seed, 2, 1, 3),
                      rows = check_draw(seed, 3, 1, 3), wide = check_draw(seed, 4, 1, 3),
                      cols = check_draw(seed, 5, wide, 7);
        char pool[100], image[200], film[300];
        snprintf(pool, sizeof pool, "{%s: {kernel: [%d, %d]}}", name, (int)high,
                 (int)wide);
        snprintf(image, sizeof image, "[{dense: 3}, %s, {dense: 2}]", pool);
        snprintf(film, sizeof film,
                 "[{dense: 3}, {reshape: [%d, %d, 3]}, %s, {reshape: [%d, %d, -1, 3]}, "
                 "{dense: 2}]",
                 (int)(steps * rows * high), (int)cols, pool, (int)steps, (int)rows);
        const tn_shape all = {.rank = 4, .dim = {steps, rows * high, cols, 2}};
        int64_t count, other;
        const double *a = check_net_numbers(
            check_net_new(film, NULL, 0, all, samples, 1, seed), &count);
        const double *b = check_net_numbers(
            check_net_new(image, NULL, 0, check_shape(3, rows * high, cols, 2),
                          samples * steps, 1, seed),
            &other);
        cr_assert(count == other && !memcmp(a, b, sizeof *a * (size_t)count), "%s", film);
    }
}

/* Message of a pool with these options on (6, 5, 2) that must be refused. */
TN_UNUSED static const char *pool_refused(const char *name, const char *options)
{
    char model[300];
    snprintf(model, sizeof model, "[{%s: %s}]", name, options);
    return check_refused(model, check_shape(3, 6, 5, 2));
}

#endif

/* parametrized.h - what the suites of parametrizations share. */
#ifndef TESTS_SUPPORT_PARAMETRIZED_H
#define TESTS_SUPPORT_PARAMETRIZED_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

/* A convolution with random options, also in groups. */
static void write_parametrized_conv(uint32_t seed, const char *way, int32_t axes,
                                    char model[400])
{
    const int64_t groups = check_draw(seed, 10, 1, 3);
    snprintf(model, 400,
             "[{dense: %d}, {conv%dd: {filters: %d, kernel: %d, stride: %d, dilation: "
             "%d, groups: %d, padding: same, parametrization: %s}}, tanh]",
             (int)(groups * check_draw(seed, 11, 1, 2)), (int)axes,
             (int)(groups * check_draw(seed, 12, 1, 3)), (int)check_draw(seed, 13, 1, 3),
             (int)check_draw(seed, 14, 1, 2), (int)check_draw(seed, 15, 1, 2),
             (int)groups, way);
}

/* One of a recurrent layer has several weights. */
static void write_parametrized_steps(uint32_t seed, const char *way, char model[400])
{
    static const char *const layer[] = {"lstm", "gru", "rnn"};
    snprintf(model, 400, "[{%s: {units: %d, direction: %s, parametrization: %s}}]",
             layer[seed % 3], (int)check_draw(seed, 10, 2, 4),
             seed % 2 ? "bidirectional" : "forward", way);
}

/* Gradients of layers of random shapes and options; what precision changes. */
static void check_random_parametrized(const char *way, bool training)
{
    char model[400];
    for (uint32_t i = 0; i < 30; i++) {
        const int64_t units = check_draw(i, 1, 1, 7), samples = check_draw(i, 2, 1, 4);
        const int32_t axes = 1 + i % 2;
        snprintf(model, sizeof model,
                 "[{dense: {units: %lld, parametrization: %s}}, tanh, {dense: "
                 "{units: 3, bias: false, parametrization: %s}}]",
                 (long long)units, way, way);
        check_gradients(model, NULL, 0, check_draw_shape(i, 1, 3, 5), samples, training);
        write_parametrized_conv(i, way, axes, model);
        check_gradients(model, NULL, 0, check_draw_shape(i, axes + 1, axes + 1, 4),
                        samples, training);
        if (i % 3) continue;
        write_parametrized_steps(i / 3, way, model);
        check_gradients(model, NULL, 0, check_draw_shape(i, 2, 2, 4), samples, training);
    }
    snprintf(model, sizeof model, "[{dense: {units: 9, parametrization: %s}}]", way);
    check_precisions(model, NULL, 0, check_shape(1, 30, 0, 0), 3, 1e-5);
}

#endif

/* parametrized.h - what the suites of parametrizations share. */
#ifndef TESTS_SUPPORT_PARAMETRIZED_H
#define TESTS_SUPPORT_PARAMETRIZED_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/check.h"

/* Gradients of dense layers of random shapes, and of convolutions; what precision changes. */
static void check_random_parametrized(const char *way, bool training)
{
    char model[300];
    for (uint32_t i = 0; i < 30; i++) {
        const int64_t units = check_draw(i, 1, 1, 7), samples = check_draw(i, 2, 1, 4);
        snprintf(model, sizeof model,
                 "[{dense: {units: %lld, parametrization: %s}}, tanh, {dense: "
                 "{units: 3, bias: false, parametrization: %s}}]",
                 (long long)units, way, way);
        check_gradients(model, NULL, 0, check_draw_shape(i, 1, 3, 5), samples, training);
    }
    snprintf(model, sizeof model,
             "[{conv2d: {filters: 4, groups: 2, padding: same, parametrization: %s}}, "
             "tanh]",
             way);
    check_gradients(model, NULL, 0, check_shape(3, 4, 3, 2), 2, training);
    snprintf(model, sizeof model, "[{dense: {units: 9, parametrization: %s}}]", way);
    check_precisions(model, NULL, 0, check_shape(1, 30, 0, 0), 3, 1e-5);
}

#endif

/* losses.h - what the suites of losses share: rows of a loss on their own in double, what infer says,
 * and gradients over random shapes. */
#ifndef TESTS_SUPPORT_LOSSES_H
#define TESTS_SUPPORT_LOSSES_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

/* What infer says to outputs that are `are`, and to targets as in `spec`. */
__attribute__((unused)) static tn_status loss_infer(const char *name, const char *options,
                                                    tn_shape shape, int32_t are,
                                                    tn_field_spec spec)
{
    const tn_instance *instance = check_plugin("loss", name, options, 1);
    const tn_loss *loss = instance->vtable;
    const tn_outputs out = {.shape = shape, .are = are};
    const tn_field_spec *field = &spec;
    return loss->infer(instance->self, check_call(), &out, &field);
}

/* That infer refuses it, in these words. */
__attribute__((unused)) static void loss_refuses(const char *name, const char *options,
                                                 tn_shape shape, int32_t are,
                                                 tn_field_spec spec, const char *words)
{
    cr_assert_neq(loss_infer(name, options, shape, are, spec), TN_OK, "accepted: %s",
                  words);
    cr_assert_not_null(strstr(check_message(), words), "%s", check_message());
}

/* Values, weights and gradients of rows of outputs, which have one row a sample. */
__attribute__((unused)) static tn_status loss_run(const char *name, const char *options,
                                                  const double *y, int64_t rows,
                                                  int64_t width, const tn_field *field,
                                                  double *value, double *weight,
                                                  double *gy)
{
    const tn_instance *instance = check_plugin("loss", name, options, 1);
    const tn_loss *loss = instance->vtable;
    const tn_shape shape = check_shape(1, width, 0, 0);
    const tn_outputs out = {.shape = shape};
    const tn_field_spec spec = {.real = field->real != NULL,
                                .shape = field->width > 1 ? shape : (tn_shape){0}},
                        *specs = &spec;
    cr_assert_eq(loss->infer(instance->self, check_call(), &out, &specs), TN_OK, "%s",
                 check_message());
    const tn_tile t = {.n = rows * width,
                       .width = width,
                       .row = 100,
                       .rows_per_sample = 1,
                       .shape = &shape};
    for (int64_t i = 0; i < rows; i++) weight[i] = 1;
    return loss->rows(instance->self, check_call(), &t, y, field, value, weight, gy);
}

/* In nets of random sizes: each of the `count` losses 8 times, with labels of as many classes as there
 * are outputs (of 2 for one output), or with numbers. Outputs are least .. most in number. */
__attribute__((unused)) static void loss_gradients(const char *const *loss, int count,
                                                   bool labels, int64_t least,
                                                   int64_t most)
{
    for (int i = 0; i < count; i++)
        for (uint32_t round = 0; round < 8; round++) {
            const uint32_t seed = 100 * (uint32_t)i + round;
            const int64_t units = check_draw(seed, 0, least, most);
            const tn_shape in = check_shape(1 + (int32_t)(round % 2),
                                            check_draw(seed, 1, 1, 5),
                                            check_draw(seed, 2, 1, 4), 0);
            char model[60];
            snprintf(model, sizeof model, "[{dense: %d}]", (int)units);
            check_gradients(model, loss[i],
                            !labels      ? 0
                            : units == 1 ? 2
                                         : (int32_t)units,
                            in, round == 3 ? 1 : check_draw(seed, 3, 1, 70), true);
        }
}

/* Targets as distributions, as shares of 1, as answers 0 and 1. */
__attribute__((unused)) static void targets_distributions(double *t, int64_t n,
                                                          int64_t width)
{
    for (int64_t i = 0; i < n; i += width) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++)
            sum += t[i + k] = t[i + k] > 0.8 ? 0 : t[i + k] + 1.1;
        for (int64_t k = 0; k < width; k++)
            t[i + k] = sum > 0 ? t[i + k] / sum : 1 / (double)width;
    }
}

__attribute__((unused)) static void targets_shares(double *t, int64_t n, int64_t width)
{
    for (int64_t i = 0; i < n; i++) t[i] = (t[i] + 1) / 2;
}

__attribute__((unused)) static void targets_answers(double *t, int64_t n, int64_t width)
{
    for (int64_t i = 0; i < n; i++) t[i] = t[i] > 0;
}

#endif

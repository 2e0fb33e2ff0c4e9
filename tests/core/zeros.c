/* zeros.c - what of a model is exactly zero: counts, whole units and inputs, bytes. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/kept.h"
#include "tests/support/opening.h"

static tn_model *model_of(const char *text)
{
    tn_error e = {0};
    tn_env *env = kept(open_env(NULL, 1));
    tn_config *config = tn_config_parse(env, text, "zeros.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    tn_model *model = kept(tn_model_new(env, config, NULL, &e));
    cr_assert_not_null(model, "%s", e.text);
    tn_config_free(config);
    return model;
}

static tn_tensor values_of(const tn_model *model, const char *name)
{
    tn_error e = {0};
    tn_tensor t;
    cr_assert_eq(tn_model_find(model, name, &t, &e), TN_OK, "%s", e.text);
    return t;
}

static void fill(const tn_tensor *t, const double *values)
{
    for (int64_t i = 0; i < tn_count(t); i++)
        if (t->dtype == TN_F64)
            ((double *)t->data)[i] = values[i];
        else
            ((float *)t->data)[i] = (float)values[i];
}

static tn_zeros zeros_of(const tn_model *model, const char *name)
{
    tn_zeros z;
    for (int32_t i = 0; tn_model_zeros(model, i, &z) == TN_OK; i++)
        if (!strcmp(z.name, name)) return z;
    cr_assert_fail("no parameter %s", name);
    return z;
}

static void has(tn_zeros z, int64_t zeros, int64_t zero_rows, int64_t zero_columns)
{
    cr_assert_eq(z.zeros, zeros, "%s: %d zeros", z.name, (int)z.zeros);
    cr_assert_eq(z.zero_rows, zero_rows, "%s: %d rows", z.name, (int)z.zero_rows);
    cr_assert_eq(z.zero_columns, zero_columns, "%s: %d columns", z.name,
                 (int)z.zero_columns);
}

static void takes(tn_zeros z, size_t dense, size_t bitmap, size_t index16, size_t index32)
{
    cr_assert(z.dense == dense && z.bitmap == bitmap && z.index16 == index16 &&
                  z.index32 == index32,
              "%s: %zu, %zu, %zu, %zu", z.name, z.dense, z.bitmap, z.index16, z.index32);
}

/* -0 is a zero, what is nearly 0 and what is no number are none. */
Test(zeros, units_and_inputs_of_a_weight)
{
    static const char *const precision[] = {"float", "double"};
    static const double w[] = {0, 1, 0, -0.0, 0, 0, 0, 0, NAN, 1e-40, 0, -2};
    for (int i = 0; i < 2; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "precision: %s\ninput: [4]\nmodel: [{dense: 3}]\nloss: mse\n",
                 precision[i]);
        const tn_model *model = model_of(text);
        const tn_tensor t = values_of(model, "dense.weight");
        fill(&t, w);
        const tn_zeros z = zeros_of(model, "dense.weight");
        cr_assert(z.values == 12 && z.rows == 3 && z.columns == 4);
        has(z, 8, 1, 1);
        const size_t bytes = i ? 8 : 4;
        takes(z, 12 * bytes, 4 * bytes + 2, 4 * (bytes + 2) + 16, 4 * (bytes + 4) + 16);
    }
}

/* A bias has neither units nor inputs; filters count as units, channels as inputs; states are no
 * parameters. */
Test(zeros, what_is_no_matrix)
{
    const tn_model *model = model_of("input: [4, 4, 2]\nmodel: [{conv2d: {filters: 2, "
                                     "kernel: 2}}, batch_norm, flatten, "
                                     "{dense: 1}]\nloss: mse\n");
    const tn_tensor t = values_of(model, "conv2d.weight");
    fill(&t, (const double[]){1, 0, 0, 2, 0, 0, 0, 0, 3, 0, 4, 5, 0, 0, 0, 0});
    const tn_zeros z = zeros_of(model, "conv2d.weight");
    cr_assert(z.values == 16 && z.rows == 2 && z.columns == 2);
    has(z, 11, 0, 1);
    const tn_zeros shift = zeros_of(model, "batch_norm.beta");
    cr_assert(shift.rows == 0 && shift.columns == 0);
    has(shift, 2, 0, 0);
    takes(shift, 8, 1, 8, 8);
    tn_zeros none;
    int32_t count = 0;
    for (; tn_model_zeros(model, count, &none) == TN_OK; count++)
        cr_assert_null(strstr(none.name, "running"), "%s", none.name);
    cr_assert(count < tn_model_tensors(model), "%d", (int)count);
    cr_assert_eq(tn_model_zeros(model, -1, &none), TN_ENOTFOUND);
}

/* 16 bits number 65536 columns. */
Test(zeros, wide_weights_need_wide_indices)
{
    static const char *const text[] = {
        "input: [65536]\nmodel: [{dense: {units: 1, init: ones}}]\nloss: mse\n",
        "input: [65537]\nmodel: [{dense: {units: 1, init: ones}}]\nloss: mse\n"};
    const tn_zeros fits = zeros_of(model_of(text[0]), "dense.weight"),
                   wide = zeros_of(model_of(text[1]), "dense.weight");
    takes(fits, 65536 * 4, 65536 * 4 + 8192, 65536 * 6 + 8, 65536 * 8 + 8);
    takes(wide, 65537 * 4, 65537 * 4 + 8193, 65537 * 8 + 8, 65537 * 8 + 8);
}

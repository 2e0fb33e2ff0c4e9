/* sparse.c - worked examples of what L1 leaves, part 3 of TECHNIQUES.md: 12288 pixels, 100 units, two
 * outputs, 1229000 weights, of which the text has more and more at zero. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/support/kept.h"
#include "tests/support/opening.h"

enum { PIXELS = 12288, UNITS = 100, WEIGHTS = PIXELS * UNITS + UNITS * 2 };

static tn_model *network(void)
{
    tn_error e = {0};
    tn_env *env = kept(open_env(NULL, 1));
    tn_config *config = tn_config_parse(
        env,
        "input: [12288]\ninit: ones\nmodel: [{dense: {units: 100, bias: false}}, relu, "
        "{dense: {units: 2, bias: false}}]\nloss: cross_entropy\n",
        "sparse.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    tn_model *model = kept(tn_model_new(env, config, NULL, &e));
    cr_assert_not_null(model, "%s", e.text);
    tn_config_free(config);
    return model;
}

static tn_zeros sum_of(const tn_model *model)
{
    tn_zeros all = {0}, z;
    for (int32_t i = 0; tn_model_zeros(model, i, &z) == TN_OK; i++) {
        all.values += z.values, all.zeros += z.zeros;
        all.dense += z.dense, all.bitmap += z.bitmap;
        all.index16 += z.index16, all.index32 += z.index32;
    }
    cr_assert_eq(all.values, WEIGHTS);
    return all;
}

/* With so many zeros, spread over all weights. */
static tn_zeros with_zeros(int64_t zeros)
{
    tn_error e = {0};
    tn_tensor w[2];
    const tn_model *model = network();
    cr_assert_eq(tn_model_find(model, "dense.weight", &w[0], &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_model_find(model, "dense_2.weight", &w[1], &e), TN_OK, "%s", e.text);
    for (int64_t i = 0; i < WEIGHTS; i++) {
        const bool first = i < tn_count(&w[0]),
                   zero = i * zeros / WEIGHTS != (i + 1) * zeros / WEIGHTS;
        if (zero) ((float *)w[!first].data)[first ? i : i - tn_count(&w[0])] = 0;
    }
    const tn_zeros all = sum_of(model);
    cr_assert_eq(all.zeros, zeros, "%d", (int)all.zeros);
    return all;
}

static double percent(int64_t part)
{
    return 100 * (double)part / WEIGHTS;
}

/* P3-N19: 1227500, 982000, 412000, 287000 weights that are not zero are 99.88, 79.90, 33.52, 23.35 %.
 * P3-N20: 247000, 817000, 942000 zeros are 20.10, 66.48, 76.65 %. P3-N25: or 23 and 77 %. */
Test(worked_sparse, P3_N19_P3_N20_P3_N25_shares_of_zeros)
{
    static const struct {
        int kept;
        double share, zeros;
    } epoch[] = {{1227500, 99.88, 0.12},
                 {982000, 79.90, 20.10},
                 {412000, 33.52, 66.48},
                 {287000, 23.35, 76.65}};
    for (int i = 0; i < 4; i++) {
        const tn_zeros all = with_zeros(WEIGHTS - epoch[i].kept);
        cr_assert_float_eq(percent(all.values - all.zeros), epoch[i].share, 0.005);
        cr_assert_float_eq(percent(all.zeros), epoch[i].zeros, 0.005);
    }
}

/* P3-N35: 1227834, 1198456, 1145789, 892341, 287234 weights are left: .1, 2.5, 6.8, 27.4, 76.6 % zeros. */
Test(worked_sparse, P3_N35_zeros_while_it_trains)
{
    static const struct {
        int kept;
        double zeros;
    } batch[] = {
        {1227834, 0.1}, {1198456, 2.5}, {1145789, 6.8}, {892341, 27.4}, {287234, 76.6}};
    for (int i = 0; i < 5; i++)
        cr_assert_float_eq(percent(with_zeros(WEIGHTS - batch[i].kept).zeros),
                           batch[i].zeros, 0.05);
}

static void megabytes(size_t bytes, double truth)
{
    cr_assert_float_eq((double)bytes / 1e6, truth, 0.0005, "%zu", bytes);
}

/* 0-10: without 942000 of its weights the network takes 1.302 MB with a bitmap, 1.722 with indices of 16
 * bits, 2.296 with 32, in place of 4.916: not 1.1, which are the values alone. */
Test(worked_sparse, bytes_without_the_zeros)
{
    const tn_zeros all = with_zeros(942000);
    megabytes(all.dense, 4.916);
    megabytes(all.bitmap, 1.302);
    megabytes(all.index16, 1.722);
    megabytes(all.index32, 2.296);
}

/* P3-N39: 70 % zeros make values 3.33 times smaller, but what says where they stand counts, too. */
Test(worked_sparse, P3_N39_three_times_smaller)
{
    const tn_zeros all = with_zeros(WEIGHTS / 10 * 7);
    const double dense = (double)all.dense;
    cr_assert_float_eq((double)all.values / (double)(all.values - all.zeros), 3.33,
                       0.005);
    cr_assert_float_eq(dense / (double)all.bitmap, 3.02, 0.005);
    cr_assert_float_eq(dense / (double)all.index16, 2.22, 0.005);
    cr_assert_float_eq(dense / (double)all.index32, 1.67, 0.005);
}

/* P3-N29: 2156 of 12288 pixels are used, 17.55 %: the others have a weight of zero in every unit. */
Test(worked_sparse, P3_N29_pixels_that_are_used)
{
    tn_error e = {0};
    tn_tensor w;
    tn_zeros z;
    const tn_model *model = network();
    cr_assert_eq(tn_model_find(model, "dense.weight", &w, &e), TN_OK, "%s", e.text);
    float *at = w.data;
    for (int64_t pixel = 0; pixel < PIXELS; pixel++) {
        const bool used = pixel * 2156 / PIXELS != (pixel + 1) * 2156 / PIXELS;
        for (int64_t unit = 0; unit < UNITS; unit++)
            if (!used || unit != pixel % UNITS) at[unit * PIXELS + pixel] = 0;
    }
    cr_assert_eq(tn_model_zeros(model, 0, &z), TN_OK);
    cr_assert_eq(z.columns - z.zero_columns, 2156, "%d", (int)z.zero_columns);
    cr_assert_float_eq(100 * (double)(z.columns - z.zero_columns) / (double)z.columns,
                       17.55, 0.005);
    cr_assert_eq(z.zero_rows, 0);
}

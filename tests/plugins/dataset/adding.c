/* adding.c - what a sequence of the adding problem is, how its marks are spread, and that
 * nothing but the options changes it. */
#include "support/feeding.h"

#define SMALL "data: {adding: {steps: 5, samples: 4, test_samples: 3, shuffle: false}}"

static const double *reals(const tn_batch *b, int field)
{
    return b->field[field].real;
}

/* Drawn by Philox in another language (bench/compare/data.py). */
Test(adding, is_the_sequence_that_the_key_says)
{
    static const double x[] = {0.8427039505093287,  0, 0.131419183165136,  0,
                               0.1900643894551769,  1, 0.9295475358853632, 0,
                               0.13764849636538934, 1};

    tn_feed *feed = feed_of("data: {adding: {steps: 5, seed: 12345678901}}", 1, 1);
    const tn_batch test = batch_of(feed, TN_TEST, 0, 0);
    for (int i = 0; i < 10; i++)
        cr_assert_float_eq(reals(&test, 0)[i + 10], x[i], 1e-15, "%d: %.17g", i,
                           reals(&test, 0)[i + 10]);
    cr_assert_float_eq(reals(&test, 1)[1], 0.32771288582056624, 1e-15, "%.17g",
                       reals(&test, 1)[1]);
    tn_feed_free(feed);
}

/* Of one sample: two marks, whose numbers add up to the target. */
static void check_sample(const double *x, double target, int64_t steps, int64_t *marked)
{
    double sum = 0;
    int marks = 0;
    for (int64_t t = 0; t < steps; t++) {
        const double u = x[2 * t], m = x[2 * t + 1];
        cr_assert(u > 0 && u < 1, "%g", u);
        cr_assert(m == 0 || m == 1, "%g", m);
        if (m != 1) continue;
        sum += u, marks++;
        marked[t]++;
    }
    cr_assert_eq(marks, 2);
    cr_assert_float_eq(sum, target, 1e-15);
}

/* Of 4000 samples and 7 steps each is marked in 2/7, give or take sqrt(4000 2/7 5/7) = 29. */
Test(adding, marks_two_of_the_steps_all_equally_likely)
{
    const int64_t samples = 4000, steps = 7;
    int64_t marked[7] = {0};
    double sum = 0;
    tn_feed *feed = feed_of("data: {adding: {steps: 7, samples: 4000, batch: 4000}}", 1,
                            1);
    const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    cr_assert_eq(b.samples, samples);
    for (int64_t i = 0; i < samples; i++) {
        check_sample(reals(&b, 0) + 2 * steps * i, reals(&b, 1)[i], steps, marked);
        sum += (reals(&b, 1)[i] - 1) * (reals(&b, 1)[i] - 1);
    }
    for (int64_t t = 0; t < steps; t++)
        cr_assert(llabs(marked[t] - 2 * samples / steps) < 4 * 29, "step %lld: %lld",
                  (long long)t, (long long)marked[t]);
    cr_assert_float_eq(sum / (double)samples, 1.0 / 6, 0.02, "who always says 1");
    tn_feed_free(feed);
}

Test(adding, the_shortest_sequence_marks_both)
{
    int64_t marked[2] = {0};
    tn_feed *feed = feed_of("data: {adding: {steps: 2, samples: 50, batch: 50}}", 1, 1);
    const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    for (int64_t i = 0; i < 50; i++)
        check_sample(reals(&b, 0) + 4 * i, reals(&b, 1)[i], 2, marked);
    cr_assert_eq(marked[0], 50);
    tn_feed_free(feed);
}

static double first_of(const char *yaml, uint64_t seed, int32_t split)
{
    tn_feed *feed = feed_of(yaml, 1, seed);
    const tn_batch b = batch_of(feed, split, 0, 0);
    const double value = reals(&b, 0)[0];
    tn_feed_free(feed);
    return value;
}

Test(adding, depends_on_its_own_seed_and_the_split)
{
    static const char *const again = "data: {adding: {steps: 5, seed: 1, samples: 4, "
                                     "shuffle: false}}";
    const double value = first_of(SMALL, 1, TN_TRAIN);
    cr_assert_eq(first_of(SMALL, 2, TN_TRAIN), value);
    cr_assert_neq(first_of(again, 1, TN_TRAIN), value);
    cr_assert_neq(first_of(SMALL, 1, TN_TEST), value);
}

Test(adding, float_is_double_rounded)
{
    tn_feed *wide = feed_of(SMALL, 1, 1), *narrow = feed_of(SMALL, 0, 1);
    const tn_batch d = batch_of(wide, TN_TRAIN, 0, 0),
                   f = batch_of(narrow, TN_TRAIN, 0, 0);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(((float *)f.field[0].real)[i], (float)reals(&d, 0)[i]);
    for (int i = 0; i < 4; i++)
        cr_assert_float_eq((double)((float *)f.field[1].real)[i], reals(&d, 1)[i], 1e-6);
    tn_feed_free(wide);
    tn_feed_free(narrow);
}

Test(adding, refuses_what_cannot_be)
{
    refuse_data("data: {adding: {steps: 1}}", TN_EINVAL, "steps", "2");
    refuse_data("data: {adding: {samples: 0}}", TN_EINVAL, "samples", "1");
    refuse_data("data: {adding: {test_samples: -1}}", TN_EINVAL, "test_samples", "0");
    tn_feed *feed = feed_of("data: {adding: {test_samples: 0}}", 1, 1);
    cr_assert_eq(tn_feed_info(feed, false)->count[TN_TEST], 0);
    tn_feed_free(feed);
}

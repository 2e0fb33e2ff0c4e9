/* feed.c - which samples come when, what is checked, and that batches cost no memory. The
 * data is sample i with input (i, -i) and label i. */
#include "support/feeding.h"

#include "core/feed_order.h"

enum { SAMPLES = 103 };
static float inputs[2 * SAMPLES];
static int32_t labels[SAMPLES];

static void attach(void)
{
    const tn_memory_data data = {.samples = SAMPLES,
                                 .input = {1, {2}},
                                 .classes = SAMPLES,
                                 .inputs = inputs,
                                 .labels = labels};
    tn_error error = {0};
    for (int i = 0; i < SAMPLES; i++) {
        inputs[2 * i] = (float)i, inputs[2 * i + 1] = (float)-i;
        labels[i] = i;
    }
    cr_assert_eq(tn_env_attach(test_env(), "all", &data, &error), TN_OK, "%s",
                 error.text);
}

static tn_feed *feed_with(const char *options, int32_t real, uint64_t seed)
{
    char yaml[256];
    snprintf(yaml, sizeof yaml, "data: {memory: {train: all, test: all%s}}", options);
    return feed_of(yaml, real, seed);
}

/* The labels of a split in the order of an epoch; returns how many. */
static int64_t labels_of(tn_feed *feed, int32_t split, int64_t epoch, int32_t *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < tn_feed_batches(feed, split); i++) {
        const tn_batch b = batch_of(feed, split, epoch, i);
        cr_assert(b.samples <= tn_feed_batch_size(feed));
        for (int64_t k = 0; k < b.samples; k++) out[n++] = b.field[1].label[k];
    }
    return n;
}

static void expect_once(const int32_t *order, int64_t n)
{
    int seen[SAMPLES] = {0};
    for (int64_t i = 0; i < n; i++)
        cr_assert_eq(seen[order[i]]++, 0, "%d twice", order[i]);
}

static void expect_ascending(const int32_t *order, int64_t n)
{
    for (int64_t i = 1; i < n; i++) cr_assert_lt(order[i - 1], order[i]);
}

Test(feed, every_epoch_is_a_permutation_of_seed_and_epoch)
{
    int32_t first[SAMPLES], again[SAMPLES];
    attach();
    tn_feed *feed = feed_with(", batch: 10", 0, 7),
            *other = feed_with(", batch: 10", 1, 8);
    cr_assert_eq(tn_feed_batches(feed, TN_TRAIN), 11);
    cr_assert_eq(labels_of(feed, TN_TRAIN, 3, first), SAMPLES);
    expect_once(first, SAMPLES);
    labels_of(feed, TN_TRAIN, 4, again);
    cr_assert_arr_neq(first, again, sizeof first);
    labels_of(other, TN_TRAIN, 3, again);
    cr_assert_arr_neq(first, again, sizeof first);
    tn_feed_free(other);
    /* In another precision, another cut, and from the middle of another epoch. */
    other = feed_with(", batch: 7", 1, 7);
    batch_of(other, TN_TRAIN, 1, 5);
    labels_of(other, TN_TRAIN, 3, again);
    cr_assert_arr_eq(first, again, sizeof first);
    const tn_batch last = batch_of(feed, TN_TRAIN, 3, 10);
    cr_assert_eq(last.samples, 3);
    cr_assert_arr_eq(last.field[1].label, first + 100, 3 * sizeof *first);
    tn_feed_free(feed);
    tn_feed_free(other);
}

Test(feed, inputs_stay_with_their_labels)
{
    attach();
    for (int32_t real = 0; real < 2; real++) {
        tn_feed *feed = feed_with(", batch: 9", real, 3);
        for (int64_t i = 0; i < tn_feed_batches(feed, TN_TRAIN); i++) {
            const tn_batch b = batch_of(feed, TN_TRAIN, 0, i);
            for (int64_t k = 0; k < b.samples; k++) {
                const void *x = b.field[0].real;
                const double got = real ? ((const double *)x)[2 * k + 1]
                                        : (double)((const float *)x)[2 * k + 1];
                cr_assert_eq(got, -b.field[1].label[k]);
            }
        }
        tn_feed_free(feed);
    }
}

Test(feed, without_shuffle_the_order_is_the_files)
{
    int32_t order[SAMPLES];
    attach();
    tn_feed *feed = feed_with(", shuffle: false", 0, 7);
    cr_assert_eq(labels_of(feed, TN_TRAIN, 9, order), SAMPLES);
    expect_ascending(order, SAMPLES);
    tn_feed_free(feed);
}

Test(feed, validation_is_cut_off_by_the_seed_alone)
{
    int32_t train[SAMPLES], validation[SAMPLES], again[SAMPLES];
    attach();
    tn_feed *feed = feed_with(", validation: 0.2, batch: 8", 0, 7);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->count[TN_VALIDATION], 20); /* floor(0.2 x 103) */
    cr_assert_eq(info->count[TN_TRAIN], 83);
    cr_assert_eq(info->count[TN_TEST], SAMPLES);
    cr_assert_eq(labels_of(feed, TN_VALIDATION, 0, validation), 20);
    expect_ascending(validation, 20);
    cr_assert_eq(labels_of(feed, TN_TRAIN, 5, train), 83);
    memcpy(train + 83, validation, 20 * sizeof *train);
    expect_once(train, SAMPLES);
    labels_of(feed, TN_VALIDATION, 5, again);
    cr_assert_arr_eq(validation, again, 20 * sizeof *again);
    tn_feed_free(feed);
    feed = feed_with(", validation: 0.2, batch: 8", 0, 8);
    labels_of(feed, TN_VALIDATION, 0, again);
    cr_assert_arr_neq(validation, again, 20 * sizeof *again);
    tn_feed_free(feed);
}

Test(feed, drop_last_drops_of_training_only)
{
    int32_t order[SAMPLES];
    attach();
    tn_feed *feed = feed_with(", drop_last: true, batch: 10", 0, 7);
    cr_assert_eq(labels_of(feed, TN_TRAIN, 0, order), 100);
    cr_assert_eq(labels_of(feed, TN_TEST, 0, order), SAMPLES);
    tn_feed_free(feed);
}

/* What no batch can fill is not allocated either. */
Test(feed, a_batch_is_at_most_the_data)
{
    attach();
    tn_feed *feed = feed_with(", batch: 2000000000", 0, 7);
    cr_assert_eq(tn_feed_batch_size(feed), SAMPLES);
    cr_assert_eq(tn_feed_batches(feed, TN_TRAIN), 1);
    cr_assert_eq(batch_of(feed, TN_TRAIN, 0, 0).samples, SAMPLES);
    tn_feed_free(feed);
}

/* All six orders of three, each in 1/6 of 6000 draws: within five standard deviations
 * (28.9). */
Test(feed, permutations_are_equally_likely)
{
    int count[27] = {0};
    for (uint64_t i = 0; i < 6000; i++) {
        int64_t order[3];
        tn_order_shuffle(order, NULL, 3, (tn_key){{(uint32_t)i, 1}});
        count[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    int orders = 0;
    for (int i = 0; i < 27; i++) {
        if (!count[i]) continue;
        orders++;
        cr_assert(abs(count[i] - 1000) < 145, "%d: %d times", i, count[i]);
    }
    cr_assert_eq(orders, 6);
}

/* toy_mixup makes rows of probabilities of labels: in training alone. */
Test(feed, transforms_change_training_batches)
{
    attach();
    tn_feed *feed = feed_with(", transforms: [toy_mixup], batch: 4", 1, 7);
    const tn_data_info *train = tn_feed_info(feed, true),
                       *test = tn_feed_info(feed, false);
    cr_assert(train->field[1].real && train->field[1].shape.dim[0] == SAMPLES);
    cr_assert(!test->field[1].real && test->field[1].classes == SAMPLES);
    cr_assert_eq(train->count[TN_TRAIN], SAMPLES);
    const tn_batch b = batch_of(feed, TN_TRAIN, 2, 1);
    double kept[4 * SAMPLES];
    cr_assert_null(b.field[1].label);
    memcpy(kept, b.field[1].real, sizeof kept);
    for (int i = 0; i < 4; i++) {
        double sum = 0, mean = 0;
        for (int k = 0; k < SAMPLES; k++) {
            sum += kept[i * SAMPLES + k];
            mean += k * kept[i * SAMPLES + k];
        }
        cr_assert_float_eq(sum, 1, 1e-15);
        cr_assert_float_eq(((double *)b.field[0].real)[2 * i], mean, 1e-12);
    }
    const tn_batch plain = batch_of(feed, TN_TEST, 0, 1);
    cr_assert_eq(plain.field[1].label[0], 4);
    cr_assert_eq(((double *)plain.field[0].real)[0], 4);
    batch_of(feed, TN_TRAIN, 0, 0);
    const tn_batch again = batch_of(feed, TN_TRAIN, 2, 1);
    cr_assert_arr_eq(again.field[1].real, kept, sizeof kept);
    tn_feed_free(feed);
}

Test(feed, batches_allocate_nothing)
{
    int32_t order[SAMPLES];
    attach();
    tn_feed *feed = feed_with(", validation: 0.1, batch: 8", 0, 7);
    tn_feed *mixed = feed_with(", transforms: [toy_mixup], batch: 8", 0, 7);
    const long long before = atomic_load(&test_env()->memory.calls);
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        labels_of(feed, TN_TRAIN, epoch, order);
        labels_of(feed, TN_VALIDATION, epoch, order);
        for (int64_t i = 0; i < tn_feed_batches(mixed, TN_TRAIN); i++)
            batch_of(mixed, TN_TRAIN, epoch, i);
    }
    cr_assert_eq(atomic_load(&test_env()->memory.calls), before);
    tn_feed_free(feed);
    tn_feed_free(mixed);
}

Test(feed, finds_labels_out_of_range_and_numbers_that_are_none)
{
    const char *yaml = "data: {memory: {train: all, batch: 103}}";
    attach();
    labels[41] = SAMPLES;
    refuse_batch(yaml, 0, TN_EDATA, "net.yaml:1:8: memory: training sample 41: label 103",
                 "0 to 102");
    labels[41] = -1;
    refuse_batch(yaml, 1, TN_EDATA, "training sample 41: label -1", "0 to 102");
    labels[41] = 41;
    inputs[2 * 17 + 1] = NAN;
    for (int32_t real = 0; real < 2; real++)
        refuse_batch(yaml, real, TN_ENUMERIC,
                     "training sample 17: value 1 of field input", "not a number");
    inputs[2 * 17 + 1] = INFINITY;
    for (int32_t real = 0; real < 2; real++)
        refuse_batch(yaml, real, TN_ENUMERIC,
                     "training sample 17: value 1 of field input", "infinite");
}

static void refuse_section(const char *yaml, const char *part, const char *other)
{
    refuse_data(yaml, TN_EINVAL, part, other);
}

Test(feed, refuses_options_with_their_place)
{
    attach();
    refuse_section("model: [relu]", "data: missing", "name a dataset");
    refuse_section("data: [csv]", "expected one dataset", "");
    refuse_section("data: {csv: {path: x}, npy: {x: x, y: y}}", "expected one dataset",
                   "");
    refuse_section("data: {memory: {train: all, validation: 1}}",
                   "1:29: ", "below 1, got 1");
    refuse_section("data: {memory: {train: all, validation: -0.5}}", "validation",
                   "got -0.5");
    refuse_section("data: {memory: {train: all, validation: .nan}}", "validation", "");
    refuse_section("data: {memory: {train: all, validation: 0.001}}",
                   "0.001 of 103 samples", "empty");
    refuse_section("data: {memory: {train: all, batch: 0}}", "batch", "0");
    refuse_section("data: {memory: {train: all, batch: ten}}", "batch", "ten");
    refuse_section("data: {memory: {train: all, shuffle: 3}}", "shuffle", "3");
    refuse_section("data: {memory: {train: all, transforms: toy_mixup}}", "transforms",
                   "a list");
    refuse_section("data: {memory: {train: all, batch: 104, drop_last: true}}",
                   "batch: 104", "103 training samples");
    refuse_section("data: {memory: {train: all, validation_data: all, validation: 0.5}}",
                   "validation: ", "a validation set of its own");
    refuse_data("data: {memory: {train: all, bacth: 3}}", TN_EINVAL, "bacth", "batch");
}

Test(feed, there_is_no_batch_outside_a_split)
{
    tn_batch batch;
    tn_error error = {0};
    attach();
    tn_feed *feed = feed_with(", batch: 10", 0, 1);
    cr_assert_eq(tn_feed_batch(feed, TN_TRAIN, 0, 11, &batch, &error), TN_EINVAL);
    cr_assert_eq(tn_feed_batch(feed, TN_VALIDATION, 0, 0, &batch, &error), TN_EINVAL);
    cr_assert_eq(tn_feed_batch(feed, TN_SPLITS, 0, 0, &batch, &error), TN_EINVAL);
    tn_feed_free(feed);
}

/* With ever more memory allowed, creation fails cleanly until it succeeds. */
Test(feed, runs_out_of_memory_without_a_leak)
{
    static const char yaml[] = "data: {memory: {train: all, validation: 0.1, batch: 3, "
                               "transforms: [toy_mixup]}}";
    attach();
    tn_memory *memory = &test_env()->memory;
    tn_feed_free(feed_of(yaml, 0, 1));
    tn_config *config = kept(
        tn_config_read(memory, yaml, strlen(yaml), "net.yaml", NULL));
    const size_t before = atomic_load(&memory->used);
    int failures = 0;
    for (size_t room = 1; room < 1 << 20; room += 512) {
        tn_feed *feed = NULL;
        tn_error error = {0};
        memory->limit = before + room;
        const tn_status status = tn_feed_new(test_env(), config->root, 0, 1, &feed,
                                             &error);
        tn_feed_free(feed);
        cr_assert_eq(atomic_load(&memory->used), before);
        if (status == TN_OK) break;
        cr_assert_eq(status, TN_ENOMEM, "%s", error.text);
        failures++;
    }
    memory->limit = 0;
    cr_assert_gt(failures, 5);
}

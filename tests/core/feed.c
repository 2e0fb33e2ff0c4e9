/* feed.c - which samples come when, what is checked, and that batches cost no memory. The
 * data is sample i with input (i, -i) and label i. */
#include <dlfcn.h>
#include <pthread.h>

#include "support/feeding.h"
#include "support/rounds.h"

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

/* ---- ahead --------------------------------------------------------------------------- */

/* Rows long enough that a batch of 25 is worth a thread. */
enum { WIDE = 700 };
static float wide[SAMPLES * WIDE];
static pthread_t reader, last_reader;
static int64_t bad_sample = -1;

static int read_wide(void *data, int64_t i, float *input, float *target, int32_t *label)
{
    last_reader = pthread_self();
    memcpy(input, wide + i * WIDE, WIDE * sizeof *input);
    *label = (int32_t)i;
    return i == bad_sample ? 5 : 0;
}

static void attach_wide(const char *name, int32_t called, int32_t any_thread)
{
    tn_error error = {0};
    attach();
    for (int i = 0; i < SAMPLES * WIDE; i++) wide[i] = (float)i;
    tn_memory_data data = {.samples = SAMPLES, .input = {1, {WIDE}}, .classes = SAMPLES};
    if (called)
        data.read = read_wide, data.any_thread = any_thread;
    else
        data.inputs = wide, data.labels = labels;
    cr_assert_eq(tn_env_attach(test_env(), name, &data, &error), TN_OK, "%s", error.text);
}

static void start(tn_feed *feed, int64_t epochs, int64_t accumulate, int64_t passes)
{
    tn_error error = {0};
    const tn_course course = {epochs, accumulate, passes};
    cr_assert_eq(tn_feed_start(feed, &course, TN_TRAIN, 0, 0, &error), TN_OK, "%s",
                 error.text);
}

static void expect_same(tn_feed *a, tn_feed *b, int32_t split, int64_t epoch, int64_t i)
{
    const tn_batch x = batch_of(a, split, epoch, i), y = batch_of(b, split, epoch, i);
    cr_assert_eq(x.samples, y.samples);
    for (int32_t k = 0; k < x.fields; k++) {
        const size_t bytes = (size_t)(x.samples * x.field[k].width) * sizeof(float);
        cr_assert_eq(!x.field[k].real, !y.field[k].real);
        const void *p = x.field[k].real ? x.field[k].real : (void *)x.field[k].label;
        const void *q = y.field[k].real ? y.field[k].real : (void *)y.field[k].label;
        cr_assert_arr_eq(p, q, bytes, "split %d epoch %lld batch %lld", split,
                         (long long)epoch, (long long)i);
    }
}

#define WIDE_DATA "data: {memory: {train: wide, validation: 0.2, batch: 25"

Test(feed, batches_made_ahead_are_the_same)
{
    static const char *const data[] = {WIDE_DATA "}}",
                                       WIDE_DATA ", transforms: [toy_mixup]}}",
                                       WIDE_DATA ", shuffle: false, drop_last: true}}"};
    attach_wide("wide", 0, 0);
    for (size_t i = 0; i < sizeof data / sizeof *data; i++)
        for (int64_t accumulate = 1; accumulate < 4; accumulate++) {
            tn_feed *ahead = feed_of(data[i], 0, 7), *plain = feed_of(data[i], 0, 7);
            const int64_t passes = accumulate, batches = tn_feed_batches(plain, TN_TRAIN);
            start(ahead, 3, accumulate, passes);
            for (int64_t epoch = 0; epoch < 3; epoch++) {
                for (int64_t b = 0; b < batches; b += accumulate)
                    for (int64_t pass = 0; pass < passes; pass++)
                        for (int64_t k = b; k < b + accumulate && k < batches; k++)
                            expect_same(ahead, plain, TN_TRAIN, epoch, k);
                for (int64_t b = 0; b < tn_feed_batches(plain, TN_VALIDATION); b++)
                    expect_same(ahead, plain, TN_VALIDATION, 0, b);
            }
            tn_feed_free(ahead);
            tn_feed_free(plain);
        }
}

/* Neither order nor waiting time of the questions changes an answer. */
Test(feed, any_batch_may_be_asked_for_while_others_are_made)
{
    attach_wide("wide", 0, 0);
    tn_feed *ahead = feed_of(WIDE_DATA ", transforms: [toy_mixup]}}", 0, 7),
            *plain = feed_of(WIDE_DATA ", transforms: [toy_mixup]}}", 0, 7);
    start(ahead, 2, 1, 1);
    for (uint64_t i = 0; i < (uint64_t)test_rounds(300, 30000); i++) {
        const uint64_t draw = (uint64_t)(1e6 * tn_random_uniform((tn_key){{3, 4}}, i));
        const int32_t split = draw % 4 ? TN_TRAIN : TN_VALIDATION;
        const int64_t batches = tn_feed_batches(plain, split);
        expect_same(ahead, plain, split, (int64_t)(draw / 4 % 3),
                    (int64_t)(draw / 12) % batches);
        if (draw % 5 == 0) usleep(300);
    }
    tn_feed_free(ahead);
    tn_feed_free(plain);
}

Test(feed, a_callback_runs_where_the_program_wants_it)
{
    reader = pthread_self();
    for (int32_t any_thread = 0; any_thread < 2; any_thread++) {
        attach_wide("wide", 1, any_thread);
        tn_feed *feed = feed_of(WIDE_DATA "}}", 0, 7);
        start(feed, 1, 1, 1);
        batch_of(feed, TN_TRAIN, 0, 0);
        tn_feed_stop(feed);
        cr_assert_eq(!pthread_equal(reader, last_reader), any_thread);
        batch_of(feed, TN_TRAIN, 0, 1);
        cr_assert(pthread_equal(reader, last_reader));
        tn_feed_free(feed);
    }
}

Test(feed, little_batches_need_no_thread)
{
    attach();
    tn_feed *feed = feed_with(", batch: 103", 0, 7);
    const size_t before = atomic_load(&test_env()->memory.used);
    start(feed, 1, 1, 1);
    cr_assert_eq(atomic_load(&test_env()->memory.used), before);
    tn_feed_free(feed);
}

/* In place of its batch, again when asked again, and not for good. */
Test(feed, an_error_is_handed_over)
{
    static const char *const yaml = "data: {memory: {train: wide, batch: 25, "
                                    "shuffle: false}}";
    tn_error error = {0};
    tn_batch batch;
    attach_wide("wide", 1, 1);
    bad_sample = 30;
    tn_feed *feed = feed_of(yaml, 0, 7);
    start(feed, 2, 1, 1);
    batch_of(feed, TN_TRAIN, 0, 0);
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(tn_feed_batch(feed, TN_TRAIN, 0, 1, &batch, &error), TN_EDATA);
        cr_assert_str_eq(error.text,
                         "net.yaml:1:8: memory: the program's callback failed "
                         "on sample 30 (5)");
    }
    cr_assert_eq(tn_feed_batch(feed, TN_TRAIN, 0, 1, &batch, NULL), TN_EDATA);
    batch_of(feed, TN_TRAIN, 0, 2);
    bad_sample = -1;
    batch_of(feed, TN_TRAIN, 0, 1);
    tn_feed_free(feed);
}

Test(feed, stops_at_any_moment_and_gives_all_back)
{
    attach_wide("wide", 0, 0);
    tn_feed_free(feed_of(WIDE_DATA "}}", 0, 7));
    tn_config *config = kept(tn_config_read(&test_env()->memory, WIDE_DATA "}}",
                                            strlen(WIDE_DATA "}}"), "net.yaml", NULL));
    const size_t before = atomic_load(&test_env()->memory.used);
    for (int64_t taken = 0; taken < 12; taken++) {
        tn_feed *feed;
        cr_assert_eq(tn_feed_new(test_env(), config->root, 0, 7, &feed, NULL), TN_OK);
        start(feed, 1, 1, 1);
        for (int64_t i = 0; i < taken; i++) batch_of(feed, TN_TRAIN, i / 4, i % 4);
        if (taken % 2) usleep(500);
        if (taken % 3) tn_feed_stop(feed);
        if (taken % 4 == 3) start(feed, 1, 1, 1);
        tn_feed_free(feed);
        cr_assert_eq(atomic_load(&test_env()->memory.used), before);
    }
}

#if !defined __SANITIZE_THREAD__
/* All locks of this process that this thread takes. */
static _Thread_local long long locks;

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*real)(pthread_mutex_t *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    locks++;
    return real(mutex);
}

Test(feed, a_batch_costs_one_lock_and_no_memory)
{
    static const char *const data[] = {WIDE_DATA "}}",
                                       WIDE_DATA ", transforms: [toy_mixup]}}"};
    attach_wide("wide", 0, 0);
    for (int i = 0; i < 2; i++) {
        tn_feed *feed = feed_of(data[i], 0, 7);
        const int64_t batches = tn_feed_batches(feed, TN_TRAIN);
        start(feed, 4, 1, 1);
        const long long calls = atomic_load(&test_env()->memory.calls), before = locks;
        for (int64_t epoch = 0; epoch < 3; epoch++)
            for (int64_t b = 0; b < batches; b++)
                batch_of(feed, TN_TRAIN, epoch, b), batch_of(feed, TN_TRAIN, epoch, b);
        cr_assert_eq(locks - before, 3 * batches, "asked a second time costs nothing");
        cr_assert_eq(atomic_load(&test_env()->memory.calls), calls);
        tn_feed_free(feed);
        feed = feed_with(", batch: 10", 0, 7);
        start(feed, 2, 1, 1);
        const long long small = locks;
        batch_of(feed, TN_TRAIN, 0, 0);
        cr_assert_eq(locks, small);
        tn_feed_free(feed);
    }
}
#endif

/* feed_ahead.c - batches that a thread makes before they are asked for are the same, whatever is
 * asked when; an error is handed over; a batch costs one lock and no memory. */
#include "support/counting.h"
#include "support/feeding.h"
#include "support/rounds.h"

/* Rows long enough that a batch of 25 is worth a thread. */
enum { SAMPLES = 103, WIDE = 700 };
static float wide[SAMPLES * WIDE];
static int32_t labels[SAMPLES];
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
    for (int i = 0; i < SAMPLES * WIDE; i++) wide[i] = (float)i;
    for (int i = 0; i < SAMPLES; i++) labels[i] = i;
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

/* The same numbers as rows of two. */
static tn_feed *little_feed(const char *options)
{
    char yaml[100];
    tn_error error = {0};
    const tn_memory_data data = {.samples = SAMPLES,
                                 .input = {1, {2}},
                                 .classes = SAMPLES,
                                 .inputs = wide,
                                 .labels = labels};
    cr_assert_eq(tn_env_attach(test_env(), "little", &data, &error), TN_OK, "%s",
                 error.text);
    snprintf(yaml, sizeof yaml, "data: {memory: {train: little, batch: %s}}", options);
    return feed_of(yaml, 0, 7);
}

#define WIDE_DATA "data: {memory: {train: wide, validation: 0.2, batch: 25"

Test(feed_ahead, batches_made_ahead_are_the_same)
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
Test(feed_ahead, any_batch_may_be_asked_for_while_others_are_made)
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

Test(feed_ahead, a_callback_runs_where_the_program_wants_it)
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

Test(feed_ahead, little_batches_need_no_thread)
{
    tn_feed *feed = little_feed("103");
    const size_t before = atomic_load(&test_env()->memory.used);
    start(feed, 1, 1, 1);
    cr_assert_eq(atomic_load(&test_env()->memory.used), before);
    tn_feed_free(feed);
}

/* In place of its batch, again when asked again, and not for good. */
Test(feed_ahead, an_error_is_handed_over)
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

Test(feed_ahead, stops_at_any_moment_and_gives_all_back)
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

Test(feed_ahead, a_batch_costs_one_lock_and_no_memory)
{
    static const char *const data[] = {WIDE_DATA "}}",
                                       WIDE_DATA ", transforms: [toy_mixup]}}"};
    attach_wide("wide", 0, 0);
    for (int i = 0; i < 2; i++) {
        tn_feed *feed = feed_of(data[i], 0, 7);
        const int64_t batches = tn_feed_batches(feed, TN_TRAIN);
        start(feed, 4, 1, 1);
        const long long calls = atomic_load(&test_env()->memory.calls),
                        before = own_locks;
        for (int64_t epoch = 0; epoch < 3; epoch++)
            for (int64_t b = 0; b < batches; b++)
                batch_of(feed, TN_TRAIN, epoch, b), batch_of(feed, TN_TRAIN, epoch, b);
        cr_assert_eq(own_locks - before, COUNTS_LOCKS * 3 * batches,
                     "asked a second time costs nothing");
        cr_assert_eq(atomic_load(&test_env()->memory.calls), calls);
        tn_feed_free(feed);
        feed = little_feed("10");
        start(feed, 2, 1, 1);
        const long long small = own_locks;
        batch_of(feed, TN_TRAIN, 0, 0);
        cr_assert_eq(own_locks, small);
        tn_feed_free(feed);
    }
}

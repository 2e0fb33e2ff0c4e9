/* memory.c - what a program attached comes out again, in both precisions. */
#include "support/feeding.h"

static const float inputs[] = {1, 2, 3, 4, 5, 6}, targets[] = {-1, 0.5f, 7};
static const int32_t labels[] = {0, 2, 1};
static const tn_shape two = {1, {2}}, number = {0, {0}};

static void attach(const char *name, tn_memory_data data)
{
    tn_error error = {0};
    if (!data.samples) data.samples = 3;
    if (!data.input.rank) data.input = two;
    cr_assert_eq(tn_env_attach(test_env(), name, &data, &error), TN_OK, "%s", error.text);
}

static double value(const tn_field *field, int32_t real, int i)
{
    return real ? ((double *)field->real)[i] : (double)((float *)field->real)[i];
}

Test(memory, gives_arrays_with_labels)
{
    attach("some", (tn_memory_data){.inputs = inputs, .labels = labels, .classes = 3});
    for (int32_t real = 0; real < 2; real++) {
        tn_feed *feed = feed_of(
            "data: {memory: {train: some, test: some, shuffle: false}}", real, 1);
        for (int32_t split = TN_TRAIN; split <= TN_TEST; split += TN_TEST) {
            const tn_batch b = batch_of(feed, split, 0, 0);
            for (int i = 0; i < 6; i++)
                cr_assert_eq(value(&b.field[0], real, i), (double)inputs[i]);
            cr_assert_arr_eq(b.field[1].label, labels, sizeof labels);
        }
        cr_assert_eq(tn_feed_info(feed, true)->field[1].classes, 3);
        tn_feed_free(feed);
    }
}

Test(memory, gives_arrays_with_quantities)
{
    attach("some",
           (tn_memory_data){.inputs = inputs, .targets = targets, .target = number});
    for (int32_t real = 0; real < 2; real++) {
        tn_feed *feed = feed_of("data: {memory: {train: some, shuffle: false}}", real, 1);
        const tn_shape *shape = &tn_feed_info(feed, true)->field[1].shape;
        cr_assert(shape->rank == 1 && shape->dim[0] == 1);
        const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
        for (int i = 0; i < 3; i++)
            cr_assert_eq(value(&b.field[1], real, i), (double)targets[i]);
        tn_feed_free(feed);
    }
}

/* A second attach under the name is for feeds to come, not for those that are open. */
Test(memory, an_open_feed_keeps_its_data)
{
    static const float fewer[] = {9, 9};
    attach("some", (tn_memory_data){.inputs = inputs, .labels = labels, .classes = 3});
    tn_feed *feed = feed_of("data: {memory: {train: some, shuffle: false}}", 0, 1);
    attach("some", (tn_memory_data){
                       .samples = 1, .inputs = fewer, .labels = labels, .classes = 3});
    const tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
    cr_assert_eq(b.samples, 3);
    for (int i = 0; i < 6; i++) cr_assert_eq(value(&b.field[0], 0, i), (double)inputs[i]);
    tn_feed_free(feed);
    feed = feed_of("data: {memory: {train: some, shuffle: false}}", 0, 1);
    cr_assert_eq(batch_of(feed, TN_TRAIN, 0, 0).samples, 1);
    tn_feed_free(feed);
}

static int make(void *data, int64_t index, float *input, float *target, int32_t *label)
{
    if (index == *(int64_t *)data) return 5;
    input[0] = (float)index, input[1] = (float)-index;
    if (target) target[0] = (float)(10 * index), target[1] = 0.25f;
    if (label) *label = (int32_t)(index % 2);
    return 0;
}

Test(memory, calls_back)
{
    int64_t never = -1;
    attach("classes", (tn_memory_data){.read = make, .read_data = &never, .classes = 2});
    attach("values", (tn_memory_data){.read = make, .read_data = &never, .target = two});
    for (int32_t real = 0; real < 2; real++) {
        tn_feed *feed = feed_of("data: {memory: {train: classes, shuffle: false}}", real,
                                1);
        tn_batch b = batch_of(feed, TN_TRAIN, 0, 0);
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(value(&b.field[0], real, 2 * i), i);
            cr_assert_eq(value(&b.field[0], real, 2 * i + 1), -i);
            cr_assert_eq(b.field[1].label[i], i % 2);
        }
        tn_feed_free(feed);
        feed = feed_of("data: {memory: {train: values, shuffle: false}}", real, 1);
        b = batch_of(feed, TN_TRAIN, 0, 0);
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(value(&b.field[1], real, 2 * i), 10 * i);
            cr_assert_eq(value(&b.field[1], real, 2 * i + 1), 0.25);
        }
        tn_feed_free(feed);
    }
}

Test(memory, passes_on_that_a_callback_failed)
{
    int64_t bad = 2;
    attach("some", (tn_memory_data){.read = make, .read_data = &bad, .classes = 2});
    refuse_batch("data: {memory: {train: some}}", 0, TN_EDATA,
                 "memory: the program's callback", "sample 2 (5)");
}

Test(memory, refuses_other_names_and_other_data)
{
    attach("some", (tn_memory_data){.inputs = inputs, .labels = labels, .classes = 3});
    attach("wide", (tn_memory_data){.samples = 1,
                                    .input = {1, {6}},
                                    .inputs = inputs,
                                    .labels = labels,
                                    .classes = 3});
    attach("values", (tn_memory_data){.inputs = inputs, .targets = targets});
    refuse_data("data: {memory: {train: other}}", TN_ENOTFOUND, "'other'",
                "tn_env_attach");
    refuse_data("data: {memory: {train: some, test: wide}}", TN_ESHAPE, "'wide' differs",
                "");
    refuse_data("data: {memory: {train: some, test: values}}", TN_ESHAPE,
                "'values' differs", "kind of target");
}

/* text.c - windows, vocabulary and parts of small texts against those counted out by hand; a
 * model with the characters as names; what is said of files that are no text. */
#include "support/feeding.h"

#include "core/trainer.h"

static void write_text(const char *path, const char *text)
{
    test_write(path, text, strlen(text));
}

static void expect(tn_feed *feed, int32_t split, int64_t sample, int64_t steps,
                   const int32_t *ids)
{
    const tn_batch b = batch_of(feed, split, 0, 0);
    const double *x = (const double *)b.field[0].real + sample * steps;
    cr_assert(sample < b.samples);
    for (int64_t t = 0; t < steps; t++) {
        cr_assert_eq(x[t], (double)ids[t], "step %lld: %g", (long long)t, x[t]);
        cr_assert_eq(b.field[1].label[sample * steps + t], ids[t + 1]);
    }
}

/* \n a b c d: 0 to 4. */
Test(text, wants_the_next_character_at_every_step)
{
    enter_folder();
    write_text("t.txt", "abcd\ndcba");
    tn_feed *feed = feed_of(
        "data: {text: {path: t.txt, steps: 3, validation_share: 0, shuffle: false}}", 1,
        1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->count[TN_TRAIN], 2, "abc d, d\\nd c; of cba the next is missing");
    cr_assert_eq(info->count[TN_VALIDATION], 0);
    cr_assert(info->field[0].shape.rank == 1 && info->field[0].shape.dim[0] == 3);
    cr_assert(info->field[1].shape.rank == 1 && info->field[1].shape.dim[0] == 3);
    cr_assert_eq(info->field[1].classes, 5);
    expect(feed, TN_TRAIN, 0, 3, (int32_t[]){1, 2, 3, 4});
    expect(feed, TN_TRAIN, 1, 3, (int32_t[]){4, 0, 4, 3});
    tn_feed_free(feed);
}

Test(text, windows_may_overlap_or_leave_gaps)
{
    enter_folder();
    write_text("t.txt", "abcdefgh");
    tn_feed *feed = feed_of("data: {text: {path: t.txt, steps: 3, stride: 1, "
                            "validation_share: 0, shuffle: false}}",
                            1, 1);
    cr_assert_eq(tn_feed_info(feed, true)->count[TN_TRAIN], 5);
    expect(feed, TN_TRAIN, 4, 3, (int32_t[]){4, 5, 6, 7});
    tn_feed_free(feed);
    feed = feed_of("data: {text: {path: t.txt, steps: 2, stride: 5, validation_share: 0, "
                   "shuffle: false}}",
                   1, 1);
    cr_assert_eq(tn_feed_info(feed, true)->count[TN_TRAIN], 2);
    expect(feed, TN_TRAIN, 1, 2, (int32_t[]){5, 6, 7});
    tn_feed_free(feed);
}

/* Four parts of two windows each; the last character is wanted only. */
Test(text, streams_are_read_side_by_side)
{
    enter_folder();
    write_text("t.txt", "abcdefghijklmnopqrstuvwxy");
    tn_feed *feed = feed_of(
        "data: {text: {path: t.txt, steps: 3, validation_share: 0, streams: 4}}", 1, 1);
    cr_assert_eq(tn_feed_info(feed, true)->count[TN_TRAIN], 8);
    cr_assert_eq(tn_feed_batch_size(feed), 4);
    for (int32_t batch = 0; batch < 2; batch++)
        for (int32_t i = 0; i < 4; i++) {
            const tn_batch b = batch_of(feed, TN_TRAIN, 3, batch);
            const int32_t first = 6 * i + 3 * batch;
            cr_assert_eq(((const double *)b.field[0].real)[3 * i], first);
            cr_assert_eq(b.field[1].label[3 * i + 2], first + 3);
        }
    tn_feed_free(feed);
}

/* 20 characters: 14 for training, 4 for validation, 2 for test; u is in the last part only. */
Test(text, parts_do_not_overlap_and_share_one_vocabulary)
{
    enter_folder();
    write_text("t.txt", "abcdefghijklmnopqrtu");
    tn_feed *feed = feed_of("data: {text: {path: t.txt, steps: 1, validation_share: 0.2, "
                            "test_share: 0.1, shuffle: false}}",
                            1, 1);
    const tn_data_info *info = tn_feed_info(feed, true);
    cr_assert_eq(info->count[TN_TRAIN], 13);
    cr_assert_eq(info->count[TN_VALIDATION], 3);
    cr_assert_eq(info->count[TN_TEST], 1);
    cr_assert_eq(info->field[1].classes, 20);
    expect(feed, TN_TRAIN, 12, 1, (int32_t[]){12, 13});
    expect(feed, TN_VALIDATION, 0, 1, (int32_t[]){14, 15});
    expect(feed, TN_VALIDATION, 2, 1, (int32_t[]){16, 17});
    expect(feed, TN_TEST, 0, 1, (int32_t[]){18, 19});
    tn_feed_free(feed);
}

/* One character each of one to four bytes, behind a byte order mark. */
Test(text, characters_are_those_of_utf_8)
{
    static const char *const names[] = {"a", "\xc3\xa4", "\xe2\x82\xac",
                                        "\xf0\x9f\x99\x82"};
    enter_folder();
    write_text("t.txt", "\xef\xbb\xbf\xf0\x9f\x99\x82\xc3\xa4\xe2\x82\xac"
                        "a\xc3\xa4");
    for (int32_t real = 0; real < 2; real++) {
        tn_feed *feed = feed_of("data: {text: {path: t.txt, steps: 4, "
                                "validation_share: 0}}",
                                real, 1);
        const tn_data_info *info = tn_feed_info(feed, true);
        cr_assert_eq(info->field[1].classes, 4);
        for (int i = 0; i < 4; i++) cr_assert_str_eq(info->class_name[i], names[i]);
        if (real) expect(feed, TN_TRAIN, 0, 4, (int32_t[]){3, 1, 2, 0, 1});
        tn_feed_free(feed);
    }
}

static void refuse_bytes(const char *bytes, size_t size, const char *options,
                         const char *part, const char *other)
{
    char yaml[200];
    test_write("t.txt", bytes, size);
    snprintf(yaml, sizeof yaml, "data: {text: {path: t.txt%s}}", options);
    refuse_data(yaml, TN_EDATA, part, other);
}

Test(text, says_what_does_not_do)
{
    enter_folder();
    refuse_data("data: {text: none.txt}", TN_EIO, "none.txt", "No such file");
    refuse_bytes("", 0, "", "t.txt: the file is empty", "");
    refuse_bytes("\xef\xbb\xbf", 3, "", "training part has 0 of 0", "a window of 65");
    refuse_bytes("ab\nc\xff"
                 "d",
                 6, "", "t.txt:2: byte 5 of the file, 0xff", "iconv");
    refuse_bytes("ab\xe4", 3, "", "t.txt:1: byte 3 of the file, 0xe4", "UTF-8");
    refuse_bytes("a\xc0\x80", 3, "", "byte 2 of the file, 0xc0", "");
    refuse_bytes("a\xed\xa0\x80", 4, "", "byte 2 of the file, 0xed", "");
    refuse_bytes("a\0b", 3, "", "byte 2 of the file, 0x00", "");
    refuse_bytes("abc", 3, ", validation_share: 0", "training part has 3 of 3 values",
                 "a window of 65");
    refuse_bytes("abcdefghijkl", 12, ", steps: 2", "validation part has 1 of 12", "of 3");
    refuse_bytes("abcdefghijkl", 12, ", steps: 2, validation_share: 0, test_share: 0.1",
                 "test part has 1 of 12", "of 3");
    write_text("t.txt", "abcdefgh");
    refuse_data("data: {text: {path: t.txt, validation_share: 0.6, test_share: 0.5}}",
                TN_EINVAL, "validation_share and test_share are 1.1", "less than 1");
    refuse_data("data: {text: {path: t.txt, steps: 0}}", TN_EINVAL, "steps", "1");
    refuse_data("data: {text: {path: t.txt, steps: 1, validation_share: 0, streams: 8}}",
                TN_EDATA, "the training part has 7 windows", "8 streams");
    refuse_data("data: {text: {path: t.txt, steps: 2, stride: 1, streams: 2}}", TN_EINVAL,
                "windows of streams follow each other", "leave out stride");
    refuse_data("data: {text: {path: t.txt, steps: 1, validation_share: 0, streams: 2, "
                "shuffle: true}}",
                TN_EINVAL, "are 2 streams", "leave out shuffle: true");
    refuse_data("data: {text: {path: t.txt, steps: 1, validation_share: 0, streams: 2, "
                "validation: 0.2}}",
                TN_EINVAL, "are 2 streams", "leave out validation");
    refuse_data("data: {text: {path: t.txt, stride: 0}}", TN_EINVAL, "stride", "1");
    refuse_data("data: {text: {path: t.txt, steps: 1, validation_share: 0.5, "
                "validation: 0.5}}",
                TN_EINVAL, "has a validation set of its own", "text");
}

/* Any prefix of a file gives windows or a message. */
Test(text, survives_every_truncation)
{
    static const char text[] = "\xef\xbb\xbf"
                               "a\xc3\xa4\n\xe2\x82\xac"
                               "b\xf0\x9f\x99\x82";
    enter_folder();
    for (size_t n = 0; n < sizeof text; n++) {
        tn_feed *feed = NULL;
        tn_error error = {0};
        test_write("t.txt", text, n);
        if (try_feed("data: {text: {path: t.txt, steps: 1, validation_share: 0}}", 0, 1,
                     &feed, &error) == TN_OK)
            tn_feed_free(feed);
        else
            cr_assert_not_null(strstr(error.text, "t.txt"), "%s", error.text);
    }
}

/* ---- a model of characters ------------------------------------------------------------ */

static tn_trainer *train(const char *text, double *loss)
{
    tn_error e = {0};
    const tn_score *score;
    int32_t scores;
    tn_config *config = kept(tn_config_parse(test_env(), text, "net.yaml", NULL, 0, &e));
    cr_assert_not_null(config, "%s", e.text);
    tn_trainer *trainer = tn_trainer_new(test_env(), config, NULL, &e);
    cr_assert_not_null(trainer, "%s", e.text);
    cr_assert_eq(tn_trainer_run(trainer, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_model_evaluate(tn_trainer_model(trainer), config, TN_VALIDATION,
                                   &score, &scores, &e),
                 TN_OK, "%s", e.text);
    *loss = score[0].value;
    return trainer;
}

/* What follows "\n" or a quote is known from what comes before it, but for the first steps of a
 * window: below the log 5 = 1.6 of guessing, and below what the character alone tells. */
Test(text, a_recurrent_model_learns_from_every_step)
{
    static const char net[] =
        "seed: 3\ndata: {text: {path: t.txt, steps: 12, stride: 1, batch: 16}}\n"
        "model: [{embedding: {vocabulary: 5, units: 4}}, {lstm: {units: 12, "
        "return_sequences: true}}, {dense: 5}]\n"
        "loss: cross_entropy\noptimizer: {adam: {lr: 0.02}}\ntrain: {epochs: 20}\n";
    static const char *const names[] = {"\n", "\"", "\\", "a", "\x7f"};
    char text[601] = "";
    double loss;
    enter_folder();
    for (int i = 0; i < 100; i++) strcat(text, "a\na\"\\\x7f");
    write_text("t.txt", text);
    tn_trainer *trainer = train(net, &loss);
    const char *const *got = tn_model_classes(tn_trainer_model(trainer));
    cr_assert_not_null(got);
    for (int i = 0; i < 5; i++) cr_assert_str_eq(got[i], names[i]);
    cr_assert(loss < 0.15, "%g", loss);
    tn_trainer_free(trainer);
}

/* As many characters as Chinese texts have. */
Test(text, a_large_vocabulary_names_the_classes)
{
    enum { N = 4000 };
    static char text[3 * N + 1];
    double loss;
    enter_folder();
    for (int i = 0; i < N; i++) {
        const uint32_t code = 0x4e00 + (uint32_t)i;
        text[3 * i] = (char)(0xe0 | code >> 12);
        text[3 * i + 1] = (char)(0x80 | (code >> 6 & 0x3f));
        text[3 * i + 2] = (char)(0x80 | (code & 0x3f));
    }
    write_text("t.txt", text);
    tn_trainer *trainer = train(
        "data: {text: {path: t.txt, steps: 50}}\n"
        "model: [{embedding: {vocabulary: 4000, units: 2}}, {dense: 4000}]\n"
        "loss: cross_entropy\noptimizer: sgd\ntrain: {epochs: 1}\n",
        &loss);
    cr_assert_str_eq(tn_model_classes(tn_trainer_model(trainer))[1], "\xe4\xb8\x81");
    tn_trainer_free(trainer);
}

/* ---- streams --------------------------------------------------------------------------- */

enum { STREAMS = 3, STEPS = 4, WINDOWS = 5, UNITS = 6, LONG = STEPS * WINDOWS };

#define STREAM_CONFIG                                                                    \
    "seed: 3\ndata: {text: {path: t.txt, steps: 4, validation_share: 0, streams: "       \
    "3%s}}\n"                                                                            \
    "model: [{embedding: {vocabulary: 7, units: 5}}, {lstm: {units: 6, stateful: 3, "    \
    "return_sequences: true}}, {dense: 7}]\nloss: cross_entropy\noptimizer: {sgd: {lr: " \
    "0}}"                                                                                \
    "\ntrain: {epochs: 1}\nobserve: []\n"

static void write_stream(int n)
{
    char text[200] = "";
    for (int i = 0; i < n; i++) text[i] = (char)('a' + i * i * 5 % 11 % 7);
    memcpy(text, "abcdefg", 7);
    write_text("t.txt", text);
}

static tn_trainer *stream_trainer(const char *more, tn_error *e)
{
    char text[600];
    snprintf(text, sizeof text, STREAM_CONFIG, more);
    tn_config *config = kept(tn_config_parse(test_env(), text, "net.yaml", NULL, 0, e));
    cr_assert_not_null(config, "%s", e->text);
    return tn_trainer_new(test_env(), config, NULL, e);
}

/* The states of one pass over each stream as one long sequence, by a net with the same values. */
static void run_long(const tn_model *trained, float y[STREAMS * 2 * UNITS])
{
    tn_error e = {0};
    size_t size;
    float x[STREAMS * LONG];
    tn_config *config = kept(tn_config_parse(
        test_env(),
        "input: [20]\nmodel: [{embedding: {vocabulary: 7, units: 5}}, {lstm: {units: 6, "
        "return_state: true}}]\n",
        "net.yaml", NULL, 0, &e));
    cr_assert_not_null(config, "%s", e.text);
    tn_model *model = tn_model_new(test_env(), config, NULL, &e);
    cr_assert_not_null(model, "%s", e.text);
    tn_tensor to, from;
    const char *name;
    for (int32_t i = 0; tn_model_part(model, i, &name, &to); i++) {
        cr_assert_eq(tn_model_find(trained, name, &from, &e), TN_OK, "%s", e.text);
        memcpy(to.data, from.data, sizeof(float) * (size_t)tn_count(&to));
    }
    const char *text = test_read("t.txt", &size);
    for (int i = 0; i < STREAMS * LONG; i++) x[i] = (float)(text[i] - 'a');
    cr_assert_eq(tn_model_predict(model, x, STREAMS, y, &e), TN_OK, "%s", e.text);
    tn_model_free(model);
}

Test(text, states_of_streams_are_those_of_one_long_sequence)
{
    tn_error e = {0};
    float y[STREAMS * 2 * UNITS];
    tn_tensor states;
    enter_folder();
    write_stream(STREAMS * LONG + 1);
    tn_trainer *trainer = stream_trainer("", &e);
    cr_assert_not_null(trainer, "%s", e.text);
    cr_assert_eq(tn_trainer_run(trainer, &e), TN_OK, "%s", e.text);
    tn_model *model = tn_trainer_model(trainer);
    cr_assert_eq(tn_model_find(model, "lstm.states", &states, &e), TN_OK, "%s", e.text);
    run_long(model, y);
    for (int i = 0; i < STREAMS * 2 * UNITS; i++)
        cr_assert_float_eq(((const float *)states.data)[i], y[i], 1e-6, "%d", i);
    tn_trainer_free(trainer);
}

Test(text, batches_have_all_streams)
{
    tn_error e = {0};
    enter_folder();
    write_stream(STREAMS * LONG + 1);
    cr_assert_null(stream_trainer(", batch: 2", &e));
    cr_assert(strstr(e.text, "3 streams") && strstr(e.text, "have 2 samples"), "%s",
              e.text);
}

/* By a network that is as it is drawn; `more`: of the config. */
static tn_trainer *drawn_trainer(const char *data, const char *more)
{
    char text[600];
    tn_error e = {0};
    snprintf(text, sizeof text,
             "seed: 3\nprecision: double\ndata: {text: {path: t.txt, validation_share: "
             "0.5, %s}}\nmodel: [{embedding: {vocabulary: 7, units: 5}}, {lstm: "
             "{units: 6, stateful: 3, return_sequences: true}}, {dense: 7}]\nloss: "
             "cross_entropy\nobserve: []\noptimizer: {sgd: {lr: 0}}\n%s",
             data, more);
    tn_config *config = kept(tn_config_parse(test_env(), text, "net.yaml", NULL, 0, &e));
    cr_assert_not_null(config, "%s", e.text);
    tn_trainer *trainer = tn_trainer_new(test_env(), config, NULL, &e);
    cr_assert_not_null(trainer, "%s", e.text);
    return trainer;
}

/* The loss of a validation part of 49 characters; states that were there before stay. */
static double validation_loss(const char *data, const char *more)
{
    tn_error e = {0};
    const tn_score *score;
    int32_t scores;
    tn_tensor states;
    tn_trainer *trainer = drawn_trainer(data, more);
    tn_model *model = tn_trainer_model(trainer);
    cr_assert_eq(tn_model_find(model, "lstm.states", &states, &e), TN_OK, "%s", e.text);
    for (int64_t i = 0; i < tn_count(&states); i++) ((double *)states.data)[i] = 0.5;
    const unsigned long long version = atomic_load(&model->graph->version);
    cr_assert_eq(tn_model_evaluate(model, NULL, TN_VALIDATION, &score, &scores, &e),
                 TN_OK, "%s", e.text);
    for (int64_t i = 0; i < tn_count(&states); i++)
        cr_assert_eq(((double *)states.data)[i], 0.5);
    cr_assert_eq(atomic_load(&model->graph->version), version,
                 "weights would be made anew for every batch");
    const double loss = score[0].value;
    tn_trainer_free(trainer);
    return loss;
}

/* In windows of 4 or of 16 characters; not so where each window begins anew. */
Test(text, validation_goes_on_with_states)
{
    enter_folder();
    write_stream(98);
    const double shorter = validation_loss("steps: 4, batch: 3, streams: 3", ""),
                 longer = validation_loss("steps: 16, batch: 3, streams: 3", ""),
                 anew = validation_loss("steps: 4, batch: 3, shuffle: false", "");
    cr_assert_float_eq(shorter, longer, 1e-12);
    cr_assert(fabs(shorter - anew) > 1e-6, "%g and %g", shorter, anew);
}

/* Batches that are a part of the streams go on with the states of their own. */
Test(text, validation_of_parts_of_streams_is_that_of_all)
{
    enter_folder();
    write_stream(98);
    const double all = validation_loss("steps: 4, streams: 3", ""),
                 parts = validation_loss("steps: 4, streams: 3, batch: 1",
                                         "train: {accumulate: 3}\n");
    cr_assert_float_eq(all, parts, 1e-12);
}

Test(text, batches_that_make_up_no_streams_are_not_evaluated)
{
    static const char data[] = "data: {text: {path: t.txt, steps: 4, validation_share: "
                               "0.5, streams: 3, batch: 2}}\n";
    tn_error e = {0};
    const tn_score *score;
    int32_t scores;
    enter_folder();
    write_stream(98);
    tn_trainer *trainer = drawn_trainer("steps: 4, streams: 3", "");
    tn_config *other = kept(tn_config_parse(test_env(), data, "data.yaml", NULL, 0, &e));
    cr_assert_not_null(other, "%s", e.text);
    cr_assert_eq(tn_model_evaluate(tn_trainer_model(trainer), other, TN_VALIDATION,
                                   &score, &scores, &e),
                 TN_EINVAL);
    cr_assert(strstr(e.text, "has 3 streams") && strstr(e.text, "have 2 samples"), "%s",
              e.text);
    tn_trainer_free(trainer);
}

/* Positive states grow tenfold with every step: finite in a first window of 24 steps, not so in one
 * that goes on. */
Test(text, states_that_grow_beyond_all_numbers_are_blamed)
{
    static const char net[] =
        "data: {text: {path: t.txt, steps: 24, validation_share: 0.5, streams: 1}}\n"
        "model: [{embedding: {vocabulary: 7, units: 1, initializer: {constant: 1}}}, "
        "{rnn: {units: 1, stateful: 1, nonlinearity: relu, return_sequences: true, "
        "init: {constant: 10}, recurrent_initializer: {constant: 10}}}, {dense: 7}]\n"
        "loss: cross_entropy\nobserve: []\noptimizer: sgd\n";
    tn_error e = {0};
    const tn_score *score;
    int32_t scores;
    enter_folder();
    write_stream(110);
    tn_config *config = kept(tn_config_parse(test_env(), net, "net.yaml", NULL, 0, &e));
    cr_assert_not_null(config, "%s", e.text);
    tn_trainer *trainer = tn_trainer_new(test_env(), config, NULL, &e);
    cr_assert_not_null(trainer, "%s", e.text);
    cr_assert_eq(tn_model_evaluate(tn_trainer_model(trainer), NULL, TN_VALIDATION, &score,
                                   &scores, &e),
                 TN_ENUMERIC, "%s", e.text);
    cr_assert(strstr(e.text, "first appears in layer 'rnn'"), "%s", e.text);
    tn_trainer_free(trainer);
}

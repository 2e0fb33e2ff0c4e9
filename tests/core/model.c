/* model.c - models: files that come back bit for bit or are refused with a reason, what they
 * tell of themselves, predictions from several threads. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>

#include "tests/support/running.h"

static const char config_text[] =
    "seed: 4\nclasses: [red, green, blue]\nloss: cross_entropy\n"
    "model: [{dense: {name: first, units: 5, init: {normal: {std: 0.3}}}}, batch_norm, "
    "relu,\n"
    "  {dense: 3}, softmax]\nregularizer: {l2: {lambda: 0.1}}\n";

static tn_model *fresh(tn_env *env, const char *set)
{
    const tn_shape input = {.rank = 1, .dim = {RUN_FEATURES}};
    tn_error e = {0};
    tn_config *config = run_parse(env, config_text, &set, set ? 1 : 0);
    tn_model *m = tn_model_new(env, config, &input, &e);
    cr_assert_not_null(m, "%s", e.text);
    tn_config_free(config);
    return kept(m);
}

static void fill(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = run_noise(i, 0) * 4;
}

static const char *saved(const tn_model *m)
{
    static char path[300];
    tn_error e = {0};
    snprintf(path, sizeof path, "%s", test_path(test_folder(), "model.safetensors"));
    cr_assert_eq(tn_model_save(m, path, &e), TN_OK, "%s", e.text);
    return path;
}

Test(model, a_round_trip_keeps_every_bit)
{
    tn_env *env = run_env(1);
    for (int real = 0; real < 2; real++) {
        tn_error e = {0};
        tn_model *a = fresh(env, real ? "precision=double" : NULL);
        tn_tensor t, u;
        cr_assert_eq(tn_model_find(a, "batch_norm.running_var", &t, &e), TN_OK, "%s",
                     e.text);
        memset(t.data, 0x3e, tn_dtype_size(t.dtype)); /* a state travels too */
        tn_model *b = tn_model_load(env, saved(a), &e);
        cr_assert_not_null(b, "%s", e.text);
        cr_assert_eq(tn_model_tensors(a), tn_model_tensors(b));
        for (int32_t i = 0; i < tn_model_tensors(a); i++) {
            const char *name, *other;
            cr_assert_eq(tn_model_tensor(a, i, &name, &t), TN_OK);
            cr_assert_eq(tn_model_tensor(b, i, &other, &u), TN_OK);
            cr_assert_str_eq(name, other);
            cr_assert_eq(t.dtype, real ? TN_F64 : TN_F32);
            const size_t size = (size_t)tn_count(&t) * tn_dtype_size(t.dtype);
            cr_assert_eq(memcmp(t.data, u.data, size), 0, "%s", name);
        }
        float x[2 * RUN_FEATURES], y[6], z[6];
        fill(x, 2 * RUN_FEATURES);
        cr_assert_eq(tn_model_predict(a, x, 2, y, &e), TN_OK, "%s", e.text);
        cr_assert_eq(tn_model_predict(b, x, 2, z, &e), TN_OK, "%s", e.text);
        cr_assert_eq(memcmp(y, z, sizeof y), 0);
        cr_assert_float_eq(y[0] + y[1] + y[2], 1, 1e-6);
        tn_model_free(a);
        tn_model_free(b);
    }
}

Test(model, tells_of_itself)
{
    tn_env *env = run_env(1);
    tn_model *m = fresh(env, NULL);
    cr_assert(tn_model_input(m)->dim[0] == RUN_FEATURES &&
              tn_model_output(m)->dim[0] == 3);
    cr_assert_str_eq(tn_model_classes(m)[2], "blue");
    cr_assert_eq(tn_model_precision(m), TN_F32);
    cr_assert_eq(tn_model_seed(m), 4);
    cr_assert_eq(tn_model_layers(m), 5);
    const tn_layer_info first = tn_model_layer(m, 0), relu = tn_model_layer(m, 2);
    cr_assert_str_eq(first.name, "first");
    cr_assert_str_eq(first.plugin, "dense");
    cr_assert_str_eq(first.initializer, "normal");
    cr_assert_str_eq(first.regularizer, "l2");
    cr_assert(first.parameters == 35 && first.output.dim[0] == 5);
    cr_assert_str_eq(relu.regularizer, "-");
    cr_assert_str_eq(relu.initializer, "-");
    cr_assert_eq(tn_model_layer(m, 5).parameters, 0);
    tn_tensor t;
    tn_error e = {0};
    cr_assert_eq(tn_model_find(m, "first.weight", &t, &e), TN_OK);
    cr_assert(t.rank == 2 && t.dim[0] == 5 && t.dim[1] == RUN_FEATURES);
    cr_assert_eq(tn_model_find(m, "first.wait", &t, NULL), TN_ENOTFOUND);
}

/* ---- predictions ----------------------------------------------------------------------- */

enum { MANY = 1000 };
static float many[MANY * RUN_FEATURES], expected[MANY * 3];

static void *predict_often(void *model)
{
    float *y = malloc(sizeof expected);
    for (int i = 0; i < 5; i++) {
        memset(y, 0, sizeof expected);
        if (tn_model_predict(model, many, MANY, y, NULL)) return "status";
        if (memcmp(y, expected, sizeof expected)) return "bits";
    }
    free(y);
    return NULL;
}

Test(model, predicts_on_several_threads_at_once)
{
    tn_error e = {0};
    tn_env *env = run_env(2);
    for (int real = 0; real < 2; real++) {
        tn_model *m = fresh(env, real ? "precision=double" : NULL);
        pthread_t thread[4];
        fill(many, MANY * RUN_FEATURES);
        /* one by one, however many a plan takes at once */
        for (int i = 0; i < MANY; i++)
            cr_assert_eq(
                tn_model_predict(m, many + i * RUN_FEATURES, 1, expected + 3 * i, &e),
                TN_OK, "%s", e.text);
        for (int i = 0; i < 4; i++)
            cr_assert_eq(pthread_create(&thread[i], NULL, predict_often, m), 0);
        for (int i = 0; i < 4; i++) {
            void *wrong;
            pthread_join(thread[i], &wrong);
            cr_assert_null(wrong, "%s", (char *)wrong);
        }
        const long long before = atomic_load(&env->memory.calls);
        cr_assert_eq(tn_model_predict(m, many, MANY, expected, &e), TN_OK);
        cr_assert_eq(atomic_load(&env->memory.calls), before, "a plan was made again");
        cr_assert_eq(tn_model_predict(m, many, 0, NULL, &e), TN_OK);
        cr_assert_eq(tn_model_predict(m, many, -1, NULL, NULL), TN_EINVAL);
        tn_model_free(m);
    }
}

/* From the data to the config, to the file and back. */
Test(model, names_of_classes_may_be_any_text)
{
    static const char *const names[] = {"two\nlines\r\t", "\x01\x1f\x7f \"q\" \\",
                                        "\xC3\xA9, ] # : "};
    tn_env *env = run_env(1);
    const tn_shape input = {.rank = 1, .dim = {RUN_FEATURES}};
    tn_error e = {0};
    tn_config *config = run_parse(env, "model: [{dense: 3}]\n", NULL, 0);
    tn_model *m = tn_model_new(env, config, &input, &e);
    cr_assert_not_null(m, "%s", e.text);
    cr_assert_eq(tn_model_name_classes(m, names, 3, &e), TN_OK, "%s", e.text);
    tn_model *again = tn_model_load(env, saved(m), &e);
    cr_assert_not_null(again, "%s", e.text);
    for (int i = 0; i < 3; i++) {
        cr_assert_str_eq(tn_model_classes(m)[i], names[i]);
        cr_assert_str_eq(tn_model_classes(again)[i], names[i]);
    }
    tn_model_free(again);
    tn_model_free(m);
    tn_config_free(config);
    tn_env_free(env);
}

static tn_model *named(tn_env *env, const char *classes, tn_error *e)
{
    char text[200];
    const tn_shape input = {.rank = 1, .dim = {RUN_FEATURES}};
    snprintf(text, sizeof text, "model: [{dense: 1}]\nclasses: %s\n", classes);
    tn_config *config = run_parse(env, text, NULL, 0);
    tn_model *m = tn_model_new(env, config, &input, e);
    tn_config_free(config);
    return m;
}

/* One output tells two classes apart; files may have one name for it. */
Test(model, one_output_has_two_classes)
{
    static const char *const lists[] = {"[cat, dog]", "[dog]"};
    tn_env *env = run_env(1);
    for (int i = 0; i < 2; i++) {
        tn_error e = {0};
        tn_model *m = named(env, lists[i], &e);
        cr_assert_not_null(m, "%s", e.text);
        tn_model *again = tn_model_load(env, saved(m), &e);
        cr_assert_not_null(again, "%s", e.text);
        cr_assert_eq(tn_model_class_count(m), 2 - i);
        cr_assert_eq(tn_model_class_count(again), 2 - i);
        cr_assert_str_eq(tn_model_classes(again)[1 - i], "dog");
        tn_model_free(again);
        tn_model_free(m);
    }
    tn_error e = {0};
    cr_assert_null(named(env, "[cat, dog, bird]", &e));
    cr_assert_not_null(strstr(e.text, "classes: expected a list of 2 names, of the "
                                      "classes 0 and 1 that 1 output tells apart"),
                       "%s", e.text);
    tn_env_free(env);
}

Test(model, data_names_the_two_classes_of_one_output)
{
    static const char *const names[] = {"cat", "dog", "bird"};
    tn_env *env = run_env(1);
    const tn_shape input = {.rank = 1, .dim = {RUN_FEATURES}};
    tn_error e = {0};
    tn_config *config = run_parse(env, "model: [{dense: 1}]\n", NULL, 0);
    tn_model *m = tn_model_new(env, config, &input, &e);
    cr_assert_not_null(m, "%s", e.text);
    cr_assert_eq(tn_model_name_classes(m, names, 3, &e), TN_OK, "%s", e.text);
    cr_assert(tn_model_class_count(m) == 0 && !tn_model_classes(m));
    cr_assert_eq(tn_model_name_classes(m, names, 2, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_model_class_count(m), 2);
    cr_assert_str_eq(tn_model_classes(m)[1], "dog");
    tn_model_free(m);
    tn_config_free(config);
    tn_env_free(env);
}

/* ---- evaluation ------------------------------------------------------------------------ */

Test(model, evaluates_as_training_did)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const char *dir = test_folder();
    const tn_train_options options = {.run_dir = dir};
    tn_trainer *t = run_new(env, NULL, &options, &e);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    tn_model *m = tn_model_load(env, test_path(dir, "model.safetensors"), &e);
    cr_assert_not_null(m, "%s", e.text);
    tn_config *data = run_parse(env, run_config, NULL, 0);
    const tn_score *score;
    int32_t count;
    cr_assert_eq(tn_model_evaluate(m, data, 1, &score, &count, &e), TN_OK, "%s", e.text);
    cr_assert_eq(count, 2);
    cr_assert_str_eq(score[1].name, "accuracy");
    cr_assert_str_eq(t->value[3].name, "val_loss");
    cr_assert_eq(score[0].value, t->value[3].value);
    cr_assert_eq(score[1].value, t->value[4].value);
    cr_assert_eq(tn_model_evaluate(tn_trainer_model(t), NULL, 1, &score, &count, &e),
                 TN_OK);
    cr_assert_eq(score[0].value, t->value[3].value);
    cr_assert_eq(tn_model_evaluate(m, data, 2, &score, &count, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "no split 'test'"), "%s", e.text);
    cr_assert_eq(tn_model_evaluate(m, NULL, 1, &score, &count, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "give a config with a data section"), "%s", e.text);
    cr_assert_eq(tn_model_evaluate(m, data, 3, &score, &count, NULL), TN_EINVAL);
    tn_config_free(data);
    tn_model_free(m);
    tn_trainer_free(t);
    tn_env_free(env);
}

/* ---- files that are not what they say ---------------------------------------------------- */

#define SMALL "input: [2]\nmodel: [{dense: {units: 1}}]\n"

static float numbers[8];

static tn_named_tensor tensor(const char *name, int32_t dtype, int32_t rank, int64_t a,
                              int64_t b)
{
    return (tn_named_tensor){name,
                             {.struct_size = sizeof(tn_tensor),
                              .dtype = dtype,
                              .rank = rank,
                              .dim = {a, b},
                              .stride = {rank == 2 ? b : 1, 1},
                              .data = numbers}};
}

/* What loading a file with these contents says. */
static const char *loading(const char *version, const char *config,
                           tn_named_tensor weight, int32_t tensors)
{
    static tn_error e;
    tn_env *env = run_env(1);
    const char *path = test_path(test_folder(), "m.safetensors");
    tn_text_pair text[] = {{TN_KEY_VERSION, version}, {TN_KEY_CONFIG, config}};
    tn_named_tensor all[] = {weight, tensor("dense.bias", TN_F32, 1, 1, 0),
                             tensor("more", TN_F32, 1, 1, 0)};
    const tn_archive a = {
        .texts = config ? 2 : 1, .tensors = tensors, .text = text, .tensor = all};
    e = (tn_error){0};
    cr_assert_eq(tn_archive_write(env, path, &a, &e), TN_OK, "%s", e.text);
    tn_model *m = tn_model_load(env, path, &e);
    tn_model_free(m);
    if (m) return "";
    cr_assert_null(tn_model_load(env, path, NULL));
    cr_assert_not_null(strstr(e.text, "m.safetensors"), "the file is named: %s", e.text);
    return e.text;
}

#define SAYS(text, part)                                    \
    do {                                                    \
        const char *said = (text);                          \
        cr_assert_not_null(strstr(said, part), "%s", said); \
    } while (0)

Test(model, a_file_made_by_hand_loads)
{
    cr_assert_str_eq(loading("1", SMALL, tensor("dense.weight", TN_F32, 2, 1, 2), 2), "");
}

Test(model, files_that_do_not_fit_are_refused)
{
    const tn_named_tensor good = tensor("dense.weight", TN_F32, 2, 1, 2);
    SAYS(loading("1", SMALL, tensor("dense.weight", TN_F32, 2, 2, 1), 2),
         "tensor 'dense.weight' has shape (2, 1), but its config makes it (1, 2)");
    SAYS(loading("1", SMALL, tensor("dense.weight", TN_I32, 2, 1, 2), 2),
         "tensor 'dense.weight' is I32, but its config makes it F32");
    SAYS(loading("1", SMALL, tensor("dense.w", TN_F32, 2, 1, 2), 2),
         "there is no tensor 'dense.weight'");
    SAYS(loading("1", SMALL, good, 3), "holds 3 tensors, but its config makes 2");
    SAYS(loading("2", SMALL, good, 2), "format version is 2, this Tenon reads 1");
    SAYS(loading("1", NULL, good, 2),
         "not written by Tenon: it has no text 'tenon.config'");
    SAYS(loading("1", "model: [{dense: 1}]\n", good, 2),
         "does not say the input's shape");
    SAYS(loading("1", SMALL "data: {idx: {train_images: /etc/passwd}}\n", good, 2),
         "data");
    SAYS(loading("1", SMALL "optimizer: sgd\n", good, 2), "optimizer");
    SAYS(loading("1", "input: [2]\nmodel: [{nothing: 1}]\n", good, 2), "nothing");
    SAYS(loading("1", "input: [2]\nmodel: [", good, 2), "m.safetensors:");
    SAYS(loading("1", "input: [2000000000, 2000000000, 2000000000]\nmodel: [flatten]\n",
                 good, 2),
         "input: more values than there can be");
    SAYS(loading("1", "input: [2]\nmodel: [{dense: {units: 100000000}}]\n", good, 2),
         "the file holds less than its config makes: dense.weight");
}

/* The first prediction makes a plan, which the others take. */
/* The first makes a plan, the second packs weights. */
Test(model, predictions_allocate_nothing_after_two)
{
    for (int real = 0; real < 2; real++) {
        tn_env *env = run_env(2);
        tn_error e = {0};
        float y[3];
        tn_model *m = fresh(env, real ? "precision=double" : NULL);
        fill(many, RUN_FEATURES);
        for (int i = 0; i < 2; i++)
            cr_assert_eq(tn_model_predict(m, many, 1, y, &e), TN_OK, "%s", e.text);
        const long long before = atomic_load(&env->memory.calls);
        for (int i = 0; i < 20; i++)
            cr_assert_eq(tn_model_predict(m, many, 1, y, &e), TN_OK, "%s", e.text);
        cr_assert_eq(atomic_load(&env->memory.calls), before);
        cr_assert_eq(tn_model_predict(m, NULL, 1, y, &e), TN_EINVAL);
        cr_assert_str_eq(e.text, "no arrays: x or y is NULL");
        cr_assert_eq(tn_model_predict(m, NULL, 0, NULL, &e), TN_OK);
        tn_model_free(m);
        tn_env_free(env);
    }
}

Test(model, a_file_that_is_not_there)
{
    tn_error e = {0};
    cr_assert_null(tn_model_load(run_env(1), "/no/such.safetensors", &e));
    cr_assert_eq(e.status, TN_EIO);
}

Test(model, everything_is_given_back)
{
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *m = fresh(env, NULL);
    const char *path = saved(m);
    tn_model_free(m);
    const size_t used = atomic_load(&env->memory.used);
    m = tn_model_load(env, path, &e);
    float y[3];
    fill(many, RUN_FEATURES);
    cr_assert_eq(tn_model_predict(m, many, 1, y, &e), TN_OK);
    const size_t with = atomic_load(&env->memory.used);
    tn_model_free(m);
    cr_assert_lt(atomic_load(&env->memory.used), with);
    /* the double backend or a format may stay loaded, a second time nothing more does */
    const size_t after = atomic_load(&env->memory.used);
    m = tn_model_load(env, path, &e);
    cr_assert_eq(tn_model_predict(m, many, 1, y, &e), TN_OK);
    tn_model_free(m);
    cr_assert_eq(atomic_load(&env->memory.used), after);
    cr_assert_leq(used, after);
    tn_env_free(env);
}

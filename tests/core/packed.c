/* packed.c - inference on packed weights gives the bits of inference on weights where they lie,
 * and follows every change of them. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/predict.h"
#include "core/trainer.h"
#include "tests/support/opening.h"

#define MUST(call) cr_assert_eq(call, TN_OK, "%s", e.text)

enum { SAMPLES = 40, INPUTS = 70, CLASSES = 5, OUT = SAMPLES * CLASSES, THREADS = 4 };

static const char dense[] = "seed: 3\ninput: [70]\nmodel: [{dense: 130}, relu, {dense: "
                            "{units: 40, parametrization: "
                            "weight_norm}}, relu, {dense: 5}]\nloss: "
                            "cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n";

static const char recurrent[] =
    "seed: 3\ninput: [70]\nmodel: [{reshape: [7, 10]}, {lstm: {units: 24, projection: "
    "8}}, {dense: 5}]\nloss: cross_entropy\noptimizer: {sgd: {lr: 0.1}}\n";

static float x[SAMPLES * INPUTS];
static int32_t label[SAMPLES];

static void fill_batch(void)
{
    const tn_key key = {{1, 2}};
    for (int i = 0; i < SAMPLES * INPUTS; i++)
        x[i] = (float)tn_random_normal(key, (uint64_t)i);
    for (int i = 0; i < SAMPLES; i++) label[i] = i % CLASSES;
}

TestSuite(packed, .init = fill_batch);

static tn_config *read_config(tn_env *env, const char *text)
{
    tn_error e = {0};
    tn_config *config = tn_config_parse(env, text, "test.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    return config;
}

static tn_model *make_model(tn_env *env, tn_config *config)
{
    tn_error e = {0};
    const tn_shape input = {.rank = 1, .dim = {INPUTS}};
    tn_model *model = tn_model_new(env, config, &input, &e);
    cr_assert_not_null(model, "%s", e.text);
    return model;
}

static void predict(const tn_model *model, int64_t samples, float *y)
{
    tn_error e = {0};
    MUST(tn_model_predict(model, x, samples, y, &e));
}

static bool is_packed(const tn_model *model, int32_t param)
{
    return atomic_load(&model->graph->param[param].packed.of) ==
           atomic_load(&model->graph->version);
}

Test(packed, same_bits_from_the_second_use_on)
{
    static const int64_t sizes[] = {1, 4, 17, SAMPLES};
    tn_env *env = open_env("blis", 2);
    tn_config *config = read_config(env, dense);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tn_model *model = make_model(env, config);
        float first[OUT] = {0}, later[OUT] = {0};
        const size_t bytes = (size_t)(sizes[i] * CLASSES) * sizeof *first;
        predict(model, sizes[i], first);
        cr_assert(!is_packed(model, 0));
        for (int k = 0; k < 3; k++) {
            predict(model, sizes[i], later);
            cr_assert_eq(memcmp(first, later, bytes), 0);
            cr_assert(is_packed(model, 0));
        }
        const long long before = atomic_load(&env->memory.calls);
        predict(model, sizes[i], later);
        cr_assert_eq(atomic_load(&env->memory.calls), before);
        tn_model_free(model);
    }
    tn_config_free(config);
    tn_env_free(env);
}

/* Those that a parametrization makes like others; what it has is none. */
Test(packed, weights_are_and_nothing_else)
{
    tn_env *env = open_env("blis", 2);
    tn_config *config = read_config(env, dense);
    tn_model *model = make_model(env, config);
    const tn_graph *g = model->graph;
    float y[OUT];
    for (int k = 0; k < 3; k++) predict(model, SAMPLES, y);
    for (int32_t i = 0; i < g->params; i++)
        cr_assert_eq(is_packed(model, i),
                     g->param[i].spec.role == TN_WEIGHT && g->param[i].owner < 0, "%s",
                     g->param[i].name);
    tn_model_free(model);
    tn_config_free(config);
    tn_env_free(env);
}

/* Those of `param` and of all else. */
static void follow_training(const char *text, int32_t param)
{
    tn_env *env = open_env("blis", 2);
    tn_config *config = read_config(env, text);
    tn_error e = {0};
    tn_trainer *trainer = tn_trainer_new(env, config, NULL, &e);
    cr_assert_not_null(trainer, "%s", e.text);
    tn_model *model = tn_trainer_model(trainer);
    for (int step = 0; step < 3; step++) {
        float packed[OUT], plain[OUT];
        for (int k = 0; k < 3; k++) predict(model, SAMPLES, packed);
        cr_assert(is_packed(model, param));
        atomic_store(&model->graph->handed_out, true);
        predict(model, SAMPLES, plain);
        atomic_store(&model->graph->handed_out, false);
        cr_assert_eq(memcmp(packed, plain, sizeof packed), 0);
        MUST(tn_trainer_step(trainer, x, NULL, label, SAMPLES, NULL, &e));
        cr_assert(!is_packed(model, param));
    }
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
}

Test(packed, follows_training)
{
    follow_training(dense, 0);
}

/* Weights of many products of one call, which their layer packs. */
Test(packed, recurrent_weights_are_kept_and_follow_training)
{
    enum { RECURRENT = 1, PROJECTION = 3 };
    follow_training(recurrent, RECURRENT);
    follow_training(recurrent, PROJECTION);
}

/* Whoever has a pointer to weights may write to them without a word. */
Test(packed, weights_that_are_handed_out_are_read_where_they_lie)
{
    tn_env *env = open_env("blis", 2);
    tn_config *config = read_config(env, dense);
    tn_model *model = make_model(env, config);
    tn_error e = {0};
    tn_tensor w;
    float y[OUT], changed[OUT];
    for (int k = 0; k < 3; k++) predict(model, SAMPLES, y);
    MUST(tn_model_find(model, "dense.weight", &w, &e));
    for (int k = 0; k < 3; k++) {
        for (int64_t i = 0; i < tn_count(&w); i++) ((float *)w.data)[i] *= 2;
        predict(model, SAMPLES, changed);
        cr_assert(memcmp(y, changed, sizeof y) != 0);
        memcpy(y, changed, sizeof y);
    }
    tn_model_free(model);
    tn_config_free(config);
    tn_env_free(env);
}

static float results[THREADS][OUT];
static tn_model *shared;

static void *predict_often(void *out)
{
    for (int k = 0; k < 20; k++) tn_model_predict(shared, x, SAMPLES, out, NULL);
    return NULL;
}

Test(packed, one_copy_for_all_threads)
{
    tn_env *env = open_env("blis", 2);
    tn_config *config = read_config(env, dense);
    pthread_t thread[THREADS];
    float first[OUT];
    shared = make_model(env, config);
    predict(shared, SAMPLES, first);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, predict_often, results[i]);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    cr_assert(is_packed(shared, 0));
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(memcmp(results[i], first, sizeof first), 0);
    tn_model_free(shared);
    tn_config_free(config);
    tn_env_free(env);
}

Test(packed, a_backend_that_does_not_pack_is_left_alone)
{
    tn_env *env = open_env("reference", 2);
    tn_config *config = read_config(env, dense);
    tn_model *model = make_model(env, config);
    float y[OUT];
    for (int k = 0; k < 3; k++) predict(model, 2, y);
    cr_assert(!is_packed(model, 0));
    tn_model_free(model);
    tn_config_free(config);
    tn_env_free(env);
}

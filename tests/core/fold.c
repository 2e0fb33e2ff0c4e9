/* fold.c - layers that become part of the product before them at inference: the values of a plan
 * that keeps all layers apart up to rounding, the same bits however the weights are read and the
 * batch is cut, and always those of the parameters and states of now. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/graph_build.h"
#include "core/model.h"
#include "core/plan_state.h"
#include "tests/support/check.h"
#include "tests/support/disk.h"
#include "tests/support/kernels.h"
#include "tests/support/opening.h"

#define MUST(call) cr_assert_eq(call, TN_OK, "%s", e.text)

enum { MOST = 128 };

typedef struct net {
    char model[300];
    tn_shape input;
    int32_t folds, groups; /* at inference */
} net;

static net nets[] = {
    {"[{dense: 9}, batch_norm, relu, {dense: 3}]", {1, {5}}, 1, 2},
    {"[{dense: {units: 40, bias: false}}, batch_norm, tanh, {dense: 300}, batch_norm]",
     {1, {70}},
     2,
     2},
    {"[{dense: 9}, {batch_norm: {affine: false}}, sigmoid, {dense: 7}]", {1, {5}}, 1, 2},
    {"[{dense: 33}, {residual: [{dense: {units: 33, bias: false}}, batch_norm, relu]}, "
     "{residual: [{dense: 33}, batch_norm, relu, {dense: 33}, {batch_norm: {affine: "
     "false}}]}, relu, {dense: 5}]",
     {1, {20}},
     3,
     5},
    /* several blocks of the inner dimension; several cells of the result */
    {"[{dense: 520}, batch_norm, relu]", {1, {700}}, 1, 1},
    /* narrow ones, which the backend does not pack */
    {"[{dense: 4}, batch_norm, relu, {dense: {units: 1, bias: false}}, batch_norm]",
     {1, {30}},
     2,
     2},
    /* rows of several positions; the identity and views between */
    {"[{dense: 8}, {dropout: 0.5}, batch_norm, relu, flatten, {dense: 3}]",
     {2, {3, 5}},
     1,
     2},
    {"[{dense: 8}, flatten, batch_norm, relu]", {2, {1, 5}}, 1, 1},
    {"[{dense: 8}, batch_norm, flatten, {dropout: 0.5}, {dense: 2}]", {2, {3, 5}}, 1, 2},
    /* weights that the layer reads in an order of its own; many products, or none, make one */
    {"[{conv2d: 9}, batch_norm, relu, {conv2d: {filters: 40, stride: 2, padding: same, "
     "bias: "
     "false}}, batch_norm, {conv2d: {filters: 5, kernel: 1}}, batch_norm]",
     {3, {6, 7, 3}},
     3,
     3},
    {"[{conv1d: {filters: 6, groups: 2}}, batch_norm, {conv1d: {filters: 6, groups: 6}}, "
     "batch_norm]",
     {2, {8, 4}},
     0,
     4},
    /* one of two; the other rides */
    {"[{dense: 8}, batch_norm, batch_norm, relu]", {1, {5}}, 1, 1},
    /* made by a parametrization */
    {"[{dense: {units: 9, parametrization: weight_norm}}, batch_norm, relu, {dense: "
     "{units: 6, parametrization: spectral_norm}}, batch_norm]",
     {1, {5}},
     2,
     2},
    /* products in another form have it done to their result */
    {"[{toy_linear: 9}, batch_norm, relu]", {1, {5}}, 1, 1},
    {"[{toy_linear: {units: 9, way: columns}}, batch_norm, relu, {dense: 3}]",
     {1, {5}},
     1,
     2},
    /* not by itself: others want the values in front, or there is no product */
    {"[{dense: {units: 9, name: a}}, batch_norm, {add: {inputs: [batch_norm, a]}}]",
     {1, {5}},
     0,
     2},
    {"[{dense: 9}, relu, batch_norm, {dense: 3}]", {1, {5}}, 0, 2},
    {"[batch_norm, {dense: 3}]", {1, {5}}, 0, 2},
    {"[{dense: 4}, flatten, batch_norm]", {2, {3, 5}}, 0, 2},
};

#define COUNT (sizeof nets / sizeof *nets)

/* ---- a graph with parameters and states of all kinds ------------------------------------ */

typedef struct lab {
    tn_env *env;
    tn_config *config;
    tn_graph *graph;
    unsigned char *x; /* MOST samples */
    size_t size;
    int64_t in, out; /* values of a sample */
} lab;

static void set(const tn_tensor *t, int64_t i, double value)
{
    if (t->dtype == TN_F64)
        ((double *)t->data)[i] = value;
    else
        ((float *)t->data)[i] = (float)value;
}

/* Around 0; of variances, above it. */
static void fill(const tn_tensor *t, const char *name, uint32_t seed)
{
    const tn_key key = {{seed, 9}};
    const bool variance = strstr(name, "var") != NULL;
    for (int64_t i = 0; i < tn_count(t); i++)
        set(t, i,
            variance ? 0.2 + tn_random_uniform(key, (uint64_t)i)
                     : tn_random_normal(key, (uint64_t)i) / 2);
}

static lab make_lab(const net *n, const char *backend, int32_t threads, int32_t real)
{
    lab l = {.env = open_env(backend, threads), .size = real ? 8 : 4};
    l.graph = open_graph(l.env, n->model, &n->input, real, &l.config);
    tn_graph *g = l.graph;
    for (int32_t i = 0; i < g->params; i++)
        if (g->param[i].spec.role != TN_WEIGHT)
            fill(&g->param[i].value, g->param[i].name, (uint32_t)i);
    for (int32_t i = 0; i < g->states; i++)
        fill(&g->state[i].value, g->state[i].name, 100 + (uint32_t)i);
    l.in = tn_shape_count(&n->input), l.out = tn_shape_count(tn_graph_output(g));
    l.x = calloc((size_t)(MOST * l.in), l.size);
    const tn_tensor x = {
        .dtype = real ? TN_F64 : TN_F32, .rank = 1, .dim = {MOST * l.in}, .data = l.x};
    fill(&x, "input", 55);
    return l;
}

static void free_lab(lab *l)
{
    free(l->x);
    tn_graph_free(l->graph);
    tn_config_free(l->config);
    tn_env_free(l->env);
}

static tn_plan *make_plan(lab *l, bool keeps)
{
    const tn_plan_options options = {.samples = MOST, .keeps = keeps};
    tn_plan *plan;
    tn_error e = {0};
    MUST(tn_plan_make(l->graph, &options, &plan, &e));
    return plan;
}

/* samples x out values, from sample `first` on; the caller frees them. */
static void *run(lab *l, tn_plan *plan, int64_t first, int64_t samples)
{
    const tn_pass pass = {.samples = samples};
    const void *y;
    tn_error e = {0};
    MUST(tn_plan_forward(plan, &pass, l->x + (size_t)(first * l->in) * l->size, &y, &e));
    void *out = malloc((size_t)(samples * l->out) * l->size);
    memcpy(out, y, (size_t)(samples * l->out) * l->size);
    return out;
}

static void *run_anew(lab *l, bool keeps, int64_t samples)
{
    tn_plan *plan = make_plan(l, keeps);
    void *y = run(l, plan, 0, samples);
    tn_plan_free(plan);
    return y;
}

static double value_at(const lab *l, const void *y, int64_t i)
{
    return l->graph->real ? ((const double *)y)[i] : (double)((const float *)y)[i];
}

/* Frees both. */
static void near(const lab *l, void *a, void *b, int64_t samples)
{
    const double tolerance = l->graph->real ? 1e-12 : 1e-6;
    double largest = 1, error = 0;
    for (int64_t i = 0; i < samples * l->out; i++) {
        largest = fmax(largest, fabs(value_at(l, b, i)));
        error = fmax(error, fabs(value_at(l, a, i) - value_at(l, b, i)));
    }
    cr_assert(error <= tolerance * largest, "%g of %g", error, largest);
    free(a);
    free(b);
}

/* Frees b. */
static void same(const lab *l, const void *a, void *b, int64_t samples, const char *what)
{
    cr_assert_eq(memcmp(a, b, (size_t)(samples * l->out) * l->size), 0, "%s", what);
    free(b);
}

/* ---- what is folded --------------------------------------------------------------------- */

static int32_t folds_of(const tn_plan *plan)
{
    int32_t folds = 0;
    for (int32_t i = 0; i < plan->graph->nodes; i++)
        folds += plan->node[i].unit.fold != NULL;
    return folds;
}

ParameterizedTestParameters(fold, where_it_can_be)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, fold, where_it_can_be)
{
    lab l = make_lab(n, "blis", 1, 0);
    tn_plan *plan = make_plan(&l, false), *kept = make_plan(&l, true);
    cr_assert_eq(folds_of(plan), n->folds, "%s: %d folds", n->model, folds_of(plan));
    cr_assert_eq(plan->forwards, n->groups, "%s: %d groups", n->model, plan->forwards);
    cr_assert_eq(folds_of(kept), 0);
    tn_plan_free(plan);
    tn_plan_free(kept);
    free_lab(&l);
}

Test(fold, not_in_training)
{
    lab l = make_lab(&nets[0], "blis", 1, 0);
    const tn_plan_options options = {.samples = 3, .training = true};
    tn_plan *plan;
    tn_error e = {0};
    MUST(tn_plan_make(l.graph, &options, &plan, &e));
    cr_assert_eq(folds_of(plan), 0);
    tn_plan_free(plan);
    free_lab(&l);
}

Test(fold, a_folded_layer_is_in_no_group)
{
    lab l = make_lab(&nets[0], "blis", 1, 0);
    tn_plan *plan = make_plan(&l, false);
    char name[64];
    tn_plan_name(plan, 0, name, sizeof name);
    cr_assert_str_eq(name, "dense + relu");
    tn_plan_free(plan);
    free_lab(&l);
}

/* ---- what comes out --------------------------------------------------------------------- */

ParameterizedTestParameters(fold, values_of_the_layers_one_by_one)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, fold, values_of_the_layers_one_by_one)
{
    static const struct {
        const char *backend;
        int32_t threads, real;
    } ways[] = {{"blis", 1, 0}, {"blis", 4, 0}, {"blis", 2, 1}, {"reference", 1, 1}};
    static const int64_t sizes[] = {1, 3, MOST};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        lab l = make_lab(n, ways[w].backend, ways[w].threads, ways[w].real);
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            near(&l, run_anew(&l, false, sizes[k]), run_anew(&l, true, sizes[k]),
                 sizes[k]);
        free_lab(&l);
    }
}

ParameterizedTestParameters(fold, same_bits_in_every_way)
{
    return cr_make_param_array(net, nets, COUNT);
}

/* From weights where they lie and packed, in batches and one by one, with one thread and more, in
 * groups and layer by layer. */
ParameterizedTest(net *n, fold, same_bits_in_every_way)
{
    if (!has_own_kernels()) cr_skip_test("with BLIS's kernels bits depend on the rows");
    for (int32_t real = 0; real < 2; real++) {
        lab l = make_lab(n, "blis", 1, real), four = make_lab(n, "blis", 4, real);
        tn_plan *plan = make_plan(&l, false), *apart;
        const tn_plan_options options = {.samples = MOST, .apart = true};
        tn_error e = {0};
        void *y = run(&l, plan, 0, MOST);
        for (int k = 0; k < 3; k++) same(&l, y, run(&l, plan, 0, MOST), MOST, "packed");
        for (int64_t i = 0; i < MOST; i++)
            same(&l, (char *)y + (size_t)(i * l.out) * l.size, run(&l, plan, i, 1), 1,
                 "one sample");
        same(&l, y, run_anew(&four, false, MOST), MOST, "threads");
        MUST(tn_plan_make(l.graph, &options, &apart, &e));
        same(&l, y, run(&l, apart, 0, MOST), MOST, "apart");
        atomic_store(&l.graph->handed_out, true);
        same(&l, y, run(&l, plan, 0, MOST), MOST, "handed out");
        same(&l, y, run(&l, plan, 0, 1), 1, "handed out, one sample");
        free(y);
        tn_plan_free(apart);
        tn_plan_free(plan);
        free_lab(&l);
        free_lab(&four);
    }
}

/* ---- what changes ----------------------------------------------------------------------- */

/* Whatever the copy depends on, one after the other. */
Test(fold, follows_every_parameter_and_state)
{
    lab l = make_lab(&nets[0], "blis", 1, 1);
    tn_graph *g = l.graph;
    tn_plan *plan = make_plan(&l, false);
    for (int32_t i = 0; i < g->params + g->states; i++) {
        void *before = NULL;
        for (int k = 0; k < 3; k++) free(before), before = run(&l, plan, 0, 3);
        const tn_tensor *t = i < g->params ? &g->param[i].value
                                           : &g->state[i - g->params].value;
        set(t, tn_count(t) - 1, 2.5);
        tn_graph_changed(g);
        for (int k = 0; k < 3; k++) {
            void *after = run(&l, plan, 0, 3);
            cr_assert_neq(memcmp(before, after, (size_t)(3 * l.out) * l.size), 0);
            near(&l, after, run_anew(&l, true, 3), 3);
        }
        free(before);
    }
    tn_plan_free(plan);
    free_lab(&l);
}

/* A caller that holds them may write to them without a word. */
Test(fold, follows_what_is_handed_out)
{
    lab l = make_lab(&nets[0], "blis", 1, 1);
    tn_graph *g = l.graph;
    tn_plan *plan = make_plan(&l, false);
    for (int k = 0; k < 3; k++) free(run(&l, plan, 0, 3));
    atomic_store(&g->handed_out, true);
    for (int32_t i = 0; i < g->params + g->states; i++) {
        set(i < g->params ? &g->param[i].value : &g->state[i - g->params].value, 0, 3.5);
        near(&l, run(&l, plan, 0, 3), run_anew(&l, true, 3), 3);
    }
    tn_plan_free(plan);
    free_lab(&l);
}

/* Running statistics alone. */
Test(fold, follows_statistics_that_are_committed)
{
    lab l = make_lab(&nets[3], "blis", 1, 1);
    const tn_plan_options options = {.samples = MOST, .training = true};
    const tn_pass pass = {.samples = MOST, .training = true};
    tn_plan *plan = make_plan(&l, false), *training;
    tn_error e = {0};
    MUST(tn_plan_make(l.graph, &options, &training, &e));
    for (int round = 0; round < 3; round++) {
        for (int k = 0; k < 3; k++)
            near(&l, run(&l, plan, 0, MOST), run_anew(&l, true, MOST), MOST);
        MUST(tn_plan_forward(training, &pass, l.x, NULL, &e));
        tn_plan_commit(training, &pass, TN_COMMIT_ALL);
    }
    tn_plan_free(training);
    tn_plan_free(plan);
    free_lab(&l);
}

/* ---- models ----------------------------------------------------------------------------- */

static const char text[] =
    "seed: 3\ninput: [20]\nmodel: [{dense: 64}, batch_norm, relu, {residual: [{dense: "
    "64}, batch_norm, relu]}, {dense: 4}]\nloss: cross_entropy\noptimizer: {sgd: {lr: "
    "0.1, momentum: 0.9}}\n";

enum { SAMPLES = 60, INPUTS = 20, CLASSES = 4, OUT = SAMPLES * CLASSES, THREADS = 4 };

static float x[SAMPLES * INPUTS];
static int32_t label[SAMPLES];

static tn_config *read_config(tn_env *env)
{
    tn_error e = {0};
    const tn_key key = {{1, 2}};
    for (int i = 0; i < SAMPLES * INPUTS; i++)
        x[i] = (float)tn_random_normal(key, (uint64_t)i);
    for (int i = 0; i < SAMPLES; i++) label[i] = i % CLASSES;
    tn_config *config = tn_config_parse(env, text, "test.yaml", NULL, 0, &e);
    cr_assert_not_null(config, "%s", e.text);
    return config;
}

static tn_trainer *make_trainer(tn_env *env, const tn_config *config)
{
    tn_error e = {0};
    tn_trainer *trainer = tn_trainer_new(env, config, NULL, &e);
    cr_assert_not_null(trainer, "%s", e.text);
    return trainer;
}

static void predict(const tn_model *model, float *y)
{
    tn_error e = {0};
    MUST(tn_model_predict(model, x, SAMPLES, y, &e));
}

/* Predictions of the same parameters in a model that has seen nothing else. */
static void predict_anew(tn_env *env, const tn_model *model, float *y)
{
    const char *path = test_path(test_folder(), "model.safetensors");
    tn_error e = {0};
    MUST(tn_model_save(model, path, &e));
    tn_model *loaded = tn_model_load(env, path, &e);
    cr_assert_not_null(loaded, "%s", e.text);
    predict(loaded, y);
    tn_model_free(loaded);
}

Test(fold, training_and_predictions_in_turn)
{
    tn_env *env = open_env("blis", 2);
    tn_config *config = read_config(env);
    tn_trainer *trainer = make_trainer(env, config);
    const tn_model *model = tn_trainer_model(trainer);
    float before[OUT], now[OUT], anew[OUT];
    tn_error e = {0};
    for (int round = 0; round < 6; round++) {
        predict_anew(env, model, anew);
        for (int k = 0; k < 3; k++) {
            predict(model, now);
            cr_assert_eq(memcmp(now, anew, sizeof now), 0, "round %d", round);
        }
        if (round) cr_assert_neq(memcmp(now, before, sizeof now), 0);
        memcpy(before, now, sizeof now);
        if (round & 1) {
            MUST(tn_trainer_gradients(trainer, x, NULL, label, SAMPLES, NULL, &e));
            MUST(tn_trainer_apply(trainer, &e));
        } else {
            MUST(tn_trainer_step(trainer, x, NULL, label, SAMPLES, NULL, &e));
        }
    }
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
}

static tn_model *shared;

static void *predict_often(void *y)
{
    for (int k = 0; k < 20; k++) tn_model_predict(shared, x, SAMPLES, y, NULL);
    return NULL;
}

Test(fold, one_copy_for_all_threads)
{
    static float results[THREADS][OUT];
    tn_env *env = open_env("blis", 2);
    tn_config *config = read_config(env);
    tn_trainer *trainer = make_trainer(env, config);
    pthread_t thread[THREADS];
    float first[OUT];
    shared = tn_trainer_model(trainer);
    predict_anew(env, shared, first);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, predict_often, results[i]);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(memcmp(results[i], first, sizeof first), 0);
    const long long calls = atomic_load(&env->memory.calls);
    const size_t used = atomic_load(&env->memory.used);
    predict(shared, first);
    cr_assert_eq(atomic_load(&env->memory.calls), calls);
    cr_assert_eq(atomic_load(&env->memory.used), used);
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
}

/* ---- out of memory ---------------------------------------------------------------------- */

/* A plan that cannot be made says so and leaves nothing; a copy that cannot is done without. */
Test(fold, every_allocation_fails_once)
{
    lab l = make_lab(&nets[3], "blis", 1, 0);
    tn_error e = {0};
    tn_memory *m = &l.env->memory;
    void *y = run_anew(&l, false, MOST);
    const size_t base = atomic_load(&m->used), most = base + (4 << 20);
    int refused = 0, ran = 0;
    bool packed = false;
    for (size_t limit = base + 1; !packed && limit < most;
         limit += limit < base + (1 << 16) ? 64 : 4096) {
        const tn_plan_options options = {.samples = MOST};
        tn_plan *plan;
        m->limit = limit;
        if (tn_plan_make(l.graph, &options, &plan, &e)) {
            cr_assert_eq(e.status, TN_ENOMEM, "%s", e.text);
            cr_assert_eq(atomic_load(&m->used), base);
            refused++;
            continue;
        }
        const size_t made = atomic_load(&m->used);
        tn_graph_changed(l.graph);
        for (int k = 0; k < 3; k++) {
            const tn_pass pass = {.samples = MOST};
            const void *out;
            if (tn_plan_forward(plan, &pass, l.x, &out, &e)) {
                cr_assert_eq(e.status, TN_ENOMEM, "%s", e.text);
                continue;
            }
            cr_assert_eq(memcmp(out, y, (size_t)(MOST * l.out) * l.size), 0);
            ran++;
        }
        packed = atomic_load(&m->used) > made;
        tn_plan_free(plan);
    }
    m->limit = 0;
    cr_assert(refused > 0 && ran > 0 && packed == has_own_kernels());
    free(y);
    free_lab(&l);
}

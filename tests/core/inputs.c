/* inputs.c - networks with several inputs: what they compute, learn, keep, and refuse. */
#include <math.h>

#include "core/plan_state.h"
#include "tests/support/running.h"

enum { SAMPLES = 40, WIDE = 3, NARROW = 2 };

static float wide[SAMPLES * WIDE], narrow[SAMPLES * NARROW], both[SAMPLES * 5],
    sums[SAMPLES];
static int32_t signs[SAMPLES];

static void make_samples(void)
{
    const tn_key key = {{3, 1}};
    for (int i = 0; i < SAMPLES * 5; i++)
        both[i] = 2 * (float)tn_random_uniform(key, (uint64_t)i) - 1;
    for (int i = 0; i < SAMPLES; i++) {
        const float *row = both + (size_t)i * 5;
        memcpy(wide + (size_t)i * WIDE, row, sizeof(float[WIDE]));
        memcpy(narrow + (size_t)i * NARROW, row + WIDE, sizeof(float[NARROW]));
        sums[i] = row[0] * row[3] + row[4];
        signs[i] = sums[i] > 0;
    }
}

static const float *const parts[] = {wide, narrow};

static void start_in_folder(void)
{
    cr_assert_eq(chdir(test_folder()), 0);
}

TestSuite(inputs, .init = start_in_folder);

/* Attached as `pair` and, from a callback, as `called`; both inputs in one array as `joined`. */
static int read_pair(void *data, int64_t i, float *const *inputs, float *target,
                     int32_t *label)
{
    memcpy(inputs[0], wide + i * WIDE, sizeof(float[WIDE]));
    memcpy(inputs[1], narrow + i * NARROW, sizeof(float[NARROW]));
    *label = signs[i];
    return 0;
}

static void attach(tn_env *env, const char *name, const tn_memory_data *data)
{
    tn_error e = {0};
    cr_assert_eq(tn_env_attach(env, name, data, &e), TN_OK, "%s", e.text);
}

static tn_env *pair_env(int32_t threads)
{
    tn_env *env = run_env(threads);
    make_samples();
    tn_memory_data data = {
        .samples = SAMPLES,
        .classes = 2,
        .labels = signs,
        .named = {{"wide", {1, {WIDE}}, wide}, {"narrow", {1, {NARROW}}, narrow}}};
    attach(env, "pair", &data);
    data.labels = NULL, data.read_named = read_pair;
    data.named[0].values = data.named[1].values = NULL;
    attach(env, "called", &data);
    attach(env, "joined",
           &(tn_memory_data){.samples = SAMPLES,
                             .classes = 2,
                             .labels = signs,
                             .input = {1, {5}},
                             .inputs = both});
    return env;
}

static tn_trainer *trainer_of(tn_env *env, const char *text)
{
    tn_error e = {0};
    tn_config *config = run_parse(env, text, NULL, 0);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    tn_config_free(config);
    return kept(t);
}

#define INPUTS "input: {wide: [3], narrow: [2]}\n"
#define LEARNING "loss: mse\noptimizer: {adam: {lr: 0.02}}\n"

/* ---- what they compute ---------------------------------------------------------------- */

static void copy_tensors(const tn_model *from, const tn_model *to)
{
    cr_assert_eq(tn_model_tensors(from), tn_model_tensors(to));
    for (int32_t i = 0; i < tn_model_tensors(from); i++) {
        tn_tensor a, b;
        tn_model_tensor(from, i, NULL, &a);
        tn_model_tensor(to, i, NULL, &b);
        memcpy(b.data, a.data, (size_t)tn_count(&a) * tn_dtype_size(a.dtype));
    }
}

static void same_tensors(const tn_model *a, const tn_model *b)
{
    for (int32_t i = 0; i < tn_model_tensors(a); i++) {
        tn_tensor p, q;
        tn_model_tensor(a, i, NULL, &p);
        tn_model_tensor(b, i, NULL, &q);
        cr_assert(!memcmp(p.data, q.data, (size_t)tn_count(&p) * tn_dtype_size(p.dtype)));
    }
}

/* Bit for bit, steps and predictions, in both precisions. */
Test(inputs, two_joined_are_one)
{
    tn_env *env = pair_env(2);
    for (int real = 0; real < 2; real++) {
        char two[500], one[500];
        tn_error e = {0};
        snprintf(two, sizeof two,
                 INPUTS LEARNING "precision: %s\nmodel: [{concat: {inputs: [wide, "
                                 "narrow]}}, {dense: 6}, tanh, {dense: 1}]\n",
                 real ? "double" : "float");
        snprintf(one, sizeof one,
                 "input: [5]\n" LEARNING
                 "precision: %s\nmodel: [{dense: 6}, tanh, {dense: 1}]\n",
                 real ? "double" : "float");
        tn_trainer *a = trainer_of(env, two), *b = trainer_of(env, one);
        copy_tensors(a->model, b->model);
        double first = 0, x = 0, y = 0;
        for (int step = 0; step < 300; step++) {
            cr_assert_eq(tn_trainer_step_inputs(a, parts, sums, NULL, SAMPLES, &x, &e),
                         TN_OK, "%s", e.text);
            cr_assert_eq(tn_trainer_step(b, both, sums, NULL, SAMPLES, &y, &e), TN_OK,
                         "%s", e.text);
            cr_assert_eq(x, y);
            if (!step) first = x;
        }
        cr_assert_lt(x, 0.05 * first);
        same_tensors(a->model, b->model);
        float p[SAMPLES], q[SAMPLES];
        cr_assert_eq(tn_model_predict_inputs(a->model, parts, SAMPLES, p, &e), TN_OK,
                     "%s", e.text);
        cr_assert_eq(tn_model_predict(b->model, both, SAMPLES, q, &e), TN_OK, "%s",
                     e.text);
        cr_assert_arr_eq(p, q, sizeof p);
    }
}

/* ---- gradients ------------------------------------------------------------------------- */

static double loss_of(tn_trainer *t, const float *const *x, const float *y, int64_t n)
{
    double loss;
    tn_error e = {0};
    cr_assert_eq(tn_trainer_gradients_inputs(t, x, y, NULL, n, &loss, &e), TN_OK, "%s",
                 e.text);
    return loss;
}

/* By the five-point rule. */
static double slope(tn_trainer *t, const float *const *x, const float *y, int64_t n,
                    double *w)
{
    const double was = *w, h = 1e-5;
    double at[5];
    for (int i = 0; i < 5; i++) {
        *w = was + (i - 2) * h;
        at[i] = i == 2 ? 0 : loss_of(t, x, y, n);
    }
    *w = was;
    return (at[0] - 8 * at[1] + 8 * at[3] - at[4]) / (12 * h);
}

static double gradient_error(tn_trainer *t, const float *const *x, const float *y,
                             int64_t n)
{
    double worst = 0;
    for (int32_t i = 0; i < tn_model_tensors(t->model); i++) {
        const char *name;
        tn_tensor w, g;
        tn_error e = {0};
        tn_model_tensor(t->model, i, &name, &w);
        double *const weight = w.data;
        for (int64_t k = 0; k < tn_count(&w); k++) {
            const double want = slope(t, x, y, n, &weight[k]);
            loss_of(t, x, y, n);
            cr_assert_eq(tn_trainer_gradient(t, name, &g, &e), TN_OK, "%s", e.text);
            worst = fmax(worst, fabs(((double *)g.data)[k] - want));
        }
    }
    return worst;
}

static float *draw_floats(uint32_t seed, int64_t n)
{
    float *values = kept(malloc((size_t)n * sizeof *values));
    for (int64_t i = 0; i < n; i++)
        values[i] = 2 * (float)tn_random_uniform((tn_key){{seed, 8}}, (uint64_t)i) - 1;
    return values;
}

/* Parameters right behind each input, which is read once or twice, alone or with the other. */
Test(inputs, gradients)
{
    tn_env *env = pair_env(2);
    double worst = 0;
    for (uint32_t seed = 1; seed <= 30; seed++) {
        char text[900];
        const int a = 1 + (int)(seed * 7 % 5), b = 1 + (int)(seed * 3 % 4),
                  n = 1 + (int)seed % 6, units = 1 + (int)seed % 4;
        snprintf(
            text, sizeof text,
            "precision: double\nseed: %u\ninput: {a: [%d], b: [3, %d]}\n" LEARNING
            "%smodel: [{parallel: {inputs: [a, b], branches: [[{dense: %d}, tanh], "
            "[{dense: 2}, tanh, flatten, {dense: %d}]], join: %s}}, {dense: {units: 2, "
            "name: more, inputs: a}}, {concat: {inputs: [more, %s]}}, {dense: 2}, "
            "tanh, {dense: 1}]\n",
            seed, a, b, seed % 3 ? "" : "memory: low\n", units, units,
            seed % 2 ? "concat" : "add", seed % 2 ? "parallel.concat" : "parallel.add");
        tn_trainer *t = trainer_of(env, text);
        const float *const x[] = {draw_floats(seed, (int64_t)n * a),
                                  draw_floats(seed + 50, (int64_t)n * 3 * b)};
        worst = fmax(worst, gradient_error(t, x, draw_floats(seed + 90, n), n));
    }
    cr_assert_leq(worst, 1e-7, "%g", worst);
}

/* ---- plans ----------------------------------------------------------------------------- */

enum { MANY = 300, SIDE = 16 };

static const char images[] =
    "model: [{conv2d: {filters: 6, padding: same, inputs: first}}, relu, {conv2d: "
    "{filters: "
    "5, padding: same, name: one}}, {conv2d: {filters: 5, padding: same, inputs: second, "
    "name: other}}, tanh, {add: {inputs: [one, tanh]}}, {concat: {inputs: [add, first, "
    "second]}}, {conv2d: {filters: 3, padding: same}}, global_avg_pool, {dense: 2}]\n";

static tn_graph *image_graph(tn_env *env)
{
    tn_error e = {0};
    tn_graph *g;
    const tn_inputs in = {
        2, {{"first", {3, {SIDE, SIDE, 4}}}, {"second", {3, {SIDE, SIDE, 2}}}}};
    tn_config *config = run_parse(env, images, NULL, 0);
    kept(config);
    cr_assert_eq(tn_graph_build(env, config->root, &in, 0, 7, INT64_MAX, &g, &e), TN_OK,
                 "%s", e.text);
    cr_assert_eq(tn_graph_draw(g, &e), TN_OK, "%s", e.text);
    return g;
}

static bool is_cut(const tn_plan *p)
{
    bool cut = false;
    for (int32_t i = 0; i < p->forwards; i++)
        cut = cut || p->forward[i].stretch.portion < MANY;
    return cut;
}

/* Outputs of all three plans: in portions, at once, without fusing. */
Test(inputs, portions_of_samples_have_the_same_bits)
{
    tn_env *env = pair_env(1);
    tn_graph *g = image_graph(env);
    const void *const x[] = {draw_floats(1, MANY * SIDE * SIDE * 4),
                             draw_floats(2, MANY * SIDE * SIDE * 2)};
    const tn_plan_options options[] = {{.samples = MANY},
                                       {.samples = MANY, .keeps = true},
                                       {.samples = MANY, .apart = true},
                                       {.samples = MANY, .training = true},
                                       {.samples = MANY, .training = true, .low = true}};
    float first[MANY * 2];
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        tn_plan *p;
        tn_error e = {0};
        const void *y;
        cr_assert_eq(tn_plan_make(g, &options[i], &p, &e), TN_OK, "%s", e.text);
        if (!i) cr_assert(is_cut(p));
        for (int64_t samples = MANY; samples > 0; samples -= 131) {
            const tn_pass pass = {.samples = samples};
            cr_assert_eq(tn_plan_run(p, &pass, x, &y, &e), TN_OK, "%s", e.text);
            if (!i && samples == MANY) memcpy(first, y, sizeof first);
            cr_assert_arr_eq(y, first, (size_t)samples * 2 * sizeof *first);
        }
        tn_plan_free(p);
    }
    tn_graph_free(g);
}

/* An input is there from the start, whichever it is, so nothing has to wait for it. */
Test(inputs, layers_that_read_them_ride_on_products)
{
    tn_env *env = pair_env(1);
    for (int first = 0; first < 2; first++) {
        char text[300];
        tn_graph *g;
        tn_plan *p;
        tn_error e = {0};
        const tn_inputs in = {2, {{"a", {1, {4}}}, {"b", {1, {4}}}}};
        snprintf(text, sizeof text,
                 "model: [{dense: {units: 4, inputs: %c}}, {add: {inputs: [dense, %c]}}, "
                 "tanh]\n",
                 first ? 'b' : 'a', first ? 'a' : 'b');
        tn_config *config = run_parse(env, text, NULL, 0);
        cr_assert_eq(tn_graph_build(env, config->root, &in, 0, 7, INT64_MAX, &g, &e),
                     TN_OK, "%s", e.text);
        cr_assert_eq(tn_plan_new(g, 8, false, false, &p, &e), TN_OK, "%s", e.text);
        cr_assert_eq(p->forwards, 1);
        tn_plan_free(p);
        tn_graph_free(g);
        tn_config_free(config);
    }
}

/* By layers that work in place on what nothing else reads. */
Test(inputs, none_is_written_to)
{
    tn_env *env = pair_env(1);
    tn_error e = {0};
    float y[SAMPLES * 5], before[SAMPLES * NARROW];
    tn_trainer *t = trainer_of(
        env, INPUTS LEARNING "model: [{relu: {inputs: narrow}}, {relu: {inputs: wide}}, "
                             "{concat: {inputs: [relu, relu_2]}}]\n");
    memcpy(before, narrow, sizeof before);
    cr_assert_eq(tn_model_predict_inputs(t->model, parts, SAMPLES, y, &e), TN_OK, "%s",
                 e.text);
    cr_assert_arr_eq(before, narrow, sizeof before);
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < 5; k++)
            cr_assert_eq(y[i * 5 + k],
                         fmaxf(k < 2 ? narrow[i * 2 + k] : wide[i * 3 + k - 2], 0));
}

/* ---- files ----------------------------------------------------------------------------- */

Test(inputs, a_model_keeps_them)
{
    tn_env *env = pair_env(2);
    for (int real = 0; real < 2; real++) {
        char text[500];
        tn_error e = {0};
        snprintf(text, sizeof text,
                 INPUTS "precision: %s\nmodel: [{parallel: {inputs: [narrow, wide], "
                        "branches: [{dense: 4}, [{dense: 3}, tanh]]}}, {dense: 2}]\n",
                 real ? "double" : "float");
        tn_config *config = run_parse(env, text, NULL, 0);
        tn_model *a = kept(tn_model_new(env, config, NULL, &e));
        cr_assert_not_null(a, "%s", e.text);
        tn_config_free(config);
        cr_assert_eq(tn_model_save(a, "two.safetensors", &e), TN_OK, "%s", e.text);
        tn_model *b = kept(tn_model_load(env, "two.safetensors", &e));
        cr_assert_not_null(b, "%s", e.text);
        cr_assert_eq(tn_model_inputs(b), 2);
        cr_assert_str_eq(tn_model_input_name(b, 0), "wide");
        cr_assert_str_eq(tn_model_input_name(b, 1), "narrow");
        cr_assert_null(tn_model_input_name(b, 2));
        cr_assert_eq(tn_model_input_shape(b, 1)->dim[0], NARROW);
        cr_assert_eq(tn_model_layers(b), 5);
        cr_assert_str_eq(tn_model_layer(b, 0).name, "parallel.dense");
        /* more than the samples of one plan */
        enum { LOTS = 700 };
        const float *const x[] = {draw_floats(5, LOTS * WIDE),
                                  draw_floats(6, LOTS * NARROW)};
        float p[LOTS * 2], q[LOTS * 2];
        cr_assert_eq(tn_model_predict_inputs(a, x, LOTS, p, &e), TN_OK, "%s", e.text);
        cr_assert_eq(tn_model_predict_inputs(b, x, LOTS, q, &e), TN_OK, "%s", e.text);
        cr_assert_arr_eq(p, q, sizeof p);
        const float *const last[] = {x[0] + 699 * WIDE, x[1] + 699 * NARROW};
        cr_assert_eq(tn_model_predict_inputs(b, last, 1, q, &e), TN_OK, "%s", e.text);
        cr_assert_arr_eq(p + 2 * 699, q, 2 * sizeof *q);
    }
}

/* ---- runs ------------------------------------------------------------------------------ */

#define RUN(data)                                                                 \
    "seed: 5\ndata: {memory: {train: " data ", validation: 0.2, batch: 7}}\n"     \
    "model: [{parallel: {inputs: [wide, narrow], branches: [[{dense: 4}, relu], " \
    "[{dense: "                                                                   \
    "4}, {dropout: 0.1}]]}}, batch_norm, {dense: 2}]\n"                           \
    "loss: cross_entropy\noptimizer: adam\ntrain: {epochs: 4}\n"                  \
    "observe: [{checkpoint: {every: 9}}]\n"

static void run(const char *text, const char *dir, int32_t threads, const char *set)
{
    tn_env *env = pair_env(threads);
    tn_error e = {0};
    tn_config *config = run_parse(env, text, &set, set ? 1 : 0);
    const tn_train_options options = {.run_dir = dir};
    tn_trainer *t = tn_trainer_new(env, config, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    tn_trainer_free(t);
    tn_config_free(config);
}

static void go_on(const char *dir, const char *text)
{
    tn_env *env = pair_env(2);
    tn_error e = {0};
    tn_config *config = run_parse(env, text, NULL, 0);
    const tn_train_options options = {.resume = dir};
    tn_trainer *t = tn_trainer_new(env, config, &options, &e);
    cr_assert_not_null(t, "%s", e.text);
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
    tn_trainer_free(t);
    tn_config_free(config);
}

Test(inputs, runs_are_the_same_bits_whatever_makes_them)
{
    run(RUN("pair"), "one", 1, NULL);
    run(RUN("pair"), "four", 4, NULL);
    run_same_files("one", "four", "model.safetensors");
    run(RUN("called"), "called", 2, NULL);
    run_same_files("one", "called", "model.safetensors");
    run(RUN("pair"), "named", 2, "input={wide: [3], narrow: [2]}");
    run_same_files("one", "named", "model.safetensors");
    run(RUN("pair"), "stopped", 2, "train.epochs=2");
    go_on("stopped", RUN("pair"));
    run_same_files("one", "stopped", "model.safetensors");
}

Test(inputs, evaluation_reads_them)
{
    tn_env *env = pair_env(2);
    tn_error e = {0};
    tn_config *config = run_parse(env, RUN("pair"), NULL, 0),
              *joined = run_parse(env, RUN("joined"), NULL, 0);
    run(RUN("pair"), "run", 2, "train.epochs=60");
    tn_model *m = kept(tn_model_load(env, "run/model.safetensors", &e));
    const tn_score *score;
    int32_t count;
    cr_assert_eq(tn_model_evaluate(m, config, 0, &score, &count, &e), TN_OK, "%s",
                 e.text);
    cr_assert_gt(score[1].value, 0.8, "%g", score[1].value);
    cr_assert_eq(tn_model_evaluate(m, joined, 0, &score, &count, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "the data has no field 'wide' of numbers"), "%s",
                       e.text);
    tn_config_free(config), tn_config_free(joined);
}

/* ---- what is refused ------------------------------------------------------------------- */

static void refuse(tn_env *env, const char *text, const char *message)
{
    tn_error e = {0};
    tn_config *config = run_parse(env, text, NULL, 0);
    cr_assert_null(tn_trainer_new(env, config, NULL, &e), "%s", text);
    cr_assert_not_null(strstr(e.text, message), "%s\n%s", text, e.text);
    tn_config_free(config);
}

#define PAIR "data: {memory: {train: pair}}\nloss: cross_entropy\noptimizer: sgd\n"

Test(inputs, configs_that_do_not_fit)
{
    static const char *const mistakes[][2] = {
        {PAIR "model: [{dense: 2}]\n", "net.yaml:4:10: the model has the inputs wide, "
                                       "narrow; say which ones dense reads, "
                                       "e.g. inputs: wide"},
        {PAIR "model: [{dense: {units: 2, inputs: wide}}]\n",
         "net.yaml:4:1: no layer reads the input 'narrow'"},
        {PAIR "model: [{dense: {units: 2, inputs: wise}}]\n", "did you mean 'wide'?"},
        {PAIR "model: [{add: {inputs: [wide, narrow]}}]\n", "shape"},
        {PAIR "input: {wide: [3], narrow: [4]}\nmodel: [{concat: {inputs: [wide, "
              "narrow]}}]\n",
         "net.yaml:4:1: samples of the data have shape (2) for 'narrow', the model takes "
         "(4)"},
        {PAIR "input: {wide: [3], other: [2]}\nmodel: [{concat: {inputs: [wide, "
              "other]}}]\n",
         "net.yaml:4:1: the data has no field 'other' of numbers"},
        {PAIR "input: [3]\nmodel: [{dense: 2}]\n",
         "the data has no field 'input' of numbers"},
        {PAIR "input: {target: [3]}\nmodel: [{dense: 2}]\n",
         "'target' is what losses read"},
        {PAIR "input: {a b: [3]}\nmodel: [{dense: 2}]\n", "'a b' is no name"},
        {PAIR "input: {a: 3}\nmodel: [{dense: 2}]\n", "expected the shape of a sample"},
        {PAIR "input: {}\nmodel: [{dense: 2}]\n", "expected 1 to 7 names"},
    };
    tn_env *env = pair_env(1);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        refuse(env, mistakes[i][0], mistakes[i][1]);
}

Test(inputs, where_nan_appears_is_told)
{
    tn_env *env = pair_env(1);
    tn_error e = {0};
    float bad[SAMPLES * NARROW];
    tn_trainer *t = trainer_of(
        env, INPUTS LEARNING "model: [{concat: {inputs: [wide, narrow]}}, {dense: 1}]\n");
    memcpy(bad, narrow, sizeof bad);
    bad[7] = NAN;
    const float *const x[] = {wide, bad};
    cr_assert_eq(tn_trainer_step_inputs(t, x, sums, NULL, SAMPLES, NULL, &e),
                 TN_ENUMERIC);
    cr_assert_not_null(strstr(e.text, "in the input data, narrow"), "%s", e.text);
}

/* One of the data's is enough where the config says so. */
Test(inputs, a_config_may_choose_one)
{
    tn_env *env = pair_env(1);
    tn_trainer *t = trainer_of(env, PAIR "input: {narrow: [2]}\nmodel: [{dense: 2}]\n");
    tn_error e = {0};
    cr_assert_eq(tn_model_inputs(t->model), 1);
    cr_assert_eq(tn_trainer_step(t, narrow, NULL, signs, SAMPLES, NULL, &e), TN_OK, "%s",
                 e.text);
}

Test(inputs, calls_for_one_array_say_which_takes_several)
{
    tn_env *env = pair_env(1);
    tn_error e = {0};
    float y[SAMPLES];
    tn_trainer *t = trainer_of(
        env, INPUTS LEARNING "model: [{concat: {inputs: [wide, narrow]}}, {dense: 1}]\n");
    cr_assert_eq(tn_trainer_step(t, wide, sums, NULL, SAMPLES, NULL, &e), TN_EINVAL);
    cr_assert_str_eq(e.text, "the model has 2 inputs (wide, narrow); "
                             "tn_trainer_step_inputs takes an array for each");
    cr_assert_eq(tn_trainer_gradients(t, wide, sums, NULL, SAMPLES, NULL, &e), TN_EINVAL);
    cr_assert_eq(tn_model_predict(t->model, wide, SAMPLES, y, &e), TN_EINVAL);
    cr_assert_eq(
        tn_model_gradients_save(t->model, wide, sums, NULL, SAMPLES, "g.st", NULL, &e),
        TN_EINVAL);
    const float *const half[] = {wide, NULL};
    cr_assert_eq(tn_trainer_step_inputs(t, half, sums, NULL, SAMPLES, NULL, &e),
                 TN_EINVAL);
    cr_assert_str_eq(e.text, "no values of 'narrow': x[1] is NULL");
    cr_assert_eq(tn_model_predict_inputs(t->model, half, SAMPLES, y, &e), TN_EINVAL);
    const tn_shape shape = {1, {3}};
    cr_assert_null(tn_model_new(env, t->model->config, &shape, &e));
    cr_assert_not_null(strstr(e.text, "the config has 2 inputs"), "%s", e.text);
}

Test(inputs, data_that_is_not_possible)
{
    tn_env *env = pair_env(1);
    const tn_memory_data good = {
        .samples = 2, .labels = signs, .named = {{"a", {1, {1}}, wide}}};
    tn_memory_data bad[4] = {good, good, good, good};
    static const char *const message[] = {
        "give either input and inputs (or read), or named ones",
        "the shape of an input is not possible",
        "give either the values of all named inputs or read_named",
        "the name of an input is too long"};
    bad[0].inputs = wide;
    bad[1].named[0].shape.rank = 0;
    bad[2].named[0].values = NULL;
    memset(bad[3].named[0].name, 'a', sizeof bad[3].named[0].name);
    attach(env, "good", &good);
    for (int i = 0; i < 4; i++) {
        tn_error e = {0};
        cr_assert_eq(tn_env_attach(env, "bad", &bad[i], &e), TN_EINVAL);
        cr_assert_not_null(strstr(e.text, message[i]), "%s", e.text);
    }
}

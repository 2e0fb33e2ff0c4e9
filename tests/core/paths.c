/* paths.c - training has the same bits whichever path of the kernels (TN_KERNEL) runs: the
 * plugins as built, which choose one, against builds without vectors and for AVX2 alone. */
#define TN_REAL_BITS 32
#include "core/model.h"

#include "support/plugin_folder.h"

enum { SAMPLES = 48, INPUTS = 21, CLASSES = 5, STEPS = 6, ROOM = 1 << 16 };

static const char *const plugins[] = {"gradient/clip_norm",
                                      "gradient/clip_value",
                                      "layer/activity",
                                      "layer/add",
                                      "layer/alpha_dropout",
                                      "layer/avg_pool",
                                      "layer/batch_norm",
                                      "layer/concat",
                                      "layer/drop_block",
                                      "layer/dropout",
                                      "layer/gaussian_dropout",
                                      "layer/gaussian_noise",
                                      "layer/global_avg_pool",
                                      "layer/global_max_pool",
                                      "layer/group_norm",
                                      "layer/gru",
                                      "layer/instance_norm",
                                      "layer/layer_norm",
                                      "layer/lstm",
                                      "layer/max_pool",
                                      "layer/relu",
                                      "layer/rms_norm",
                                      "layer/rnn",
                                      "layer/sigmoid",
                                      "layer/softmax",
                                      "layer/spatial_dropout",
                                      "layer/stochastic_depth",
                                      "layer/tanh",
                                      "layer/transpose",
                                      "layer/upsample",
                                      "layer/variational_dropout",
                                      "layer/zero_pad",
                                      "loss/binary_cross_entropy",
                                      "loss/cross_entropy",
                                      "loss/focal",
                                      "loss/hinge",
                                      "loss/huber",
                                      "loss/kl_divergence",
                                      "loss/mae",
                                      "loss/mse",
                                      "optimizer/adadelta",
                                      "optimizer/adagrad",
                                      "optimizer/adam",
                                      "optimizer/adamw",
                                      "optimizer/amsgrad",
                                      "optimizer/ema",
                                      "optimizer/lamb",
                                      "optimizer/lars",
                                      "optimizer/lion",
                                      "optimizer/lookahead",
                                      "optimizer/muon",
                                      "optimizer/nadam",
                                      "optimizer/radam",
                                      "optimizer/rmsprop",
                                      "optimizer/sam",
                                      "optimizer/schedule_free",
                                      "optimizer/sgd",
                                      "optimizer/swa",
                                      "parametrization/drop_connect",
                                      "parametrization/spectral_norm",
                                      "parametrization/weight_norm",
                                      "regularizer/elastic_net",
                                      "regularizer/group_lasso",
                                      "regularizer/l1",
                                      "regularizer/l1_ball",
                                      "regularizer/l2",
                                      "regularizer/max_norm",
                                      "regularizer/min_max_norm",
                                      "regularizer/non_negative",
                                      "regularizer/orthogonal",
                                      "regularizer/unit_norm"};

/* Between them they use all of these; widths are no multiples of a vector's. */
#define NORMED                                                      \
    "model: [{dense: 37}, batch_norm, tanh, {dropout: 0.3}, "       \
    "{dense: {units: 37, regularizer: l2}}, sigmoid, {dense: 5}]\n" \
    "loss: {cross_entropy: {label_smoothing: 0.1}}\n"               \
    "gradient: [{clip_norm: 0.5}]\n"                                \
    "optimizer: adam\n"
#define BRANCHED                                                                         \
    "model: [{dense: {units: 37, name: trunk}}, relu, {dense: {units: 37, name: "        \
    "branch}}, "                                                                         \
    "{add: {inputs: [trunk, branch]}}, softmax, {dense: {units: 5, regularizer: l1}}]\n" \
    "loss: mse\n"                                                                        \
    "gradient: [{clip_value: 0.1}]\n"                                                    \
    "optimizer: {sgd: {momentum: 0.9}}\n"
#define BINARY                                 \
    "model: [{dense: 37}, tanh, {dense: 5}]\n" \
    "loss: binary_cross_entropy\n"             \
    "optimizer: adamw\n"                       \
    "regularizer: {l1: {prox: false}}\n"
#define POOLED                                                                           \
    "model: [{reshape: [7, 3, 1]}, {dense: 37}, layer_norm, tanh, {zero_pad: [0, 1]}, "  \
    "max_pool, rms_norm, {dense: 18}, {group_norm: 3}, {transpose: [1, 0, 2]}, "         \
    "{max_pool: {kernel: 3, stride: 1, padding: same}}, {avg_pool: {kernel: 3, stride: " \
    "1, padding: same}}, upsample, instance_norm, {parallel: [global_avg_pool, "         \
    "global_max_pool]}, {dense: 5}]\n"                                                   \
    "loss: mse\n"                                                                        \
    "optimizer: adam\n"
#define STEPPED                                                                      \
    "model: [{reshape: [7, 3]}, {lstm: {units: 18, return_sequences: true}}, {rnn: " \
    "{units: 21, return_sequences: true}}, {gru: 19}, {dense: 5}]\n"                 \
    "loss: mse\n"                                                                    \
    "optimizer: sgd\n"
#define MADE                                                                          \
    "model: [{dense: {units: 37, parametrization: weight_norm}}, tanh, "              \
    "{stochastic_depth: 0.3}, {dense: {units: 5, parametrization: spectral_norm}}]\n" \
    "loss: mse\n"                                                                     \
    "optimizer: adam\n"
#define HELD                                                                            \
    "model: [{dense: {units: 37, regularizer: [{elastic_net: 0.01}, {max_norm: 1}]}}, " \
    "{activity: {l1: 0.01}}, tanh, {dense: {units: 18, regularizer: [{orthogonal: "     \
    "0.001}, {group_lasso: {lambda: 0.001, over: columns}}, {l2: {lambda: 0.1, "        \
    "decoupled: true}}]}}, tanh, {dense: {units: 18, regularizer: [non_negative, "      \
    "{min_max_norm: {min: 0.5, max: 2}}]}}, tanh, {dense: {units: 9, regularizer: "     \
    "unit_norm}}, {dense: {units: 5, regularizer: {l1_ball: 3}}}]\n"                    \
    "loss: mse\n"                                                                       \
    "optimizer: adam\n"
#define RANDOM                                                                    \
    "model: [{gaussian_noise: 0.1}, {dense: {units: 42, parametrization: "        \
    "drop_connect}}, "                                                            \
    "tanh, {alpha_dropout: 0.2}, {reshape: [2, 3, 7]}, {spatial_dropout: 0.2}, "  \
    "{drop_block: {block_size: 2}}, {dense: 7}, {reshape: [6, 7]}, "              \
    "{variational_dropout: 0.2}, {gaussian_dropout: 0.2}, flatten, {dense: 5}]\n" \
    "loss: mse\n"                                                                 \
    "optimizer: adam\n"
#define JUDGED(loss) "model: [{dense: 37}, tanh, {dense: 5}]\noptimizer: sgd\n" loss "\n"
#define BY(optimizer) \
    "model: [{dense: 37}, tanh, {dense: 5}]\nloss: mse\noptimizer: " optimizer "\n"
static const char *const recipes[] = {
    NORMED,
    BRANCHED,
    BINARY,
    POOLED,
    STEPPED,
    MADE,
    HELD,
    RANDOM,
    JUDGED("loss: mae"),
    JUDGED("loss: huber"),
    JUDGED("loss: kl_divergence"),
    JUDGED("loss: {focal: 1.5} # labels"),
    JUDGED("loss: {hinge: {squared: true}} # labels"),
    JUDGED(
        "loss: {cross_entropy: {class_weights: [1, 2, 3, 4, 5], label_smoothing: 0.1}}"),
    BY("{schedule_free: {of: adadelta}}"),
    BY("adagrad"),
    BY("{ema: {of: {amsgrad: {weight_decay: 0.1}}}}"),
    BY("{lookahead: {of: lamb, every: 2}}"),
    BY("lars"),
    BY("lion"),
    BY("muon"),
    BY("{swa: {of: nadam, start: 2}}"),
    BY("{sam: {of: {radam: {beta2: 0.7}}}}"),
    BY("{rmsprop: {centered: true, momentum: 0.9}}"),
};

typedef struct run {
    float x[SAMPLES * INPUTS], targets[SAMPLES * CLASSES];
    int32_t labels[SAMPLES];
    char bytes[ROOM]; /* all parameters and states after training */
    size_t size;
    tn_error error;
} run;

#define MUST(r, call) cr_assert_eq((call), TN_OK, "%s: %s", #call, (r)->error.text)

static void keep_tensors(run *r, tn_model *model)
{
    for (int32_t i = 0; i < tn_model_tensors(model); i++) {
        const char *name;
        tn_tensor t;
        MUST(r, tn_model_tensor(model, i, &name, &t));
        const size_t size = (size_t)tn_count(&t) * tn_dtype_size(t.dtype);
        cr_assert(r->size + size <= ROOM);
        memcpy(r->bytes + r->size, t.data, size);
        r->size += size;
    }
}

/* Numbers that add up to 1, as some losses want them. */
static void make_shares(int sample, float *share)
{
    float sum = 0;
    for (int k = 0; k < CLASSES; k++)
        sum += share[k] = (float)((sample * CLASSES + k) * 7 % 11);
    for (int k = 0; k < CLASSES; k++) share[k] /= sum;
}

static void train(run *r, const char *path, const char *recipe, const char *precision)
{
    char text[1024];
    const bool labels = strstr(recipe, "loss: {cross_entropy") ||
                        strstr(recipe, "# labels");
    const tn_key key = {{5, 6}};
    for (int i = 0; i < SAMPLES * INPUTS; i++)
        r->x[i] = (float)tn_random_normal(key, (uint64_t)i);
    for (int i = 0; i < SAMPLES; i++) make_shares(i, r->targets + (size_t)i * CLASSES);
    for (int i = 0; i < SAMPLES; i++) r->labels[i] = i * 3 % CLASSES;
    const tn_memory_data data = {.samples = SAMPLES,
                                 .input = {.rank = 1, .dim = {INPUTS}},
                                 .inputs = r->x,
                                 .classes = labels ? CLASSES : 0,
                                 .labels = labels ? r->labels : NULL,
                                 .target = {.rank = !labels, .dim = {CLASSES}},
                                 .targets = labels ? NULL : r->targets};
    snprintf(text, sizeof text,
             "seed: 3\nprecision: %s\ndata: {memory: {train: data, batch: 16}}\n%s",
             precision, recipe);
    tn_env *env = new_env(path);
    MUST(r, tn_env_attach(env, "data", &data, &r->error));
    tn_config *config = tn_config_parse(env, text, "recipe", NULL, 0, &r->error);
    cr_assert_not_null(config, "%s", r->error.text);
    tn_trainer *trainer = tn_trainer_new(env, config, NULL, &r->error);
    cr_assert_not_null(trainer, "%s", r->error.text);
    for (int step = 0; step < STEPS; step++) {
        double loss;
        MUST(r, tn_trainer_step(trainer, r->x, data.targets, data.labels, SAMPLES, &loss,
                                &r->error));
    }
    keep_tensors(r, tn_trainer_model(trainer));
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
}

static void compare(const char *path)
{
    static run built, forced;
    const char *folder = test_folder();
    char places[2 * PATH_MAX], name[64];
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        char kind[16];
        const char *slash = strchr(plugins[i], '/');
        snprintf(kind, sizeof kind, "%.*s", (int)(slash - plugins[i]), plugins[i]);
        snprintf(name, sizeof name, "%s_%s", slash + 1, path);
        put_plugin(folder, "paths", name, kind, slash + 1);
    }
    snprintf(places, sizeof places, "%s:%s", folder, getenv("TENON_TEST_PLUGINS"));
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
        for (int wide = 0; wide < 2; wide++) {
            memset(&built, 0, sizeof built), memset(&forced, 0, sizeof forced);
            train(&built, getenv("TENON_TEST_PLUGINS"), recipes[i],
                  wide ? "double" : "float");
            train(&forced, places, recipes[i], wide ? "double" : "float");
            cr_assert(built.size > 0 && built.size == forced.size);
            cr_assert_eq(memcmp(built.bytes, forced.bytes, built.size), 0,
                         "recipe %zu in %s", i, wide ? "double" : "float");
        }
}

Test(paths, without_vectors)
{
    compare("plain");
}

#ifdef __x86_64__
Test(paths, avx2)
{
    if (!__builtin_cpu_supports("avx2")) cr_skip_test("this processor has no AVX2");
    compare("avx2");
}
#endif

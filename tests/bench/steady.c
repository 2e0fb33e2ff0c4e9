/* steady.c - in the steady state nothing is asked of the system: an epoch of training, with its
 * validation, takes no memory, and no lock but the one by which each side of a batch that was
 * read ahead hands it over; steps and predictions on a caller's arrays take none at all, but for
 * the two around the plans of a model that several threads may use. */
#include "tests/support/kernels.h"
#include "tests/support/counting.h"
#include "tests/support/witness.h"
#include "tests/support/workload.h"

enum { THREADS = 2, SLOTS = 3, EPOCHS = 2 }; /* one epoch is counted */

static const char *const ways[][2] = {
    {NULL},
    {"data.memory.validation=0", NULL},
    {"memory=low", NULL},
    {"gradient=[{clip_norm: 0.01}]", NULL},
    {"regularizer={l2: 0.001}", NULL},
    {"regularizer=[{elastic_net: 0.0001}, {orthogonal: 0.0001}, {group_lasso: 0.0001}, "
     "{max_norm: 3}]",
     NULL},
    {"optimizer={adam: {lr: 0.001}}", NULL},
    {"observe=[{gradient_health: 1}, {activation_stats: 2}, {nan_guard: 1}]", NULL},
    {"gradient=[{clip_norm: {max: 0.01, over: each}}, {adaptive_clip: 0.01}]", NULL},
    {"gradient=[{clip_norm: {max: 0.01, over: layer}}]", NULL},
    {"optimizer={rmsprop: {momentum: 0.9, centered: true}}", NULL},
    {"optimizer={lamb: {lr: 0.001}}", NULL},
    {"optimizer={ema: {of: {lars: {lr: 0.1, weight_decay: 0.01}}}}", NULL},
    {"optimizer={muon: {lr: 0.001}}", NULL},
    {"precision=double", NULL},
};
#define WAYS ((int)(sizeof ways / sizeof *ways))

/* Counts at the end of the first epoch and of the last. */
typedef struct watch {
    counts first, last;
    int64_t epochs;
} watch;

static void look(void *data, const tn_progress *now)
{
    watch *w = data;
    if (now->kind != 1) return;
    if (++w->epochs == 1) w->first = count_now();
    w->last = count_since(w->first);
}

static int64_t weights_of(const tn_graph *g)
{
    int64_t n = 0;
    for (int32_t i = 0; i < g->params; i++) n += g->param[i].value.rank >= 2;
    return n;
}

/* Weights that stay as they are for several batches, in a validation or where gradients of batches are
 * added up, are each packed anew when they are met again: under a lock, as the first time. What a second
 * pass wants again is kept, but of several batches each is read again. */
static void expect_steady(const char *name, const char *what, const workload_run *r,
                          const watch *seen)
{
    const tn_trainer *t = r->trainer;
    const counts *n = &seen->last;
    const bool ahead = COUNTS_LOCKS &&
                       r->batch * r->data.inputs * (int64_t)sizeof(float) >= 64 << 10;
    const int64_t train = tn_feed_batches(t->feed, TN_TRAIN),
                  least = train + tn_feed_batches(t->feed, TN_VALIDATION);
    const int64_t again = t->accumulate > 1 ? tn_updater_passes(t->updater) - 1 : 0;
    const int64_t most = ahead ? least + again * train : 0;
    const int64_t changes = t->validates +
                            (t->accumulate > 1 ? least + again * train : 0);
    const int64_t packs = 2 * weights_of(t->model->graph) * changes;
    cr_assert_eq(seen->epochs, EPOCHS);
    cr_assert_eq(n->blocks, 0, "%s%s: %lld allocations", name, what, n->blocks);
    cr_assert(n->own_locks >= (ahead ? least : 0) && n->own_locks <= most + packs,
              "%s%s: %lld locks for %d batches", name, what, n->own_locks, (int)most);
    cr_assert_leq(n->other_locks, ahead ? most + SLOTS : 0,
                  "%s%s: %lld locks by other threads for %d batches", name, what,
                  n->other_locks, (int)most);
}

static tn_env *env_at_work(int32_t real)
{
    tn_env *env = open_env(NULL, THREADS);
    witness_watch(env, real);
    witness_all_work(env, real);
    return env;
}

static void run(const workload *w, const char *const *way)
{
    workload_run r;
    watch seen = {0};
    char what[2000] = "";
    size_t used = 0;
    tn_error e = {0};
    const int32_t real = *way && !strcmp(*way, "precision=double");
    workload_open(&r, env_at_work(real), w, way);
    r.trainer->epochs = EPOCHS;
    r.trainer->progress = look, r.trainer->progress_data = &seen;
    cr_assert_eq(tn_trainer_run(r.trainer, &e), TN_OK, "%s: %s", w->name, e.text);
    for (int i = 0; way[i]; i++)
        used += (size_t)snprintf(what + used, sizeof what - used, " --set %s", way[i]);
    expect_steady(w->name, what, &r, &seen);
    workload_close(&r);
}

ParameterizedTestParameters(steady, epochs_ask_for_nothing)
{
    return workloads_all();
}

/* All ways, or some, others for each. */
ParameterizedTest(workload *w, steady, epochs_ask_for_nothing)
{
    if (!has_own_kernels()) cr_skip_test("BLIS's own products take memory and locks");
    const int n = (int)test_rounds(w->huge ? 1 : 3, WAYS);
    const int first = w->huge ? 0 : 3 * w->number;
    for (int i = 0; i < n; i++) run(w, ways[(first + i) % WAYS]);
}

/* ---- any combination -------------------------------------------------------------------- */

static const char *const
    layers[] = {"relu",
                "selu",
                "gelu",
                "tanh",
                "prelu",
                "batch_norm",
                "layer_norm",
                "{dropout: 0.3}",
                "{alpha_dropout: 0.1}",
                "{gaussian_noise: 0.1}",
                "{activity: {l1: 0.001}}",
                "{gaussian_dropout: 0.2}",
                "{stochastic_depth: 0.2}",
                "rms_norm",
                "leaky_relu",
                "elu",
                "celu",
                "silu",
                "mish",
                "softplus",
                "softsign",
                "sigmoid",
                "hard_sigmoid",
                "hard_swish",
                "hard_tanh",
                "softmax",
                "log_softmax",
                "glu"},
    *const made_by[] = {"none", "none", "weight_norm", "spectral_norm", "drop_connect"},
    *const inits[] = {"auto", "lsuv", "orthogonal", "{he: {distribution: truncated}}"},
    *const losses[] = {"cross_entropy", "{focal: 2}", "hinge",
                       "{cross_entropy: {label_smoothing: 0.1}}"},
    *const around[] = {"%s",
                       "%s",
                       "{ema: {of: %s}}",
                       "{swa: {of: %s, start: 2}}",
                       "{lookahead: {of: %s}}",
                       "{sam: {of: %s}}"},
    *const with_prox[] = {"sgd",      "{sgd: {lr: 0.01, momentum: 0.9}}",
                          "adam",     "adamw",
                          "amsgrad",  "nadam",
                          "radam",    "adagrad",
                          "adadelta", "{rmsprop: {centered: true}}"},
    *const without_prox[] = {"lion", "muon", "{schedule_free: {of: sgd}}"},
    *const gradients[] = {"[]",
                          "[{clip_norm: 1}]",
                          "[centralize, {clip_value: 0.1}]",
                          "[{adaptive_clip: 0.01}, noise]",
                          "[{clip_norm: {max: 1, over: each}}, centralize]",
                          "[{clip_norm: {max: 1, over: layer, penalized: true}}]"},
    *const penalties[] = {"none", "{l2: {lambda: 0.001, decoupled: true}}",
                          "[l2, {orthogonal: 0.001}]", "{l1: {prox: false}}"},
    *const proxes[] = {"{l1: 0.001}",
                       "[{elastic_net: 0.001}, non_negative]",
                       "[{l2: {lambda: {cosine: 0.001}}}, {max_norm: 2}]",
                       "l1_ball",
                       "[{group_lasso: 0.001}, {orthogonal: 0.001}, unit_norm]",
                       "{min_max_norm: {min: 0.1, max: 2}}"},
    *const seen[] = {"[]", "[{gradient_health: 1}, {nan_guard: 2}]",
                     "[{weight_stats: 2}, {activation_stats: 1}]"},
    *const apart[] = {"[]",
                      "[{match: \"*.bias\", lr_factor: 2}]",
                      "[{match: first, freeze: true}]",
                      "[{match: last, lr: {cosine: 0.01}, weight_decay: 0.1}]",
                      "[{match: \"*\", lr: {warmup: {schedule: {cosine_restarts: {from: "
                      "0.01, steps: 5}}, steps: 3}}}]",
                      "[{match: first, lr: {one_cycle: 0.01}}, {match: last, lr: "
                      "{reduce_on_plateau: 0.01}}]"};

/* Number i of a seed: one of 0 .. n - 1. */
static size_t draw(uint32_t seed, uint32_t i, size_t n)
{
    return (size_t)(tn_random_uniform((tn_key){{seed, 5}}, i) * (double)n);
}

#define ANY(seed, i, list) (list)[draw(seed, i, sizeof(list) / sizeof *(list))]

enum { SETTINGS = 12 };

/* Overrides of a config, with a NULL behind. */
static void draw_settings(uint32_t seed, char text[SETTINGS][300],
                          const char *at[SETTINGS + 1])
{
    char optimizer[100];
    int n = 0;
    const bool prox = draw(seed, 0, 3) > 0;
    snprintf(optimizer, sizeof optimizer, ANY(seed, 1, around),
             prox ? ANY(seed, 2, with_prox) : ANY(seed, 2, without_prox));
    snprintf(text[n++], 300,
             "model=[{dense: {units: 24, parametrization: %s, name: first}}, %s, {dense: "
             "16}, %s, %s, {dense: {units: 10, name: last}}]",
             ANY(seed, 3, made_by), ANY(seed, 4, layers), ANY(seed, 5, layers),
             ANY(seed, 6, layers));
    snprintf(text[n++], 300, "init=%s", ANY(seed, 7, inits));
    snprintf(text[n++], 300, "loss=%s", ANY(seed, 8, losses));
    snprintf(text[n++], 300, "optimizer=%s", optimizer);
    snprintf(text[n++], 300, "gradient=%s", ANY(seed, 9, gradients));
    snprintf(text[n++], 300, "regularizer=%s",
             prox ? ANY(seed, 10, proxes) : ANY(seed, 10, penalties));
    snprintf(text[n++], 300, "parameters=%s", ANY(seed, 11, apart));
    snprintf(text[n++], 300, "observe=%s", ANY(seed, 12, seen));
    snprintf(text[n++], 300, "train.accumulate=%d", 1 + (int)draw(seed, 13, 3));
    snprintf(text[n++], 300, "memory=%s", draw(seed, 14, 4) ? "normal" : "low");
    snprintf(text[n++], 300, "data.memory.validation=%s",
             draw(seed, 15, 2) ? "0.2" : "0");
    for (int i = 0; i < n; i++) at[i] = text[i];
    at[n] = NULL;
}

/* Of layers, ways to make weights, losses, optimizers and what is around them, transforms of
 * gradients, regularizers, parameters with rates of their own, observers. */
Test(steady, any_combination_asks_for_nothing)
{
    if (!has_own_kernels()) cr_skip_test("BLIS's own products take memory and locks");
    const workload w = {.name = "w3_sgd"};
    const uint32_t rounds = (uint32_t)test_rounds(test_sanitized() ? 10 : 40, 1000);
    for (uint32_t seed = 1; seed <= rounds; seed++) {
        char text[SETTINGS][300];
        const char *settings[SETTINGS + 1];
        draw_settings(seed, text, settings);
        run(&w, settings);
    }
}

/* Groups of samples make products of their own in each thread, with what dropout hides beside. */
Test(steady, groups_of_recurrent_layers_ask_for_nothing)
{
    if (!has_own_kernels()) cr_skip_test("BLIS's own products take memory and locks");
    static const char *const models[] = {
        "model=[{lstm: {units: 40, projection: 24, direction: bidirectional, "
        "recurrent_dropout: 0.2, zoneout_cell: 0.1}}, {dense: 2}]",
        "model=[{gru: {units: 40, layer_norm: true, recurrent_dropout: 0.2}}, "
        "{dense: 2}]",
        "model=[{rnn: {units: 40, input_dropout: 0.2, recurrent_dropout: 0.2, "
        "return_sequences: true}}, {rnn: 270}, {dense: 2}]"};
    const workload w = {.name = "w6_lstm"};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        run(&w, (const char *const[]){models[i], NULL});
}

/* ---- a caller's arrays ---------------------------------------------------------------- */

static float x[1 << 17], y[1 << 12];
static int32_t label[100];

static void expect_nothing(const workload *w, const char *what, counts before,
                           long long locks)
{
    const counts since = count_since(before);
    cr_assert(!since.blocks && since.own_locks == locks && !since.other_locks,
              "%s, %s: %lld allocations, %lld and %lld locks", w->name, what,
              since.blocks, since.own_locks, since.other_locks);
}

ParameterizedTestParameters(steady, steps_on_arrays_ask_for_nothing)
{
    return workloads_all();
}

ParameterizedTest(workload *w, steady, steps_on_arrays_ask_for_nothing)
{
    if (!has_own_kernels()) cr_skip_test("BLIS's own products take memory and locks");
    workload_run r;
    counts before = {0};
    tn_error e = {0};
    workload_open(&r, env_at_work(0), w, NULL);
    cr_assert_leq(r.batch * r.data.inputs, 1 << 17);
    for (int i = 0; i < 4; i++) {
        if (i == 2) before = count_now();
        cr_assert_eq(tn_trainer_step(r.trainer, x, NULL, label, r.batch, NULL, &e), TN_OK,
                     "%s", e.text);
    }
    expect_nothing(w, "steps", before, 0);
    /* Weights are packed when they are met unchanged. */
    for (int i = 0; i < 5; i++) {
        if (i == 3) before = count_now();
        cr_assert_eq(tn_model_predict(tn_trainer_model(r.trainer), x, r.batch, y, &e),
                     TN_OK, "%s", e.text);
    }
    expect_nothing(w, "predictions", before, COUNTS_LOCKS * 2 * 2);
    workload_close(&r);
}

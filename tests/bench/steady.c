/* steady.c - in the steady state nothing is asked of the system: an epoch of training, with its
 * validation, takes no memory, and no lock but the one by which each side of a batch that was
 * read ahead hands it over; steps and predictions on a caller's arrays take none at all, but for
 * the two around the plans of a model that several threads may use. */
#include "tests/support/kernels.h"
#include "tests/support/counting.h"
#include "tests/support/witness.h"
#include "tests/support/workload.h"

enum { THREADS = 2, SLOTS = 3, EPOCHS = 2 };

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

/* Weights have changed since the last validation: each is packed anew, under a lock. */
static void expect_steady(const char *what, const workload_run *r, const watch *seen)
{
    const tn_trainer *t = r->trainer;
    const bool ahead = COUNTS_LOCKS &&
                       r->batch * r->data.inputs * (int64_t)sizeof(float) >= 64 << 10;
    const int64_t batches = tn_feed_batches(t->feed, TN_TRAIN) +
                            tn_feed_batches(t->feed, TN_VALIDATION);
    const int64_t least = ahead ? (EPOCHS - 1) * batches : 0;
    const int64_t packs = t->validates ? 2 * (EPOCHS - 1) * weights_of(t->model->graph)
                                       : 0;
    const counts *n = &seen->last;
    cr_assert_eq(seen->epochs, EPOCHS);
    cr_assert_eq(n->blocks, 0, "%s: %lld allocations", what, n->blocks);
    cr_assert(n->own_locks >= least && n->own_locks <= least + packs,
              "%s: %lld locks for %d batches", what, n->own_locks, (int)least);
    cr_assert_leq(n->other_locks, ahead ? least + SLOTS : 0,
                  "%s: %lld locks by other threads for %d batches", what, n->other_locks,
                  (int)least);
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
    char what[100];
    tn_error e = {0};
    const int32_t real = *way && !strcmp(*way, "precision=double");
    workload_open(&r, env_at_work(real), w, way);
    r.trainer->epochs = EPOCHS;
    r.trainer->progress = look, r.trainer->progress_data = &seen;
    cr_assert_eq(tn_trainer_run(r.trainer, &e), TN_OK, "%s: %s", w->name, e.text);
    snprintf(what, sizeof what, "%s, %s", w->name, *way ? *way : "plain");
    expect_steady(what, &r, &seen);
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

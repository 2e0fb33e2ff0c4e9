/* threads.c - every network of bench/configs has the same bits on any number of threads: what it
 * learns, what it says of itself, and what it predicts; and threads there are. */
#include "tests/support/witness.h"
#include "tests/support/workload.h"

enum { MOST = 600, TRIES = 200 };

static const int32_t threads[] = {1, 2, 3, 4, 7, 8};
#define THREADS ((int)(sizeof threads / sizeof *threads))

/* A hash of each thing that must not differ. */
typedef struct prints {
    int n;
    uint64_t at[MOST];
    char name[MOST][100];
} prints;

/* 64 bits at a time, each of which all later ones depend on; the multiplier is that of SplitMix64
 * (Steele, Lea and Flood, 2014). */
static uint64_t hash(const void *data, size_t bytes)
{
    uint64_t h = bytes, word = 0;
    for (size_t i = 0; i < bytes; i += sizeof word) {
        memcpy(&word, (const char *)data + i,
               bytes - i < sizeof word ? bytes - i : sizeof word);
        h = (h ^ word) * 0xBF58476D1CE4E5B9U;
        h ^= h >> 31;
    }
    return h;
}

static void add(prints *p, const char *name, const void *data, size_t bytes)
{
    cr_assert(p->n < MOST);
    snprintf(p->name[p->n], sizeof *p->name, "%s", name);
    p->at[p->n++] = hash(data, bytes);
}

static size_t bytes_of(const tn_tensor *t)
{
    return (size_t)tn_count(t) * tn_dtype_size(t->dtype);
}

static void add_run(prints *p, const tn_trainer *t)
{
    const char *name;
    char slot[192];
    tn_tensor v;
    for (int32_t i = 0; tn_model_part(t->model, i, &name, &v); i++)
        add(p, name, v.data, bytes_of(&v));
    for (int32_t i = 0; tn_updater_slot(t->updater, i, slot, &v); i++)
        add(p, slot, v.data, bytes_of(&v));
    for (int32_t i = 0; i < t->values; i++)
        add(p, t->name[i], &t->value[i].value, sizeof(double));
}

static void same(const prints *a, const prints *b, const char *what, int32_t count)
{
    cr_assert_eq(a->n, b->n);
    for (int i = 0; i < a->n; i++)
        cr_assert_eq(a->at[i], b->at[i], "%s: %s differs on %d threads", what, a->name[i],
                     (int)count);
}

/* Makes `once` until all threads have been seen. */
static void see_all(const char *what, void (*once)(void *), void *data)
{
    for (int i = 0; i < TRIES && atomic_load(&witness.seen) < witness.threads; i++)
        once(data);
    cr_assert_eq(atomic_load(&witness.seen), witness.threads, "%s: only %d of %d threads",
                 what, atomic_load(&witness.seen), (int)witness.threads);
    cr_assert_eq(atomic_load(&witness.strangers), 0);
}

/* Few blocks leave nothing to share. */
static bool is_worth_threads(const workload *w)
{
    return strcmp(w->name, "w4") != 0;
}

/* Each other number of threads, or a draw of them that differs from network to network, against one
 * alone. */
static void compare(const workload *w,
                    void (*run)(const workload *, int32_t count, int32_t real, prints *))
{
    static prints alone, other;
    const int64_t others = THREADS - 1, n = test_rounds(w->huge ? 1 : 2, others),
                  precisions = test_rounds(w->huge || test_sanitized() ? 1 : 2, 2);
    for (int32_t real = 0; real < precisions; real++) {
        run(w, 1, real, &alone);
        for (int64_t i = 0; i < n; i++) {
            const int32_t count = threads[1 + (w->number + i) % others];
            run(w, count, real, &other);
            same(&alone, &other, w->name, count);
        }
    }
}

/* ---- training ------------------------------------------------------------------------ */

static void once_more(void *data)
{
    workload_run *r = data;
    tn_error e = {0};
    static float x[1 << 17];
    static int32_t label[100];
    cr_assert_leq(r->batch * r->data.inputs, 1 << 17);
    cr_assert_eq(tn_trainer_step(r->trainer, x, NULL, label, r->batch, NULL, &e), TN_OK,
                 "%s", e.text);
}

/* set, epochs: more of the config, or NULL. */
static void train(const workload *w, int32_t count, int32_t real, const char *set,
                  const char *epochs, prints *p)
{
    workload_run r;
    tn_error e = {0};
    tn_env *env = open_env(NULL, count);
    const char *const sets[] = {real ? "precision=double" : "precision=float", set,
                                epochs, NULL};
    witness_watch(env, real);
    workload_open(&r, env, w, sets);
    cr_assert_eq(tn_trainer_run(r.trainer, &e), TN_OK, "%s: %s", w->name, e.text);
    p->n = 0;
    add_run(p, r.trainer);
    cr_assert_geq(r.trainer->place.step, 2);
    if (is_worth_threads(w)) see_all(w->name, once_more, &r);
    workload_close(&r);
}

ParameterizedTestParameters(threads, training_has_the_same_bits)
{
    return workloads_all();
}

static void train_plainly(const workload *w, int32_t count, int32_t real, prints *p)
{
    train(w, count, real, NULL, NULL, p);
}

ParameterizedTest(workload *w, threads, training_has_the_same_bits)
{
    compare(w, train_plainly);
}

/* Norms of gradients of large weights come out of their products. Where the order of a sum were
 * that of arrival, its last bit would change now and then: so in double precision, in which it is
 * not lost, and several times. */
Test(threads, clipping_has_the_same_bits)
{
    static prints alone, other;
    static const workload w7 = {"w7", 0, true};
    static const char *const clipped[] = {
        "gradient=[{clip_norm: 1e-3}]",
        "gradient=[{clip_norm: {max: 1e-3, over: layer}}]"};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < THREADS; i += test_sanitized() || k ? THREADS - 1 : 1) {
            train(&w7, threads[i], 1, clipped[k], "train.epochs=8", i ? &other : &alone);
            if (i) same(&alone, &other, clipped[k], threads[i]);
        }
}

/* ---- inference ----------------------------------------------------------------------- */

typedef struct asking {
    tn_model *model;
    int64_t samples;
    float *x, *y;
} asking;

static void ask(void *data)
{
    const asking *a = data;
    tn_error e = {0};
    cr_assert_eq(tn_model_predict(a->model, a->x, a->samples, a->y, &e), TN_OK, "%s",
                 e.text);
}

/* Several samples, and one. */
static void predict(const workload *w, int32_t count, int32_t real, prints *p)
{
    tn_error e = {0};
    tn_env *env = open_env(NULL, count);
    witness_watch(env, real);
    tn_config *c = tn_config_load(env, workload_path(w->name),
                                  (const char *const[]){"precision=double"}, real, &e);
    cr_assert_not_null(c, "%s", e.text);
    const tn_shape input = workload_input(c);
    asking a = {.model = tn_model_new(env, c, &input, &e), .samples = w->huge ? 9 : 100};
    cr_assert_not_null(a.model, "%s", e.text);
    const int64_t samples = a.samples, in = tn_shape_count(&input),
                  out = tn_shape_count(tn_model_output(a.model));
    a.x = malloc((size_t)(samples * in) * sizeof *a.x);
    a.y = malloc((size_t)(samples * out) * sizeof *a.y);
    for (int64_t i = 0; i < samples * in; i++)
        a.x[i] = (float)tn_random_uniform((tn_key){{8, 9}}, (uint64_t)i) - 0.5f;
    ask(&a);
    p->n = 0;
    add(p, "outputs", a.y, (size_t)(samples * out) * sizeof *a.y);
    a.samples = 1;
    ask(&a);
    add(p, "output of one sample", a.y, (size_t)out * sizeof *a.y);
    a.samples = samples;
    see_all(w->name, ask, &a);
    free(a.x), free(a.y);
    tn_model_free(a.model);
    tn_config_free(c);
    tn_env_free(env);
}

ParameterizedTestParameters(threads, inference_has_the_same_bits)
{
    static workload some[] = {
        {"w3_sgd", 1, false}, {"w7", 2, true}, {"w9", 3, false}, {"w1", 0, true}};
    return cr_make_param_array(workload, some, workload_left_out("w1") ? 3 : 4);
}

ParameterizedTest(workload *w, threads, inference_has_the_same_bits)
{
    compare(w, predict);
}

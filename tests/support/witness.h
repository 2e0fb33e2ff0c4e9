/* witness.h - how many threads really work. It stands between the core and the backend of an
 * environment and counts the threads that run parts of a work: bodies of `parallel` and what is
 * told of blocks of products. As a pool waits for nobody, a thread that is quick could do all of
 * the work: so who has been seen waits a moment for the others, as long as some are missing. */
#ifndef TESTS_SUPPORT_WITNESS_H
#define TESTS_SUPPORT_WITNESS_H

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/instance.h"
/* No slot of a backend names tn_real: both precisions look the same. */
#define TN_REAL_BITS 64
#include "tenon/kinds.h"
#include "tenon/backend.h"
#undef TN_REAL_BITS

static struct {
    tn_backend_f64 slots; /* the backend's own */
    tn_backend_f64 between;
    int32_t threads;
    int number; /* of the environment watched */
    atomic_int seen, strangers, patience;
} witness;

static void witness_note(void)
{
    static _Thread_local int last;
    if (last != witness.number) {
        last = witness.number;
        atomic_fetch_add(&witness.seen, 1);
    } else if (atomic_load(&witness.seen) < witness.threads &&
               atomic_fetch_sub(&witness.patience, 1) > 0) {
        usleep(100);
    }
}

typedef struct witness_body {
    void (*body)(void *data, int64_t i, int32_t worker);
    void *data;
} witness_body;

static void witness_run(void *data, int64_t i, int32_t worker)
{
    const witness_body *b = data;
    if (worker < 0 || worker >= witness.threads) atomic_fetch_add(&witness.strangers, 1);
    witness_note();
    b->body(b->data, i, worker);
}

static void witness_parallel(const void *self, int64_t n,
                             void (*body)(void *data, int64_t i, int32_t worker),
                             void *data)
{
    witness_body b = {body, data};
    witness.slots.parallel(self, n, witness_run, &b);
}

static void witness_wrote(const void *with, int64_t row, int64_t col, int64_t rows,
                          int64_t cols, void *block, int64_t stride)
{
    const tn_matrix *out = with;
    witness_note();
    out->wrote(out->with, row, col, rows, cols, block, stride);
}

static tn_status witness_product(const void *self, tn_call *c, const tn_product *product)
{
    tn_product p = *product;
    if (p.out.wrote) p.out.wrote = witness_wrote, p.out.with = &product->out;
    return witness.slots.product(self, c, &p);
}

/* Watches what env's backend does from now on, and nothing else. */
static void witness_watch(tn_env *env, int32_t real)
{
    const tn_instance *backend;
    tn_error e = {0};
    cr_assert_eq(tn_env_backend(env, real, &backend, &e), TN_OK, "%s", e.text);
    witness.slots = witness.between = *(const tn_backend_f64 *)backend->vtable;
    witness.between.parallel = witness_parallel;
    witness.between.product = witness_product;
    env->backend[real]->vtable = &witness.between;
    witness.threads = witness.slots.threads(backend->self);
    witness.number++;
    atomic_store(&witness.seen, 0);
    atomic_store(&witness.patience, 1000);
}

static void witness_idle(void *data, int64_t i, int32_t worker)
{
    (void)data, (void)i, (void)worker;
}

/* Makes all threads work: what they need once, they take when they first do. */
__attribute__((unused)) static void witness_all_work(const tn_env *env, int32_t real)
{
    for (int i = 0; i < 100 && atomic_load(&witness.seen) < witness.threads; i++)
        witness_parallel(env->backend[real]->self, 1000, witness_idle, NULL);
    cr_assert_eq(atomic_load(&witness.seen), witness.threads);
}

#endif

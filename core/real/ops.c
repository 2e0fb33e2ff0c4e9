/* ops.c - the typed half's table, and the small loops that are not a kernel's. */
#include "core/real/kernel.h"
#include "core/real/score.h"
#include "core/real/step.h"

#include <math.h>

static tn_layer_facts facts(const void *vtable)
{
    const tn_layer *l = vtable;
    const bool needs_backward = l->kernel != TN_WHOLE && l->kernel != TN_WINDOW;
    return (tn_layer_facts){
        .kernel = l->kernel,
        .max_inputs = l->max_inputs ? l->max_inputs : 1,
        .flags = l->flags,
        .differentiable = (l->flags & TN_VIEW) ||
                          (needs_backward          ? l->backward != NULL
                           : l->kernel == TN_WHOLE ? l->run_back != NULL
                                                   : l->give != NULL),
        .commits = l->commit != NULL,
        .always_reduces = l->always_reduce,
        .sums = l->reduce.sums,
        .stats = l->reduce.stats,
        .over = l->reduce.over,
        .back_sums = l->back_reduce.sums,
        .back_stats = l->back_reduce.stats,
        .back_over = l->back_reduce.over,
        .infer = l->infer,
    };
}

typedef struct add_work {
    tn_real *into;
    const tn_real *from;
} add_work;

static void add_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const add_work *w = data;
    for (int64_t i = first; i < first + n; i++) w->into[i] += w->from[i];
}

void TN(tn_add)(const tn_instance *backend, void *into, const void *from, int64_t n)
{
    add_work w = {into, from};
    const tn_space space = {n, 1, false};
    TN(tn_each_tile)(backend, &space, add_tile, &w);
}

static bool finite_values(const void *values, int64_t n)
{
    const tn_real *x = values;
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static tn_status product(const tn_instance *backend, tn_calling *calling,
                         const tn_product *p)
{
    const tn_backend *b = backend->vtable;
    return b->product(backend->self, &calling->call, p);
}

/* Row after row, so that the result is a matter of shape alone. */
static tn_status column_sums(const tn_matrix *m, void *out)
{
    tn_real *sum = out;
    const tn_real *x = m->data;
    for (int64_t j = 0; j < m->cols; j++) sum[j] = 0;
    for (int64_t i = 0; i < m->rows; i++)
        for (int64_t j = 0; j < m->cols; j++)
            sum[j] += x[i * m->row_stride + j * m->col_stride];
    return TN_OK;
}

static int32_t threads(const tn_instance *backend)
{
    const tn_backend *b = backend->vtable;
    return b->threads(backend->self);
}

static tn_status parallel(const tn_instance *backend, int64_t n,
                          void (*body)(void *, int64_t, int32_t), void *data)
{
    const tn_backend *b = backend->vtable;
    b->parallel(backend->self, n, body, data);
    return TN_OK;
}

#define TABLE_(bits) tn_real_ops_f##bits
#define TABLE(bits) TABLE_(bits)

const tn_real_ops TABLE(TN_REAL_BITS) = {
    .facts = facts,
    .forward = TN(tn_unit_forward),
    .backward = TN(tn_unit_backward),
    .commit = TN(tn_unit_commit),
    .add = TN(tn_add),
    .finite = finite_values,
    .loss = TN(tn_score_loss),
    .metric = TN(tn_score_metric),
    .product = product,
    .column_sums = column_sums,
    .threads = threads,
    .parallel = parallel,
    .step = &TN(tn_step_table),
};

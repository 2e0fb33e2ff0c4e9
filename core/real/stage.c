/* stage.c - the kernels of one pass over a parameter, run one after the other on each tile while
 * it is in the cache: gradient transforms, regularizer gradient, optimizers, prox.
 *
 * Invariant: tiles are whole rows or a piece of one row, and each kernel works element by
 * element: how a parameter is cut changes no bit. */
#include "core/real/step_part.h"

enum {
    TILE =
        1024, /* elements: weights, gradient and slots stay in the L1 cache between kernels */
    AHEAD = 4 /* rows of a block; many more fight for the same places of the L2 cache */
};

/* Where a kernel works: elements first .. first + n - 1, whose gradient may lie elsewhere. */
typedef struct tn_spot {
    const tn_part *part;
    int64_t first, n;
    tn_real *g;
} spot;

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static tn_real *weights_at(const spot *at)
{
    return (tn_real *)at->part->w + at->first;
}

/* ---- kernels ------------------------------------------------------------------------- */

static tn_tile tile_at(const tn_stage *s, const spot *at, const void **stat)
{
    tn_tile t = s->tile;
    t.n = at->n;
    t.row = at->first / t.width, t.col = at->first % t.width;
    t.stat = stat;
    if (s->counter) t.counter = &s->counter[at->first / TILE % TN_COUNTERS].changed;
    const int64_t group = s->over == TN_OVER_COLUMNS  ? t.col
                          : tn_shared_groups(s->over) ? 0
                                                      : t.row;
    for (int32_t q = 0; q < s->stats; q++) stat[q] = (const tn_real *)s->stat[q] + group;
    return t;
}

static void slots_at(const tn_stage *s, const spot *at, tn_real **slot)
{
    TN(tn_slots_at)(at->part, s->first_slot, s->slots, at->first, slot);
}

static void map(const tn_stage *s, const spot *at)
{
    const tn_gradient *gradient = s->instance->vtable;
    const void *stat[TN_MAX_OWN];
    const tn_tile t = tile_at(s, at, stat);
    gradient->map(s->instance->self, &t, weights_at(at), at->g);
}

static void regularize(const tn_stage *s, const spot *at)
{
    const tn_regularizer *r = s->instance->vtable;
    const void *stat[TN_MAX_OWN];
    const tn_tile t = tile_at(s, at, stat);
    r->gradient(s->instance->self, &t, weights_at(at), at->g);
}

static void decay(const tn_stage *s, const spot *at)
{
    const tn_regularizer *r = s->instance->vtable;
    const void *stat[TN_MAX_OWN];
    const tn_tile t = tile_at(s, at, stat);
    r->decay(s->instance->self, &t, s->update.rate, weights_at(at));
}

/* act: one of the slots that are told the gradient. */
static void call_optimizer(const tn_stage *s, const spot *at,
                           __typeof__(((tn_optimizer *)NULL)->update) act)
{
    const void *stat[TN_MAX_OWN];
    tn_real *slot[TN_MAX_OWN] = {0};
    const tn_tile t = tile_at(s, at, stat);
    slots_at(s, at, slot);
    act(s->instance->self, &t, &s->update, weights_at(at), at->g, slot);
}

static void optimize(const tn_stage *s, const spot *at)
{
    call_optimizer(s, at, ((const tn_optimizer *)s->instance->vtable)->update);
}

static void between(const tn_stage *s, const spot *at)
{
    call_optimizer(s, at, ((const tn_optimizer *)s->instance->vtable)->between);
}

static void before(const tn_stage *s, const spot *at)
{
    call_optimizer(s, at, ((const tn_optimizer *)s->instance->vtable)->before);
}

static void to_iterate(const tn_stage *s, const spot *at)
{
    call_optimizer(s, at, ((const tn_optimizer *)s->instance->vtable)->to_iterate);
}

static void prox(const tn_stage *s, const spot *at)
{
    const tn_stage *by = s->sized_by;
    const tn_optimizer *o = by->instance->vtable;
    const tn_regularizer *r = s->instance->vtable;
    const void *stat[TN_MAX_OWN], *stat_by[TN_MAX_OWN];
    tn_real step[TILE], *slot[TN_MAX_OWN] = {0};
    const tn_tile t = tile_at(s, at, stat), t_by = tile_at(by, at, stat_by);
    slots_at(by, at, slot);
    o->step_size(by->instance->self, &t_by, &by->update, slot, step);
    r->prox(s->instance->self, &t, step, weights_at(at));
}

static void tell_steps(const tn_stage *s, const spot *at)
{
    const tn_optimizer *o = s->instance->vtable;
    const void *stat[TN_MAX_OWN];
    tn_real *slot[TN_MAX_OWN] = {0};
    const tn_tile t = tile_at(s, at, stat);
    slots_at(s, at, slot);
    o->step_size(s->instance->self, &t, &s->update, slot,
                 (tn_real *)at->part->bench->step + at->first);
}

/* Of a constraint, where no optimizer tells steps. */
static void prox_by_1(const tn_stage *s, const spot *at)
{
    const tn_regularizer *r = s->instance->vtable;
    const void *stat[TN_MAX_OWN];
    tn_real step[TILE];
    const tn_tile t = tile_at(s, at, stat);
    for (int64_t i = 0; i < at->n; i++) step[i] = 1;
    r->prox(s->instance->self, &t, step, weights_at(at));
}

/* ---- making -------------------------------------------------------------------------- */

static tn_stage *add_stage(const tn_on_part *on, const tn_instance *instance,
                           uint64_t draws)
{
    tn_part *p = on->part;
    tn_stage *s = &p->stage[p->stages++];
    *s = (tn_stage){.instance = instance,
                    .tile = {.width = p->width,
                             .rows_per_sample = 1,
                             .shape = p->shape,
                             .now = instance->now,
                             .step = (int64_t)tn_step_of(on),
                             .key = tn_key_derive(p->key, tn_step_of(on), draws),
                             .training = 1}};
    if (on->reducing == instance) {
        s->over = on->reduction->over, s->stats = on->reduction->stats;
        s->stat = on->bench->stat;
    }
    return s;
}

void TN(tn_add_maps)(const tn_on_part *on, int32_t from, int32_t to)
{
    for (int32_t i = from; i < to; i++) {
        tn_mapping *transform = &on->bench->transform[i];
        const tn_reduction *r = TN(tn_reduction_of)(transform->gradient);
        tn_stage *s = add_stage(on, transform->gradient,
                                (uint64_t)(TN_DRAWS_GRADIENT + i));
        s->run = map;
        s->counter = transform->counter;
        if (!r->sums || r->over != TN_OVER_ALL) continue;
        s->over = r->over, s->stats = r->stats, s->stat = transform->stat;
    }
}

void TN(tn_add_penalty)(const tn_on_part *on, const tn_instance *regularizer)
{
    add_stage(on, regularizer, TN_DRAWS_REGULARIZER)->run = regularize;
}

void TN(tn_add_decay)(const tn_on_part *on, const tn_chain *chain,
                      const tn_instance *regularizer)
{
    tn_stage *s = add_stage(on, regularizer, TN_DRAWS_REGULARIZER);
    s->update.rate = tn_rate_of(chain, on->part);
    s->run = decay;
}

static tn_stage *add_optimizer(const tn_on_part *on, const tn_chain *chain, int32_t i,
                               int32_t pass)
{
    tn_stage *s = add_stage(on, chain->at[i], (uint64_t)(TN_DRAWS_OPTIMIZER + i));
    s->update = tn_update_of(chain, i, on->part, pass);
    s->tile.now = tn_dials_of(chain, i, on->part);
    s->first_slot = chain->first_slot[i];
    s->slots = TN(tn_slots_of)(chain->at[i]);
    return s;
}

void TN(tn_add_before)(const tn_on_part *on, const tn_chain *chain, int32_t i)
{
    if (((const tn_optimizer *)chain->at[i]->vtable)->before)
        add_optimizer(on, chain, i, 0)->run = before;
}

void TN(tn_add_update)(const tn_on_part *on, const tn_chain *chain, int32_t i)
{
    if (((const tn_optimizer *)chain->at[i]->vtable)->update)
        add_optimizer(on, chain, i, 0)->run = optimize;
}

void TN(tn_add_to_iterate)(const tn_on_part *on, const tn_chain *chain, int32_t i)
{
    if (((const tn_optimizer *)chain->at[i]->vtable)->to_iterate)
        add_optimizer(on, chain, i, 0)->run = to_iterate;
}

void TN(tn_add_between)(const tn_on_part *on, const tn_chain *chain, int32_t i,
                        int32_t pass)
{
    if (((const tn_optimizer *)chain->at[i]->vtable)->between)
        add_optimizer(on, chain, i, pass)->run = between;
}

/* The first that does. */
int32_t TN(tn_sizing)(const tn_chain *chain)
{
    for (int32_t i = 0; i < chain->length; i++)
        if (((const tn_optimizer *)chain->at[i]->vtable)->step_size) return i;
    return -1;
}

void TN(tn_add_steps)(const tn_on_part *on, const tn_chain *chain)
{
    add_optimizer(on, chain, TN(tn_sizing)(chain), 0)->run = tell_steps;
}

void TN(tn_add_prox)(const tn_on_part *on, const tn_chain *chain,
                     const tn_instance *regularizer)
{
    tn_part *p = on->part;
    const int32_t by = TN(tn_sizing)(chain);
    if (by >= 0) {
        p->sizing = *add_optimizer(on, chain, by, 0);
        p->stages--;
    }
    tn_stage *s = add_stage(on, regularizer, TN_DRAWS_REGULARIZER);
    s->run = by < 0 ? prox_by_1 : prox;
    s->sized_by = &p->sizing;
}

/* ---- running ------------------------------------------------------------------------- */

/* Whole rows, or a piece of one; all of them where one kernel is all there is to do, unless
 * it is a prox, which has room for a tile. */
static int64_t tile_length(const tn_part *p, int64_t first, int64_t end)
{
    if (p->stages == 1 && !p->stage->sized_by) return end - first;
    const int64_t n = p->width > TILE ? smaller(TILE, p->width - first % p->width)
                                      : TILE / p->width * p->width;
    return smaller(n, end - first);
}

void TN(tn_run_stages)(const tn_part *p, int64_t first, int64_t n, tn_real *g)
{
    const int64_t end = first + n;
    while (first < end) {
        const spot at = {p, first, tile_length(p, first, end), g};
        for (int32_t i = 0; i < p->stages; i++) p->stage[i].run(&p->stage[i], &at);
        first += at.n;
        if (g) g += at.n;
    }
}

static void run_tile(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const tn_on_part *on = data;
    TN(tn_run_stages)(on->part, first, n, (tn_real *)on->part->g + first);
}

void TN(tn_run_part)(const tn_on_part *on)
{
    TN(tn_each_tile)
    (on->bench->backend, &on->space, run_tile, (void *)(uintptr_t)on);
}

/* ---- all parameters ------------------------------------------------------------------ */

typedef struct stream {
    const tn_bench *bench;
    const tn_part *parts;
} stream;

static void run_task(void *data, int64_t task, int32_t worker)
{
    const stream *all = data;
    const tn_bench *b = all->bench;
    for (int32_t i = b->task[task]; i < b->task[task + 1]; i++) {
        const tn_part_stretch *s = &b->stretch[i];
        const tn_part *p = &all->parts[s->part];
        if (p->stages) TN(tn_run_stages)(p, s->first, s->n, (tn_real *)p->g + s->first);
    }
}

void TN(tn_each_task)(const tn_bench *bench, int64_t elements,
                      void (*body)(void *data, int64_t task, int32_t worker), void *data)
{
    const tn_backend *b = bench->backend->vtable;
    if (elements >= TN_WORTH_THREADS)
        b->parallel(bench->backend->self, bench->tasks, body, data);
    else
        for (int32_t i = 0; elements && i < bench->tasks; i++) body(data, i, 0);
}

void TN(tn_run_all)(const tn_bench *bench, const tn_part *parts, int32_t count)
{
    stream all = {bench, parts};
    int64_t elements = 0;
    for (int32_t i = 0; i < count; i++)
        if (parts[i].stages) elements += parts[i].rows * parts[i].width;
    TN(tn_each_task)(bench, elements, run_task, &all);
}

/* ---- from a product ------------------------------------------------------------------ */

/* Rows of a block lie far apart: the processor does not guess which comes next. */
static void fetch(const tn_part *p, int64_t first, int64_t n)
{
    const int64_t line = 64 / (int64_t)sizeof(tn_real);
    const tn_stage *s = &p->stage[0];
    for (int64_t i = 0; i < n; i += line)
        __builtin_prefetch((const tn_real *)p->w + first + i, 1, 2);
    for (int32_t k = 0; k < s->slots; k++)
        for (int64_t i = 0; i < n; i += line)
            __builtin_prefetch((const tn_real *)p->slot[k] + first + i, 1, 2);
}

void TN(tn_take_block)(const void *with, int64_t row, int64_t col, int64_t rows,
                       int64_t cols, void *data, int64_t stride)
{
    const tn_part *p = with;
    tn_real *g = data;
    if (cols == p->width && stride == cols) {
        TN(tn_run_stages)(p, row * cols, rows * cols, g);
        return;
    }
    for (int64_t i = 0; i < rows; i++, g += stride) {
        const int64_t first = (row + i) * p->width + col;
        if (row + i + AHEAD < p->rows) fetch(p, first + AHEAD * p->width, cols);
        TN(tn_run_stages)(p, first, cols, g);
    }
}

/* update_bench.c - the memory that all steps of an updater share, and the tasks in which threads take
 * its parts: see update_state.h. Tasks are cut by shape, never by the number of threads. */
#include "core/update_state.h"

#include <stdlib.h>

/* ---- tasks ---------------------------------------------------------------------------- */

/* Cuts a part: whole rows, or pieces of one. `out` NULL: only counts. */
static int32_t cut_part(tn_updater *u, int32_t number, int32_t place,
                        tn_part_stretch *out)
{
    tn_part *part = &u->part[number];
    const int64_t width = part->width, all = part->rows * width;
    const int64_t most = width > TN_STRETCH ? TN_STRETCH : TN_STRETCH / width * width;
    int32_t n = 0;
    for (int64_t first = 0; first < all; n++) {
        const int64_t row = width - first % width, rest = all - first;
        const int64_t here = width > TN_STRETCH && row < most ? row : most;
        if (out)
            out[n] = (tn_part_stretch){number, place + n, first,
                                       here < rest ? here : rest};
        first += here;
    }
    part->place = place, part->stretches = n;
    return n;
}

/* How far down its parameter the middle of a stretch is. */
static double middle_of(const tn_updater *u, const tn_part_stretch *s)
{
    const tn_part *part = &u->part[s->part];
    return ((double)s->first + (double)s->n / 2) /
           ((double)part->rows * (double)part->width);
}

static int compare_depths(const void *a, const void *b, void *updater)
{
    const tn_part_stretch *s = a, *t = b;
    const double d = middle_of(updater, s), e = middle_of(updater, t);
    return d < e ? -1 : d > e ? 1 : s->place < t->place ? -1 : 1;
}

/* Small parts share a task. */
static void group_stretches(tn_bench *b, int32_t stretches)
{
    int64_t elements = 0;
    for (int32_t i = 0; i < stretches; i++) {
        if (!elements) b->task[b->tasks++] = i;
        elements += b->stretch[i].n;
        if (elements >= TN_STRETCH / 2) elements = 0;
    }
    b->task[b->tasks] = stretches;
}

/* Each thread takes neighbouring tasks, here as in the products: with what lies at the same depth of
 * each parameter side by side, it finds in its cache what it made or read there. */
static tn_status make_tasks(tn_updater *u, tn_error *e)
{
    tn_memory *m = &u->graph->env->memory;
    tn_bench *b = &u->bench;
    int32_t n = 0;
    for (int32_t i = 0; i < u->parts; i++) n += cut_part(u, i, n, NULL);
    b->stretch = tn_memory_array(m, (size_t)n, sizeof *b->stretch, e);
    b->task = tn_memory_array(m, (size_t)n + 1, sizeof *b->task, e);
    if (!b->stretch || !b->task) return TN_ENOMEM;
    for (int32_t i = 0; i < u->parts; i++)
        cut_part(u, i, u->part[i].place, b->stretch + u->part[i].place);
    qsort_r(b->stretch, (size_t)n, sizeof *b->stretch, compare_depths, u);
    group_stretches(b, n);
    return TN_OK;
}

/* ---- memory --------------------------------------------------------------------------- */

/* What the steps of all parameters need, at most. */
typedef struct needs {
    int64_t sums, groups, chunks;
    int32_t stats;
    size_t steps, scratch;
} needs;

static void need(const tn_updater *u, const tn_instance *instance, const tn_part *part,
                 needs *n)
{
    int32_t over, sums, stats;
    u->table->reduction(instance, &over, &sums, &stats);
    if (!sums) return;
    const tn_space space = tn_space_of(over, part->rows, part->width, 1, false);
    const int64_t groups = tn_groups(over, part->rows, part->width, 1);
    const tn_part *last = &u->part[u->parts - 1];
    const int64_t room = tn_over_several(over)
                             ? (int64_t)(last->place + last->stretches) * sums
                             : tn_sum_room(over, &space, groups, sums);
    if (room > n->sums) n->sums = room;
    if (groups > n->groups) n->groups = groups;
    if (stats > n->stats) n->stats = stats;
}

static void need_for(const tn_updater *u, const tn_instance *regularizer,
                     const tn_part *part, needs *n)
{
    const tn_regularizer_facts f = u->table->regularizer(regularizer, part->rows,
                                                         part->width);
    const size_t elements = (size_t)(part->rows * part->width);
    if (f.steps && elements > n->steps) n->steps = elements;
    if (f.scratch > n->scratch) n->scratch = f.scratch;
}

static needs needs_of(const tn_updater *u)
{
    needs n = {0};
    for (int32_t i = 0; i < u->parts; i++) {
        const tn_part *part = &u->part[i];
        const int64_t chunks = tn_chunks(part->rows, part->width);
        if (chunks > n.chunks) n.chunks = chunks;
        for (int32_t k = 0; k < u->gradients; k++) need(u, u->gradient[k], part, &n);
        for (int32_t k = 0; k < u->length; k++) {
            const size_t bytes = u->table->scratch(u->chain[k], part->rows, part->width);
            need(u, u->chain[k], part, &n);
            if (bytes > n.scratch) n.scratch = bytes;
        }
        for (const tn_instance *r = part->regularizer; r; r = r->next)
            need_for(u, r, part, &n);
    }
    return n;
}

static tn_status make_transforms(tn_updater *u, tn_error *e)
{
    tn_memory *m = &u->graph->env->memory;
    tn_bench *b = &u->bench;
    b->transform = tn_memory_array(m, (size_t)u->gradients, sizeof *b->transform, e);
    if (!b->transform) return TN_ENOMEM;
    while (b->transforms < u->gradients) {
        int32_t over, sums, stats;
        tn_mapping *t = &b->transform[b->transforms];
        t->gradient = u->gradient[b->transforms++];
        t->penalized = u->table->penalized(t->gradient);
        if (u->table->counts(t->gradient) &&
            !(t->counter = tn_memory_array(m, TN_COUNTERS, sizeof *t->counter, e)))
            return TN_ENOMEM;
        u->table->reduction(t->gradient, &over, &sums, &stats);
        for (int32_t q = 0; over == TN_OVER_ALL && q < stats; q++)
            if (!(t->stat[q] = tn_memory_array(m, 1, sizeof(double), e)))
                return TN_ENOMEM;
    }
    return TN_OK;
}

tn_status tn_updater_make_bench(tn_updater *u, tn_error *e)
{
    tn_memory *m = &u->graph->env->memory;
    tn_bench *b = &u->bench;
    tn_status status = make_tasks(u, e);
    if (status) return status;
    const needs n = needs_of(u);
    const size_t size = u->graph->real ? 8 : 4;
    b->env = u->graph->env;
    b->partial = tn_memory_array(m, (size_t)n.sums, sizeof(double), e);
    b->total = tn_memory_array(m, TN_MAX_OWN, sizeof(double), e);
    b->penalty = tn_memory_array(m, (size_t)n.chunks, sizeof(double), e);
    if (!b->partial || !b->total || !b->penalty) return TN_ENOMEM;
    if (n.steps && !(b->step = tn_memory_array(m, n.steps, size, e))) return TN_ENOMEM;
    if (n.scratch && !(b->scratch = tn_memory_get(m, n.scratch, e))) return TN_ENOMEM;
    for (int32_t q = 0; q < n.stats; q++)
        if (!(b->stat[q] = tn_memory_array(m, (size_t)n.groups, size, e)))
            return TN_ENOMEM;
    return make_transforms(u, e);
}

void tn_updater_free_bench(tn_updater *u)
{
    tn_memory *m = &u->graph->env->memory;
    tn_bench *b = &u->bench;
    for (int32_t q = 0; q < TN_MAX_OWN; q++) tn_memory_put(m, b->stat[q]);
    for (int32_t i = 0; i < b->transforms; i++) {
        tn_memory_put(m, b->transform[i].counter);
        for (int32_t q = 0; q < TN_MAX_OWN; q++)
            tn_memory_put(m, b->transform[i].stat[q]);
    }
    tn_memory_put(m, b->transform);
    tn_memory_put(m, b->stretch);
    tn_memory_put(m, b->task);
    tn_memory_put(m, b->partial);
    tn_memory_put(m, b->total);
    tn_memory_put(m, b->penalty);
    tn_memory_put(m, b->step);
    tn_memory_put(m, b->scratch);
}

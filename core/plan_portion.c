/* plan_portion.c - which groups of the forward pass run portion by portion of the samples: what
 * one of them makes is still in the cache when the next one reads it, and what they alone use needs
 * memory for a portion only.
 *
 * Invariant: such groups make each sample from that sample. What a portion is depends on shapes alone,
 * as there are backends whose bits depend on how many rows there are. */
#include "core/plan_state.h"

#include <stddef.h>

/* Found by measurement (bench/workloads.c): of the values that one group reads and writes; of
 * parameters that a group may read again for every portion. */
#define PORTION_BYTES 0x200000
#define PARAM_BYTES 0x40000

/* ---- which groups --------------------------------------------------------------------- */

/* What a layer keeps in states may be about many samples, and so may its statistics. */
static bool is_by_sample(const tn_plan *p, const tn_unit *u)
{
    const tn_layer_facts *f = &u->facts;
    if (p->options.training)
        return !f->commits && !f->sums && (f->kernel != TN_WHOLE || !u->states);
    if (f->kernel == TN_WHOLE) return !u->states;
    return !f->sums || !f->always_reduce || !tn_shared_groups(f->over);
}

static bool may_run_in_portions(const tn_plan *p, const tn_plan_group *g)
{
    int64_t params = 0;
    if (p->options.keeps || p->options.apart || p->room) return false;
    for (int32_t i = 0; i < g->run.count; i++) {
        const tn_unit *u = g->run.unit[i];
        if (!is_by_sample(p, u)) return false;
        for (int32_t k = 0; k < u->params; k++) params += u->param[k].size;
    }
    return params <= (int64_t)(PARAM_BYTES / p->real_size);
}

/* Samples whose values a group finds in the cache: at most all. */
static int64_t portion_of(const tn_plan *p, const tn_plan_group *g)
{
    double bytes = (double)tn_shape_count(&g->run.unit[0]->spec->out);
    for (int32_t k = 0; k < p->graph->node[g->head].inputs; k++)
        bytes += (double)p->node[tn_plan_source(p, g->head, k)].size;
    bytes *= (double)p->real_size;
    const double samples = PORTION_BYTES / bytes;
    if (samples >= (double)p->options.samples) return p->options.samples;
    return samples < 1 ? 1 : (int64_t)samples;
}

/* Groups from `first` on, and the portion that suits all of them. */
static void mark_stretch(tn_plan *p, int32_t first)
{
    const int64_t samples = p->options.samples;
    int64_t most = samples;
    int32_t count = 0;
    for (int32_t i = first; i < p->forwards; i++, count++) {
        if (!may_run_in_portions(p, &p->forward[i])) break;
        const int64_t suits = portion_of(p, &p->forward[i]);
        if (suits < most) most = suits;
    }
    if (count < 2) count = 1, most = samples;
    const int64_t portions = (samples + most - 1) / most;
    for (int32_t i = first; i < first + count; i++)
        p->forward[i].stretch = (tn_stretch){first, count,
                                             (samples + portions - 1) / portions};
}

void tn_plan_make_stretches(tn_plan *p)
{
    for (int32_t i = 0; i < p->forwards; i += p->forward[i].stretch.count)
        mark_stretch(p, i);
}

/* ---- memory --------------------------------------------------------------------------- */

static bool is_cut(const tn_plan *p, const tn_stretch *s)
{
    return s->portion < p->options.samples;
}

tn_span tn_plan_widen(const tn_plan *p, tn_span span)
{
    const tn_stretch *made = &p->forward[span.first].stretch;
    if (is_cut(p, made)) span.first = made->first;
    if (span.last >= p->forwards) return span;
    const tn_stretch *read = &p->forward[span.last].stretch;
    if (is_cut(p, read)) span.last = read->first + read->count - 1;
    return span;
}

/* Values that a stretch alone knows lie in memory for a portion. */
static void span_value(const tn_plan *p, tn_plan_node *n)
{
    const tn_span span = n->value_span;
    const tn_stretch *made = &p->forward[span.first].stretch;
    const bool inside = span.last < made->first + made->count;
    n->samples = inside ? made->portion : p->options.samples;
    if (!inside) n->value_span = tn_plan_widen(p, span);
}

void tn_plan_span_stretches(tn_plan *p)
{
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        if (tn_plan_lives(p, i) && p->node[i].value_at == i) span_value(p, &p->node[i]);
}

/* ---- running -------------------------------------------------------------------------- */

static int32_t number_of(const tn_plan *p, const tn_unit *u)
{
    const char *node = (const char *)u - offsetof(tn_plan_node, unit);
    return (int32_t)((const tn_plan_node *)(const void *)node - p->node);
}

/* Whether all samples of a node's values have a place. */
static bool has_all(const tn_plan *p, int32_t number)
{
    return tn_plan_is_input(p, number) ||
           p->node[p->node[number].value_at].samples == p->options.samples;
}

static void move_unit(const tn_plan *p, tn_unit *u, int64_t samples)
{
    const int32_t number = number_of(p, u);
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        const int32_t source = tn_plan_source(p, number, k);
        const int64_t bytes = p->node[source].size * (int64_t)p->real_size;
        if (has_all(p, source)) u->x[k] = (const char *)u->x[k] + samples * bytes;
    }
    if (has_all(p, number))
        u->y = (char *)u->y + samples * p->node[number].size * (int64_t)p->real_size;
    if (u->cache) u->cache = (char *)u->cache + samples * (int64_t)u->spec->cache;
}

void tn_plan_move(const tn_plan *p, const tn_stretch *s, int64_t samples)
{
    for (int32_t i = s->first; i < s->first + s->count; i++)
        for (int32_t k = 0; k < p->forward[i].run.count; k++)
            move_unit(p, p->forward[i].run.unit[k], samples);
}

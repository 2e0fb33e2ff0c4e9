/* plan_cut.c - cuts the forward pass of a plan into segments, for plan_replay.c.
 *
 * Values of a segment are dropped and made again one segment at a time, those that later segments
 * read are kept. So with room for m equal values a segment may hold as many of its own as the
 * values kept before it leave: m, m - 1, ... 1, and m (m + 1) / 2 layers need m values, or n
 * layers sqrt(2 n) (equal segments, as in Chen, Xu, Zhang, Guestrin, "Training deep nets with
 * sublinear memory cost", 2016, algorithm 2: 2 sqrt(n)). Which room is best is tried. */
#include "core/plan_state.h"

enum { TRIALS = 64, PATIENCE = 5 };

/* Of a group, in elements of one sample. */
typedef struct weight {
    int64_t saved;     /* what backward reads of its values */
    int64_t out;       /* its last value, the only one that other groups may read */
    int32_t last_user; /* group that is the last to do so; -1: none */
} weight;

/* ---- weighing ------------------------------------------------------------------------- */

static void weigh_inputs(const tn_plan *p, int32_t number, weight *of, bool *saved)
{
    const tn_plan_node *n = &p->node[number];
    const bool later = tn_plan_has_gradient(p, number) &&
                       tn_backward_reads_x(&n->unit.facts);
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        const int32_t source = tn_plan_source(p, number, k);
        const tn_plan_node *in = &p->node[source];
        saved[source] = saved[source] || later;
        if (tn_plan_is_input(p, source) || in->forward == n->forward) continue;
        weight *w = &of[in->forward];
        w->out = in->size;
        if (n->forward > w->last_user) w->last_user = n->forward;
    }
}

static void weigh(tn_plan *p, weight *of, bool *saved)
{
    for (int32_t g = 0; g < p->forwards; g++) of[g].last_user = -1;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        if (!tn_plan_lives(p, i)) continue;
        weigh_inputs(p, i, of, saved);
        if (tn_plan_has_gradient(p, i) && tn_backward_reads_y(&p->node[i].unit.facts))
            saved[i] = true;
    }
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        const tn_plan_node *n = &p->node[i];
        if (!tn_plan_lives(p, i)) continue;
        int64_t size = saved[i] ? n->size : 0;
        if (tn_plan_has_gradient(p, i))
            size += (int64_t)(n->unit.spec->cache / p->real_size);
        of[n->forward].saved += size;
        p->saved += size;
    }
}

/* ---- cutting -------------------------------------------------------------------------- */

/* What the groups start .. end - 1 make for those behind. */
static int64_t handed_on(const weight *of, int32_t start, int32_t end)
{
    int64_t sum = 0;
    for (int32_t g = start; g < end; g++)
        if (of[g].last_user >= end) sum += of[g].out;
    return sum;
}

/* Where a segment ends that has this room, at the latest. */
static int32_t reach(const weight *of, int32_t groups, int32_t start, int64_t room)
{
    int32_t end = start;
    while (end < groups && (end == start || of[end].saved <= room))
        room -= of[end++].saved;
    return end;
}

/* Where it hands on the least, in its last third; the last such place. */
static int32_t narrowest(const weight *of, int32_t start, int32_t end)
{
    int32_t best = end;
    int64_t least = handed_on(of, start, end);
    for (int32_t at = end - 1; at > start && 3 * (end - at) <= end - start; at--) {
        const int64_t here = handed_on(of, start, at);
        if (here < least) best = at, least = here;
    }
    return best;
}

static void cut(const weight *of, int32_t groups, int64_t room, int32_t *segment)
{
    int32_t number = 0;
    for (int32_t start = 0; start < groups; number++) {
        int32_t end = reach(of, groups, start, room);
        if (end < groups) end = narrowest(of, start, end);
        room -= handed_on(of, start, end);
        while (start < end) segment[start++] = number;
    }
}

tn_status tn_plan_cut(tn_plan *p, tn_error *e)
{
    tn_memory *m = &p->graph->env->memory;
    const size_t groups = (size_t)p->forwards, nodes = (size_t)p->graph->nodes;
    weight *of = tn_memory_array(m, groups, sizeof *of, e);
    bool *saved = tn_memory_array(m, nodes, sizeof *saved, e);
    int32_t *segment = tn_memory_array(m, groups, sizeof *segment, e);
    const bool made = of && saved && segment;
    if (made) {
        weigh(p, of, saved);
        cut(of, p->forwards, p->room, segment);
    }
    for (int32_t i = p->graph->inputs; made && i < p->graph->nodes; i++)
        if (tn_plan_lives(p, i)) p->node[i].segment = segment[p->node[i].forward];
    tn_memory_put(m, of);
    tn_memory_put(m, saved);
    tn_memory_put(m, segment);
    return made ? TN_OK : TN_ENOMEM;
}

/* ---- choosing ------------------------------------------------------------------------- */

typedef struct trial {
    int64_t room, saved;
    size_t bytes;
    double work;
} trial;

static tn_status try_room(tn_graph *g, const tn_plan_options *options, int64_t room,
                          trial *t, tn_error *e)
{
    tn_plan *p;
    tn_plan_options measuring = *options;
    measuring.measures = true;
    const tn_status status = tn_plan_make_within(g, &measuring, room, &p, e);
    if (status) return status;
    *t = (trial){room, p->saved, p->size.shared, p->work};
    tn_plan_free(p);
    return TN_OK;
}

/* About the least memory; of what is within a sixty-fourth of it, the least work. */
static int64_t best_room(const trial *t, int32_t count)
{
    size_t least = SIZE_MAX;
    const trial *best = NULL;
    for (int32_t i = 0; i < count; i++)
        if (t[i].bytes < least) least = t[i].bytes;
    for (int32_t i = 0; i < count; i++) {
        if (t[i].bytes > least + least / 64) continue;
        if (!best || t[i].work < best->work ||
            (t[i].work == best->work && t[i].bytes < best->bytes))
            best = &t[i];
    }
    return best->room;
}

/* The first trial has room for all: it is the plan that keeps everything. */
tn_status tn_plan_choose_room(tn_graph *g, const tn_plan_options *options, int64_t *room,
                              tn_error *e)
{
    trial t[TRIALS];
    int32_t count = 1, since = 0;
    tn_status status = try_room(g, options, INT64_MAX, &t[0], e);
    if (status) return status;
    size_t least = t[0].bytes;
    for (int64_t r = t[0].saved; !status && count < TRIALS && since < PATIENCE; since++) {
        r -= r / 7 + 1;
        if (r < 1) break;
        status = try_room(g, options, r, &t[count], e);
        if (status) break;
        if (t[count].bytes < least) least = t[count].bytes, since = -1;
        count++;
    }
    if (!status) *room = best_room(t, count);
    return status;
}

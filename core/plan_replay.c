/* plan_replay.c - values that are made again rather than kept (Chen, Xu, Zhang, Guestrin,
 * "Training deep nets with sublinear memory cost", 2016).
 *
 * The forward groups stand in segments (plan_cut.c). What only its own segment reads is dropped
 * after its last use in the forward pass. Before the first backward group that wants such a value
 * of a segment, the groups that make them run again, from what was handed on by the segments
 * before, which is kept. The last segment's values are wanted at once: they stay.
 *
 * Invariant: the bits are those of a plan that keeps everything. Random numbers come from
 * counters, statistics stay those of the forward pass, and the weights are still the same: what
 * is made from a layer's values is read by backward passes that come before the layer's own,
 * which is the first that may change its weights; and each segment runs again but once, before
 * the first of them. */
#include "core/plan_state.h"

typedef struct replays {
    tn_plan *p;
    int32_t last;    /* segment */
    bool *drops;     /* of each node: the value is not kept */
    bool *wanted;    /* so it has to be made again */
    int32_t *reader; /* of each segment: the first backward group that wants one of it */
    int32_t *place;  /* of each forward group: where it runs again; -1: nowhere */
    int32_t *moved;  /* of each backward group: where it runs now */
    tn_plan_group *group; /* all that run in the backward pass, in order */
    int32_t groups;
} replays;

/* ---- what is wanted again ------------------------------------------------------------- */

static void find_dropped(replays *r)
{
    const tn_plan *p = r->p;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        r->drops[i] = tn_plan_lives(p, i) && p->node[i].segment < r->last;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        for (int32_t k = 0; tn_plan_lives(p, i) && k < p->graph->node[i].inputs; k++) {
            const int32_t source = tn_plan_source(p, i, k);
            if (p->node[source].segment != p->node[i].segment) r->drops[source] = false;
        }
}

static void want(replays *r, int32_t number, int32_t backward)
{
    int32_t *reader = &r->reader[r->p->node[number].segment];
    r->wanted[number] = true;
    if (*reader < 0 || backward < *reader) *reader = backward;
}

/* What a layer remembers beside its values is dropped with them. */
static void want_for(replays *r, int32_t number)
{
    const tn_plan *p = r->p;
    const tn_plan_node *n = &p->node[number];
    const tn_layer_facts *f = &n->unit.facts;
    const int32_t when = n->backward - p->forwards - 1;
    if (r->drops[number] && tn_backward_reads_y(f)) want(r, number, when);
    if (n->segment < r->last && n->unit.spec->cache) want(r, number, when);
    for (int32_t k = 0; tn_backward_reads_x(f) && k < p->graph->node[number].inputs;
         k++) {
        const int32_t source = tn_plan_source(p, number, k);
        if (r->drops[source]) want(r, source, when);
    }
}

/* From the last node to the first: what makes a wanted one is wanted too. */
static void find_wanted(replays *r)
{
    const tn_plan *p = r->p;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        if (tn_plan_has_gradient(p, i)) want_for(r, i);
    for (int32_t i = p->graph->nodes - 1; i >= p->graph->inputs; i--)
        for (int32_t k = 0; r->wanted[i] && k < p->graph->node[i].inputs; k++) {
            const int32_t source = tn_plan_source(p, i, k);
            if (r->drops[source]) r->wanted[source] = true;
        }
}

/* ---- groups --------------------------------------------------------------------------- */

/* Groups of a segment that have something to make, in the order of the forward pass. */
static void add_segment(replays *r, int32_t number)
{
    const tn_plan *p = r->p;
    for (int32_t g = 0; g < p->forwards; g++) {
        const int32_t head = p->forward[g].head;
        if (p->node[head].segment != number || r->place[g] < 0) continue;
        r->place[g] = r->groups;
        r->group[r->groups++] = (tn_plan_group){.head = head, .again = true};
    }
}

static void order(replays *r)
{
    const tn_plan *p = r->p;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        if (r->wanted[i]) r->place[p->node[i].forward] = 0;
    for (int32_t b = 0; b < p->backwards; b++) {
        for (int32_t s = 0; s < r->last; s++)
            if (r->reader[s] == b) add_segment(r, s);
        r->moved[b] = r->groups;
        r->group[r->groups++] = p->backward[b];
    }
}

/* When nodes run now. */
static void number(replays *r)
{
    tn_plan *p = r->p;
    const int32_t first = p->forwards + 1;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        tn_plan_node *n = &p->node[i];
        if (n->backward >= 0) n->backward = first + r->moved[n->backward - first];
        if (r->wanted[i]) n->again.when = first + r->place[n->forward];
    }
    p->backward = r->group, p->backwards = r->groups;
}

/* ---- units ---------------------------------------------------------------------------- */

static bool needs_late(const replays *r, int32_t number)
{
    const tn_plan *p = r->p;
    bool reads = r->wanted[number];
    for (int32_t k = 0; !reads && k < p->graph->node[number].inputs; k++)
        reads = tn_plan_has_gradient(p, number) && tn_plan_reads_again(p, number, k);
    return reads;
}

/* A group of the forward pass may run again without its last kernels: those are kept. */
static tn_status join_again(tn_plan *p, const tn_plan_node *n, tn_error *e)
{
    tn_group *run = &p->backward[n->again.when - p->forwards - 1].run;
    if (!run->unit) run->unit = tn_plan_take(p, TN_MAX_GROUP, sizeof(tn_unit *), e);
    if (!run->unit) return TN_ENOMEM;
    run->unit[run->count++] = n->late;
    return TN_OK;
}

static void replace(tn_plan *p, tn_plan_node *n)
{
    tn_group *run = &p->backward[n->backward - p->forwards - 1].run;
    for (int32_t k = 0; k < run->count; k++)
        if (run->unit[k] == &n->unit) run->unit[k] = n->late;
}

static double work_of(const tn_plan_node *n)
{
    double weights = 0;
    for (int32_t i = 0; i < n->unit.params; i++) weights += (double)n->unit.param[i].size;
    return (double)n->size + weights * (double)n->unit.rows_per_sample;
}

static tn_status make_units(replays *r, tn_error *e)
{
    tn_plan *p = r->p;
    tn_status status = TN_OK;
    for (int32_t i = p->graph->inputs; !status && i < p->graph->nodes; i++) {
        tn_plan_node *n = &p->node[i];
        if (!tn_plan_lives(p, i) || !needs_late(r, i)) continue;
        n->late = tn_plan_take(p, 1, sizeof *n->late, e);
        if (!n->late) return TN_ENOMEM;
        if (n->backward >= 0) replace(p, n);
        if (r->wanted[i]) status = join_again(p, n, e), p->work += work_of(n);
    }
    return status;
}

/* ---- the whole ------------------------------------------------------------------------ */

static tn_status take(replays *r, tn_error *e)
{
    tn_plan *p = r->p;
    tn_memory *m = &p->graph->env->memory;
    const size_t nodes = (size_t)p->graph->nodes, groups = (size_t)p->forwards;
    r->drops = tn_memory_array(m, nodes, sizeof *r->drops, e);
    r->wanted = tn_memory_array(m, nodes, sizeof *r->wanted, e);
    r->reader = tn_memory_array(m, groups, sizeof *r->reader, e);
    r->place = tn_memory_array(m, groups, sizeof *r->place, e);
    r->moved = tn_memory_array(m, (size_t)p->backwards, sizeof *r->moved, e);
    r->group = tn_plan_take(p, p->forwards + p->backwards, sizeof *r->group, e);
    if (!r->drops || !r->wanted || !r->reader || !r->place || !r->moved || !r->group)
        return TN_ENOMEM;
    for (int32_t g = 0; g < p->forwards; g++) r->reader[g] = r->place[g] = -1;
    return TN_OK;
}

static void put(replays *r)
{
    tn_memory *m = &r->p->graph->env->memory;
    tn_memory_put(m, r->drops);
    tn_memory_put(m, r->wanted);
    tn_memory_put(m, r->reader);
    tn_memory_put(m, r->place);
    tn_memory_put(m, r->moved);
}

static tn_status replay(replays *r, tn_error *e)
{
    const tn_status status = take(r, e);
    if (status) return status;
    find_dropped(r);
    find_wanted(r);
    order(r);
    number(r);
    return make_units(r, e);
}

tn_status tn_plan_make_replays(tn_plan *p, tn_error *e)
{
    replays r = {.p = p};
    tn_status status = tn_plan_cut(p, e);
    if (status) return status;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        if (p->node[i].segment > r.last) r.last = p->node[i].segment;
    if (r.last) status = replay(&r, e);
    put(&r);
    return status;
}

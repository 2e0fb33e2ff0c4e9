/* plan_group.c - decides which nodes of a plan run as one group, forward and backward, and in
 * which order gradients come together.
 *
 * A group grows from its head by kernels that run on tiles: forward along values that one node
 * alone uses, up to a window, backward along gradients that are complete once the group's last node
 * has given its part. The order is fixed by the graph; whether groups then run fused changes no bit. */
#include "core/plan_state.h"

/* ---- what may join -------------------------------------------------------------------- */

/* That of a tensor that is cut anywhere. */
static tn_space plain_space(const tn_plan *p, const tn_shape *shape)
{
    const int64_t per = tn_rows_per_sample(shape);
    return tn_space_of(0, p->options.samples * per, tn_shape_width(shape), per, false);
}

static bool same_space(tn_space a, tn_space b)
{
    return a.rows == b.rows && a.width == b.width;
}

static bool takes_riders(const tn_plan *p, int32_t head)
{
    return tn_runs_on_tiles(&p->node[head].unit.facts) ||
           tn_runs_by_product(&p->node[head].unit.facts);
}

/* Gradients of windows are there a sample at a time. */
static bool takes_riders_backward(const tn_plan *p, int32_t head)
{
    return takes_riders(p, head) || p->node[head].unit.facts.kernel == TN_WINDOW;
}

/* Behind a product, kernels that need whole rows can follow if cells are. */
static bool needs_more_than_a_cell(const tn_unit *u)
{
    return u->facts.kernel == TN_ROW && u->width > TN_CELL_COLS;
}

/* Windows behind a product, where they take apart what it makes line by line. */
static bool joins_by_lines(const tn_plan *p, const tn_unit *product, const tn_unit *u)
{
    return tn_runs_by_product(&product->facts) && u->facts.by_lines &&
           tn_rows_of_line(u) > 0 &&
           same_space(plain_space(p, &product->spec->out),
                      plain_space(p, &u->spec->in[0]));
}

/* Whether `next` can follow in the group of `head`. Statistics need all rows. */
static bool joins_forward(const tn_plan *p, int32_t head, int32_t next)
{
    const tn_unit *u = &p->node[next].unit, *first = &p->node[head].unit;
    const tn_layer_facts *f = &u->facts;
    const bool product = tn_runs_by_product(&first->facts);
    if (f->kernel == TN_WINDOW) return joins_by_lines(p, first, u);
    if (!tn_runs_on_tiles(f) || (product && needs_more_than_a_cell(u))) return false;
    if (f->sums && (p->options.training || f->always_reduce)) return false;
    const tn_space space = product ? plain_space(p, &first->spec->out)
                                   : tn_unit_space(first, p->options.samples);
    return same_space(space, tn_unit_space(u, p->options.samples));
}

/* Whether the node that input k of `last` comes from can follow in the group of `head`. */
static bool joins_backward(const tn_plan *p, int32_t head, int32_t last, int32_t k)
{
    const tn_unit *u = &p->node[tn_plan_source(p, last, k)].unit,
                  *first = &p->node[head].unit;
    const tn_space given = plain_space(p, &p->node[last].unit.spec->in[k]);
    if (!tn_runs_on_tiles(&u->facts) || u->facts.back_sums) return false;
    if (!same_space(given, tn_unit_space(u, p->options.samples))) return false;
    if (first->facts.kernel == TN_WINDOW) return !u->params;
    if (tn_runs_by_product(
            &first->facts)) /* of one input: its products come in any order */
        return first->spec->inputs == 1 && !needs_more_than_a_cell(u) && !u->params;
    return same_space(given, tn_unit_space(first, p->options.samples));
}

/* ---- groups --------------------------------------------------------------------------- */

static tn_status start(tn_plan *p, tn_plan_group *g, int32_t head, tn_error *e)
{
    g->head = head;
    g->run.unit = tn_plan_take(p, TN_MAX_GROUP, sizeof(tn_unit *), e);
    if (!g->run.unit) return TN_ENOMEM;
    g->run.unit[g->run.count++] = &p->node[head].unit;
    return TN_OK;
}

static void join(tn_plan *p, tn_plan_group *g, int32_t number)
{
    g->run.unit[g->run.count++] = &p->node[number].unit;
}

/* ---- forward -------------------------------------------------------------------------- */

void tn_plan_count_uses(tn_plan *p)
{
    for (int32_t i = 0; i < p->graph->nodes; i++) p->node[i].uses = 0;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        for (int32_t k = 0; p->node[i].home == i && k < p->graph->node[i].inputs; k++) {
            tn_plan_node *in = &p->node[tn_plan_source(p, i, k)];
            in->uses++;
            in->user = i;
        }
}

/* The node that goes on with the values of `last`, all other inputs of which are there before
 * group `now` starts; -1: none. */
static int32_t next_forward(const tn_plan *p, int32_t head, int32_t last, int32_t now)
{
    const tn_plan_node *n = &p->node[last];
    if (last != head && n->unit.facts.kernel == TN_WINDOW) return -1;
    if (n->uses != 1 || !takes_riders(p, head) || !joins_forward(p, head, n->user))
        return -1;
    for (int32_t k = 0; k < p->graph->node[n->user].inputs; k++) {
        const int32_t source = tn_plan_source(p, n->user, k);
        if (source == last || tn_plan_is_input(p, source)) continue;
        if (p->node[source].forward < 0 || p->node[source].forward >= now) return -1;
    }
    return n->user;
}

static tn_status group_forward(tn_plan *p, tn_error *e)
{
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        if (p->node[i].home != i || p->node[i].forward >= 0) continue;
        tn_plan_group *g = &p->forward[p->forwards];
        const tn_status status = start(p, g, i, e);
        if (status) return status;
        p->node[i].forward = p->forwards;
        for (int32_t last = i; g->run.count < TN_MAX_GROUP;) {
            last = next_forward(p, i, last, p->forwards);
            if (last < 0) break;
            join(p, g, last);
            p->node[last].forward = p->forwards;
        }
        p->forwards++;
    }
    return TN_OK;
}

/* ---- backward ------------------------------------------------------------------------- */

static bool gives(const tn_plan *p, int32_t number)
{
    return p->node[number].home == number && p->node[number].wants;
}

static void count_givers(tn_plan *p)
{
    p->node[tn_plan_last(p)].givers = 1;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        for (int32_t k = 0; gives(p, i) && k < p->graph->node[i].inputs; k++)
            p->node[tn_plan_source(p, i, k)].givers++;
}

/* A node has run: its inputs' gradients have its part. `given`: parts so far. */
static void give(tn_plan *p, int32_t number, int32_t *given)
{
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        const int32_t source = tn_plan_source(p, number, k);
        p->node[number].unit.gx_add[k] = given[source]++ > 0;
    }
}

/* An input of `last` whose gradient is complete now and whose kernel can go on with it; -1:
 * none. */
static int32_t next_backward(const tn_plan *p, int32_t head, int32_t last,
                             const int32_t *given)
{
    if (!takes_riders_backward(p, head)) return -1;
    for (int32_t k = 0; k < p->graph->node[last].inputs; k++) {
        const int32_t source = tn_plan_source(p, last, k);
        const tn_plan_node *n = &p->node[source];
        if (n->wants && n->backward < 0 && given[source] == n->givers &&
            joins_backward(p, head, last, k))
            return source;
    }
    return -1;
}

static tn_status group_backward(tn_plan *p, int32_t *given, tn_error *e)
{
    given[tn_plan_last(p)] = 1;
    for (int32_t i = p->graph->nodes - 1; i >= p->graph->inputs; i--) {
        tn_plan_node *n = &p->node[i];
        if (!gives(p, i) || n->backward >= 0) continue;
        tn_plan_group *g = &p->backward[p->backwards];
        const tn_status status = start(p, g, i, e);
        if (status) return status;
        n->orphan = !n->givers;
        n->backward = p->forwards + 1 + p->backwards;
        give(p, i, given);
        for (int32_t last = i; g->run.count < TN_MAX_GROUP;) {
            last = next_backward(p, i, last, given);
            if (last < 0) break;
            join(p, g, last);
            p->node[last].backward = n->backward;
            give(p, last, given);
        }
        p->backwards++;
    }
    return TN_OK;
}

tn_status tn_plan_make_groups(tn_plan *p, tn_error *e)
{
    const int32_t nodes = p->graph->nodes;
    for (int32_t i = 0; i < nodes; i++) p->node[i].forward = p->node[i].backward = -1;
    p->forward = tn_plan_take(p, nodes, sizeof *p->forward, e);
    if (!p->forward) return TN_ENOMEM;
    tn_plan_count_uses(p);
    tn_status status = group_forward(p, e);
    if (status || !p->options.training) return status;
    count_givers(p);
    p->backward = tn_plan_take(p, nodes, sizeof *p->backward, e);
    int32_t *given = tn_memory_array(&p->graph->env->memory, (size_t)nodes, sizeof *given,
                                     e);
    status = p->backward && given ? group_backward(p, given, e) : TN_ENOMEM;
    tn_memory_put(&p->graph->env->memory, given);
    return status;
}

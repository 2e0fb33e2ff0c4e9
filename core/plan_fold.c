/* plan_fold.c - at inference a layer that is y = scale x + shift for each feature (as_affine) is
 * part of the product before it (real/fold.c): its values live with those of the product's layer,
 * which are then never there by themselves.
 *
 * So it must be the only one that reads them. A plan that keeps the values of all layers folds none,
 * nor does one that draws, whose layers may be others.
 * Apart from that, what is folded is the same in all plans of a graph: they share the
 * packed copies of scaled weights. */
#include "core/plan_state.h"

static bool takes_fold(const tn_plan *p, int32_t number)
{
    const tn_plan_node *n = &p->node[number];
    return !tn_plan_is_input(p, number) && n->uses == 1 && number != tn_plan_last(p) &&
           !n->unit.fold && tn_runs_by_product(&n->unit.facts) &&
           p->graph->node[number].params > 0;
}

static bool folds(const tn_plan *p, int32_t number)
{
    const tn_unit *u = &p->node[number].unit;
    if (!tn_plan_lives(p, number) || !u->facts.affine || u->facts.always_reduce ||
        u->spec->inputs != 1)
        return false;
    const int32_t source = tn_plan_source(p, number, 0);
    return takes_fold(p, source) &&
           tn_shape_width(&p->node[source].unit.spec->out) == u->width;
}

static tn_status fold(tn_plan *p, int32_t number, tn_error *e)
{
    tn_plan_node *n = &p->node[number];
    const int32_t source = tn_plan_source(p, number, 0);
    const int64_t width = n->unit.width;
    tn_fold *f = tn_plan_take(p, 1, sizeof *f, e);
    if (!f) return TN_ENOMEM;
    f->layer = &n->unit;
    f->graph = p->graph;
    f->scale = tn_plan_take(p, width, p->real_size, e);
    f->shift = tn_plan_take(p, width, p->real_size, e);
    f->bias = tn_plan_take(p, width, p->real_size, e);
    if (!f->scale || !f->shift || !f->bias) return TN_ENOMEM;
    p->node[source].unit.fold = f;
    n->home = source;
    return TN_OK;
}

tn_status tn_plan_fold(tn_plan *p, tn_error *e)
{
    if (p->options.training || p->options.keeps || p->options.draws) return TN_OK;
    tn_status status = TN_OK;
    tn_plan_count_uses(p);
    for (int32_t i = p->graph->inputs; !status && i < p->graph->nodes; i++) {
        p->node[i].home = p->node[p->node[i].home].home; /* views of what was folded */
        if (folds(p, i)) status = fold(p, i, e);
    }
    return status;
}

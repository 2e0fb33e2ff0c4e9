/* plan_span.c - when a plan's values and gradients are needed, and which share memory.
 *
 * A value is needed from the group that makes it to the last that reads it: the forward pass of
 * its users, and the backward pass of those layers that say so (TN_NEEDS_X, TN_NEEDS_Y). A
 * gradient is needed from its first part to the backward pass of its node. A layer that may
 * work in place does so where nothing else wants what it overwrites.
 *
 * A value that is made again is needed twice: up to its last user in the forward pass, and from
 * then on for those users of its segment that run again, and for the backward pass. */
#include "core/plan_state.h"

/* ---- what there is -------------------------------------------------------------------- */

bool tn_plan_is_input(const tn_plan *p, int32_t number)
{
    return number < p->graph->inputs;
}

bool tn_plan_lives(const tn_plan *p, int32_t number)
{
    return !tn_plan_is_input(p, number) && p->node[number].home == number;
}

bool tn_plan_has_gradient(const tn_plan *p, int32_t number)
{
    return p->options.training && tn_plan_lives(p, number) && p->node[number].wants;
}

bool tn_plan_reads_again(const tn_plan *p, int32_t node, int32_t k)
{
    const tn_plan_node *in = &p->node[tn_plan_source(p, node, k)];
    return in->again.when >= 0 && in->segment == p->node[node].segment;
}

/* ---- spans ---------------------------------------------------------------------------- */

static void extend(tn_span *span, int32_t to)
{
    if (to > span->last) span->last = to;
}

static void span_inputs(tn_plan *p, int32_t number)
{
    const tn_plan_node *n = &p->node[number];
    const bool later = tn_plan_has_gradient(p, number) &&
                       tn_backward_reads_x(&n->unit.facts);
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        tn_plan_node *in = &p->node[tn_plan_source(p, number, k)];
        tn_span *late = tn_plan_reads_again(p, number, k) ? &in->again.value_span
                                                          : &in->value_span;
        extend(&in->value_span, n->forward);
        extend(late, n->again.when);
        if (later) extend(late, n->backward);
    }
}

/* Parts of a gradient come from the nodes behind; the first part decides. */
static void span_gradients(tn_plan *p, int32_t number)
{
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        tn_plan_node *in = &p->node[tn_plan_source(p, number, k)];
        if (p->node[number].backward < in->gradient_span.first)
            in->gradient_span.first = p->node[number].backward;
    }
}

static void make_spans(tn_plan *p)
{
    for (int32_t i = 0; i < p->graph->nodes; i++) {
        tn_plan_node *n = &p->node[i];
        n->value_at = n->gradient_at = i;
        n->value_span = tn_span_at(n->forward),
        n->gradient_span = tn_span_at(n->backward);
        n->again.value_at = i, n->again.value_span = tn_span_at(n->again.when);
    }
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        if (!tn_plan_lives(p, i)) continue;
        tn_plan_node *n = &p->node[i];
        span_inputs(p, i);
        if (!tn_plan_has_gradient(p, i)) continue;
        span_gradients(p, i);
        if (tn_backward_reads_y(&n->unit.facts))
            extend(n->again.when < 0 ? &n->value_span : &n->again.value_span,
                   n->backward);
    }
    tn_plan_node *last = &p->node[tn_plan_last(p)];
    extend(&last->value_span, p->forwards); /* the loss */
    last->gradient_span.first = p->forwards;
}

/* ---- in place ------------------------------------------------------------------------- */

static bool may_work_in_place(const tn_plan *p, int32_t number)
{
    const tn_plan_node *n = &p->node[number];
    return tn_plan_lives(p, number) && tn_runs_on_tiles(&n->unit.facts) &&
           (n->unit.facts.flags & TN_INPLACE) && !p->options.keeps;
}

/* Values, over the first input: it is used here only, and not later. */
static void share_values(tn_plan *p)
{
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        if (!may_work_in_place(p, i)) continue;
        tn_plan_node *n = &p->node[i];
        const int32_t source = tn_plan_source(p, i, 0);
        const tn_plan_node *in = &p->node[source];
        if (tn_plan_is_input(p, source) || in->uses != 1) continue;
        /* in's own span, before others came to share it */
        if (in->value_span.last > n->forward) continue;
        n->value_at = in->value_at;
    }
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        extend(&p->node[p->node[i].value_at].value_span, p->node[i].value_span.last);
}

/* The same where both are made again, one user being all that reads them. */
static void share_again(tn_plan *p)
{
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        tn_again *a = &p->node[i].again;
        if (a->when < 0 || !may_work_in_place(p, i) || !tn_plan_reads_again(p, i, 0))
            continue;
        const tn_plan_node *in = &p->node[tn_plan_source(p, i, 0)];
        if (in->uses == 1 && in->again.value_span.last <= a->when)
            a->value_at = in->again.value_at;
    }
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        extend(&p->node[p->node[i].again.value_at].again.value_span,
               p->node[i].again.value_span.last);
}

/* Gradients, that of the first input over the layer's own: it is the only part. */
static void share_gradients(tn_plan *p)
{
    for (int32_t i = p->graph->nodes - 1; i >= p->graph->inputs; i--) {
        if (!tn_plan_has_gradient(p, i) || !may_work_in_place(p, i)) continue;
        const int32_t source = tn_plan_source(p, i, 0);
        tn_plan_node *in = &p->node[source];
        if (!tn_plan_has_gradient(p, source) || in->givers != 1) continue;
        in->gradient_at = p->node[i].gradient_at;
    }
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        if (tn_plan_has_gradient(p, i))
            extend(&p->node[p->node[i].gradient_at].gradient_span,
                   p->node[i].gradient_span.last);
}

void tn_plan_make_spans(tn_plan *p)
{
    make_spans(p);
    share_values(p);
    share_again(p);
    share_gradients(p);
    tn_plan_span_stretches(p);
}

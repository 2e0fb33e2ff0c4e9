/* plan_watch.c - what the groups of a plan are, and what they have to move: for those who ask
 * where the time of a step goes. */
#include "core/plan_state.h"

#include <string.h>

int32_t tn_plan_groups(const tn_plan *p)
{
    return p->forwards + 1 + p->backwards;
}

void tn_plan_watch(tn_plan *p, tn_spent *spent)
{
    p->spent = spent;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++)
        p->node[i].unit.operations = p->node[i].late->operations = spent ? &p->operations
                                                                         : NULL;
}

tn_plan_pass tn_plan_pass_of(const tn_plan *p, int32_t group)
{
    if (group == p->forwards) return TN_PASS_LOSS;
    if (group < p->forwards) return TN_PASS_FORWARD;
    return p->backward[group - p->forwards - 1].again ? TN_PASS_AGAIN : TN_PASS_BACKWARD;
}

static bool runs_in(const tn_plan *p, int32_t number, int32_t group)
{
    const tn_plan_node *n = &p->node[number];
    return n->home == number &&
           (n->forward == group || n->backward == group || n->again.when == group);
}

void tn_plan_name(const tn_plan *p, int32_t group, char *name, size_t size)
{
    size_t used = 0;
    name[0] = 0;
    const bool back = tn_plan_pass_of(p, group) == TN_PASS_BACKWARD;
    for (int32_t k = 1; k < p->graph->nodes && used < size; k++) {
        const int32_t i = back ? p->graph->nodes - k : k;
        if (runs_in(p, i, group))
            used += (size_t)snprintf(name + used, size - used, "%s%s", used ? " + " : "",
                                     p->graph->node[i].name);
    }
}

/* ---- bytes ---------------------------------------------------------------------------- */

static double parameters_of(const tn_plan_node *n)
{
    double sum = 0;
    for (int32_t i = 0; i < n->unit.params; i++) sum += (double)n->unit.param[i].size;
    return sum;
}

/* Values that come from groups before, and those that groups behind want. */
static double forward_values(const tn_plan *p, int32_t number, int32_t group)
{
    const tn_plan_node *n = &p->node[number];
    const tn_span *span = group < p->forwards ? &n->value_span : &n->again.value_span;
    double sum = span->last > group ? (double)n->size : 0;
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        const tn_plan_node *in = &p->node[tn_plan_source(p, number, k)];
        if (in->forward != group && in->again.when != group) sum += (double)in->size;
    }
    return sum;
}

/* The gradient of the output unless it was made just now; values that are looked at; gradients
 * of inputs unless they are used up here. */
static double backward_values(const tn_plan *p, int32_t number, int32_t group)
{
    const tn_plan_node *n = &p->node[number];
    double sum = n->gradient_span.first < group ? (double)n->size : 0;
    if (tn_backward_reads_y(&n->unit.facts)) sum += (double)n->size;
    for (int32_t k = 0; k < p->graph->node[number].inputs; k++) {
        const tn_plan_node *in = &p->node[tn_plan_source(p, number, k)];
        if (tn_backward_reads_x(&n->unit.facts)) sum += (double)in->size;
        if (in->wants && in->backward != group) sum += (double)in->size;
    }
    return sum;
}

double tn_plan_bytes(const tn_plan *p, int32_t group, int64_t samples)
{
    const tn_plan_pass pass = tn_plan_pass_of(p, group);
    const double many = (double)samples;
    double sum = pass == TN_PASS_LOSS ? 2 * many * (double)p->node[tn_plan_last(p)].size
                                      : 0;
    for (int32_t i = p->graph->inputs; i < p->graph->nodes; i++) {
        if (!runs_in(p, i, group)) continue;
        const double own = parameters_of(&p->node[i]);
        if (pass == TN_PASS_FORWARD || pass == TN_PASS_AGAIN)
            sum += own + many * forward_values(p, i, group);
        else /* weights are read, their gradients or they themselves written */
            sum += 2 * own + many * backward_values(p, i, group);
    }
    return sum * (double)p->real_size;
}

/* plan_tensors.c - the tensors that layers of class whole see, made once with their plan: a pass
 * sets the number of samples, and where the values are that may move (real/whole.c).
 *
 * Of a layer that works by products, what it makes is marked by a `host` that points to the
 * tensor itself, so that the product that makes it is known when it comes. */
#include "core/plan_state.h"

/* `count` tensors, and pointers to them. */
static tn_tensor *take_tensors(tn_plan *p, int32_t count, tn_tensor ***at, tn_error *e)
{
    tn_tensor *t = tn_plan_take(p, count, sizeof *t, e);
    *at = tn_plan_take(p, count, sizeof **at, e);
    for (int32_t i = 0; t && *at && i < count; i++) (*at)[i] = &t[i];
    return *at ? t : NULL;
}

static tn_tensor own_tensor(const tn_unit *u, const tn_own *own, const void *data)
{
    const tn_shape flat = {.rank = 1, .dim = {own->size}};
    return tn_tensor_over(own->shape ? own->shape : &flat, -1, u->real, data);
}

static tn_status make_own(tn_plan *p, tn_unit *u, tn_error *e)
{
    tn_tensor **at, **gradient_at, **state_at;
    tn_tensor *param = take_tensors(p, u->params, &at, e),
              *gradient = take_tensors(p, u->params, &gradient_at, e),
              *state = take_tensors(p, u->states, &state_at, e);
    if (!param || !gradient || !state) return TN_ENOMEM;
    for (int32_t i = 0; i < u->params; i++) {
        param[i] = own_tensor(u, &u->param[i], u->param[i].value);
        if (u->param[i].packed) param[i].host = &param[i];
        gradient[i] = own_tensor(u, &u->param[i], u->param[i].gradient);
        if (tn_gives_by_product(&u->facts)) gradient[i].host = &gradient[i];
        if (!u->param[i].gradient && !u->param[i].yields) gradient_at[i] = NULL;
    }
    for (int32_t i = 0; i < u->states; i++)
        state[i] = own_tensor(u, &u->state[i], u->state[i].value);
    u->whole->io.param = (const tn_tensor *const *)at;
    u->whole->io.gparam = gradient_at;
    u->whole->io.state = (const tn_tensor *const *)state_at;
    return TN_OK;
}

static tn_status make_inputs(tn_plan *p, tn_unit *u, tn_error *e)
{
    tn_whole *h = u->whole;
    const int32_t inputs = u->spec->inputs;
    const bool product = tn_gives_by_product(&u->facts);
    tn_tensor **at, **gradient_at;
    h->in = take_tensors(p, inputs, &at, e);
    h->gin = take_tensors(p, inputs, &gradient_at, e);
    if (!h->in || !h->gin) return TN_ENOMEM;
    for (int32_t k = 0; k < inputs; k++) {
        void *gx = u->gx_add[k] && !product ? u->gx_spare[k] : u->gx[k];
        h->in[k] = tn_tensor_over(&u->spec->in[k], 1, u->real, NULL);
        h->gin[k] = tn_tensor_over(&u->spec->in[k], 1, u->real, gx);
        if (product) h->gin[k].host = &h->gin[k];
        if (!u->gx[k]) gradient_at[k] = NULL;
    }
    h->io.inputs = inputs;
    h->io.in = (const tn_tensor *const *)at;
    h->io.gin = gradient_at;
    return TN_OK;
}

static tn_status make_whole(tn_plan *p, tn_unit *u, tn_error *e)
{
    if (u->facts.kernel != TN_WHOLE) return TN_OK;
    tn_whole *h = u->whole = tn_plan_take(p, 1, sizeof *h, e);
    if (!h) return TN_ENOMEM;
    h->out = tn_tensor_over(&u->spec->out, 1, u->real, NULL);
    h->gout = tn_tensor_over(&u->spec->out, 1, u->real, NULL);
    if (tn_runs_by_product(&u->facts)) h->out.host = &h->out;
    h->io.out = &h->out, h->io.gout = &h->gout;
    h->io.held = u->held;
    const tn_status status = make_inputs(p, u, e);
    return status ? status : make_own(p, u, e);
}

static tn_status make_both(tn_plan *p, tn_plan_node *n, tn_error *e)
{
    const tn_status status = make_whole(p, &n->unit, e);
    return status || n->late == &n->unit ? status : make_whole(p, n->late, e);
}

tn_status tn_plan_make_tensors(tn_plan *p, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = p->graph->inputs; !status && i < p->graph->nodes; i++)
        if (p->node[i].home == i) status = make_both(p, &p->node[i], e);
    for (int32_t i = 0; !status && i < p->graph->params; i++)
        if (p->weight[i]) status = make_whole(p, &p->weight[i]->unit, e);
    return status;
}

/* whole.c - runs units of class whole: slots that see whole tensors and the backend. Of one that
 * works by products, the tensors that it makes are marked, so that others can ride on them; its
 * gradients are added up by the products themselves. */
#include "core/real/kernel.h"

typedef struct whole {
    tn_io io;
    tn_tensor in[TN_MAX_INPUTS], gin[TN_MAX_INPUTS], out, gout;
    tn_tensor param[TN_MAX_OWN], gparam[TN_MAX_OWN], state[TN_MAX_OWN];
    const tn_tensor *in_at[TN_MAX_INPUTS], *param_at[TN_MAX_OWN], *state_at[TN_MAX_OWN];
    tn_tensor *gin_at[TN_MAX_INPUTS], *gparam_at[TN_MAX_OWN];
} whole;

static bool by_product(const tn_work *w)
{
    return w->layer->flags & TN_BY_PRODUCT;
}

static void fill_inputs(whole *h, const tn_work *w)
{
    const tn_unit *u = w->unit;
    for (int32_t k = 0; k < u->spec->inputs; k++) {
        void *gx = by_product(w) ? u->gx[k] : tn_gradient_place(u, k);
        h->in[k] = tn_tensor_over(&u->spec->in[k], w->pass->samples, u->real,
                                  w->reads_x ? u->x[k] : NULL);
        h->gin[k] = tn_tensor_over(&u->spec->in[k], w->pass->samples, u->real, gx);
        h->in_at[k] = &h->in[k];
        h->gin_at[k] = gx ? &h->gin[k] : NULL;
    }
}

static tn_tensor own_tensor(const tn_unit *u, const tn_own *own, const void *data)
{
    const tn_shape flat = {.rank = 1, .dim = {own->size}};
    return tn_tensor_over(own->shape ? own->shape : &flat, -1, u->real, data);
}

static void fill_own(whole *h, const tn_unit *u)
{
    for (int32_t i = 0; i < u->params; i++) {
        h->param[i] = own_tensor(u, &u->param[i], u->param[i].value);
        h->gparam[i] = own_tensor(u, &u->param[i], u->param[i].gradient);
        h->param_at[i] = &h->param[i];
        h->gparam_at[i] = u->param[i].gradient ? &h->gparam[i] : NULL;
    }
    for (int32_t i = 0; i < u->states; i++) {
        h->state[i] = own_tensor(u, &u->state[i], u->state[i].value);
        h->state_at[i] = &h->state[i];
    }
}

static void fill(whole *h, const tn_work *w, bool back)
{
    const tn_unit *u = w->unit;
    fill_inputs(h, w);
    fill_own(h, u);
    h->out = tn_tensor_over(&u->spec->out, w->pass->samples, u->real,
                            !back || w->reads_y ? u->y : NULL);
    h->gout = tn_tensor_over(&u->spec->out, w->pass->samples, u->real,
                             back ? u->gy : NULL);
    h->io = (tn_io){.training = w->pass->training,
                    .inputs = u->spec->inputs,
                    .in = h->in_at,
                    .out = &h->out,
                    .param = h->param_at,
                    .gparam = h->gparam_at,
                    .state = h->state_at,
                    .gout = &h->gout,
                    .gin = h->gin_at,
                    .cache = u->cache,
                    .key = w->key,
                    .row = w->pass->row};
}

static tn_call *make_call(tn_calling *c, const tn_unit *u, tn_error *e)
{
    tn_call *call = tn_call_make(c, u->env, u->layer, u->real, e);
    c->plan = (void *)(uintptr_t)u->backend;
    return call;
}

/* Marks what the head makes, for riders on it. */
static tn_riding mark(tn_work *w, int32_t count, tn_tensor *to, int32_t tensors,
                      bool back)
{
    for (int32_t k = 0; k < tensors; k++) to[k].host = &to[k];
    return (tn_riding){.head = w,
                       .rider = w + 1,
                       .riders = count - 1,
                       .to = to,
                       .tensors = tensors,
                       .back = back};
}

tn_status TN(tn_whole_forward)(tn_work *w, int32_t count, tn_error *e)
{
    tn_calling calling;
    whole h;
    tn_call *call = make_call(&calling, w->unit, e);
    fill(&h, w, false);
    tn_riding riding = mark(w, count, &h.out, 1, false);
    if (by_product(w)) calling.riding = &riding;
    const tn_status status = tn_call_end(
        &calling, w->layer->run(w->unit->layer->self, call, &h.io));
    if (!status && count > 1 && !riding.carried) TN(tn_tiles_forward)(w + 1, count - 1);
    return status;
}

tn_status TN(tn_whole_backward)(tn_work *w, int32_t count, tn_error *e)
{
    const tn_unit *u = w->unit;
    tn_calling calling;
    whole h;
    tn_call *call = make_call(&calling, u, e);
    fill(&h, w, true);
    tn_riding riding = mark(w, count, h.gin, u->spec->inputs, true);
    if (by_product(w)) calling.riding = &riding;
    const tn_status status = tn_call_end(&calling,
                                         w->layer->run_back(u->layer->self, call, &h.io));
    for (int32_t k = 0; !status && k < u->spec->inputs && !by_product(w); k++)
        if (u->gx[k] && u->gx_add[k])
            TN(tn_add)(u->backend, u->gx[k], u->gx_spare[k], tn_count(&h.gin[k]));
    if (!status && count > 1 && !riding.carried) TN(tn_tiles_backward)(w + 1, count - 1);
    return status;
}

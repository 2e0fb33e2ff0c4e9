/* whole.c - runs units of class whole: slots that see whole tensors and the backend. Gradients of
 * one that works by products are added up by the products themselves (epilogue.c). */
#include "core/real/kernel.h"

/* Sets what differs from pass to pass. Memory that is not there for this direction may have gone
 * to another: it is not shown. */
static const tn_io *prepare(const tn_work *w, bool back)
{
    tn_unit *u = w->unit;
    tn_whole *h = u->whole;
    const int64_t samples = w->pass->samples;
    for (int32_t k = 0; k < u->spec->inputs; k++) {
        h->in[k].data = w->reads_x ? (void *)(uintptr_t)u->x[k] : NULL;
        h->in[k].dim[0] = h->gin[k].dim[0] = samples;
    }
    h->out.data = !back || w->reads_y ? u->y : NULL;
    h->gout.data = back ? (void *)(uintptr_t)u->gy : NULL;
    h->out.dim[0] = h->gout.dim[0] = samples;
    h->io.training = TN(tn_trains)(w);
    h->io.carries = h->io.held && (w->pass->training || w->pass->carries);
    h->io.cache = u->cache;
    h->io.scratch = back ? u->back_scratch : u->scratch;
    h->io.key = w->key, h->io.row = w->pass->row;
    return &h->io;
}

static tn_call *make_call(tn_calling *c, const tn_unit *u, tn_error *e)
{
    tn_call *call = tn_call_make(c, u->env, u->layer, u->real, e);
    c->plan = (void *)(uintptr_t)u->backend;
    c->unit = u;
    c->operations = u->operations;
    return call;
}

/* `tensors`: what the head makes. */
static tn_riding ride(tn_work *w, int32_t count, const tn_tensor *to, int32_t tensors,
                      bool back)
{
    return (tn_riding){.head = w,
                       .rider = w + 1,
                       .riders = count - 1,
                       .to = to,
                       .tensors = tensors,
                       .back = back};
}

/* What the layer's slot returned; that it has done what its flags say. */
static tn_status end(tn_calling *calling, tn_status status, tn_error *e)
{
    if (!status && calling->riding) status = TN(tn_ride_end)(calling->riding, e);
    return tn_call_end(calling, status);
}

/* Riders that the product could not carry. */
static void run_behind(tn_work *w, int32_t count)
{
    tn_work *last = &w[count - 1];
    const bool window = last->layer->kernel == TN_WINDOW;
    if (count > window) TN(tn_tiles_forward)(w, count - window);
    if (window) TN(tn_window_forward)(last);
}

tn_status TN(tn_whole_forward)(tn_work *w, int32_t count, tn_error *e)
{
    const tn_unit *u = w->unit;
    tn_calling calling;
    tn_call *call = make_call(&calling, u, e);
    tn_riding riding = ride(w, count, &u->whole->out, 1, false);
    if (tn_runs_by_product(&u->facts)) calling.riding = &riding;
    const tn_status status = end(
        &calling, w->layer->run(u->layer->self, call, prepare(w, false)), e);
    if (!status && u->fold && !riding.folded) TN(tn_fold_behind)(w);
    if (!status && count > 1 && !riding.carried) run_behind(w + 1, count - 1);
    return status;
}

tn_status TN(tn_whole_backward)(tn_work *w, int32_t count, tn_error *e)
{
    const tn_unit *u = w->unit;
    tn_calling calling;
    tn_call *call = make_call(&calling, u, e);
    tn_riding riding = ride(w, count, u->whole->gin, u->spec->inputs, true);
    const bool product = tn_gives_by_product(&u->facts);
    if (product) calling.riding = &riding;
    const tn_status status = end(
        &calling, w->layer->run_back(u->layer->self, call, prepare(w, true)), e);
    for (int32_t k = 0; !status && k < u->spec->inputs && !product; k++)
        if (u->gx[k] && u->gx_add[k])
            TN(tn_add)(u->backend, u->gx[k], u->gx_spare[k], tn_count(&u->whole->gin[k]));
    if (!status && count > 1 && !riding.carried) TN(tn_tiles_backward)(w + 1, count - 1);
    return status;
}

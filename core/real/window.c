/* window.c - runs window kernels (pooling): every output position combines the input positions
 * that its window covers, all channels at a time. One sample is one piece of work, so windows
 * that overlap in the backward pass never meet on two threads. */
#include "core/real/kernel.h"

#include <string.h>

/* One axis of a window: output extent, input extent, size, step, padding before. */
typedef struct axis {
    int64_t out, in, size, step, before;
} axis;

typedef struct window_work {
    tn_unit *unit;
    const tn_pass *pass;
    const tn_layer *layer;
    axis row, col;
    int64_t channels;
    bool back;
} window_work;

static window_work make_work(tn_unit *u, const tn_pass *pass, bool back)
{
    const tn_node *s = u->spec;
    const axis one = {1, 1, 1, 1, 0};
    axis along[2] = {one, one};
    for (int32_t i = 0; i < s->axes; i++)
        along[i] = (axis){s->out.dim[i], s->in[0].dim[i], s->window[i], s->stride[i],
                          s->before[i]};
    return (window_work){
        u, pass, u->layer->vtable, along[0], along[1], tn_shape_width(&s->in[0]), back};
}

static int64_t first_in(const axis *a, int64_t out)
{
    const int64_t from = out * a->step - a->before;
    return from < 0 ? 0 : from;
}

static int64_t end_in(const axis *a, int64_t out)
{
    const int64_t to = out * a->step - a->before + a->size;
    return to > a->in ? a->in : to;
}

/* One output position: takes all inputs and ends, or gives to all inputs. */
static void visit(const window_work *w, const tn_tile *t, int64_t i, int64_t j,
                  int64_t sample, tn_real *scratch)
{
    const void *self = w->unit->layer->self;
    const int64_t n = w->channels, out = ((sample * w->row.out + i) * w->col.out + j) * n;
    const int64_t taken = (end_in(&w->row, i) - first_in(&w->row, i)) *
                          (end_in(&w->col, j) - first_in(&w->col, j));
    tn_real *y = (tn_real *)w->unit->y + out;
    const tn_real *gy = w->back ? (const tn_real *)w->unit->gy + out : NULL;
    memset(scratch, 0, sizeof(tn_real) * (size_t)n);
    if (!w->back && w->layer->begin) w->layer->begin(self, t, scratch);
    for (int64_t a = first_in(&w->row, i); a < end_in(&w->row, i); a++)
        for (int64_t b = first_in(&w->col, j); b < end_in(&w->col, j); b++) {
            const int64_t in = ((sample * w->row.in + a) * w->col.in + b) * n;
            const tn_real *x = (const tn_real *)w->unit->x[0] + in;
            if (w->back)
                w->layer->give(self, t, taken, x, y, gy, scratch,
                               (tn_real *)w->unit->gx[0] + in);
            else
                w->layer->take(self, t, x, scratch);
        }
    if (!w->back) w->layer->end(self, t, taken, scratch, y);
}

static void run_sample(void *data, int64_t sample, int32_t worker)
{
    const window_work *w = data;
    const tn_unit *u = w->unit;
    tn_real *scratch = (tn_real *)u->window_scratch + worker * w->channels;
    const int64_t in = w->row.in * w->col.in * w->channels;
    const tn_tile t = {.n = w->channels,
                       .width = w->channels,
                       .row = (w->pass->row + sample) * w->row.in * w->col.in,
                       .rows_per_sample = w->row.in * w->col.in,
                       .shape = &u->spec->in[0],
                       .now = u->layer->now,
                       .key = u->key,
                       .training = w->pass->training};
    if (w->back && !u->gx_add[0])
        memset((tn_real *)u->gx[0] + sample * in, 0, sizeof(tn_real) * (size_t)in);
    for (int64_t i = 0; i < w->row.out; i++)
        for (int64_t j = 0; j < w->col.out; j++) visit(w, &t, i, j, sample, scratch);
}

static void run(tn_unit *u, const tn_pass *pass, bool back)
{
    window_work w = make_work(u, pass, back);
    const tn_backend *b = u->backend->vtable;
    if (!back || u->gx[0]) b->parallel(u->backend->self, pass->samples, run_sample, &w);
}

void TN(tn_window_forward)(tn_unit *u, const tn_pass *pass)
{
    run(u, pass, false);
}

void TN(tn_window_backward)(tn_unit *u, const tn_pass *pass)
{
    run(u, pass, true);
}

/* window.c - runs window kernels (pooling): every output position combines the input positions
 * that its window covers, all channels at a time; or the layer does a whole sample by itself. A
 * tile of the unit's space is one sample, so windows that overlap in the backward pass never meet
 * on two threads, and what goes on with their gradients does so while they are in the cache. */
#include "core/real/kernel.h"

#include <string.h>

/* One axis of a window: output extent, input extent, size, step, padding before. */
typedef struct axis {
    int64_t out, in, size, step, before;
} axis;

typedef struct window_work {
    const tn_work *of;
    axis row, col;
    int64_t channels;
    bool back;
    int32_t riders; /* works behind `of` */
} window_work;

static window_work make_work(const tn_work *of, bool back)
{
    const tn_node *s = of->unit->spec;
    const axis one = {1, 1, 1, 1, 0};
    axis along[2] = {one, one};
    for (int32_t i = 0; i < s->axes; i++)
        along[i] = (axis){s->out.dim[i], s->in[0].dim[i], s->window[i], s->stride[i],
                          s->before[i]};
    return (window_work){of, along[0], along[1], of->width, back, 0};
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
static void visit(const window_work *w, tn_frame *f, int64_t sample, int64_t i, int64_t j,
                  tn_real *scratch)
{
    const tn_unit *u = w->of->unit;
    const tn_layer *layer = w->of->layer;
    const void *self = u->layer->self;
    const int64_t n = w->channels, out = (sample * w->row.out + i) * w->col.out + j;
    const int64_t taken = (end_in(&w->row, i) - first_in(&w->row, i)) *
                          (end_in(&w->col, j) - first_in(&w->col, j));
    const tn_tile *t = &f->tile;
    tn_real *y = (tn_real *)u->y + out * n;
    const tn_real *gy = w->back ? (const tn_real *)u->gy + out * n : NULL;
    f->tile.row = w->of->pass->row * w->row.out * w->col.out + out;
    memset(scratch, 0, sizeof(tn_real) * (size_t)n);
    if (!w->back && layer->begin) layer->begin(self, t, scratch);
    for (int64_t a = first_in(&w->row, i); a < end_in(&w->row, i); a++)
        for (int64_t b = first_in(&w->col, j); b < end_in(&w->col, j); b++) {
            const int64_t in = ((sample * w->row.in + a) * w->col.in + b) * n;
            const tn_real *x = tn_at(u->x[0], in);
            f->in[0] = x;
            if (w->back)
                layer->give(self, t, taken, x, y, gy, scratch,
                            tn_at_mutable(u->gx[0], in));
            else
                layer->take(self, t, x, scratch);
        }
    if (!w->back) layer->end(self, t, taken, scratch, y);
}

static void visit_all(const window_work *w, tn_frame *f, int64_t sample, int32_t worker)
{
    tn_real *scratch = (tn_real *)w->of->unit->window_scratch + worker * w->channels;
    f->tile.n = w->channels;
    for (int64_t i = 0; i < w->row.out; i++)
        for (int64_t j = 0; j < w->col.out; j++) visit(w, f, sample, i, j, scratch);
}

static void run_whole(const window_work *w, tn_frame *f, int64_t sample, int64_t first)
{
    const tn_unit *u = w->of->unit;
    const tn_layer *layer = w->of->layer;
    const int64_t outputs = w->row.out * w->col.out, out = sample * outputs * w->channels;
    const tn_real *x = tn_at(u->x[0], first);
    f->tile.row = (w->of->pass->row + sample) * outputs;
    if (w->back)
        layer->backward(u->layer->self, &f->tile, x, tn_at(u->y, out), tn_at(u->gy, out),
                        tn_at_mutable(u->gx[0], first));
    else
        layer->forward(u->layer->self, &f->tile, x, tn_at_mutable(u->y, out));
}

void TN(tn_window_rows)(const tn_work *of, int64_t row, int64_t rows)
{
    const window_work w = make_work(of, false);
    const int64_t line = tn_rows_of_line(of->unit), sample = of->rows_per_sample;
    for (int64_t end = row + rows, some; row < end; row += some) {
        const int64_t within = row % sample, first = (row - within) * of->width;
        some = sample - within < end - row ? sample - within : end - row;
        tn_frame f;
        TN(tn_frame_fill)(&f, of, first, sample * of->width, 0);
        f.tile.rows_per_sample = w.row.out * w.col.out;
        f.tile.line = within / line, f.tile.lines = some / line;
        run_whole(&w, &f, row / sample, first);
    }
}

static void run_sample(void *data, int64_t first, int64_t n, int64_t chunk,
                       int32_t worker)
{
    const window_work *w = data;
    const tn_unit *u = w->of->unit;
    const tn_layer *layer = w->of->layer;
    tn_frame f;
    TN(tn_frame_fill)(&f, w->of, first, n, chunk);
    f.tile.rows_per_sample = w->row.out * w->col.out;
    f.tile.lines = w->row.out;
    if (w->back && u->gx[0] && !u->gx_add[0])
        memset((tn_real *)u->gx[0] + first, 0, sizeof(tn_real) * (size_t)n);
    if (w->back ? layer->backward != NULL : layer->forward != NULL)
        run_whole(w, &f, first / n, first);
    else
        visit_all(w, &f, first / n, worker);
    for (int32_t i = 1; i <= w->riders; i++) {
        const tn_tiles t = TN(tn_tiles_of)(&w->of[i], first, n, 0);
        TN(tn_run_backward)(&w->of[i], &t);
    }
}

void TN(tn_window_forward)(tn_work *of)
{
    window_work w = make_work(of, false);
    TN(tn_each_tile)(of->unit->backend, &of->space, run_sample, &w);
}

void TN(tn_window_backward)(tn_work *of, int32_t count)
{
    window_work w = make_work(of, true);
    w.riders = count - 1;
    TN(tn_clear_gradients)(of);
    if (of->unit->gx[0] || of->unit->gparam_partial)
        TN(tn_each_tile)(of->unit->backend, &of->space, run_sample, &w);
    TN(tn_join_gradients)(of);
}

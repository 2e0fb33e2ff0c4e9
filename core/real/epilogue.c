/* epilogue.c - kernels that ride on a matrix product: each finished block of the result goes
 * through them while it is in the cache.
 *
 * Invariant: a rider gets the elements that it would get in a pass of its own, only cut
 * otherwise; as riders add to no sums, the bits are the same. Where a tensor is the product's
 * result (or shares its memory), the block is read and written in its place: the backend may
 * not have stored it yet. */
#include "core/real/kernel.h"

#include <string.h>

/* Where a tensor has the elements of a block: first element, distance of its rows. */
typedef struct place {
    tn_real *at;
    int64_t stride;
} place;

typedef struct block {
    int64_t row, col, rows, cols;
    place here;
    const void *result; /* the tensor that it is a block of */
} block;

static place place_of(const block *b, const void *tensor, int64_t width)
{
    if (!tensor) return (place){NULL, 0};
    if (tensor == b->result) return b->here;
    tn_real *start = (tn_real *)(uintptr_t)tensor;
    return (place){start + b->row * width + b->col, width};
}

/* What a kernel reads and writes: inputs and output, or their gradients. */
typedef struct rider {
    const tn_work *work;
    place in[TN_MAX_INPUTS], gin[TN_MAX_INPUTS], into[TN_MAX_INPUTS];
    place y, gy;
    int64_t n, tiles; /* elements of a tile; how many there are, one a row */
    int64_t height;   /* rows of a tile */
} rider;

static void place_inputs(rider *r, const block *b, bool back)
{
    const tn_unit *u = r->work->unit;
    const int64_t width = r->work->width;
    for (int32_t k = 0; k < u->spec->inputs; k++) {
        r->in[k] = place_of(b, r->work->reads_x ? u->x[k] : NULL, width);
        if (!back) continue;
        r->gin[k] = place_of(b, tn_gradient_place(u, k), width);
        r->into[k] = place_of(b, u->gx_add[k] ? u->gx[k] : NULL, width);
    }
    r->y = place_of(b, back && !r->work->reads_y ? NULL : u->y, width);
    r->gy = place_of(b, back ? u->gy : NULL, width);
}

/* Whether rows follow each other without a gap in all tensors. */
static bool is_gapless(const rider *r, const block *b, bool back)
{
    if (b->cols != r->work->width || (r->work->layer->flags & TN_COLUMNS)) return false;
    return b->here.stride == b->cols;
}

static void cut(rider *r, const block *b, bool back)
{
    const bool one = is_gapless(r, b, back);
    r->height = one ? b->rows : 1;
    r->tiles = one ? 1 : b->rows;
    r->n = r->height * b->cols;
}

static tn_real *row_of(place p, int64_t i)
{
    return p.at ? p.at + i * p.stride : NULL;
}

static void set_row(const rider *r, tn_frame *f, int64_t i, bool back)
{
    for (int32_t k = 0; k < r->work->unit->spec->inputs; k++) {
        f->in[k] = row_of(r->in[k], i);
        if (back) f->gin[k] = row_of(r->gin[k], i);
    }
}

static void forward_block(const rider *r, tn_frame *f)
{
    const tn_work *w = r->work;
    for (int64_t i = 0; i < r->tiles; i++, f->tile.row++) {
        set_row(r, f, i, false);
        w->layer->forward(w->unit->layer->self, &f->tile, f->in[0], row_of(r->y, i));
    }
}

static void backward_block(const rider *r, tn_frame *f)
{
    const tn_work *w = r->work;
    for (int64_t i = 0; i < r->tiles; i++, f->tile.row++) {
        set_row(r, f, i, true);
        w->layer->backward(w->unit->layer->self, &f->tile, f->in[0], row_of(r->y, i),
                           row_of(r->gy, i), f->gin[0]);
        for (int32_t k = 0; k < w->unit->spec->inputs; k++)
            if (r->into[k].at && f->gin[k])
                TN(tn_add_run)(row_of(r->into[k], i), f->gin[k], r->n);
    }
}

static void wrote(const void *with, int64_t row, int64_t col, int64_t rows, int64_t cols,
                  void *data, int64_t stride)
{
    const tn_riding *riding = with;
    const tn_unit *head = riding->head->unit;
    const tn_unit *first = riding->rider[0].unit;
    const block b = {
        row, col, rows, cols, {data, stride}, riding->back ? first->gy : head->y};
    for (int32_t i = 0; i < riding->riders; i++) {
        rider r;
        tn_frame f;
        r.work = &riding->rider[i];
        place_inputs(&r, &b, riding->back);
        cut(&r, &b, riding->back);
        TN(tn_frame_fill)(&f, r.work, row * r.work->width + col, r.n, 0);
        if (riding->back)
            backward_block(&r, &f);
        else
            forward_block(&r, &f);
    }
}

/* ---- products ------------------------------------------------------------------------- */

/* Which of the marked tensors a product makes; -1: none. */
static int32_t tensor_of(const tn_riding *r, const tn_matrix *m)
{
    for (int32_t k = 0; k < r->tensors; k++)
        if (m->host == &r->to[k]) return k;
    return -1;
}

/* Whether the riders' elements are where a block of the result says. */
static bool can_carry(const tn_riding *r, int32_t k, const tn_matrix *out)
{
    if (!r->riders || out->wrote) return false;
    if (r->back && r->head->unit->gx[k] != r->rider[0].unit->gy) return false;
    const tn_work *w = r->rider;
    return out->data == r->to[k].data && out->rows == w->rows && out->cols == w->width &&
           out->col_stride == 1 && out->row_stride == out->cols;
}

tn_status TN(tn_ride)(const tn_instance *instance, tn_calling *calling,
                      const tn_product *product)
{
    const tn_backend *b = instance->vtable;
    tn_riding *r = calling->riding;
    const int32_t k = r ? tensor_of(r, &product->out) : -1;
    if (k < 0) return b->product(instance->self, &calling->call, product);
    if (r->made[k])
        return tn_error_set(
            calling->error, TN_ENOTSUP,
            "a layer with the flag TN_BY_PRODUCT makes its output and each "
            "gradient by one product");
    tn_product p = *product;
    r->made[k] = true;
    if (r->back && r->head->unit->gx_add[k]) p.add = 1;
    if (can_carry(r, k, &p.out)) {
        p.out.wrote = wrote, p.out.with = r;
        r->carried = true;
    }
    return b->product(instance->self, &calling->call, &p);
}

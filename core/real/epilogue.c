/* epilogue.c - kernels that ride on a matrix product: they run on each cell of the result as
 * soon as it is there, on the thread that finished it, and while it is in the cache.
 *
 * The backend's blocks may be small, and kernels work better on long runs: so blocks are only
 * counted, and cells are of the host's own size. Invariant: a rider gets the elements that it
 * would get in a pass of its own, at most cut otherwise; as riders behind a product add to no
 * sums, the bits are the same. */
#include "core/real/kernel.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* From .. to - 1 of rows or columns. */
typedef struct range {
    int64_t from, to;
} range;

static range cell_range(int64_t cell, int64_t size, int64_t end)
{
    return (range){cell * size, least((cell + 1) * size, end)};
}

static int64_t common(range a, range b)
{
    const int64_t from = a.from > b.from ? a.from : b.from;
    return least(a.to, b.to) - from;
}

/* The tiles of a cell: one run where it is whole rows and the kernel takes them so. */
static tn_tiles tiles_of(const tn_work *w, range rows, range cols)
{
    const int64_t first = rows.from * w->width + cols.from, n = cols.to - cols.from;
    const int64_t count = rows.to - rows.from;
    if (n == w->width) return TN(tn_tiles_of)(w, first, count * n, 0);
    return (tn_tiles){first, n, w->width, count, 0};
}

static void run_cell(const tn_riding *r, range rows, range cols)
{
    for (int32_t i = 0; i < r->riders; i++) {
        if (r->rider[i].layer->kernel == TN_WINDOW) {
            TN(tn_window_rows)(&r->rider[i], rows.from, rows.to - rows.from);
            continue;
        }
        const tn_tiles t = tiles_of(&r->rider[i], rows, cols);
        if (r->back)
            TN(tn_run_backward)(&r->rider[i], &t);
        else
            TN(tn_run_forward)(&r->rider[i], &t);
    }
}

/* Counts a finished block; who completes a cell has seen all that others wrote to it. */
static void wrote(const void *with, int64_t row, int64_t col, int64_t rows, int64_t cols,
                  void *block, int64_t stride)
{
    const tn_riding *r = with;
    const tn_cells *c = &r->cells;
    const range down = {row, row + rows}, across = {col, col + cols};
    for (int64_t i = row / c->rows; i * c->rows < down.to; i++)
        for (int64_t j = col / c->cols; j * c->cols < across.to; j++) {
            const range cell_rows = cell_range(i, c->rows, r->rider->rows),
                        cell_cols = cell_range(j, c->cols, r->rider->width);
            const int64_t n = common(cell_rows, down) * common(cell_cols, across);
            const int64_t all = (cell_rows.to - cell_rows.from) *
                                (cell_cols.to - cell_cols.from);
            tn_cell *cell = &r->head->unit->cell[i * c->across + j];
            if (atomic_fetch_add(cell, n) + n == all) run_cell(r, cell_rows, cell_cols);
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
    if (!r->riders || out->wrote || (r->head->unit->fold && !r->folded)) return false;
    if (r->back && r->head->unit->gx[k] != r->rider[0].unit->gy) return false;
    const tn_work *w = r->rider;
    return out->data == r->to[k].data && out->rows == w->rows && out->cols == w->width &&
           out->col_stride == 1 && out->row_stride == out->cols;
}

static void carry(tn_riding *r, tn_matrix *out)
{
    r->cells = tn_cells_of(out->rows, out->cols,
                           tn_rows_together(r->rider[r->riders - 1].unit));
    for (int64_t i = 0; i < r->cells.down * r->cells.across; i++)
        atomic_init(&r->head->unit->cell[i], 0);
    out->wrote = wrote, out->with = r;
    r->carried = true;
}

/* A weight that is the right-hand operand: scaled by the head's fold, packed. What is packed of a
 * weight with a fold is always scaled. */
static void read_weight(const tn_instance *backend, tn_riding *r, tn_product *p)
{
    const tn_unit *u = r->head->unit;
    tn_packed *weight = TN(tn_packed_of)(u, &p->b);
    if (!weight) return;
    if (u->fold) r->folded = TN(tn_fold_in)(r->head, p);
    if (!u->fold || r->folded) p->b.packed = TN(tn_packed_weight)(backend, weight, p);
}

static void count(atomic_llong *operations, const tn_product *p)
{
    const int64_t products = p->count > 1 ? p->count : 1;
    if (operations) *operations += 2 * products * p->out.rows * p->out.cols * p->a.cols;
}

static tn_status multiply(const tn_instance *instance, tn_calling *calling,
                          const tn_product *p)
{
    const tn_backend *b = instance->vtable;
    if (p->maker) return p->maker->make(p->maker_with, &calling->call, p);
    count(calling->operations, p);
    return b->product(instance->self, &calling->call, p);
}

/* ---- gradients of weights ------------------------------------------------------------- */

static int32_t own_of(const tn_riding *r, const tn_matrix *m)
{
    const tn_unit *u = r->head->unit;
    for (int32_t i = 0; r->back && m->host && i < u->params; i++)
        if (m->host == u->whole->io.gparam[i]) return i;
    return -1;
}

/* All that reads the weight has been made. */
static bool is_last(const tn_riding *r)
{
    for (int32_t k = 0; k < r->tensors; k++)
        if (r->head->unit->gx[k] && !r->made[k]) return false;
    return true;
}

static bool fits(const tn_sink *sink, const tn_product *p)
{
    const tn_matrix *out = &p->out;
    return out->rows == sink->rows && out->cols == sink->cols && out->col_stride == 1 &&
           out->row_stride == out->cols && !out->wrote && !p->add && !p->maker &&
           !sink->taken;
}

static tn_status weight_rule(tn_error *e)
{
    return tn_error_set(e, TN_ENOTSUP,
                        "a layer with the flag TN_WEIGHT_LAST makes the gradient of a "
                        "weight by one product, as it lies in memory, and last");
}

static tn_status product_rule(tn_error *e)
{
    return tn_error_set(e, TN_ENOTSUP,
                        "a layer with the flag TN_BY_PRODUCT makes its output and each "
                        "gradient by one product");
}

/* A product that makes the gradient of parameter `own`. */
static tn_status make_gradient(const tn_instance *instance, tn_calling *calling,
                               const tn_riding *r, int32_t own, const tn_product *product)
{
    const tn_own *o = &r->head->unit->param[own];
    tn_sink *sink = r->head->pass->sink ? &r->head->pass->sink[o->number] : NULL;
    tn_product p = *product;
    if (!sink || !sink->wrote || !o->yields) return multiply(instance, calling, product);
    if (!is_last(r) || !fits(sink, product)) return weight_rule(calling->error);
    if (!sink->stores) {
        p.out.data = NULL;
        p.out.beside = r->head->unit->whole->io.param[own]->data;
    }
    p.out.wrote = sink->wrote, p.out.with = sink->with;
    sink->taken = true;
    return multiply(instance, calling, &p);
}

tn_status TN(tn_ride)(const tn_instance *instance, tn_calling *calling,
                      const tn_product *product)
{
    tn_riding *r = calling->riding;
    const int32_t k = r ? tensor_of(r, &product->out) : -1;
    const int32_t own = r && k < 0 ? own_of(r, &product->out) : -1;
    if (own >= 0) return make_gradient(instance, calling, r, own, product);
    if (k < 0) return multiply(instance, calling, product);
    if (r->made[k]) return product_rule(calling->error);
    tn_product p = *product;
    read_weight(instance, r, &p);
    r->made[k] = true;
    if (r->back && r->head->unit->gx_add[k]) p.add = 1;
    if (can_carry(r, k, &p.out)) carry(r, &p.out);
    return multiply(instance, calling, &p);
}

/* What is not made would be read as it was left; a gradient that is not stored is nowhere. */
tn_status TN(tn_ride_end)(const tn_riding *r, tn_error *e)
{
    const tn_unit *u = r->head->unit;
    for (int32_t k = 0; k < r->tensors; k++)
        if ((!r->back || u->gx[k]) && !r->made[k]) return product_rule(e);
    for (int32_t i = 0; r->back && r->head->pass->sink && i < u->params; i++) {
        const tn_sink *sink = &r->head->pass->sink[u->param[i].number];
        if (u->param[i].yields && sink->wrote && !sink->taken) return weight_rule(e);
    }
    return TN_OK;
}

/* fold.c - a layer that is y = scale x + shift for each feature (as_affine) as part of the
 * product before it, which then makes its output at once:
 *
 *     x = W a + b,  y = (scale W) a + (scale b + shift)
 *
 * with one scale for each row of W. The weights are scaled where the backend reads them or packs
 * them, so both give the same bits; nothing is held but the packed copy. Rounding differs from
 * that of the two layers one after the other.
 *
 * Invariant: scale and shift are those of the graph's version, or of now if parameters may change
 * without a word. A product of another form than the layer's whole output by its weight is left
 * alone, and its result scaled and shifted afterwards. */
#include "core/real/kernel.h"

/* ---- scale and shift ------------------------------------------------------------------ */

static void ask(const tn_fold *f, const tn_pass *pass)
{
    const tn_work w = TN(tn_work_make)(f->layer, pass, false);
    tn_frame frame;
    TN(tn_frame_fill)(&frame, &w, 0, w.width, 0);
    w.layer->as_affine(f->layer->layer->self, &frame.tile, f->scale, f->shift);
}

static void fold_bias(const tn_fold *f, const tn_real *bias)
{
    const tn_real *scale = f->scale, *shift = f->shift;
    tn_real *into = f->bias;
    for (int64_t j = 0; j < f->layer->width; j++)
        into[j] = bias ? scale[j] * bias[j] + shift[j] : shift[j];
}

/* `bias`: of the product; NULL: it has none. */
static void update(tn_fold *f, const tn_pass *pass, const tn_real *bias)
{
    tn_graph *g = f->graph;
    const unsigned long long version = atomic_load(&g->version);
    if (f->of == version && !atomic_load(&g->handed_out)) return;
    ask(f, pass);
    fold_bias(f, bias);
    f->of = version;
}

/* ---- in the product ------------------------------------------------------------------- */

/* A block of a weight that the layer reads in its own way. */
static void read_and_scale(const void *with, int64_t row, int64_t col, int64_t rows,
                           int64_t cols, void *block, int64_t stride)
{
    const tn_fold *f = with;
    const tn_real *scale = (const tn_real *)f->scale + col;
    tn_real *to = block;
    f->weight.read(f->weight.with, row, col, rows, cols, block, stride);
    for (int64_t i = 0; i < rows; i++, to += stride)
        for (int64_t j = 0; j < cols; j++) to[j] *= scale[j];
}

/* A block of the weight, as it stands in the product: a column for each feature. */
static void read_scaled(const void *with, int64_t row, int64_t col, int64_t rows,
                        int64_t cols, void *block, int64_t stride)
{
    const tn_fold *f = with;
    const tn_matrix *m = &f->weight;
    const tn_real *scale = (const tn_real *)f->scale + col;
    for (int64_t j = 0; j < cols; j++) {
        const tn_real *from = (const tn_real *)m->data + row * m->row_stride +
                              (col + j) * m->col_stride;
        tn_real *to = (tn_real *)block + j;
        for (int64_t i = 0; i < rows; i++)
            to[i * stride] = scale[j] * from[i * m->row_stride];
    }
}

/* Whether it makes all of the head's output, one feature in each column. */
static bool makes_output(const tn_work *head, const tn_product *p)
{
    const tn_matrix *out = &p->out;
    return out->data == head->unit->y && out->cols == head->unit->fold->layer->width &&
           out->col_stride == 1 && out->row_stride == out->cols && !out->wrote && !p->add;
}

bool TN(tn_fold_in)(const tn_work *head, tn_product *p)
{
    tn_fold *f = head->unit->fold;
    if (!makes_output(head, p) || (!p->b.read && !p->b.data)) return false;
    update(f, head->pass, p->bias);
    f->weight = p->b;
    p->b.read = p->b.read ? read_and_scale : read_scaled, p->b.with = f;
    p->bias = f->bias;
    return true;
}

/* ---- behind it ------------------------------------------------------------------------ */

static void apply(void *data, int64_t first, int64_t n, int64_t chunk, int32_t worker)
{
    const tn_unit *u = data;
    const tn_real *scale = u->fold->scale, *shift = u->fold->shift;
    const int64_t width = u->fold->layer->width;
    tn_real *y = (tn_real *)u->y + first;
    for (int64_t i = 0; i < n; i += width)
        for (int64_t j = 0; j < width; j++) y[i + j] = scale[j] * y[i + j] + shift[j];
}

void TN(tn_fold_behind)(const tn_work *head)
{
    tn_unit *u = head->unit;
    tn_space space = tn_unit_space(u->fold->layer, head->pass->samples);
    space.by_row = false;
    update(u->fold, head->pass, NULL);
    TN(tn_each_tile)(u->backend, &space, apply, u);
}

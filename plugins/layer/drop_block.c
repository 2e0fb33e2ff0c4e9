/* drop_block - drops squares of feature maps: like dropout, but what is dropped lies together, since
 * single positions of an image are hardly missed. Each channel has squares of its own.
 *
 *     y = x m n / k,  dL/dx = dL/dy m n / k;  y = x outside training
 *     m = 0 in squares of block_size whose corners are drawn with probability
 *     gamma = p / block_size^2  height width / ((height - block_size + 1) (width - block_size + 1))
 *
 * where n / k is the normalisation: a sample has n elements, of which k are kept (k = 0: y = 0).
 * Ghiasi, Lin, Le, "DropBlock", NeurIPS 2018, eq. 1 and algorithm 1: corners are drawn only where the
 * whole square is in the map. Squares may overlap, so somewhat less than a share of p is dropped; but
 * p = 1 makes zeros, with gamma = 1. Algorithm 1 counts over its mask; here that is the mask of a sample,
 * since no sample may hang on others. */
#include <string.h>
#include <tenon/plugin.h>
#include "mask.h"
#include "samples.h"

#define OPTIONS(P)                                                                  \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.1, 0, 1, "share of elements to drop, about") \
    P(INT, block_size, 0, 7, 1, INT32_MAX, "height and width of a square that is dropped")
TN_SELF(OPTIONS, )

#ifndef BLOCK_FACTOR
#define BLOCK_FACTOR 8 /* bytes of the cache that a factor takes */

/* Bytes of a sample: its factor, mask, a row of corners, and what these cover of a row. */
static inline int64_t block_bytes(int64_t height, int64_t row)
{
    return (BLOCK_FACTOR + (height + 2) * row + BLOCK_FACTOR - 1) / BLOCK_FACTOR *
           BLOCK_FACTOR;
}
#endif

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    const tn_shape *in = node->in;
    int64_t bytes;
    if (in->rank != 3)
        return tn_fail(c, TN_ESHAPE,
                       "needs images (height, width, channels), got %d axes", in->rank);
    if (self->block_size > in->dim[0] || self->block_size > in->dim[1])
        return tn_fail(c, TN_ESHAPE,
                       "block_size %lld is larger than the image of %lld x %lld; make it "
                       "%lld at most",
                       (long long)self->block_size, (long long)in->dim[0],
                       (long long)in->dim[1],
                       (long long)(in->dim[0] < in->dim[1] ? in->dim[0] : in->dim[1]));
    if (__builtin_mul_overflow(in->dim[0] + 2, in->dim[1] * in->dim[2], &bytes) ||
        bytes > INT64_MAX - 2 * BLOCK_FACTOR)
        return tn_fail(c, TN_ESHAPE, "the image is too large");
    node->cache = (size_t)block_bytes(in->dim[0], in->dim[1] * in->dim[2]);
    return TN_OK;
}

/* A sample, by its image of height x row elements, and what is kept of it for backward. */
typedef struct TN(image) {
    int64_t height, width, channels, row;
    tn_real *factor;
    uint8_t *dropped, *corners, *covered;
} TN(image);

static TN(image) TN(image_of)(const tn_io *io, int64_t sample)
{
    const int64_t *dim = io->out->dim + 1, row = dim[1] * dim[2];
    uint8_t *at = (uint8_t *)io->cache + sample * block_bytes(dim[0], row);
    uint8_t *mask = at + BLOCK_FACTOR;
    return (TN(image)){.height = dim[0],
                       .width = dim[1],
                       .channels = dim[2],
                       .row = row,
                       .factor = (void *)at,
                       .dropped = mask,
                       .corners = mask + dim[0] * row,
                       .covered = mask + (dim[0] + 1) * row};
}

/* ---- the mask ------------------------------------------------------------------------ */

TN_KERNEL void TN(join)(int64_t n, const uint8_t *from, uint8_t *to)
{
    for (int64_t i = 0; i < n; i++) to[i] |= from[i];
}

/* Corners of a row: numbers `first` and on. */
static void TN(draw)(const TN(mask) * m, uint64_t first, int64_t n, uint8_t *corner)
{
    tn_real drawn[MASK_RUN];
    for (int64_t at = 0, part; at < n; at += part) {
        part = mask_part(n - at);
        TN(mask_factors)(m, first + (uint64_t)at, part, drawn);
        for (int64_t i = 0; i < part; i++) corner[at + i] = drawn[i] != 0;
    }
}

/* Squares reach down and to the right of their corners. */
static void TN(cover)(const TN(image) * g, const TN(mask) * m, int64_t sample,
                      int64_t size)
{
    const int64_t rows = g->height - size + 1, n = (g->width - size + 1) * g->channels;
    memset(g->dropped, 0, (size_t)(g->height * g->row));
    for (int64_t i = 0; i < rows; i++) {
        TN(draw)(m, (uint64_t)((sample * rows + i) * n), n, g->corners);
        memset(g->covered, 0, (size_t)g->row);
        for (int64_t k = 0; k < size; k++)
            TN(join)(n, g->corners, g->covered + k * g->channels);
        for (int64_t k = 0; k < size; k++)
            TN(join)(g->row, g->covered, g->dropped + (i + k) * g->row);
    }
}

/* ---- forward and backward ------------------------------------------------------------ */

TN_KERNEL int64_t TN(count)(int64_t n, const uint8_t *dropped)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) sum += dropped[i];
    return sum;
}

TN_KERNEL void TN(keep)(int64_t n, const uint8_t *dropped, tn_real factor,
                        const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < n; i++) {
        const tn_real kept = factor * x[i];
        y[i] = dropped[i] ? 0 : kept;
    }
}

typedef struct TN(pass) {
    int64_t size;
    TN(mask) corners; /* 1 where one is, else 0 */
} TN(pass);

static void TN(run_one)(const void *pass, const tn_io *io, int64_t sample)
{
    const TN(pass) *p = pass;
    const TN(image) g = TN(image_of)(io, sample);
    const int64_t n = g.height * g.row;
    TN(cover)(&g, &p->corners, io->row + sample, p->size);
    const int64_t kept = n - TN(count)(n, g.dropped);
    *g.factor = kept ? (tn_real)n / (tn_real)kept : 0;
    TN(keep)
    (n, g.dropped, *g.factor, TN(sample_of)(io->in[0], sample),
     TN(sample_of)(io->out, sample));
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const int64_t *dim = io->out->dim + 1, b = self->block_size;
    const double places = (double)(dim[0] - b + 1) * (double)(dim[1] - b + 1);
    const double p = tn_now(c, self->p),
                 spread = (double)dim[0] * (double)dim[1] / places;
    const double gamma = p < 1 ? p / ((double)b * (double)b) * spread : 1;
    const TN(pass) pass = {b, TN(mask_of)(io->key, io->training ? gamma : 0, 0, 1)};
    return each_sample(&pass, c, io, TN(run_one));
}

static void TN(run_back_one)(const void *self, const tn_io *io, int64_t sample)
{
    const TN(image) g = TN(image_of)(io, sample);
    TN(keep)
    (g.height * g.row, g.dropped, *g.factor, TN(sample_of)(io->gout, sample),
     TN(sample_of)(io->gin[0], sample));
}

static tn_status TN(run_back)(const void *self, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(self, c, io, TN(run_back_one)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_IDLE | TN_RANDOM, .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(
    OPTIONS, layer, drop_block, .summary = "Drops squares of feature maps while training",
    .formula = "y = x m n / k, m = 0 in squares of block_size whose corners are "
               "drawn with probability gamma, k of a sample's n elements are "
               "kept; y = x outside training",
    .reference = "Ghiasi, Lin, Le, DropBlock, NeurIPS 2018, eq. 1, algorithm 1")

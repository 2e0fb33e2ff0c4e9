/* global_max_pool - the largest value of each channel over all positions: (h, w, c) -> (c).
 *
 *     y[c] = max_p x[p, c],  dL/dx[p, c] = dL/dy[c] at the first p with x[p, c] = y[c], else 0
 *
 * Collobert, Weston, Bottou, Karlen, Kavukcuoglu, Kuksa, "Natural language processing (almost)
 * from scratch", JMLR 12, 2011, section 3.3.2. */
#include <tenon/plugin.h>
#include "shape.h"
#include "samples.h"
#include "global.h"
#include "largest.h"

TN_KERNEL void TN(find)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t n = sample_width(io->in[0]), size = sample_size(io->in[0]);
    const tn_real *restrict x = TN(sample_of)(io->in[0], sample);
    tn_real *restrict y = TN(sample_of)(io->out, sample);
    memcpy(y, x, (size_t)n * sizeof *y);
    for (int64_t at = n; at < size; at += n)
        for (int64_t k = 0; k < n; k++) y[k] = TN(larger)(y[k], x[at + k]);
}

TN_KERNEL void TN(give)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t n = sample_width(io->in[0]), size = sample_size(io->in[0]);
    const tn_real *x = TN(sample_of)(io->in[0], sample);
    const tn_real *y = TN(sample_of)(io->out, sample);
    const tn_real *gy = TN(sample_of)(io->gout, sample);
    tn_real *gx = TN(sample_of)(io->gin[0], sample), left[BLOCK];
    memset(gx, 0, (size_t)size * sizeof *gx);
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t some = n - first < BLOCK ? n - first : BLOCK;
        memcpy(left, gy + first, (size_t)some * sizeof *gy);
        for (int64_t at = first; at < size; at += n)
            for (int64_t k = 0; k < some; k++)
                left[k] = TN(pass_on)(x[at + k], y[first + k], left[k], &gx[at + k]);
    }
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(find));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(me, c, io, TN(give)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X | TN_NEEDS_Y,
          .infer = TN(global_infer), .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN(
    layer, global_max_pool, .summary = "Largest value of each channel over all positions",
    .formula = "y[c] = max of x[p, c] over all positions p",
    .reference = "Collobert, Weston, Bottou, Karlen, Kavukcuoglu, Kuksa, Natural "
                 "language processing (almost) from scratch, JMLR 12, 2011, section "
                 "3.3.2")

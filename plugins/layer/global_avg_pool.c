/* global_avg_pool - the mean of each channel over all positions: (h, w, c) -> (c).
 *
 *     y[c] = 1 / n sum_p x[p, c],  dL/dx[p, c] = dL/dy[c] / n
 *
 * Lin, Chen, Yan, "Network in network", ICLR 2014, section 3.2. */
#include <tenon/plugin.h>
#include "shape.h"
#include "samples.h"
#include "global.h"

TN_KERNEL void TN(average)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t n = sample_width(io->in[0]), size = sample_size(io->in[0]);
    const tn_real *x = TN(sample_of)(io->in[0], sample);
    tn_real *y = TN(sample_of)(io->out, sample);
    const int64_t positions = size / n;
    double sum[BLOCK];
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t some = n - first < BLOCK ? n - first : BLOCK;
        memset(sum, 0, sizeof sum);
        for (int64_t at = first; at < size; at += n)
            for (int64_t k = 0; k < some; k++) sum[k] += (double)x[at + k];
        for (int64_t k = 0; k < some; k++)
            y[first + k] = (tn_real)(sum[k] / (double)positions);
    }
}

TN_KERNEL void TN(spread)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t n = sample_width(io->in[0]), size = sample_size(io->in[0]);
    const int64_t positions = size / n;
    const tn_real *gy = TN(sample_of)(io->gout, sample);
    const tn_real share = (tn_real)(1 / (double)positions);
    tn_real *gx = TN(sample_of)(io->gin[0], sample);
    for (int64_t at = 0; at < size; at += n)
        for (int64_t k = 0; k < n; k++) gx[at + k] = share * gy[k];
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(average));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(me, c, io, TN(spread)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .infer = TN(global_infer), .run = TN(run),
          .run_back = TN(run_back))
TN_PLUGIN(layer, global_avg_pool, .summary = "Mean of each channel over all positions",
          .formula = "y[c] = mean of x[p, c] over all positions p",
          .reference = "Lin, Chen, Yan, Network in network, ICLR 2014, section 3.2")

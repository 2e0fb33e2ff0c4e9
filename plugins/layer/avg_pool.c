/* avg_pool - the mean of each window, channel by channel.
 *
 *     y[i, c] = 1 / n_i sum over p in window i of x[p, c]
 *     dL/dx[p, c] = sum over the windows i that cover p of dL/dy[i, c] / n_i
 *
 * LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition",
 * Proc. IEEE 86, 1998, section II.B (subsampling). n_i counts the positions of the window that
 * exist, so that borders are means of what is there (TensorFlow, and PyTorch with
 * count_include_pad=False); with count_padding it is the size of the window, zeros in the padding
 * included (PyTorch's default). */
#include <tenon/plugin.h>

#define OPTIONS(P)                   \
    POOL_OPTIONS(P)                  \
    P(BOOL, count_padding, 0, 0, , , \
      "whether zeros in the padding count in the mean (PyTorch's count_include_pad)")
#include "pool.h"

TN_INLINE tn_real TN(share)(const TN(self) * self, pool_span rows, pool_span cols)
{
    const int64_t there = (rows.end - rows.first) * (cols.end - cols.first);
    const int64_t all = self->axis[0].kernel * self->axis[1].kernel;
    return 1 / (tn_real)(self->count_padding ? all : there);
}

TN_INLINE void TN(average)(int64_t n, const tn_real *x, int64_t down, pool_span rows,
                           pool_span cols, tn_real share, tn_real *restrict y)
{
    memset(y, 0, (size_t)n * sizeof *y);
    for (int64_t i = rows.first; i < rows.end; i++)
        for (int64_t j = cols.first; j < cols.end; j++) {
            const tn_real *restrict from = x + i * down + j * n;
            for (int64_t k = 0; k < n; k++) y[k] += from[k];
        }
    for (int64_t k = 0; k < n; k++) y[k] *= share;
}

TN_INLINE void TN(spread)(int64_t n, const tn_real *restrict gy, int64_t down,
                          pool_span rows, pool_span cols, tn_real share, tn_real *gx)
{
    for (int64_t i = rows.first; i < rows.end; i++)
        for (int64_t j = cols.first; j < cols.end; j++) {
            tn_real *restrict to = gx + i * down + j * n;
            for (int64_t k = 0; k < n; k++) to[k] += share * gy[k];
        }
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const pool_axis height = self->axis[0], width = self->axis[1];
    const int64_t n = t->width;
    y += t->line * width.out * n;
    for (int64_t i = t->line; i < t->line + t->lines; i++) {
        const pool_span rows = pool_cover(&height, i);
        for (int64_t j = 0; j < width.out; j++, y += n) {
            const pool_span cols = pool_cover(&width, j);
            TN(average)(n, x, width.in * n, rows, cols, TN(share)(self, rows, cols), y);
        }
    }
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const pool_axis height = self->axis[0], width = self->axis[1];
    const int64_t n = t->width;
    for (int64_t i = 0; i < height.out; i++) {
        const pool_span rows = pool_cover(&height, i);
        for (int64_t j = 0; j < width.out; j++, gy += n) {
            const pool_span cols = pool_cover(&width, j);
            TN(spread)(n, gy, width.in * n, rows, cols, TN(share)(self, rows, cols), gx);
        }
    }
}

TN_VTABLE(layer, .kernel = TN_WINDOW, .check = TN(pool_check), .infer = TN(pool_infer),
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, avg_pool, .summary = "Mean of each window",
               .formula = "y[i, c] = mean of x[p, c] over the positions p of window i",
               .reference =
                   "LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to "
                   "document recognition, Proc. IEEE 86, 1998, section II.B")

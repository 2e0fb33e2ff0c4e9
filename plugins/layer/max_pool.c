/* max_pool - the largest value of each window, channel by channel.
 *
 *     y[i, c] = max over p in window i of x[p, c]
 *     dL/dx[p, c] = sum of dL/dy[i, c] over the windows whose first largest value is at p
 *
 * Zhou, Chellappa, "Computation of optical flow using a neural network", ICNN 1988; as used in
 * Krizhevsky, Sutskever, Hinton, NIPS 2012, section 3.4. Padding is never the largest. Where
 * values are equal the first one in row-major order gets the gradient, as in PyTorch; a NaN
 * makes its windows NaN. */
#include <tenon/plugin.h>

#define OPTIONS(P) POOL_OPTIONS(P)
#include "pool.h"
#include "largest.h"

/* The largest of four; NaN if one is. */
TN_INLINE tn_real TN(top_of_four)(tn_real a, tn_real b, tn_real c, tn_real d)
{
    const tn_real left = a > c ? a : c, right = b > d ? b : d;
    const tn_real most = left > right ? left : right;
    return isunordered(a, b) | isunordered(c, d) ? a + b + c + d : most;
}

/* A line of windows of two by two, side by side; n of the `step` channels. */
TN_INLINE void TN(top_of_some)(int64_t windows, int64_t n, int64_t step,
                               const tn_real *restrict a, int64_t down,
                               tn_real *restrict y)
{
    for (int64_t j = 0; j < windows; j++, a += 2 * step, y += step) {
        const tn_real *b = a + step, *c = a + down, *d = c + step;
        for (int64_t k = 0; k < n; k++) y[k] = TN(top_of_four)(a[k], b[k], c[k], d[k]);
    }
}

/* Channels in sixteens and fours, which the compiler makes vectors of. */
TN_INLINE void TN(top_of_line)(int64_t windows, int64_t n, const tn_real *x, int64_t down,
                               tn_real *y)
{
    int64_t k = 0;
    for (; k + 16 <= n; k += 16) TN(top_of_some)(windows, 16, n, x + k, down, y + k);
    for (; k + 4 <= n; k += 4) TN(top_of_some)(windows, 4, n, x + k, down, y + k);
    TN(top_of_some)(windows, n - k, n, x + k, down, y + k);
}

TN_INLINE void TN(top)(int64_t n, const tn_real *x, int64_t down, pool_span rows,
                       pool_span cols, tn_real *restrict y)
{
    memcpy(y, x + rows.first * down + cols.first * n, (size_t)n * sizeof *y);
    for (int64_t i = rows.first; i < rows.end; i++)
        for (int64_t j = cols.first; j < cols.end; j++) {
            const tn_real *restrict from = x + i * down + j * n;
            for (int64_t k = 0; k < n; k++) y[k] = TN(larger)(y[k], from[k]);
        }
}

TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    const pool_axis height = self->axis[0], width = self->axis[1];
    const int64_t n = t->width, down = width.in * n;
    y += t->line * width.out * n;
    for (int64_t i = t->line; i < t->line + t->lines; i++, y += width.out * n) {
        const pool_span rows = pool_cover(&height, i);
        if (rows.end - rows.first == 2 && pool_is_of_pairs(&width)) {
            TN(top_of_line)(width.out, n, x + rows.first * down, down, y);
            continue;
        }
        for (int64_t j = 0; j < width.out; j++)
            TN(top)(n, x, down, rows, pool_cover(&width, j), y + j * n);
    }
}

TN_INLINE void TN(give_to_some)(int64_t n, int64_t step, const tn_real *restrict a,
                                int64_t down, const tn_real *restrict y,
                                const tn_real *restrict gy, tn_real *restrict ga)
{
    const tn_real *b = a + step, *c = a + down, *d = c + step;
    tn_real *gb = ga + step, *gc = ga + down, *gd = gc + step;
    for (int64_t k = 0; k < n; k++) {
        tn_real left = TN(pass_on)(a[k], y[k], gy[k], &ga[k]);
        left = TN(pass_on)(b[k], y[k], left, &gb[k]);
        left = TN(pass_on)(c[k], y[k], left, &gc[k]);
        TN(pass_on)(d[k], y[k], left, &gd[k]);
    }
}

TN_INLINE void TN(give_to_four)(int64_t n, const tn_real *x, int64_t down,
                                const tn_real *y, const tn_real *gy, tn_real *gx)
{
    int64_t k = 0;
    for (; k + 16 <= n; k += 16)
        TN(give_to_some)(16, n, x + k, down, y + k, gy + k, gx + k);
    for (; k + 4 <= n; k += 4) TN(give_to_some)(4, n, x + k, down, y + k, gy + k, gx + k);
    TN(give_to_some)(n - k, n, x + k, down, y + k, gy + k, gx + k);
}

/* n: at most BLOCK channels, `step` of which lie at a position. */
TN_INLINE void TN(give)(int64_t n, int64_t step, const tn_real *x, int64_t down,
                        pool_span rows, pool_span cols, const tn_real *restrict y,
                        const tn_real *gy, tn_real *gx)
{
    tn_real left[BLOCK];
    memcpy(left, gy, (size_t)n * sizeof *gy);
    for (int64_t i = rows.first; i < rows.end; i++)
        for (int64_t j = cols.first; j < cols.end; j++) {
            const tn_real *restrict from = x + i * down + j * step;
            tn_real *restrict to = gx + i * down + j * step;
            for (int64_t k = 0; k < n; k++)
                left[k] = TN(pass_on)(from[k], y[k], left[k], &to[k]);
        }
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    const pool_axis height = self->axis[0], width = self->axis[1];
    const int64_t n = t->width, down = width.in * n;
    for (int64_t i = 0; i < height.out; i++) {
        const pool_span rows = pool_cover(&height, i);
        for (int64_t j = 0; j < width.out; j++, y += n, gy += n) {
            const pool_span cols = pool_cover(&width, j);
            const int64_t at = rows.first * down + cols.first * n;
            if (rows.end - rows.first == 2 && cols.end - cols.first == 2) {
                TN(give_to_four)(n, x + at, down, y, gy, gx + at);
                continue;
            }
            for (int64_t k = 0; k < n; k += BLOCK) TN(give)
            (n - k < BLOCK ? n - k : BLOCK, n, x + k, down, rows, cols, y + k, gy + k,
             gx + k);
        }
    }
}

TN_VTABLE(layer, .kernel = TN_WINDOW, .flags = TN_NEEDS_X | TN_NEEDS_Y,
          .check = TN(pool_check), .infer = TN(pool_infer), .forward = TN(forward),
          .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, max_pool, .summary = "Largest value of each window",
               .formula = "y[i, c] = max of x[p, c] over the positions p of window i",
               .reference = "Krizhevsky, Sutskever, Hinton, ImageNet classification with "
                            "deep convolutional neural networks, NIPS 2012, section 3.4")

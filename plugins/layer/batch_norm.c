/* batch_norm - each feature brought to mean 0 and variance 1 over the rows of the batch,
 * then scaled and shifted by learned values.
 *
 *     xhat = (x - mean) / sqrt(var + eps),  y = gamma xhat + beta
 *     dL/dx = gamma / sqrt(var + eps) (g - mean(g) - xhat mean(g xhat)),  g = dL/dy
 *     dL/dgamma = sum(g xhat),  dL/dbeta = sum(g)
 *
 * Ioffe, Szegedy, "Batch normalization", ICML 2015, algorithm 1. Outside training mean
 * and var are running averages. As in PyTorch, the batch is normalised by its biased
 * variance, while the running one gets the unbiased variance with weight `momentum`. */
#include <tenon/plugin.h>
#include <tgmath.h>
#include "affine.h"
#include "batch_norm.h"

#define OPTIONS(P)                                              \
    P(REAL, eps, TN_ABOVE, 1e-5, 0, 1, "added to the variance") \
    P(REAL, momentum, 0, 0.1, 0, 1,                             \
      "weight of a new batch in the running mean and variance") \
    P(BOOL, affine, 0, 1, , , "whether to learn a scale and a shift of each feature")
TN_SELF(OPTIONS, )

#ifndef RUNNING_MEAN
#define RUNNING_MEAN 0 /* states */
#define RUNNING_VAR 1
#define MEAN 0 /* statistics of the forward reduction (column_moments.h has its sums) */
#define INVERSE 1 /* 1 / sqrt(VAR + eps) */
#define VAR 2     /* biased */
#define SUM_G 0   /* sums of the backward reduction; its statistics are their means */
#define SUM_GX 1
#endif

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    const tn_shape features = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}};
    tn_status status = c->host->state(c, "running_mean", &features, 0);
    if (!status) status = c->host->state(c, "running_var", &features, 1);
    if (!status && self->affine) status = affine_declare(c, node, "gamma", 1, "weight");
    if (!status && self->affine) status = affine_declare(c, node, "beta", 0, "bias");
    return status;
}

/* ---- statistics ------------------------------------------------------------------ */

TN_KERNEL void TN(finish)(const void *me, const tn_tile *t, int64_t groups,
                          int64_t members, const double *const *acc, tn_real *const *stat)
{
    const TN(self) *self = me;
    const double eps = self->eps;
    tn_real *to_mean = stat[MEAN], *to_var = stat[VAR], *to_inverse = stat[INVERSE];
    for (int64_t j = 0; j < groups; j++) {
        const double n = acc[COUNT][j], mean = acc[SUM][j] / n;
        const double spread = acc[SQUARES][j] / n - mean * mean;
        const double var = spread < 0 ? 0 : spread; /* rounding; a NaN stays one */
        to_mean[j] = (tn_real)(acc[SHIFT][j] + mean);
        to_var[j] = (tn_real)var;
        to_inverse[j] = (tn_real)(1 / sqrt(var + eps));
    }
}

static void TN(commit)(const void *me, const tn_tile *t, int64_t members,
                       void *const *state)
{
    const TN(self) *self = me;
    const tn_real *mean = t->stat[MEAN], *var = t->stat[VAR];
    tn_real *running_mean = state[RUNNING_MEAN], *running_var = state[RUNNING_VAR];
    const double m = self->momentum, n = (double)members;
    const double unbiased = members > 1 ? n / (n - 1) : 1;
    for (int64_t j = 0; j < t->width; j++) {
        running_mean[j] = (tn_real)((1 - m) * running_mean[j] + m * mean[j]);
        running_var[j] = (tn_real)((1 - m) * running_var[j] + m * unbiased * var[j]);
    }
}

/* ---- values ---------------------------------------------------------------------- */

TN_INLINE int64_t TN(smaller)(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

TN_INLINE void TN(running_at)(const TN(self) * self, const tn_tile *t, int64_t first,
                              TN(block) * b)
{
    const tn_real *var = (const tn_real *)t->state[RUNNING_VAR] + first;
    for (int64_t j = 0; j < b->n; j++)
        b->spread[j] = 1 / sqrt(var[j] + (tn_real)self->eps);
    b->mean = (const tn_real *)t->state[RUNNING_MEAN] + first;
    b->inverse = b->spread;
}

TN_INLINE void TN(block_at)(const TN(self) * self, const tn_tile *t, int64_t first,
                            TN(block) * b)
{
    b->n = TN(smaller)(TN(smaller)(t->n, t->width) - first, BLOCK);
    b->gamma = b->one, b->beta = b->zero;
    if (self->affine) {
        b->gamma = (const tn_real *)t->param[GAMMA] + first;
        b->beta = (const tn_real *)t->param[BETA] + first;
    } else
        for (int64_t j = 0; j < b->n; j++) b->one[j] = 1, b->zero[j] = 0;
    if (t->training) {
        b->mean = (const tn_real *)t->stat[MEAN] + first;
        b->inverse = (const tn_real *)t->stat[INVERSE] + first;
    } else
        TN(running_at)(self, t, first, b);
}

/* A tile is a run in one row, or whole rows. */
TN_KERNEL void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const int64_t cols = TN(smaller)(t->n, t->width);
    TN(block) b;
    for (int64_t first = 0; first < cols; first += BLOCK) {
        TN(block_at)(me, t, first, &b);
        for (int64_t at = first; at < t->n; at += cols) {
            int64_t j = 0;
            for (; j + STRIP <= b.n; j += STRIP)
                TN(forward_strip)(&b, j, STRIP, x + at + j, y + at + j);
            TN(forward_strip)(&b, j, b.n - j, x + at + j, y + at + j);
        }
    }
}

/* ---- gradients ------------------------------------------------------------------- */

/* Where rows are long, what is next to each other is read together. */
TN_KERNEL void TN(back_add)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *gy, double *const *acc)
{
    const int64_t cols = t->width, rows = t->n / cols, narrow = cols <= 4 * STRIP;
    TN(block) b;
    for (int64_t first = 0; first < cols; first += BLOCK) {
        int64_t j = 0, at = first;
        TN(block_at)(me, t, first, &b);
        for (; narrow && j + STRIP <= b.n; j += STRIP, at += STRIP) TN(back_add_strip)
        (rows, cols, STRIP, x + at, gy + at, b.mean + j, b.inverse + j, acc[SUM_G] + at,
         acc[SUM_GX] + at);
        TN(back_add_strip)
        (rows, cols, b.n - j, x + at, gy + at, b.mean + j, b.inverse + j, acc[SUM_G] + at,
         acc[SUM_GX] + at);
    }
}

static void TN(back_finish)(const void *me, const tn_tile *t, int64_t groups,
                            int64_t members, const double *const *acc,
                            tn_real *const *stat)
{
    const TN(self) *self = me;
    tn_real *gamma = self->affine ? t->gparam[GAMMA] : NULL;
    tn_real *beta = self->affine ? t->gparam[BETA] : NULL;
    for (int64_t j = 0; j < groups; j++) {
        stat[SUM_G][j] = (tn_real)(acc[SUM_G][j] / (double)members);
        stat[SUM_GX][j] = (tn_real)(acc[SUM_GX][j] / (double)members);
        if (gamma) gamma[j] += (tn_real)acc[SUM_GX][j];
        if (beta) beta[j] += (tn_real)acc[SUM_G][j];
    }
}

/* With running statistics, which do not depend on x, only the factor is left. */
TN_INLINE void TN(back_block_at)(const TN(self) * self, const tn_tile *t, int64_t first,
                                 TN(back_block) * b)
{
    const tn_real *mean_g = (const tn_real *)t->back_stat[SUM_G] + first,
                  *mean_gx = (const tn_real *)t->back_stat[SUM_GX] + first;
    const tn_real batch = t->training != 0;
    TN(block_at)(self, t, first, &b->at);
    for (int64_t j = 0; j < b->at.n; j++) {
        b->factor[j] = b->at.gamma[j] * b->at.inverse[j];
        b->mean_g[j] = batch * mean_g[j];
        b->mean_gx[j] = batch * mean_gx[j];
    }
}

TN_KERNEL void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const int64_t cols = gx ? TN(smaller)(t->n, t->width) : 0;
    TN(back_block) b;
    for (int64_t first = 0; first < cols; first += BLOCK) {
        TN(back_block_at)(me, t, first, &b);
        for (int64_t row = first; row < t->n; row += cols) {
            int64_t j = 0, at = row;
            for (; j + STRIP <= b.at.n; j += STRIP, at += STRIP)
                TN(backward_strip)(&b, j, STRIP, x + at, gy + at, gx + at);
            TN(backward_strip)(&b, j, b.at.n - j, x + at, gy + at, gx + at);
        }
    }
}

static void TN(as_affine)(const void *me, const tn_tile *t, tn_real *scale,
                          tn_real *shift)
{
    const TN(self) *self = me;
    const tn_real *mean = t->state[RUNNING_MEAN], *var = t->state[RUNNING_VAR];
    const tn_real *gamma = self->affine ? t->param[GAMMA] : NULL;
    const tn_real *beta = self->affine ? t->param[BETA] : NULL;
    for (int64_t j = 0; j < t->width; j++) {
        const tn_real inverse = 1 / sqrt(var[j] + (tn_real)self->eps);
        scale[j] = gamma ? gamma[j] * inverse : inverse;
        shift[j] = (beta ? beta[j] : 0) - mean[j] * scale[j];
    }
}

TN_VTABLE(layer, .kernel = TN_REDUCE,
          .flags = TN_NEEDS_X | TN_INPLACE | TN_COLUMNS | TN_MANY_ROWS | TN_TWO_ROWS,
          .infer = TN(infer), .forward = TN(forward), .backward = TN(backward),
          .reduce = {.over = TN_OVER_COLUMNS,
                     .sums = 4,
                     .stats = 3,
                     .add = TN(add),
                     .merge = TN(merge),
                     .finish = TN(finish)},
          .back_reduce = {.over = TN_OVER_COLUMNS,
                          .sums = 2,
                          .stats = 2,
                          .add = TN(back_add),
                          .finish = TN(back_finish)},
          .commit = TN(commit), .as_affine = TN(as_affine))
TN_PLUGIN_WITH(OPTIONS, layer, batch_norm,
               .summary = "Batch normalization of each feature over all rows",
               .formula = "y = gamma (x - mean) / sqrt(var + eps) + beta",
               .reference = "Ioffe, Szegedy, Batch normalization, ICML 2015, algorithm 1")

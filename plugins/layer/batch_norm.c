/* batch_norm - each feature brought to mean 0 and variance 1 over the rows of the batch,
 * then scaled and shifted by learned values.
 *
 *     xhat = (x - mean) / sqrt(var + eps),  y = gamma xhat + beta
 *     dL/dx = gamma / sqrt(var + eps) (g - mean(g) - xhat mean(g xhat)),  g = dL/dy
 *     dL/dgamma = sum(g xhat),  dL/dbeta = sum(g)
 *
 * Ioffe, Szegedy, "Batch normalization", ICML 2015, algorithm 1. Outside training mean
 * and var are running averages. As in PyTorch, the batch is normalised by its biased
 * variance, while the running one gets the unbiased variance with weight `momentum`.
 *
 * Sums are taken of x - s with s the first value of the feature in its chunk, so that
 * a mean far from 0 costs no digits; chunks are brought to one s when they are joined
 * (Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983). */
#include <tenon/plugin.h>
#include <tgmath.h>

#define OPTIONS(P)                                              \
    P(REAL, eps, TN_ABOVE, 1e-5, 0, 1, "added to the variance") \
    P(REAL, momentum, 0, 0.1, 0, 1,                             \
      "weight of a new batch in the running mean and variance") \
    P(BOOL, affine, 0, 1, , , "whether to learn a scale and a shift of each feature")
TN_SELF(OPTIONS, )

#ifndef GAMMA
#define GAMMA 0 /* parameters */
#define BETA 1
#define RUNNING_MEAN 0 /* states */
#define RUNNING_VAR 1
#define SHIFT 0 /* sums of the forward reduction */
#define COUNT 1
#define SUM 2
#define SQUARES 3
#define MEAN 0 /* its statistics; VAR is the biased one, INVERSE 1 / sqrt(VAR + eps) */
#define INVERSE 1
#define VAR 2
#define SUM_G 0 /* sums of the backward reduction; its statistics are their means */
#define SUM_GX 1
#define BLOCK 256 /* columns whose 1 / sqrt(var + eps) is made at a time */
#define STRIP 16  /* columns, for which loops have a fixed length */
#define INLINE static inline __attribute__((always_inline))
#endif

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    const tn_shape features = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}};
    const tn_param_spec gamma = {.name = "gamma",
                                 .shape = features,
                                 .role = TN_NORM,
                                 .along = TN_PER_COLUMN,
                                 .fill = 1};
    const tn_param_spec beta = {.name = "beta",
                                .shape = features,
                                .role = TN_NORM,
                                .along = TN_PER_COLUMN,
                                .fill = 0};
    tn_status status = c->host->state(c, "running_mean", &features, 0);
    if (!status) status = c->host->state(c, "running_var", &features, 1);
    if (!status && self->affine) status = c->host->param(c, &gamma);
    if (!status && self->affine) status = c->host->param(c, &beta);
    return status;
}

/* ---- statistics ------------------------------------------------------------------ */

/* Adds a row, or four: differences from the shifts and their squares. Four are added in pairs as
 * they are, which costs no digit that counts, and only their sum as a double. */
INLINE void TN(add_rows)(const tn_real *x, int four, int64_t stride, int64_t n,
                         const tn_real *shift, double *sum, double *squares)
{
    const tn_real *b = four ? x + stride : x, *c = four ? b + stride : x,
                  *d = four ? c + stride : x;
    for (int64_t j = 0; j < n; j++) {
        const tn_real s = shift[j], none = 0;
        const tn_real p = x[j] - s, q = four ? b[j] - s : none,
                      r = four ? c[j] - s : none, t = four ? d[j] - s : none;
        sum[j] += (double)((p + q) + (r + t));
        squares[j] += (double)((p * p + q * q) + (r * r + t * t));
    }
}

/* All rows of n <= STRIP columns, whose sums stay in registers meanwhile. */
INLINE void TN(add_strip)(const tn_real *x, int64_t rows, int64_t stride, int64_t n,
                          const double *shift, double *sum, double *squares)
{
    tn_real s[STRIP];
    double a[STRIP], b[STRIP];
    int64_t i = 0;
    for (int64_t j = 0; j < n; j++)
        s[j] = (tn_real)shift[j], a[j] = sum[j], b[j] = squares[j];
    for (; i + 4 <= rows; i += 4) TN(add_rows)(x + i * stride, 1, stride, n, s, a, b);
    for (; i < rows; i++) TN(add_rows)(x + i * stride, 0, stride, n, s, a, b);
    for (int64_t j = 0; j < n; j++) sum[j] = a[j], squares[j] = b[j];
}

TN_KERNEL void TN(add)(const void *self, const tn_tile *t, const tn_real *x,
                       const tn_real *gy, double *const *acc)
{
    double *shift = acc[SHIFT], *count = acc[COUNT], *sum = acc[SUM],
           *squares = acc[SQUARES];
    const int64_t n = t->width, rows = t->n / n;
    for (int64_t j = 0; j < n; j++) {
        shift[j] = count[j] == 0 ? (double)x[j] : shift[j];
        count[j] += (double)rows;
    }
    int64_t j = 0;
    for (; j + STRIP <= n; j += STRIP)
        TN(add_strip)(x + j, rows, n, STRIP, shift + j, sum + j, squares + j);
    TN(add_strip)(x + j, rows, n, n - j, shift + j, sum + j, squares + j);
}

/* sum (x - s)^2 from sums about r: with e = r - s it is sum (x - r)^2 + 2 e sum (x -
 * r) + n e^2. */
TN_KERNEL void TN(merge)(const void *self, int64_t groups, double *const *into,
                         const double *const *from)
{
    double *shift = into[SHIFT], *count = into[COUNT], *sum = into[SUM],
           *squares = into[SQUARES];
    for (int64_t j = 0; j < groups; j++) {
        shift[j] = count[j] == 0 ? from[SHIFT][j] : shift[j];
        const double n = from[COUNT][j], e = n == 0 ? 0 : from[SHIFT][j] - shift[j];
        count[j] += n;
        sum[j] += from[SUM][j] + n * e;
        squares[j] += from[SQUARES][j] + e * (2 * from[SUM][j] + n * e);
    }
}

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

/* What columns `first` .. of a tile, up to BLOCK, are normalised by. */
typedef struct TN(block) {
    int64_t n;
    const tn_real *mean, *inverse, *gamma, *beta;
    /* For what is nowhere else: 1 / sqrt of running variances, ones, zeros. */
    tn_real spread[BLOCK], one[BLOCK], zero[BLOCK];
} TN(block);

INLINE int64_t TN(smaller)(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

INLINE void TN(running_at)(const TN(self) * self, const tn_tile *t, int64_t first,
                           TN(block) * b)
{
    const tn_real *var = (const tn_real *)t->state[RUNNING_VAR] + first;
    for (int64_t j = 0; j < b->n; j++)
        b->spread[j] = 1 / sqrt(var[j] + (tn_real)self->eps);
    b->mean = (const tn_real *)t->state[RUNNING_MEAN] + first;
    b->inverse = b->spread;
}

INLINE void TN(block_at)(const TN(self) * self, const tn_tile *t, int64_t first,
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

/* n <= STRIP elements of a row, from column j of the block on. */
INLINE void TN(forward_strip)(const TN(block) * b, int64_t j, int64_t n, const tn_real *x,
                              tn_real *y)
{
    const tn_real *mean = b->mean + j, *inverse = b->inverse + j, *gamma = b->gamma + j,
                  *beta = b->beta + j;
    tn_real made[STRIP]; /* y may be x */
    for (int64_t i = 0; i < n; i++)
        made[i] = gamma[i] * ((x[i] - mean[i]) * inverse[i]) + beta[i];
    for (int64_t i = 0; i < n; i++) y[i] = made[i];
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

/* Adds gy and gy xhat of a row, or of four. */
INLINE void TN(back_add_rows)(const tn_real *x, const tn_real *gy, int four,
                              int64_t stride, int64_t n, const tn_real *mean,
                              const tn_real *inverse, double *sum, double *sum_x)
{
    const int64_t b = four ? stride : 0, c = 2 * b, d = 3 * b;
    for (int64_t j = 0; j < n; j++) {
        const tn_real m = mean[j], none = 0;
        const tn_real p = gy[j], q = four ? gy[b + j] : none, r = four ? gy[c + j] : none,
                      t = four ? gy[d + j] : none;
        const tn_real of_two = p * (x[j] - m) + q * (x[b + j] - m),
                      of_more = r * (x[c + j] - m) + t * (x[d + j] - m);
        sum[j] += (double)((p + q) + (r + t));
        sum_x[j] += (double)((of_two + of_more) * inverse[j]);
    }
}

/* All rows of n columns. */
INLINE void TN(back_add_strip)(int64_t rows, int64_t stride, int64_t n, const tn_real *x,
                               const tn_real *gy, const tn_real *mean,
                               const tn_real *inverse, double *sum, double *sum_x)
{
    double a[BLOCK], b[BLOCK];
    int64_t i = 0;
    for (int64_t j = 0; j < n; j++) a[j] = sum[j], b[j] = sum_x[j];
    for (; i + 4 <= rows; i += 4, x += 4 * stride, gy += 4 * stride)
        TN(back_add_rows)(x, gy, 1, stride, n, mean, inverse, a, b);
    for (; i < rows; i++, x += stride, gy += stride)
        TN(back_add_rows)(x, gy, 0, stride, n, mean, inverse, a, b);
    for (int64_t j = 0; j < n; j++) sum[j] = a[j], sum_x[j] = b[j];
}

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

/* What the gradient of a block is made of beside what its values are. */
typedef struct TN(back_block) {
    TN(block) at;
    tn_real factor[BLOCK], mean_g[BLOCK], mean_gx[BLOCK];
} TN(back_block);

/* With running statistics, which do not depend on x, only the factor is left. */
INLINE void TN(back_block_at)(const TN(self) * self, const tn_tile *t, int64_t first,
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

INLINE void TN(backward_strip)(const TN(back_block) * b, int64_t j, int64_t n,
                               const tn_real *x, const tn_real *gy, tn_real *gx)
{
    const tn_real *mean = b->at.mean + j, *inverse = b->at.inverse + j;
    const tn_real *mean_g = b->mean_g + j, *mean_gx = b->mean_gx + j;
    tn_real made[STRIP]; /* gx may be gy */
    for (int64_t i = 0; i < n; i++) {
        const tn_real xhat = (x[i] - mean[i]) * inverse[i];
        made[i] = b->factor[j + i] * (gy[i] - (mean_g[i] + xhat * mean_gx[i]));
    }
    for (int64_t i = 0; i < n; i++) gx[i] = made[i];
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
          .flags = TN_NEEDS_X | TN_INPLACE | TN_COLUMNS | TN_MANY_ROWS,
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

/* muon.c - momentum whose steps, for weights that are matrices, have singular values near
 * 1: every direction of the momentum counts alike.
 *
 *     b <- momentum b + (1 - momentum) g
 *     c = (1 - momentum) g + momentum b (nesterov) or b
 *     X = c / ||c||, then `iterations` times
 *         A = X X^T       X <- 3.4445 X + (-4.7750 A + 2.0315 A^2) X
 *     w <- (1 - rate weight_decay) w - rate 0.2 sqrt(max(out, in)) X
 *
 * Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), with
 * the iteration of Newton and Schulz. What is no matrix (biases, norms, a single row or
 * column) takes steps of adamw (adam.h) at the same rate and decay: the factor before X,
 * of Liu et al., "Muon is scalable for LLM training", arXiv 2502.16982 (2025), eq. 4,
 * gives its steps the size of adamw's. A convolution's weight is a matrix of (out, all
 * else). Every matrix is taken, that of the last layer too. How far a weight goes does
 * not depend on the size of its gradient, so no step_size fits, and a prox is refused.
 *
 * Slot 0 is b, or adam's m; slot 1 is room for X, or adam's v. */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#include <tgmath.h>

#include "adam.h"

#define OPTIONS(P)                                                                \
    P(REAL, momentum, TN_BELOW, 0.95, 0, 1, "share of the momentum that is kept") \
    P(BOOL, nesterov, 0, 1, 0, 1, "look ahead along the momentum")                \
    P(INT, iterations, 0, 5, 1, 100, "of Newton and Schulz")                      \
    MOMENT_OPTIONS(P, 1e-8)                                                       \
    P(SCHEDULABLE, weight_decay, 0, 0.1, 0, INFINITY,                             \
      "share of a weight that rate 1 takes (biases have none)")
TN_SELF(OPTIONS, )

static int32_t TN(slots)(const void *me)
{
    return 2;
}

static int64_t TN(smaller)(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The next X, A and A^2. */
static size_t TN(scratch)(const void *me, int64_t rows, int64_t cols)
{
    const int64_t n = TN(smaller)(rows, cols);
    if (n == 1) return 0;
    return sizeof(tn_real) * ((size_t)rows * (size_t)cols + 2 * (size_t)n * (size_t)n);
}

/* ---- loops ------------------------------------------------------------------------- */

TN_KERNEL void TN(look_ahead)(const TN(self) * self, int64_t n, const tn_real *g,
                              tn_real *b, tn_real *c)
{
    const tn_real keep = (tn_real)self->momentum, fresh = (tn_real)(1 - self->momentum);
    const tn_real of_g = self->nesterov ? fresh : 0, of_b = self->nesterov ? keep : 1;
    for (int64_t i = 0; i < n; i++) {
        b[i] = keep * b[i] + fresh * g[i];
        c[i] = of_g * g[i] + of_b * b[i];
    }
}

TN_KERNEL double TN(norm)(int64_t n, const tn_real *x)
{
    const double squares = TN_SUM(i, n, (double)x[i] * (double)x[i]);
    return sqrt(squares);
}

/* y = p x */
TN_KERNEL void TN(scale)(int64_t n, tn_real p, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = p * x[i];
}

/* y = p x + q y */
TN_KERNEL void TN(mix)(int64_t n, tn_real p, const tn_real *x, tn_real q, tn_real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = p * x[i] + q * y[i];
}

/* ---- the iteration ----------------------------------------------------------------- */

static tn_status TN(multiply)(tn_call *c, tn_matrix a, tn_matrix b, tn_matrix out,
                              int32_t add)
{
    const tn_product p = {
        .struct_size = sizeof p, .a = a, .b = b, .out = out, .add = add};
    return c->host->product(c, &p);
}

/* A is of the smaller side: X X^T, or of a tall X its mirror image, X^T X. */
static tn_status TN(iterate)(tn_call *c, int64_t rows, int64_t cols, const tn_real *x,
                             tn_real *next, tn_real *a)
{
    const int64_t n = TN(smaller)(rows, cols);
    tn_real *squared = a + n * n;
    const tn_matrix old = tn_matrix_at(rows, cols, (void *)(uintptr_t)x);
    const tn_matrix new = tn_matrix_at(rows, cols, next), of_a = tn_matrix_at(n, n, a);
    const tn_matrix of_squared = tn_matrix_at(n, n, squared);
    const int tall = rows > cols;
    tn_status status = tall ? TN(multiply)(c, tn_transposed(old), old, of_a, 0)
                            : TN(multiply)(c, old, tn_transposed(old), of_a, 0);
    if (!status) status = TN(multiply)(c, of_a, of_a, of_squared, 0);
    if (status) return status;
    TN(mix)(n * n, (tn_real)-4.7750, a, (tn_real)2.0315, squared);
    TN(scale)(rows * cols, (tn_real)3.4445, x, next);
    return tall ? TN(multiply)(c, old, of_squared, new, 1)
                : TN(multiply)(c, of_squared, old, new, 1);
}

/* ---- the update -------------------------------------------------------------------- */

TN_KERNEL void TN(update_vector)(const TN(self) * self, const tn_update *u, double keep,
                                 int64_t n, tn_real *w, const tn_real *g, tn_real *m,
                                 tn_real *v)
{
    const TN(adam_terms) terms = {self->beta1, self->beta2, self->epsilon, 0, keep};
    TN(adam_update)(&terms, n, u, w, g, m, v, NULL);
}

static tn_status TN(update_whole)(const void *me, tn_call *c, const tn_update *u,
                                  tn_tensor *w, const tn_tensor *g,
                                  tn_tensor *const *slot)
{
    const TN(self) *self = me;
    const int64_t rows = w->dim[0], cols = w->dim[1], n = rows * cols;
    const double decay = u->decays ? tn_now(c, self->weight_decay) : 0;
    const double keep = 1 - u->rate * decay;
    if (rows == 1 || cols == 1) {
        TN(update_vector)
        (self, u, keep, n, w->data, g->data, slot[0]->data, slot[1]->data);
        return TN_OK;
    }
    tn_real *x = slot[1]->data, *next = u->scratch, *a = next + n;
    TN(look_ahead)(self, n, g->data, slot[0]->data, x);
    TN(scale)(n, (tn_real)(1 / (TN(norm)(n, x) + 1e-7)), x, x);
    for (int64_t i = 0; i < self->iterations; i++) {
        const tn_status status = TN(iterate)(c, rows, cols, x, next, a);
        if (status) return status;
        tn_real *other = x;
        x = next, next = other;
    }
    const double size = 0.2 * u->rate * sqrt((double)(rows > cols ? rows : cols));
    TN(mix)(n, (tn_real)-size, x, (tn_real)keep, w->data);
    return TN_OK;
}

TN_VTABLE(optimizer, .slots = TN(slots), .update_whole = TN(update_whole),
          .scratch = TN(scratch))
TN_PLUGIN_WITH(
    OPTIONS, optimizer, muon, .learning_rate = 1e-3,
    .summary = "orthogonalized momentum for matrices, adamw for all else",
    .formula = "b <- momentum b + (1 - momentum) g;  "
               "w <- (1 - rate weight_decay) w - rate 0.2 sqrt(max(out, in)) X, "
               "X near the orthogonal factor of g (1 - momentum) + momentum b",
    .reference = "Jordan et al., Muon: an optimizer for hidden layers in neural "
                 "networks (2024); Liu et al., arXiv 2502.16982 (2025), eq. 4")

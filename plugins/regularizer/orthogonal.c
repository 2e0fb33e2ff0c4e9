/* orthogonal.c - units that differ: R(W) = lambda |W W^T - I|^2 (Frobenius), of W as (out, all else);
 * of more rows than columns |W^T W - I|^2, which differs by a constant and is less work.
 *
 *     dR/dW = 4 lambda (W W^T - I) W = 4 lambda W (W^T W - I)
 *
 * Brock, Lim, Ritchie, Weston, "Neural photo editing with introspective adversarial networks", ICLR
 * 2017, eq. 3; Bansal, Chen, Wang, "Can we gain more from orthogonality regularizations in training
 * deep CNNs?", NeurIPS 2018, eq. 3 (soft orthogonality). */
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/update.h>

#define OPTIONS(P) P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.0001, 0, INFINITY, "strength")
TN_SELF(OPTIONS, )

static size_t TN(scratch)(const void *me, int64_t rows, int64_t cols)
{
    const size_t side = (size_t)(rows < cols ? rows : cols);
    return side * side * sizeof(tn_real);
}

static tn_matrix TN(by_units)(const tn_tensor *w)
{
    tn_tensor flat = *w;
    flat.rank = 2, flat.dim[1] = tn_count(w) / w->dim[0];
    return tn_matrix_of(&flat);
}

/* The smaller of W W^T - I and W^T W - I. */
static tn_status TN(gram)(tn_call *c, const tn_tensor *w, tn_matrix *out, void *scratch)
{
    const tn_matrix m = TN(by_units)(w), a = m.rows > m.cols ? tn_transposed(m) : m;
    tn_real *at = scratch;
    *out = tn_matrix_at(a.rows, a.rows, at);
    const tn_product p = {
        .struct_size = sizeof p, .a = a, .b = tn_transposed(a), .out = *out};
    const tn_status status = c->host->product(c, &p);
    for (int64_t i = 0; !status && i < a.rows; i++) at[i * (a.rows + 1)] -= 1;
    return status;
}

TN_KERNEL double TN(squares)(int64_t n, const tn_real *x)
{
    return TN_SUM(i, n, (double)x[i] * (double)x[i]);
}

TN_KERNEL void TN(scale)(int64_t n, tn_real by, tn_real *x)
{
    for (int64_t i = 0; i < n; i++) x[i] *= by;
}

static tn_status TN(penalty)(const void *me, tn_call *c, const tn_tensor *w,
                             void *scratch, double *penalty)
{
    const TN(self) *self = me;
    tn_matrix gram;
    const tn_status status = TN(gram)(c, w, &gram, scratch);
    if (status) return status;
    *penalty = tn_now(c, self->lambda) * TN(squares)(gram.rows * gram.cols, scratch);
    return TN_OK;
}

static tn_status TN(gradient)(const void *me, tn_call *c, const tn_tensor *w,
                              tn_tensor *g, void *scratch)
{
    const TN(self) *self = me;
    const tn_matrix m = TN(by_units)(w);
    tn_matrix gram;
    const tn_status status = TN(gram)(c, w, &gram, scratch);
    if (status) return status;
    TN(scale)(gram.rows * gram.cols, (tn_real)(4 * tn_now(c, self->lambda)), scratch);
    const int tall = m.rows > m.cols;
    const tn_product p = {.struct_size = sizeof p,
                          .a = tall ? m : gram,
                          .b = tall ? gram : m,
                          .out = TN(by_units)(g),
                          .add = 1};
    return c->host->product(c, &p);
}

TN_VTABLE(regularizer, .penalty_whole = TN(penalty), .gradient_whole = TN(gradient),
          .scratch = TN(scratch))
TN_PLUGIN_WITH(OPTIONS, regularizer, orthogonal,
               .summary = "distance of the units' weights from orthonormal ones",
               .formula = "R(W) = lambda |W W^T - I|^2;  dR/dW = 4 lambda (W W^T - I) W",
               .reference =
                   "Brock, Lim, Ritchie, Weston, ICLR 2017, eq. 3; Bansal, Chen, "
                   "Wang, NeurIPS 2018, eq. 3")

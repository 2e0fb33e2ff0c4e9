/* spectral_norm - a weight divided by its largest singular value, so that a layer stretches no input
 * by more than 1.
 *
 *     v <- W^T u / |W^T u|,  u <- W v / |W v|,  sigma = u^T W v,  w = W / sigma
 *     dL/dW = (dL/dw - (dL/dw . w) u v^T) / sigma
 *
 * of W as a matrix (out, all else). Miyato, Kataoka, Koyama, Yoshida, "Spectral normalization for
 * generative adversarial networks", ICLR 2018, eq. 8, algorithm 1 and, for the gradient, eq. 12: a
 * step of the power iteration for each update, from the u before, which is not differentiated.
 * Outside training u and v stay, as in PyTorch. They begin with 15 steps from a random u. */
#include <string.h>
#include <tenon/plugin.h>
#include <tenon/math.h>
#include <tenon/random.h>

#define OPTIONS(P) \
    P(INT, iterations, 0, 1, 1, 1000, "steps of the power iteration for each update")
TN_SELF(OPTIONS, )

#ifndef SPECTRAL_ONCE
#define SPECTRAL_ONCE
#define FIRST_ITERATIONS 15
#define LEAST 1e-12 /* what smaller lengths are taken for */
#define CHUNK 16384 /* elements that a thread takes at a time */

static int64_t chunks_of(int64_t n)
{
    return (n + CHUNK - 1) / CHUNK;
}
#endif

/* What a pass leaves for backward and commit: in the cache. */
typedef struct TN(found) {
    tn_real *u, *v, *sigma;
} TN(found);

static TN(found) TN(found_in)(void *cache, int64_t rows, int64_t cols)
{
    tn_real *u = cache;
    return (TN(found)){u, u + rows, u + rows + cols};
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const int64_t rows = node->in[0].dim[0], cols = node->in[0].dim[1];
    const tn_shape u = {.rank = 1, .dim = {rows}}, v = {.rank = 1, .dim = {cols}};
    node->cache = sizeof(tn_real) * (size_t)(rows + cols + 1);
    node->scratch = sizeof(double) * (size_t)(rows + chunks_of(rows * cols));
    const tn_status status = c->host->state(c, "u", &u, 0);
    return status ? status : c->host->state(c, "v", &v, 0);
}

/* ---- the power iteration --------------------------------------------------------- */

TN_KERNEL double TN(dot)(int64_t n, const tn_real *a, const tn_real *b)
{
    return TN_SUM(i, n, (double)a[i] * (double)b[i]);
}

TN_KERNEL void TN(scale)(int64_t n, tn_real factor, tn_real *x)
{
    for (int64_t i = 0; i < n; i++) x[i] *= factor;
}

static void TN(normalize)(int64_t n, tn_real *x)
{
    const double length = sqrt(TN(dot)(n, x, x));
    TN(scale)(n, (tn_real)(1 / (length > LEAST ? length : LEAST)), x);
}

/* out = W v, or W^T u. */
static tn_status TN(multiply)(tn_call *c, tn_matrix w, int transposed, const tn_real *x,
                              tn_real *out)
{
    const tn_matrix row = tn_matrix_at(1, transposed ? w.rows : w.cols,
                                       (void *)(uintptr_t)x);
    const tn_product p = {.struct_size = sizeof p,
                          .a = row,
                          .b = transposed ? w : tn_transposed(w),
                          .out = tn_matrix_at(1, transposed ? w.cols : w.rows, out)};
    return c->host->product(c, &p);
}

/* `wv`: room for W v. */
static tn_status TN(iterate)(tn_call *c, tn_matrix w, int64_t times, TN(found) f,
                             tn_real *wv)
{
    tn_status status = TN_OK;
    for (int64_t i = 0; !status && i < times; i++) {
        status = TN(multiply)(c, w, 1, f.u, f.v);
        TN(normalize)(w.cols, f.v);
        if (!status) status = TN(multiply)(c, w, 0, f.v, wv);
        memcpy(f.u, wv, sizeof *wv * (size_t)w.rows);
        TN(normalize)(w.rows, f.u);
    }
    if (!status && !times) status = TN(multiply)(c, w, 0, f.v, wv);
    const double sigma = TN(dot)(w.rows, f.u, wv);
    *f.sigma = (tn_real)(fabs(sigma) > LEAST ? sigma : LEAST);
    return status;
}

/* ---- the first u and v ------------------------------------------------------------ */

TN_KERNEL void TN(step)(int64_t rows, int64_t cols, const tn_real *w, tn_real *u,
                        tn_real *v)
{
    for (int64_t j = 0; j < cols; j++) v[j] = 0;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++) v[j] += u[i] * w[i * cols + j];
    TN(normalize)(cols, v);
    for (int64_t i = 0; i < rows; i++) u[i] = (tn_real)TN(dot)(cols, w + i * cols, v);
    TN(normalize)(rows, u);
}

static tn_status TN(start)(const void *me, tn_call *c, tn_key key, const tn_tensor *raw,
                           tn_tensor *const *param, tn_tensor *const *state)
{
    const int64_t rows = raw->dim[0], cols = raw->dim[1];
    tn_real *u = c->host->alloc(c, sizeof *u * (size_t)(rows + cols)), *v = u + rows;
    if (!u) return TN_ENOMEM;
    for (int64_t i = 0; i < rows; i++) u[i] = (tn_real)tn_random_normal(key, (uint64_t)i);
    for (int i = 0; i < FIRST_ITERATIONS; i++) TN(step)(rows, cols, raw->data, u, v);
    if (state[0]) memcpy(state[0]->data, u, sizeof *u * (size_t)rows);
    if (state[1]) memcpy(state[1]->data, v, sizeof *v * (size_t)cols);
    c->host->release(c, u);
    return TN_OK;
}

/* ---- over the whole weight, chunk by chunk ------------------------------------------ */

typedef struct TN(pass) {
    int64_t n, cols;
    TN(found) found;
    const tn_real *from, *w; /* forward: W; back: dL/dw, w */
    tn_real *to;
    double *sum; /* of each chunk */
    tn_real along;
} TN(pass);

static int64_t TN(chunk)(const TN(pass) * p, int64_t i)
{
    const int64_t left = p->n - i * CHUNK;
    return left < CHUNK ? left : CHUNK;
}

static tn_status TN(divide)(void *data, int64_t i)
{
    const TN(pass) *p = data;
    const int64_t first = i * CHUNK;
    memcpy(p->to + first, p->from + first, sizeof *p->to * (size_t)TN(chunk)(p, i));
    TN(scale)(TN(chunk)(p, i), 1 / *p->found.sigma, p->to + first);
    return TN_OK;
}

static tn_status TN(sum)(void *data, int64_t i)
{
    const TN(pass) *p = data;
    p->sum[i] = TN(dot)(TN(chunk)(p, i), p->from + i * CHUNK, p->w + i * CHUNK);
    return TN_OK;
}

TN_KERNEL void TN(take_row)(int64_t n, tn_real inverse, tn_real share, const tn_real *gw,
                            const tn_real *v, tn_real *to)
{
    for (int64_t j = 0; j < n; j++) to[j] = inverse * (gw[j] - share * v[j]);
}

static tn_status TN(take_along)(void *data, int64_t i)
{
    const TN(pass) *p = data;
    const int64_t end = i * CHUNK + TN(chunk)(p, i);
    for (int64_t at = i * CHUNK, n; at < end; at += n) {
        const int64_t row = at / p->cols, col = at % p->cols;
        n = p->cols - col < end - at ? p->cols - col : end - at;
        TN(take_row)
        (n, 1 / *p->found.sigma, p->along * p->found.u[row], p->from + at,
         p->found.v + col, p->to + at);
    }
    return TN_OK;
}

/* ---- slots ----------------------------------------------------------------------- */

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const int64_t rows = io->in[0]->dim[1], cols = io->in[0]->dim[2];
    TN(pass)
    p = {.n = rows * cols,
         .from = io->in[0]->data,
         .to = io->out->data,
         .found = TN(found_in)(io->cache, rows, cols)};
    memcpy(p.found.u, io->state[0]->data, sizeof *p.to * (size_t)rows);
    memcpy(p.found.v, io->state[1]->data, sizeof *p.to * (size_t)cols);
    const tn_status status = TN(iterate)(c, tn_matrix_at(rows, cols, io->in[0]->data),
                                         io->training ? self->iterations : 0, p.found,
                                         io->scratch);
    return status ? status : c->host->parallel(c, chunks_of(p.n), TN(divide), &p);
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    const int64_t rows = io->out->dim[1], cols = io->out->dim[2];
    TN(pass)
    p = {.n = rows * cols,
         .cols = cols,
         .from = io->gout->data,
         .w = io->out->data,
         .sum = io->scratch,
         .found = TN(found_in)(io->cache, rows, cols)};
    if (!io->gin[0]) return TN_OK;
    p.to = io->gin[0]->data;
    const tn_status status = c->host->parallel(c, chunks_of(p.n), TN(sum), &p);
    if (status) return status;
    double along = 0;
    for (int64_t i = 0; i < chunks_of(p.n); i++) along += p.sum[i];
    p.along = (tn_real)along;
    return c->host->parallel(c, chunks_of(p.n), TN(take_along), &p);
}

static void TN(commit)(const void *me, const tn_io *io, tn_tensor *const *state)
{
    const int64_t rows = state[0]->dim[0], cols = state[1]->dim[0];
    const TN(found) f = TN(found_in)(io->cache, rows, cols);
    memcpy(state[0]->data, f.u, sizeof *f.u * (size_t)rows);
    memcpy(state[1]->data, f.v, sizeof *f.v * (size_t)cols);
}

TN_VTABLE(parametrization, .kernel = TN_WHOLE, .flags = TN_NEEDS_Y, .infer = TN(infer),
          .start = TN(start), .run = TN(run), .run_back = TN(run_back),
          .commit_weight = TN(commit))
TN_PLUGIN_WITH(OPTIONS, parametrization, spectral_norm,
               .summary = "A weight divided by its largest singular value",
               .formula = "w = W / sigma, sigma = u^T W v after v <- W^T u / |W^T u|, "
                          "u <- W v / |W v|",
               .reference =
                   "Miyato, Kataoka, Koyama, Yoshida, Spectral normalization for "
                   "generative adversarial networks, ICLR 2018, eq. 8")

/* recurrent_norm.h - layer normalization inside recurrent layers: see recurrent.h.
 *
 *     LN(a) = (a - mean(a)) / sqrt(var(a) + 1e-5), over the n units of a gate
 *
 * With one gate (rnn) of the sum of both products, gamma LN(W x_t + R h_(t-1)) + b: Ba, Kiros, Hinton,
 * "Layer normalization", arXiv:1607.06450, section 3.1, eq. 4. With several, each gate of each product
 * for itself, as eqs. 20 and 23 of their supplement have both products apart:
 *
 *     z = gamma LN(W x_t) + b,  u = recurrent_gamma LN(R h_(t-1))
 *
 * (the shift of u would be a second b), and a cell where the state sees it, eq. 22:
 *
 *     h_t = o tanh(cell_gamma LN(c_t) + cell_beta)
 *
 * while c_t itself goes on to the next step as it is. Without `bias` there is neither b nor cell_beta.
 * Gradients of gamma and the like are first summed up over the steps of each sample, then over
 * samples. */
#include "norm_row.h"

#ifndef NORM_EPS
#define NORM_EPS 1e-5
#endif

TN_INLINE const tn_real *TN(values)(const tn_tensor *t)
{
    return t ? t->data : NULL;
}

/* y = gamma LN(x) + beta (NULL: 0) */
TN_INLINE void TN(normalize)(int64_t n, const tn_real *x, const tn_real *gamma,
                             const tn_real *beta, tn_real *y)
{
    const TN(moments) m = TN(look)(n, x, NORM_EPS);
    EACH_APART for (int64_t j = 0; j < n; j++)
    {
        const tn_real hat = gamma[j] * ((x[j] - m.mean) * m.inverse);
        y[j] = beta ? hat + beta[j] : hat;
    }
}

/* The same in place; x is kept in `raw`. */
TN_INLINE void TN(normalize_kept)(int64_t n, tn_real *raw, const tn_real *gamma,
                                  const tn_real *beta, tn_real *x)
{
    memcpy(raw, x, sizeof *x * (size_t)n);
    TN(normalize)(n, raw, gamma, beta, x);
}

/* Where the gradients of a sample's parameters add up. */
TN_INLINE tn_real *TN(gain)(const TN(course) * c, int64_t sample, int64_t of)
{
    return c->gains + (sample * GAINS + of) * c->n;
}

/* Of z and u of a row. */
TN_KERNEL void TN(norm)(const TN(course) * c, const TN(row) * r, int64_t sample)
{
    const int64_t n = c->n, at = (c->step * c->samples + sample) * GATES;
    const tn_real *gamma = c->param[GAMMA]->data, *bias = TN(values)(c->param[BIAS]);
    for (int64_t g = 0; g < GATES; g++) {
        tn_real *z = r->z + g * n;
        const tn_real *beta = bias ? bias + g * n : NULL;
        TN(normalize_kept)(n, c->raw + (at + g) * n, gamma + g * n, beta, z);
        if (JOINT_NORM) continue;
        tn_real *u = r->u + g * n;
        const tn_real *recurrent = TN(values)(c->param[RECURRENT_GAMMA]);
        TN(normalize_kept)
        (n, c->raw_recurrent + (at + g) * n, recurrent + g * n, NULL, u);
        for (int64_t j = 0; !GRADIENTS_APART && j < n; j++) z[j] += u[j];
    }
}

/* The cell's gradients of z and u become those of the products; that of R h_(t-1) replaces it. */
TN_KERNEL void TN(norm_back)(const TN(course) * c, const TN(row) * r, int64_t sample)
{
    const int64_t n = c->n, at = (c->step * c->samples + sample) * GATES;
    const tn_real *gamma = c->param[GAMMA]->data;
    for (int64_t g = 0; g < GATES; g++) {
        tn_real *z = r->z + g * n, *raw = c->raw + (at + g) * n;
        if (!JOINT_NORM) {
            const tn_real *gu = GRADIENTS_APART ? r->u + g * n : z;
            tn_real *raw_u = c->raw_recurrent + (at + g) * n;
            const TN(moments) m = TN(look)(n, raw_u, NORM_EPS);
            TN(add)(n, m, raw_u, gu, TN(gain)(c, sample, OF_RECURRENT + g), NULL);
            TN(back)
            (n, m, raw_u, TN(values)(c->param[RECURRENT_GAMMA]) + g * n, gu, raw_u);
        }
        const TN(moments) m = TN(look)(n, raw, NORM_EPS);
        TN(add)
        (n, m, raw, z, TN(gain)(c, sample, OF_GAMMA + g),
         TN(gain)(c, sample, OF_BIAS + g));
        TN(back)(n, m, raw, gamma + g * n, z, z);
    }
}

/* ---- the cell -------------------------------------------------------------------- */

/* seen = cell_gamma LN(c) + cell_beta */
TN_UNUSED TN_INLINE void TN(see_cell)(const TN(row) * r)
{
    TN(normalize)(r->n, r->c, r->cell_gamma, r->cell_beta, r->seen);
}

/* Adds what comes to c through `seen`, whose gradient is g, to carry. */
TN_UNUSED TN_INLINE void TN(see_cell_back)(const TN(row) * r, tn_real *g)
{
    const int64_t n = r->n;
    tn_real *carry = r->carry;
    const TN(moments) m = TN(look)(n, r->c, NORM_EPS);
    TN(add)(n, m, r->c, g, r->gcell_gamma, r->gcell_beta);
    TN(back)(n, m, r->c, r->cell_gamma, g, g);
    EACH_APART for (int64_t j = 0; j < n; j++) carry[j] += g[j];
}

/* ---- gradients of parameters ----------------------------------------------------- */

static void TN(take_gain)(const TN(course) * c, int32_t role, int64_t of, int64_t parts)
{
    const size_t size = sizeof(tn_real) * (size_t)(parts * c->n);
    if (c->gparam[role]) memcpy(c->gparam[role]->data, c->sums + of * c->n, size);
}

/* All that the samples have added up. */
static tn_status TN(give_gains)(const TN(course) * c)
{
    const tn_status status = TN(sum_columns)(c, c->samples, GAINS * c->n, c->gains);
    TN(take_gain)(c, GAMMA, OF_GAMMA, GATES);
    TN(take_gain)(c, BIAS, OF_BIAS, GATES);
    TN(take_gain)(c, RECURRENT_GAMMA, OF_RECURRENT, GATES);
    TN(take_gain)(c, CELL_GAMMA, OF_CELL, 1);
    TN(take_gain)(c, CELL_BETA, OF_CELL + 1, 1);
    return status;
}

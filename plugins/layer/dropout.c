/* dropout - drops each element with probability p and scales up the rest (inverted
 * dropout), so that evaluation is the identity.
 *
 *     y_i = x_i m_i / (1 - p),  dL/dx_i = dL/dy_i m_i / (1 - p),  m_i ~ Bernoulli(1 - p)
 *
 * Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout", JMLR 15, 2014,
 * section 10 (scaling while training). The mask is not stored: element i of the
 * logical batch is dropped when its 32 random bits lie below p 2^32, in both
 * directions alike. */
#include <string.h>
#include <tenon/plugin.h>
#include <tenon/random.h>

#define OPTIONS(P) \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.5, 0, 1, "probability that an element is dropped")
TN_SELF(OPTIONS, )

#ifndef BITS
#define BITS 256 /* elements whose bits are drawn at a time */
#endif

TN_KERNEL void TN(mask)(const TN(self) * self, const tn_tile *t, const tn_real *x,
                        tn_real *y)
{
    const double p = tn_now(t, self->p);
    const uint32_t threshold = (uint32_t)(p < 1 ? p * 0x1p32 : 0);
    const tn_real scale = (tn_real)(1 / (1 - p));
    uint32_t bits[BITS] = {0};
    if (p >= 1) {
        memset(y, 0, (size_t)t->n * sizeof *y);
        return;
    }
    for (int64_t first = 0; first < t->n; first += BITS) {
        const int64_t n = t->n - first < BITS ? t->n - first : BITS;
        tn_random_run(t->key, tn_tile_index(t) + (uint64_t)first, n, bits);
        for (int64_t i = 0; i < n; i++)
            y[first + i] = bits[i] < threshold ? 0 : scale * x[first + i];
    }
}

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    TN(mask)(self, t, x, y);
}

static void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    TN(mask)(self, t, gy, gx);
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_IDLE | TN_INPLACE, .forward = TN(forward),
          .backward = TN(backward))
TN_PLUGIN_WITH(
    OPTIONS, layer, dropout,
    .summary = "Drops elements at random while training (inverted dropout)",
    .formula = "y = x m / (1 - p), m ~ Bernoulli(1 - p); y = x outside training",
    .reference = "Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "
                 "Dropout, JMLR 15, 2014, section 10")

/* stochastic_depth - whole samples dropped at random while training: behind the branch of a
 * residual block, samples then go around it. Those that stay are scaled up, so that evaluation is
 * the identity.
 *
 *     y_s = x_s m_s / (1 - p),  dL/dx_s = dL/dy_s m_s / (1 - p),  m_s ~ Bernoulli(1 - p)
 *
 * for each sample s. Huang, Sun, Liu, Sedra, Weinberger, "Deep networks with stochastic depth", ECCV
 * 2016, eqs. 2 and 5, which drop a branch for a whole batch, leave training as it is and multiply by
 * 1 - p in evaluation: the same expectation, with a branch that learns 1 / (1 - p) times as large
 * values. Per sample: Larsson, Maire, Shakhnarovich, "FractalNet", ICLR 2017, section 3. The mask is
 * not stored: sample s of the logical batch is dropped when its 32 random bits lie below p 2^32. */
#include <string.h>
#include <tenon/plugin.h>
#include <tenon/random.h>

#define OPTIONS(P)                                         \
    P(SCHEDULABLE, p, TN_POSITIONAL | TN_BELOW, 0.5, 0, 1, \
      "probability that a sample is dropped")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(scale)(int64_t n, tn_real factor, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < n; i++) y[i] = factor * x[i];
}

static void TN(mask)(const TN(self) * self, const tn_tile *t, const tn_real *x,
                     tn_real *y)
{
    const double p = tn_now(t, self->p);
    const uint32_t threshold = (uint32_t)(p * 0x1p32);
    const tn_real factor = (tn_real)(1 / (1 - p));
    const int64_t size = t->width * t->rows_per_sample; /* of a sample */
    int64_t n, at = (int64_t)tn_tile_index(t);
    for (int64_t i = 0; i < t->n; i += n, at += n) {
        n = size - at % size < t->n - i ? size - at % size : t->n - i;
        if (tn_random_bits(t->key, (uint64_t)(at / size)) >= threshold)
            TN(scale)(n, factor, x + i, y + i);
        else
            memset(y + i, 0, (size_t)n * sizeof *y);
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
TN_PLUGIN_WITH(OPTIONS, layer, stochastic_depth,
               .summary = "Drops whole samples at random while training",
               .formula =
                   "y_s = x_s m_s / (1 - p), m_s ~ Bernoulli(1 - p) for each sample "
                   "s; y = x outside training",
               .reference = "Huang, Sun, Liu, Sedra, Weinberger, Deep networks with "
                            "stochastic depth, ECCV 2016, eqs. 2 and 5")

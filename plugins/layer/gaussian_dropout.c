/* gaussian_dropout - multiplies each element by normal noise of mean 1, with the variance that
 * dropout with probability p has.
 *
 *     y_i = x_i m_i,  dL/dx_i = dL/dy_i m_i,  m_i ~ N(1, p / (1 - p));  y = x outside training
 *
 * p = 1, where dropout makes zeros, is refused: the noise grows beyond all bounds there and tends to
 * nothing.
 * Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout", JMLR 15, 2014, section 10 (whose
 * p is 1 - p here). */
#include <string.h>
#include <tenon/plugin.h>
#include "noise.h"

#define OPTIONS(P)                                         \
    P(SCHEDULABLE, p, TN_POSITIONAL | TN_BELOW, 0.5, 0, 1, \
      "the noise's variance is p / (1 - p), as dropout's")
TN_SELF(OPTIONS, )

TN_KERNEL void TN(multiply)(const TN(self) * self, const tn_tile *t, const tn_real *x,
                            tn_real *y)
{
    const double p = t->training ? tn_now(t, self->p) : 0;
    if (p > 0) TN(noise_add)
    (t->key, sqrt(p / (1 - p)), 1, tn_tile_index(t), t->n, x, y);
    else if (y != x) memcpy(y, x, (size_t)t->n * sizeof *y);
}

#include "multiplier.h"

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_IDLE | TN_RANDOM | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, gaussian_dropout,
               .summary = "Multiplies elements by normal noise while training",
               .formula = "y = x m, m ~ N(1, p / (1 - p)); y = x outside training",
               .reference = "Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "
                            "Dropout, JMLR 15, 2014, section 10")

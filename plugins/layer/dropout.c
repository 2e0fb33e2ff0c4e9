/* dropout - drops each element with probability p. Inverted, which is usual: what is kept is scaled
 * up in training, so that evaluation is the identity.
 *
 *     inverted   y_i = x_i m_i / (1 - p),  dL/dx_i = dL/dy_i m_i / (1 - p),  m_i ~ Bernoulli(1 - p)
 *                y = x outside training
 *     standard   y_i = x_i m_i,            dL/dx_i = dL/dy_i m_i
 *                y = (1 - p) x outside training
 *
 * Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout", JMLR 15, 2014: section 4,
 * figure 2 (standard), section 10 (scaling while training). Both have the same expectation; with
 * standard dropout values in training are 1 - p times as large. p = 1 makes zeros. */
#include <tenon/plugin.h>
#include "mask.h"

#define OPTIONS(P)                                                                     \
    P(SCHEDULABLE, p, TN_POSITIONAL, 0.5, 0, 1,                                        \
      "probability that an element is "                                                \
      "dropped")                                                                       \
    P(ENUM, mode, 0, 0, "inverted|standard", ,                                         \
      "inverted: what is kept is scaled by 1 / (1 - p) in training; standard: all by " \
      "1 - p outside it")
TN_SELF(OPTIONS, )

#ifndef STANDARD
#define STANDARD 1
#endif

/* Of a trained model it is not known where the schedule stood. */
static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->mode != STANDARD || !self->p.turns) return TN_OK;
    return tn_fail(c, TN_EINVAL,
                   "p: mode standard needs it in prediction, so it has to be a number; "
                   "with a schedule use mode: inverted");
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    if (self->mode == STANDARD) node->flags &= ~(uint32_t)TN_IDLE;
    return TN_OK;
}

static TN(mask) TN(mask_now)(const TN(self) * self, const tn_tile *t)
{
    const double p = tn_now(t, self->p);
    if (self->mode != STANDARD) return TN(mask_inverted)(t, p);
    if (t->training || p == 1) return TN(mask_of)(t->key, p, 1, 0);
    return TN(mask_of)(t->key, 0, 1 - p, 0);
}

TN_KERNEL void TN(drop)(const TN(mask) * m, const tn_tile *t, const tn_real *x,
                        tn_real *y)
{
    TN(mask_elements)(m, tn_tile_index(t), t->n, x, y);
}

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(mask) m = TN(mask_now)(self, t);
    TN(drop)(&m, t, x, y);
}

static void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(mask) m = TN(mask_now)(self, t);
    TN(drop)(&m, t, gy, gx);
}

/* Outside training, which inverted dropout has no part in. */
static void TN(as_affine)(const void *me, const tn_tile *t, tn_real *scale,
                          tn_real *shift)
{
    const TN(self) *self = me;
    for (int64_t i = 0; i < t->n; i++)
        scale[i] = (tn_real)(1 - tn_now(t, self->p)), shift[i] = 0;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_IDLE | TN_RANDOM | TN_INPLACE,
          .check = TN(check), .infer = TN(infer), .forward = TN(forward),
          .backward = TN(backward), .as_affine = TN(as_affine))
TN_PLUGIN_WITH(
    OPTIONS, layer, dropout, .summary = "Drops elements at random while training",
    .formula = "y = x m / (1 - p), m ~ Bernoulli(1 - p); y = x outside training. "
               "standard: y = x m; y = (1 - p) x outside training",
    .reference = "Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "
                 "Dropout, JMLR 15, 2014, sections 4 and 10")

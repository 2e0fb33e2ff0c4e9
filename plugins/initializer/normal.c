/* normal.c - w ~ N(mean, std^2), independent of the layer's size. The normal numbers are
 * made by Box and Muller, "A note on the generation of random normal deviates", Ann.
 * Math. Stat. 29 (1958), from counter-based random bits. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#include "draw.h"

#define OPTIONS(P)                                                       \
    P(REAL, std, TN_POSITIONAL, 0.01, 0, INFINITY, "standard deviation") \
    P(REAL, mean, 0, 0, -INFINITY, INFINITY, "mean")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    TN(draw_normal)(w, info->key, self->mean, self->std);
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, normal,
               .summary = "normal numbers of a given deviation",
               .formula = "w ~ N(mean, std^2)",
               .reference = "Krizhevsky, Sutskever, Hinton, NIPS 2012, sec. 5 (std 0.01)")

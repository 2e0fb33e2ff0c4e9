/* sparse.c - each unit begins with a fixed number of connections, however many inputs there are; all
 * other weights are zero (but learn). So a unit's input does not grow with the layer's width, and units
 * differ.
 *
 * Martens, "Deep learning via Hessian-free optimization", ICML 2010, sec. 5 (15 connections from a
 * unit normal). Which ones: Knuth, The Art of Computer Programming 2, sec. 3.4.2, algorithm S; all
 * choices are equally likely. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>
#include <tenon/random.h>

#define OPTIONS(P)                                                    \
    P(INT, connections, TN_POSITIONAL, 15, 1, INT64_MAX,              \
      "weights of each unit that are not zero; all, if it has fewer") \
    P(REAL, std, 0, 1, 0, INFINITY, "their standard deviation")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    tn_real *value = w->data;
    if (w->rank < 2)
        return tn_fail(c, TN_EINVAL, "is no matrix; give it another initializer");
    const tn_key choice = tn_key_derive(info->key, 1, 1);
    const int64_t n = tn_count(w), width = n / w->dim[0];
    int64_t wanted = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t left = width - i % width;
        if (left == width) wanted = self->connections;
        const int taken = tn_random_uniform(choice, (uint64_t)i) * (double)left <
                          (double)wanted;
        value[i] = (tn_real)(taken ? self->std * tn_random_normal(info->key, (uint64_t)i)
                                   : 0);
        wanted -= taken;
    }
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, sparse,
               .summary = "a few connections for each unit, all others zero",
               .formula = "w_ij ~ N(0, std^2) for `connections` random j of each unit i, "
                          "else 0",
               .reference = "Martens, ICML 2010, sec. 5")

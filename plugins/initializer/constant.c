/* constant.c - w = value, for biases and gates. Weights between two layers want
 * randomness: equal weights make equal units, and equal gradients keep them equal. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#define OPTIONS(P) \
    P(REAL, value, TN_POSITIONAL, 0, -INFINITY, INFINITY, "every element's value")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++) value[i] = (tn_real)self->value;
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(
    OPTIONS, initializer, constant, .summary = "all values the same",
    .formula = "w = value",
    .reference = "Goodfellow, Bengio, Courville, Deep Learning (2016), sec. 8.4")

/* zeros.c - w = 0.
 *
 * For biases, and for the last layer of a residual branch, which then starts as the
 * identity (Goyal et al., "Accurate, large minibatch SGD", 2017, sec. 5.1). A weight
 * between two layers must not be zero: all its units would stay equal. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

static tn_status TN(fill)(const void *self, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++) value[i] = 0;
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN(initializer, zeros, .summary = "all values zero", .formula = "w = 0",
          .reference = "Goodfellow, Bengio, Courville, Deep Learning (2016), sec. 8.4")

/* ones.c - w = 1, for gates and gains. Weights between two layers want randomness: see constant.c.
 *
 * A forget gate's bias that begins at 1 keeps what a cell holds: Jozefowicz, Zaremba, Sutskever, "An
 * empirical exploration of recurrent network architectures", ICML 2015, sec. 2.2. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

static tn_status TN(fill)(const void *self, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++) value[i] = 1;
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN(initializer, ones, .summary = "all values one", .formula = "w = 1",
          .reference = "Jozefowicz, Zaremba, Sutskever, ICML 2015, sec. 2.2")

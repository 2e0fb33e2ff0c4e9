/* count_up - fills a parameter with 0, 1, 2, ...: the smallest initializer, without options. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

static tn_status TN(fill)(const void *self, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    tn_real *value = w->data;
    for (int64_t i = 0; i < tn_count(w); i++) value[i] = (tn_real)i;
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN(initializer, count_up, .summary = "0, 1, 2, ...", .formula = "w_i = i",
          .reference = "none: a test's")

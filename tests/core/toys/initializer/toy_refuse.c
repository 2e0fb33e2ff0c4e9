/* toy_refuse - draws nothing: shows whether it is asked. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

static tn_status TN(fill)(const void *self, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    return tn_fail(c, TN_EINVAL, "is asked to draw");
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN(initializer, toy_refuse, .summary = "Never draws", .formula = "none",
          .reference = "none: a test's")

/* toy_dial - fills with the current value of a schedulable option, and adds 1 to every value
 * when it has seen the outputs. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#define OPTIONS(P) \
    P(SCHEDULABLE, value, TN_POSITIONAL, 1, -INFINITY, INFINITY, "what it fills with")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    for (int64_t i = 0; i < tn_count(w); i++)
        ((tn_real *)w->data)[i] = (tn_real)tn_now(c, self->value);
    return TN_OK;
}

static tn_status TN(calibrate)(const void *me, tn_call *c, const tn_param_info *info,
                               int32_t round, const tn_tensor *out, tn_tensor *w,
                               int32_t *again)
{
    for (int64_t i = 0; i < tn_count(w); i++) ((tn_real *)w->data)[i] += 1;
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill), .calibrate = TN(calibrate))
TN_PLUGIN_WITH(OPTIONS, initializer, toy_dial,
               .summary = "A number that may be scheduled", .formula = "w = value",
               .reference = "none: a test's")

/* nan_guard - ends the run when a gradient or a weight is no finite number any more, and says which was
 * first: of gradients the last layer's, where the backward pass begins, of weights the first. A loss
 * that is not finite ends every run; this finds what comes before it, and with `outputs` what a layer
 * hides (relu makes a zero of NaN).
 *
 * IEEE 754-2019, sec. 6.2 and 7: overflow gives infinity, infinity minus infinity NaN, and both
 * spread. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P)                                                                     \
    P(INT, every, TN_POSITIONAL, 1, 1, INT64_MAX, "updates from one look to the next") \
    P(BOOL, outputs, 0, 0, 0, 1,                                                       \
      "whether to look at layers' outputs too; makes each forward pass twice")
TN_SELF(OPTIONS, )

static int64_t TN(interval)(const void *me)
{
    return ((const TN(self) *)me)->every;
}

static int32_t TN(wants)(const void *me)
{
    const TN(self) *self = me;
    return TN_WANTS_GRADIENTS | (self->outputs ? TN_WANTS_OUTPUTS : 0);
}

TN_KERNEL int64_t TN(count_bad)(const tn_real *v, int64_t n)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++) bad += !(v[i] - v[i] == 0);
    return bad;
}

static tn_status TN(check)(tn_call *c, const tn_event *event, const char *what,
                           const char *name, const tn_tensor *t)
{
    const int64_t n = tn_count(t), bad = TN(count_bad)(t->data, n);
    if (!bad) return TN_OK;
    return tn_fail(c, TN_ENUMERIC,
                   "step %lld: %s %s are not finite (%lld of %lld values); try a lower "
                   "learning rate, gradient: [{clip_norm: 1}], or check the data",
                   (long long)((event->epoch - 1) * event->steps_per_epoch + event->step),
                   what, name, (long long)bad, (long long)n);
}

/* In the order in which they are made. */
static tn_status TN(step)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                          double *numbers)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < event->outputs; i++)
        status = TN(check)(c, event, "outputs of layer", event->output[i].name,
                           event->output[i].value);
    for (int32_t i = event->params - 1; !status && i >= 0; i--)
        if (event->param[i].gradient)
            status = TN(check)(c, event, "gradients of", event->param[i].name,
                               event->param[i].gradient);
    for (int32_t i = 0; !status && i < event->params; i++)
        status = TN(check)(c, event, "after the update the values of",
                           event->param[i].name, event->param[i].value);
    return status;
}

TN_VTABLE(observer, .step = TN(step), .interval = TN(interval), .wants = TN(wants))
TN_PLUGIN_WITH(OPTIONS, observer, nan_guard,
               .summary = "ends the run at the first value that is not finite",
               .formula = "stop where v - v = 0 does not hold",
               .reference = "IEEE 754-2019, sec. 6.2 and 7")

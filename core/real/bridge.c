/* bridge.c - see bridge.h. */
#include "core/real/bridge.h"

static const char *const target_only[] = {"target", NULL};

static const char *const *loss_fields(const tn_instance *instance)
{
    const tn_loss *loss = instance->vtable;
    return loss->fields ? loss->fields : target_only;
}

static const char *const *metric_fields(const tn_instance *instance)
{
    const tn_metric *metric = instance->vtable;
    return metric->fields ? metric->fields : target_only;
}

static tn_status loss_infer(const tn_instance *instance, tn_call *call,
                            const tn_outputs *out, const tn_field_spec *const *field)
{
    const tn_loss *loss = instance->vtable;
    return loss->infer ? loss->infer(instance->self, call, out, field) : TN_OK;
}

static tn_status metric_infer(const tn_instance *instance, tn_call *call,
                              const tn_outputs *out, const tn_field_spec *const *field,
                              tn_metric_size *size)
{
    const tn_metric *metric = instance->vtable;
    return metric->infer(instance->self, call, out, field, size);
}

static bool metric_has_value(const tn_instance *instance)
{
    return ((const tn_metric *)instance->vtable)->value != NULL;
}

static bool metric_has_table(const tn_instance *instance)
{
    return ((const tn_metric *)instance->vtable)->table != NULL;
}

static double metric_value(const tn_instance *instance, const tn_seen *seen)
{
    const tn_metric *metric = instance->vtable;
    return metric->value(instance->self, seen);
}

static void metric_table(const tn_instance *instance, const tn_seen *seen,
                         double *numbers)
{
    const tn_metric *metric = instance->vtable;
    metric->table(instance->self, seen, numbers);
}

static void scale(void *x, int64_t n, double factor)
{
    tn_real *v = x;
    for (int64_t i = 0; i < n; i++) v[i] *= (tn_real)factor;
}

static void from_float(const float *x, int64_t n, void *out)
{
    tn_real *y = out;
    for (int64_t i = 0; i < n; i++) y[i] = (tn_real)x[i];
}

static void to_float(const void *x, int64_t n, float *out)
{
    const tn_real *v = x;
    for (int64_t i = 0; i < n; i++) out[i] = (float)v[i];
}

const tn_bridge TN(tn_bridge) = {
    .loss_fields = loss_fields,
    .metric_fields = metric_fields,
    .loss_infer = loss_infer,
    .metric_infer = metric_infer,
    .metric_has_value = metric_has_value,
    .metric_has_table = metric_has_table,
    .metric_value = metric_value,
    .metric_table = metric_table,
    .scale = scale,
    .from_float = from_float,
    .to_float = to_float,
};

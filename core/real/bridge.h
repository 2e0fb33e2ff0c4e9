/* bridge.h - what models and trainers ask of the typed half: the slots of losses and metrics
 * that are called outside a plan, and conversions between float and the model's precision. */
#ifndef CORE_REAL_BRIDGE_H
#define CORE_REAL_BRIDGE_H

#include "core/instance.h"

typedef struct tn_bridge {
    /* Names of the fields that a loss or metric reads, NULL-terminated. */
    const char *const *(*loss_fields)(const tn_instance *);
    const char *const *(*metric_fields)(const tn_instance *);
    tn_status (*loss_infer)(const tn_instance *, tn_call *, const tn_outputs *,
                            const tn_field_spec *const *field);
    tn_status (*metric_infer)(const tn_instance *, tn_call *, const tn_outputs *,
                              const tn_field_spec *const *field, tn_metric_size *);
    bool (*metric_has_value)(const tn_instance *);
    bool (*metric_has_table)(const tn_instance *);
    double (*metric_value)(const tn_instance *, const tn_seen *);
    void (*metric_table)(const tn_instance *, const tn_seen *, double *numbers);
    void (*scale)(void *x, int64_t n, double factor);
    void (*from_float)(const float *x, int64_t n, void *out);
    void (*to_float)(const void *x, int64_t n, float *out);
} tn_bridge;

extern const tn_bridge tn_bridge_f32, tn_bridge_f64;

static inline const tn_bridge *tn_bridge_of(int32_t real)
{
    return real ? &tn_bridge_f64 : &tn_bridge_f32;
}

#endif

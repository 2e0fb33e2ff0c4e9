/* handed.c - a caller's arrays as a batch: checked, and in the model's precision. */
#include "core/real/bridge.h"
#include "core/trainer.h"

#include <string.h>

tn_data_info tn_handed_info(const tn_graph *g, bool real_targets)
{
    const tn_shape *out = tn_graph_output(g);
    const int64_t width = tn_shape_width(out);
    tn_data_info info = {.fields = 2};
    info.field[0] = (tn_field_spec){
        .name = "input", .real = 1, .shape = g->node[0].spec.out};
    tn_field_spec *target = &info.field[1];
    *target = (tn_field_spec){.name = "target", .real = real_targets, .shape = *out};
    if (real_targets) return info;
    if (target->shape.rank) target->shape.rank--; /* a label for each row */
    target->classes = width < 2           ? 2     /* one output tells two apart */
                      : width > INT32_MAX ? INT32_MAX
                                          : (int32_t)width;
    return info;
}

void tn_handed_free(tn_env *env, tn_handed *h)
{
    tn_memory_put(&env->memory, h->input);
    tn_memory_put(&env->memory, h->target);
    *h = (tn_handed){0};
}

static tn_status make_room(tn_handed *h, const tn_graph *g, int64_t in, int64_t target,
                           int64_t samples, tn_error *e)
{
    int64_t inputs, targets;
    if (samples <= h->samples) return TN_OK;
    if (!tn_size_mul(in, samples, &inputs) || !tn_size_mul(target, samples, &targets))
        return tn_error_set(e, TN_ENOMEM, "%lld samples are too many",
                            (long long)samples);
    tn_handed_free(g->env, h);
    h->input = tn_memory_array(&g->env->memory, (size_t)inputs, sizeof(double), e);
    h->target = tn_memory_array(&g->env->memory, (size_t)targets, sizeof(double), e);
    if (!h->input || !h->target) return TN_ENOMEM;
    h->samples = samples;
    return TN_OK;
}

static tn_status check_labels(const int32_t *labels, int64_t samples, int64_t wide,
                              int32_t classes, tn_error *e)
{
    for (int64_t i = 0; i < samples * wide; i++)
        if (labels[i] < 0 || (classes > 0 && labels[i] >= classes))
            return tn_error_set(e, TN_EINVAL, "sample %lld: label %d is not in 0 .. %d",
                                (long long)(i / wide), labels[i], classes - 1);
    return TN_OK;
}

/* The field's kind is what the loss was made for. */
static tn_status check_kind(const tn_field_spec *target, const float *targets,
                            const int32_t *labels, tn_error *e)
{
    if (!targets == !labels)
        return tn_error_set(e, TN_EINVAL, "give either targets or labels");
    if (target->real && !targets)
        return tn_error_set(e, TN_EINVAL,
                            "the loss reads values; give targets, not labels");
    if (!target->real && !labels)
        return tn_error_set(e, TN_EINVAL,
                            "the loss reads labels; give labels, not targets");
    return TN_OK;
}

tn_status tn_handed_take(tn_handed *h, const tn_graph *g, const tn_data_info *info,
                         const float *x, const float *targets, const int32_t *labels,
                         int64_t samples, tn_error *e)
{
    const int32_t input = tn_feed_find(info, "input"),
                  target = tn_feed_find(info, "target");
    if (input < 0 || target < 0)
        return tn_error_set(e, TN_ENOTSUP,
                            "the data has no input and target to stand in for");
    const tn_field_spec *spec = &info->field[target];
    const int64_t in = tn_shape_count(&info->field[input].shape);
    const int64_t wide = tn_shape_count(&spec->shape);
    if (samples < 1)
        return tn_error_set(e, TN_EINVAL, "%lld samples", (long long)samples);
    if (!x) return tn_error_set(e, TN_EINVAL, "no inputs: x is NULL");
    tn_status status = check_kind(spec, targets, labels, e);
    if (!status && labels) status = check_labels(labels, samples, wide, spec->classes, e);
    if (!status && g->real) status = make_room(h, g, in, wide, samples, e);
    if (status) return status;
    h->batch = (tn_batch){.samples = samples, .fields = info->fields};
    tn_field *fx = &h->batch.field[input], *ft = &h->batch.field[target];
    *fx = (tn_field){.width = in, .real = (void *)(uintptr_t)x};
    *ft = (tn_field){.width = wide,
                     .real = (void *)(uintptr_t)targets,
                     .label = (int32_t *)(uintptr_t)labels};
    if (!g->real) return TN_OK;
    tn_bridge_of(1)->from_float(x, samples * in, h->input);
    if (targets) tn_bridge_of(1)->from_float(targets, samples * wide, h->target);
    fx->real = h->input;
    if (targets) ft->real = h->target;
    return TN_OK;
}

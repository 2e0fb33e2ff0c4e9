/* handed.c - a caller's arrays as a batch: checked, and in the model's precision. */
#include "core/real/bridge.h"
#include "core/trainer.h"

#include <string.h>

tn_data_info tn_handed_info(const tn_graph *g, bool real_targets)
{
    const tn_shape *out = tn_graph_output(g);
    const int64_t width = tn_shape_width(out);
    const tn_inputs in = tn_graph_inputs(g);
    tn_data_info info = {.fields = in.count + 1};
    for (int32_t i = 0; i < in.count; i++) {
        info.field[i] = (tn_field_spec){.real = 1, .shape = in.of[i].shape};
        memcpy(info.field[i].name, in.of[i].name, sizeof in.of[i].name);
    }
    tn_field_spec *target = &info.field[in.count];
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
    for (int32_t i = 0; i < TN_MOST_INPUTS; i++) {
        tn_memory_put(&env->memory, h->input[i]);
        h->input[i] = NULL;
    }
    tn_memory_put(&env->memory, h->target);
    h->target = NULL, h->samples = 0;
}

static tn_status take_room(const tn_graph *g, int64_t values, int64_t samples,
                           void **room, tn_error *e)
{
    int64_t all;
    if (!tn_size_mul(values, samples, &all))
        return tn_error_set(e, TN_ENOMEM, "%lld samples are too many",
                            (long long)samples);
    *room = tn_memory_array(&g->env->memory, (size_t)all, sizeof(double), e);
    return *room ? TN_OK : TN_ENOMEM;
}

static tn_status make_room(tn_handed *h, const tn_graph *g, const tn_inputs *in,
                           int64_t target, int64_t samples, tn_error *e)
{
    if (samples <= h->samples) return TN_OK;
    tn_handed_free(g->env, h);
    tn_status status = take_room(g, target, samples, &h->target, e);
    for (int32_t i = 0; !status && i < in->count; i++)
        status = take_room(g, tn_shape_count(&in->of[i].shape), samples, &h->input[i], e);
    if (!status) h->samples = samples;
    return status;
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

static tn_status check_arrays(const tn_inputs *in, const float *const *x, tn_error *e)
{
    if (!x || (in->count == 1 && !x[0]))
        return tn_error_set(e, TN_EINVAL, "no inputs: x is NULL");
    for (int32_t i = 0; i < in->count; i++)
        if (!x[i])
            return tn_error_set(e, TN_EINVAL, "no values of '%s': x[%d] is NULL",
                                in->of[i].name, i);
    return TN_OK;
}

/* The caller's array, or in double precision a copy. */
static void *in_precision(const tn_graph *g, const float *values, int64_t n, void *room)
{
    if (!g->real || !values) return (void *)(uintptr_t)values;
    tn_bridge_of(1)->from_float(values, n, room);
    return room;
}

tn_status tn_handed_take(tn_handed *h, const tn_graph *g, const tn_data_info *info,
                         const float *const *x, const float *targets,
                         const int32_t *labels, int64_t samples, tn_error *e)
{
    const tn_inputs in = tn_graph_inputs(g);
    const int32_t target = tn_feed_find(info, "target");
    int32_t field[TN_MOST_INPUTS];
    if (target < 0)
        return tn_error_set(e, TN_ENOTSUP, "the data has no target to stand in for");
    const tn_field_spec *spec = &info->field[target];
    const int64_t wide = tn_shape_count(&spec->shape);
    if (samples < 1)
        return tn_error_set(e, TN_EINVAL, "%lld samples", (long long)samples);
    tn_status status = check_arrays(&in, x, e);
    if (!status) status = check_kind(spec, targets, labels, e);
    if (!status && labels) status = check_labels(labels, samples, wide, spec->classes, e);
    if (!status && g->real) status = make_room(h, g, &in, wide, samples, e);
    if (status) return status;
    h->batch = (tn_batch){.samples = samples, .fields = info->fields};
    tn_inputs_find(&in, info, field);
    for (int32_t i = 0; i < in.count; i++) {
        const int64_t width = tn_shape_count(&in.of[i].shape);
        h->batch.field[field[i]] = (tn_field){
            .width = width, .real = in_precision(g, x[i], samples * width, h->input[i])};
    }
    h->batch.field[target] = (tn_field){
        .width = wide,
        .real = in_precision(g, targets, samples * wide, h->target),
        .label = (int32_t *)(uintptr_t)labels};
    return TN_OK;
}

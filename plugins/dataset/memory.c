/* memory.c - data that a program has in memory and attached to its environment under a
 * name (tn_env_attach in tenon.h, which checks them): arrays, or a callback that makes a
 * sample. */
#include <tenon/plugin.h>

#include <string.h>

#include <tenon/data.h>
#include <tenon/memory_data.h>

#define OPTIONS(P)                                                           \
    P(STR, train, TN_POSITIONAL | TN_REQUIRED, 0, 0, 0,                      \
      "name of the training data, as given to tn_env_attach")                \
    P(STR, validation_data, TN_OPTIONAL, 0, 0, 0, "name of validation data") \
    P(STR, test, TN_OPTIONAL, 0, 0, 0, "name of the test data")
TN_SELF(OPTIONS, const tn_memory_data *set[TN_SPLITS];)

#ifndef MEMORY_RULES
#define MEMORY_RULES
/* Labels are given as such, or made by a callback whose targets have no shape. */
static int has_labels(const tn_memory_data *data)
{
    return data->read ? data->target.rank == 0 : data->labels != NULL;
}

static int same_shape(const tn_shape *a, const tn_shape *b)
{
    return a->rank == b->rank &&
           !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]);
}

static tn_status find_data(tn_call *c, const char *name, const tn_memory_data **data)
{
    const tn_memory_service *service = c->host->service(c, TN_MEMORY_SERVICE);
    if (!service)
        return tn_fail(c, TN_ENOTSUP,
                       "this program cannot attach data; use a dataset of files");
    *data = service->find(c, name);
    if (*data) return TN_OK;
    return tn_fail(c, TN_ENOTFOUND,
                   "no data is attached under the name '%s'; call tn_env_attach first",
                   name);
}

static tn_status check_agree(tn_call *c, const char *name, const tn_memory_data *train,
                             const tn_memory_data *other)
{
    if (same_shape(&train->input, &other->input) &&
        has_labels(train) == has_labels(other) &&
        (has_labels(train) ? train->classes == other->classes
                           : same_shape(&train->target, &other->target)))
        return TN_OK;
    return tn_fail(
        c, TN_ESHAPE,
        "'%s' differs from the training data in input shape, kind of target, target "
        "shape or classes",
        name);
}
#endif

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    const char *const name[TN_SPLITS] = {[TN_TRAIN] = self->train,
                                         [TN_VALIDATION] = self->validation_data,
                                         [TN_TEST] = self->test};
    for (int32_t i = 0; i < TN_SPLITS; i++) {
        if (!name[i]) continue;
        tn_status status = find_data(c, name[i], &self->set[i]);
        if (status == TN_OK)
            status = check_agree(c, name[i], self->set[TN_TRAIN], self->set[i]);
        if (status != TN_OK) return status;
        info->count[i] = self->set[i]->samples;
        if (self->set[i]->read && !self->set[i]->any_thread) info->same_thread = 1;
    }
    const tn_memory_data *train = self->set[TN_TRAIN];
    info->fields = 2;
    info->field[0] = (tn_field_spec){.name = "input", .real = 1, .shape = train->input};
    info->field[1] = (tn_field_spec){.name = "target"};
    if (has_labels(train))
        info->field[1].classes = train->classes;
    else
        info->field[1].real = 1, info->field[1].shape = train->target;
    /* A single number is a feature, as a layer's output is. */
    tn_shape *target = &info->field[1].shape;
    if (!has_labels(train) && target->rank == 0) *target = (tn_shape){1, {1}};
    return TN_OK;
}

/* Floats at the start of `values` become tn_reals in place; from the end, so that nothing
 * is overwritten before it was read. */
static void TN(widen)(tn_real *values, int64_t n)
{
    const char *bytes = (const char *)values;
    for (int64_t i = n - 1; i >= 0; i--) {
        float value;
        memcpy(&value, bytes + (size_t)i * sizeof value, sizeof value);
        values[i] = (tn_real)value;
    }
}

static tn_status TN(call_back)(const tn_memory_data *data, tn_call *c, int64_t index,
                               void *const *field)
{
    const int labels = has_labels(data);
    const int failed = data->read(data->read_data, index, field[0],
                                  labels ? NULL : field[1], labels ? field[1] : NULL);
    if (failed)
        return tn_fail(c, TN_EDATA, "the program's callback failed on sample %lld (%d)",
                       (long long)index, failed);
    TN(widen)(field[0], tn_shape_count(&data->input));
    if (!labels) TN(widen)(field[1], tn_shape_count(&data->target));
    return TN_OK;
}

TN_KERNEL void TN(take)(const float *from, int64_t n, tn_real *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = (tn_real)from[i];
}

static tn_status TN(read)(const void *me, tn_call *c, int32_t split, int64_t index,
                          void *const *field)
{
    const TN(self) *self = me;
    const tn_memory_data *data = self->set[split];
    if (data->read) return TN(call_back)(data, c, index, field);
    const int64_t inputs = tn_shape_count(&data->input),
                  targets = tn_shape_count(&data->target);
    TN(take)(data->inputs + index * inputs, inputs, field[0]);
    if (data->labels)
        *(int32_t *)field[1] = data->labels[index];
    else
        TN(take)(data->targets + index * targets, targets, field[1]);
    return TN_OK;
}

TN_VTABLE(dataset, .open = TN(open), .read = TN(read))
TN_PLUGIN_WITH(
    OPTIONS, dataset, memory,
    .summary = "arrays or a callback that the embedding program attached",
    .formula = "input, target = what the program gave under that name",
    .reference = "tenon.h, section data in memory: tn_memory_data, tn_env_attach")

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
static int reads(const tn_memory_data *data)
{
    return data->read || data->read_named;
}

/* Labels are given as such, or made by a callback whose targets have no shape. */
static int has_labels(const tn_memory_data *data)
{
    return reads(data) ? data->target.rank == 0 : data->labels != NULL;
}

/* Input i, of one or of several by name; no shape: there are no more. */
static tn_memory_input input_of(const tn_memory_data *data, int32_t i)
{
    if (i < TN_MEMORY_INPUTS && *data->named[0].name) return data->named[i];
    if (i > 0) return (tn_memory_input){.name = ""};
    return (tn_memory_input){"input", data->input, data->inputs};
}

static int32_t inputs_of(const tn_memory_data *data)
{
    int32_t count = 0;
    while (count < TN_MEMORY_INPUTS && input_of(data, count).shape.rank) count++;
    return count;
}

static int same_shape(const tn_shape *a, const tn_shape *b)
{
    return a->rank == b->rank &&
           !memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]);
}

static int same_inputs(const tn_memory_data *a, const tn_memory_data *b)
{
    const int32_t count = inputs_of(a);
    int same = count == inputs_of(b);
    for (int32_t i = 0; same && i < count; i++) {
        const tn_memory_input x = input_of(a, i), y = input_of(b, i);
        same = !strcmp(x.name, y.name) && same_shape(&x.shape, &y.shape);
    }
    return same;
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
    if (same_inputs(train, other) && has_labels(train) == has_labels(other) &&
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
        if (reads(self->set[i]) && !self->set[i]->any_thread) info->same_thread = 1;
    }
    const tn_memory_data *train = self->set[TN_TRAIN];
    const int32_t inputs = inputs_of(train);
    info->fields = inputs + 1;
    for (int32_t i = 0; i < inputs; i++) {
        const tn_memory_input in = input_of(train, i);
        info->field[i] = (tn_field_spec){.real = 1, .shape = in.shape};
        memcpy(info->field[i].name, in.name, sizeof in.name);
    }
    tn_field_spec *target = &info->field[inputs];
    *target = (tn_field_spec){.name = "target"};
    if (has_labels(train))
        target->classes = train->classes;
    else
        target->real = 1, target->shape = train->target;
    /* A single number is a feature, as a layer's output is. */
    if (!has_labels(train) && target->shape.rank == 0) target->shape = (tn_shape){1, {1}};
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
    const int32_t inputs = inputs_of(data);
    float *const target = has_labels(data) ? NULL : field[inputs];
    int32_t *const label = has_labels(data) ? field[inputs] : NULL;
    float *in[TN_MEMORY_INPUTS] = {0};
    for (int32_t i = 0; i < inputs; i++) in[i] = field[i];
    const int failed = data->read
                           ? data->read(data->read_data, index, in[0], target, label)
                           : data->read_named(data->read_data, index, in, target, label);
    if (failed)
        return tn_fail(c, TN_EDATA, "the program's callback failed on sample %lld (%d)",
                       (long long)index, failed);
    for (int32_t i = 0; i < inputs; i++) {
        const tn_memory_input one = input_of(data, i);
        TN(widen)(field[i], tn_shape_count(&one.shape));
    }
    if (target) TN(widen)(field[inputs], tn_shape_count(&data->target));
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
    if (reads(data)) return TN(call_back)(data, c, index, field);
    const int32_t inputs = inputs_of(data);
    for (int32_t i = 0; i < inputs; i++) {
        const tn_memory_input in = input_of(data, i);
        const int64_t n = tn_shape_count(&in.shape);
        TN(take)(in.values + index * n, n, field[i]);
    }
    const int64_t targets = tn_shape_count(&data->target);
    if (data->labels)
        *(int32_t *)field[inputs] = data->labels[index];
    else
        TN(take)(data->targets + index * targets, targets, field[inputs]);
    return TN_OK;
}

TN_VTABLE(dataset, .open = TN(open), .read = TN(read))
TN_PLUGIN_WITH(
    OPTIONS, dataset, memory,
    .summary = "arrays or a callback that the embedding program attached",
    .formula = "input, target = what the program gave under that name",
    .reference = "tenon.h, section data in memory: tn_memory_data, tn_env_attach")

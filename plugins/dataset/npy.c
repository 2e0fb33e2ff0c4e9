/* npy.c - inputs and targets in NumPy array files, one for each input. The first axis counts
 * samples; whole numbers in a target of one axis are labels, everything else are quantities.
 *
 * Kern, "A simple file format for NumPy arrays" (NumPy Enhancement Proposal 1), 2007. */
#include <tenon/plugin.h>

#include <tenon/data.h>

#include "array.h"

#ifndef NPY_INPUTS
#define NPY_INPUTS (TN_MAX_FIELDS - 1)
#endif

#define OPTIONS(P)                                                           \
    P(STRS, x, TN_REQUIRED, 0, 0, 0,                                         \
      "file of the training inputs, or one for each input")                  \
    P(STR, y, TN_REQUIRED, 0, 0, 0, "file of the training targets")          \
    P(STRS, names, 0, "[input]", 0, 0, "of the inputs")                      \
    P(STRS, test_x, TN_OPTIONAL, 0, 0, 0, "the same of the test inputs")     \
    P(STR, test_y, TN_OPTIONAL, 0, 0, 0, "file of the test targets")         \
    P(REALS, scale, 0, "[1]", 0, 0, "factor on the inputs, or one for each") \
    P(INT, classes, TN_OPTIONAL, 0, 1, INT32_MAX, "of labels; unset: largest + 1")
TN_SELF(OPTIONS, npy_array x_of[TN_SPLITS][NPY_INPUTS]; npy_array y_of[TN_SPLITS];)

#ifndef NPY_RULES
#define NPY_RULES
static int has_labels(const npy_array *y)
{
    return npy_is_whole(y) && y->rank == 1;
}

/* Without the first axis; a single number is a feature. */
static tn_shape sample_shape(const npy_array *array)
{
    tn_shape shape = {.rank = array->rank - 1};
    for (int32_t i = 0; i < shape.rank; i++) shape.dim[i] = array->dim[i + 1];
    if (shape.rank == 0) shape.rank = 1, shape.dim[0] = 1;
    return shape;
}

static int same_sample(const npy_array *a, const npy_array *b)
{
    return a->rank == b->rank &&
           !memcmp(a->dim + 1, b->dim + 1, sizeof a->dim - sizeof a->dim[0]);
}

static tn_status open_all(tn_call *c, tn_strs x, const char *y, npy_array *inputs,
                          npy_array *targets)
{
    tn_status status = npy_read(c, y, targets);
    for (int64_t i = 0; status == TN_OK && i < x->count; i++) {
        status = npy_read(c, x->at[i], &inputs[i]);
        if (status == TN_OK && inputs[i].dim[0] != targets->dim[0])
            return tn_fail(c, TN_EDATA, "%s has %lld samples, but %s has %lld", x->at[i],
                           (long long)inputs[i].dim[0], y, (long long)targets->dim[0]);
    }
    return status;
}

static tn_status check_name(tn_call *c, const char *name)
{
    if (*name && strlen(name) < sizeof((tn_field_spec *)0)->name) return TN_OK;
    return tn_fail(c, TN_EINVAL, "'%.60s' is no name; a name has 1 to %d letters", name,
                   (int)sizeof((tn_field_spec *)0)->name - 1);
}

static tn_status check_scale(tn_call *c, tn_reals scale, int64_t inputs)
{
    if (scale->count != 1 && scale->count != inputs)
        return tn_fail(c, TN_EINVAL,
                       "scale has %lld numbers; give one, or one for each of "
                       "the %lld inputs",
                       (long long)scale->count, (long long)inputs);
    for (int64_t i = 0; i < scale->count; i++)
        if (!(scale->at[i] > 0))
            return tn_fail(c, TN_EINVAL, "scale must be above 0, got %g", scale->at[i]);
    return TN_OK;
}

static tn_status check_labels(tn_call *c, const char *path, const npy_array *y,
                              int64_t classes, int64_t *largest)
{
    const int64_t end = classes == TN_UNSET_INT ? INT32_MAX : classes;
    for (int64_t i = 0; i < y->count; i++) {
        const int64_t label = npy_label(y, i);
        if (label < 0 || label >= end)
            return tn_fail(c, TN_EDATA,
                           "%s: label %lld of sample %lld is out of range 0 to %lld",
                           path, (long long)label, (long long)i, (long long)end - 1);
        if (label > *largest) *largest = label;
    }
    return TN_OK;
}
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (!self->test_x != !self->test_y)
        return tn_fail(c, TN_EINVAL, "set both of test_x and test_y, or neither");
    if (self->x->count < 1 || self->x->count > NPY_INPUTS)
        return tn_fail(c, TN_EINVAL, "x names %lld files; 1 to %d are possible",
                       (long long)self->x->count, NPY_INPUTS);
    if (self->names->count != self->x->count)
        return tn_fail(c, TN_EINVAL,
                       "x names %lld files, but there are %lld names: names: "
                       "[image, extra] say which inputs they are",
                       (long long)self->x->count, (long long)self->names->count);
    if (self->test_x && self->test_x->count != self->x->count)
        return tn_fail(c, TN_EINVAL, "x names %lld files, but test_x %lld",
                       (long long)self->x->count, (long long)self->test_x->count);
    tn_status status = check_scale(c, self->scale, self->x->count);
    for (int64_t i = 0; status == TN_OK && i < self->names->count; i++)
        status = check_name(c, self->names->at[i]);
    return status;
}

static tn_status TN(find_classes)(const TN(self) * self, tn_call *c, int32_t *classes)
{
    int64_t largest = 0, given = self->classes;
    tn_status status = check_labels(c, self->y, &self->y_of[TN_TRAIN], given, &largest);
    if (given == TN_UNSET_INT) given = largest + 1;
    if (status == TN_OK && self->test_y)
        status = check_labels(c, self->test_y, &self->y_of[TN_TEST], given, &largest);
    *classes = (int32_t)given;
    return status;
}

static tn_status TN(open_test)(TN(self) * self, tn_call *c)
{
    const npy_array *train = self->x_of[TN_TRAIN], *test = self->x_of[TN_TEST];
    npy_array *y = self->y_of;
    const tn_status status = open_all(c, self->test_x, self->test_y, self->x_of[TN_TEST],
                                      &y[TN_TEST]);
    if (status != TN_OK) return status;
    for (int64_t i = 0; i < self->x->count; i++)
        if (!same_sample(&train[i], &test[i]))
            return tn_fail(c, TN_ESHAPE,
                           "a sample of %s has another shape than one of %s",
                           self->test_x->at[i], self->x->at[i]);
    if (!same_sample(&y[TN_TRAIN], &y[TN_TEST]) ||
        has_labels(&y[TN_TRAIN]) != has_labels(&y[TN_TEST]))
        return tn_fail(c, TN_ESHAPE,
                       "a target of %s has another shape or kind than one of %s",
                       self->test_y, self->y);
    return TN_OK;
}

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    npy_array *y = &self->y_of[TN_TRAIN];
    const int32_t inputs = (int32_t)self->x->count;
    tn_status status = open_all(c, self->x, self->y, self->x_of[TN_TRAIN], y);
    if (status == TN_OK && self->test_x) status = TN(open_test)(self, c);
    if (status != TN_OK) return status;
    info->count[TN_TRAIN] = y->dim[0];
    info->count[TN_TEST] = self->y_of[TN_TEST].dim[0];
    info->fields = inputs + 1;
    for (int32_t i = 0; i < inputs; i++) {
        tn_field_spec *in = &info->field[i];
        *in = (tn_field_spec){.real = 1, .shape = sample_shape(&self->x_of[TN_TRAIN][i])};
        snprintf(in->name, sizeof in->name, "%s", self->names->at[i]);
    }
    tn_field_spec *target = &info->field[inputs];
    *target = (tn_field_spec){.name = "target"};
    if (has_labels(y)) return TN(find_classes)(self, c, &target->classes);
    target->real = 1;
    target->shape = sample_shape(y);
    return TN_OK;
}

static void TN(convert)(const npy_array *array, int64_t index, double scale, tn_real *out)
{
    const int64_t n = array->count / array->dim[0];
    for (int64_t i = 0; i < n; i++)
        out[i] = (tn_real)(scale * npy_number(array, index * n + i));
}

static tn_status TN(read)(const void *me, tn_call *c, int32_t split, int64_t index,
                          void *const *field)
{
    const TN(self) *self = me;
    const npy_array *y = &self->y_of[split];
    const int64_t inputs = self->x->count;
    for (int64_t i = 0; i < inputs; i++) TN(convert)
    (&self->x_of[split][i], index, self->scale->at[self->scale->count > 1 ? i : 0],
     field[i]);
    if (has_labels(y))
        *(int32_t *)field[inputs] = (int32_t)npy_label(y, index);
    else
        TN(convert)(y, index, 1, field[inputs]);
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    TN(self) *self = me;
    for (int32_t i = 0; i < TN_SPLITS; i++) {
        for (int32_t k = 0; k < NPY_INPUTS; k++) drop_file(c, &self->x_of[i][k].file);
        drop_file(c, &self->y_of[i].file);
    }
}

TN_VTABLE(dataset, .check = TN(check), .destroy = TN(destroy), .open = TN(open),
          .read = TN(read))
TN_PLUGIN_WITH(
    OPTIONS, dataset, npy, .summary = "inputs and targets in NumPy array files",
    .formula = "input = scale * x[i]; target = y[i], a label if whole and of rank 1",
    .reference = "Kern, NumPy Enhancement Proposal 1, 2007, section Format "
                 "Specification: Version 1.0")

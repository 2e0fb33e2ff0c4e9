/* npy.c - inputs and targets in NumPy array files, one for each input. The first axis counts
 * samples, or the second where time comes first; samples come out alike. Whole numbers in a target
 * of one axis, or with `classes` of several, are labels, everything else are quantities.
 *
 * Kern, "A simple file format for NumPy arrays" (NumPy Enhancement Proposal 1), 2007. */
#include <tenon/plugin.h>

#include <tenon/data.h>

#include "npy_split.h"

#ifndef NPY_INPUTS
#define NPY_INPUTS (TN_MAX_FIELDS - 1)
#endif

#define OPTIONS(P)                                                                   \
    P(STRS, x, TN_REQUIRED, 0, 0, 0,                                                 \
      "file of the training inputs, or one for each input")                          \
    P(STR, y, TN_REQUIRED, 0, 0, 0, "file of the training targets")                  \
    P(STRS, names, 0, "[input]", 0, 0, "of the inputs")                              \
    P(STRS, time_first, 0, "[]", 0, 0,                                               \
      "inputs, or target, whose files hold (steps, samples, ...): the second "       \
      "axis counts samples")                                                         \
    P(STRS, validation_x, TN_OPTIONAL, 0, 0, 0, "the same of the validation inputs") \
    P(STR, validation_y, TN_OPTIONAL, 0, 0, 0, "file of the validation targets")     \
    P(STRS, test_x, TN_OPTIONAL, 0, 0, 0, "the same of the test inputs")             \
    P(STR, test_y, TN_OPTIONAL, 0, 0, 0, "file of the test targets")                 \
    P(REALS, scale, 0, "[1]", 0, 0, "factor on the inputs, or one for each")         \
    P(INT, classes, TN_OPTIONAL, 0, 1, INT32_MAX,                                    \
      "of labels; unset: largest + 1, and a target of several axes has none")
TN_SELF(OPTIONS, npy_array x_of[TN_SPLITS][NPY_INPUTS]; npy_array y_of[TN_SPLITS];)

#ifndef NPY_RULES
#define NPY_RULES
static tn_status check_name(tn_call *c, const char *name)
{
    if (*name && strlen(name) < sizeof((tn_field_spec *)0)->name) return TN_OK;
    return tn_fail(c, TN_EINVAL, "'%.60s' is no name; a name has 1 to %d letters", name,
                   (int)sizeof((tn_field_spec *)0)->name - 1);
}

static tn_status check_time_first(tn_call *c, tn_strs time_first, tn_strs names)
{
    for (int64_t i = 0; i < time_first->count; i++)
        if (!is_listed(names, time_first->at[i]) && strcmp(time_first->at[i], "target"))
            return tn_fail(c, TN_EINVAL,
                           "time_first: '%.60s' is neither target nor in names; list "
                           "the fields whose files hold (steps, samples, ...)",
                           time_first->at[i]);
    if (is_listed(time_first, "target") && is_listed(names, "target"))
        return tn_fail(c, TN_EINVAL,
                       "time_first: 'target' may be the targets or the input of that "
                       "name; call the input something else");
    return TN_OK;
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
        if (label < 0 || label >= end) {
            const npy_layout l = npy_layout_of(y->dim, y->count, y->time_first);
            return tn_fail(
                c, TN_EDATA, "%s: label %lld of sample %lld is out of range 0 to %lld",
                path, (long long)label, (long long)npy_sample(&l, i), (long long)end - 1);
        }
        if (label > *largest) *largest = label;
    }
    return TN_OK;
}
#endif

static npy_files TN(files_of)(const TN(self) * self, int32_t split)
{
    const npy_files files[TN_SPLITS] = {
        [TN_TRAIN] = {self->x, self->y, "train"},
        [TN_VALIDATION] = {self->validation_x, self->validation_y, "validation"},
        [TN_TEST] = {self->test_x, self->test_y, "test"}};
    return files[split];
}

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->x->count < 1 || self->x->count > NPY_INPUTS)
        return tn_fail(c, TN_EINVAL, "x names %lld files; 1 to %d are possible",
                       (long long)self->x->count, NPY_INPUTS);
    if (self->names->count != self->x->count)
        return tn_fail(c, TN_EINVAL,
                       "x names %lld files, but there are %lld names: names: "
                       "[image, extra] say which inputs they are",
                       (long long)self->x->count, (long long)self->names->count);
    tn_status status = check_scale(c, self->scale, self->x->count);
    if (status == TN_OK) status = check_time_first(c, self->time_first, self->names);
    for (int32_t i = 0; status == TN_OK && i < TN_SPLITS; i++)
        status = check_files(c, TN(files_of)(self, i), self->x->count);
    for (int64_t i = 0; status == TN_OK && i < self->names->count; i++)
        status = check_name(c, self->names->at[i]);
    return status;
}

static tn_status TN(find_classes)(const TN(self) * self, tn_call *c, int32_t *classes)
{
    int64_t largest = 0, given = self->classes;
    for (int32_t i = 0; i < TN_SPLITS; i++) { /* without a file there is no label */
        const tn_status status = check_labels(c, TN(files_of)(self, i).y, &self->y_of[i],
                                              given, &largest);
        if (status != TN_OK) return status;
        if (given == TN_UNSET_INT) given = largest + 1; /* of the training data */
    }
    *classes = (int32_t)given;
    return TN_OK;
}

/* That a sample of another split looks like one of the training data. */
static tn_status TN(check_same)(const TN(self) * self, tn_call *c, int32_t split)
{
    const npy_files files = TN(files_of)(self, split);
    const npy_array *x = self->x_of[split], *y = &self->y_of[split];
    for (int64_t i = 0; i < self->x->count; i++)
        if (!same_sample(&self->x_of[TN_TRAIN][i], &x[i]))
            return tn_fail(c, TN_ESHAPE,
                           "a sample of %s has another shape than one of %s",
                           files.x->at[i], self->x->at[i]);
    if (!same_sample(&self->y_of[TN_TRAIN], y) ||
        has_labels(&self->y_of[TN_TRAIN], self->classes) != has_labels(y, self->classes))
        return tn_fail(c, TN_ESHAPE,
                       "a target of %s has another shape or kind than one of %s", files.y,
                       self->y);
    return TN_OK;
}

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    const npy_array *y = &self->y_of[TN_TRAIN];
    const int32_t inputs = (int32_t)self->x->count;
    for (int32_t i = 0; i < TN_SPLITS; i++) {
        const npy_files files = TN(files_of)(self, i);
        if (!files.x) continue;
        tn_status status = open_split(c, files, self->names, self->time_first,
                                      self->x_of[i], &self->y_of[i]);
        if (status == TN_OK) status = TN(check_same)(self, c, i);
        if (status != TN_OK) return status;
        info->count[i] = self->y_of[i].dim[0];
    }
    info->fields = inputs + 1;
    for (int32_t i = 0; i < inputs; i++) {
        tn_field_spec *in = &info->field[i];
        *in = (tn_field_spec){.real = 1, .shape = sample_shape(&self->x_of[TN_TRAIN][i])};
        snprintf(in->name, sizeof in->name, "%s", self->names->at[i]);
    }
    tn_field_spec *target = &info->field[inputs];
    *target = (tn_field_spec){.name = "target"};
    target->real = !has_labels(y, self->classes);
    if (target->real || y->rank > 1) target->shape = sample_shape(y);
    return target->real ? TN_OK : TN(find_classes)(self, c, &target->classes);
}

static void TN(convert)(const npy_array *array, int64_t index, double scale, tn_real *out)
{
    const npy_layout l = npy_layout_of(array->dim, array->count, array->time_first);
    for (int64_t run = 0; run < l.runs; run++) {
        const int64_t from = npy_run(&l, index, run);
        for (int64_t i = 0; i < l.width; i++)
            *out++ = (tn_real)(scale * npy_number(array, from + i));
    }
}

static void TN(copy_labels)(const npy_array *array, int64_t index, int32_t *out)
{
    const npy_layout l = npy_layout_of(array->dim, array->count, array->time_first);
    for (int64_t run = 0; run < l.runs; run++) {
        const int64_t from = npy_run(&l, index, run);
        for (int64_t i = 0; i < l.width; i++)
            *out++ = (int32_t)npy_label(array, from + i);
    }
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
    if (has_labels(y, self->classes))
        TN(copy_labels)(y, index, field[inputs]);
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
    .formula =
        "input = scale * x[i]; target = y[i], a label if whole and of "
        "rank 1, or labels with classes; of those in time_first x[:, i] or y[:, i]",
    .reference = "Kern, NumPy Enhancement Proposal 1, 2007, section Format "
                 "Specification: Version 1.0")

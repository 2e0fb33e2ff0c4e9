/* csv.c - a table of numbers in a text file: one column is the target, the others are the
 * input's features, in the order of the training data; other files' columns are put in it by name.
 *
 * Shafranovich, RFC 4180, 2005 (cells without line breaks). */
#include <tenon/plugin.h>

#include <tenon/data.h>

#include <float.h>

#include "table_columns.h"

#define OPTIONS(P)                                                                    \
    P(STR, path, TN_POSITIONAL | TN_REQUIRED, 0, 0, 0, "file with the training data") \
    P(STR, validation_path, TN_OPTIONAL, 0, 0, 0, "file with validation data")        \
    P(STR, test_path, TN_OPTIONAL, 0, 0, 0, "file with the test data")                \
    P(BOOL, header, 0, 1, 0, 1, "the first row holds the columns' names")             \
    P(STR, delimiter, 0, ",", 0, 0, "the character between cells")                    \
    P(STR, target, TN_OPTIONAL, 0, 0, 0,                                              \
      "column, by name or number from 1; unset: last")                                \
    P(ENUM, target_type, 0, 0, "label|real", 0, "a class number or a quantity")       \
    P(INT, classes, TN_OPTIONAL, 0, 1, INT32_MAX, "of labels; unset: largest + 1")
TN_SELF(OPTIONS, int64_t column; table set[TN_SPLITS];)

#ifndef CSV_LABELS
#define CSV_LABELS
/* That a column holds class numbers; *largest grows to the largest of them. */
static tn_status check_labels(tn_call *c, const table *t, const char *path,
                              int64_t column, int64_t classes, int64_t *largest)
{
    const long long at = table_source(t, column) + 1;
    for (int64_t row = 0; row < t->rows; row++) {
        const double label = t->value[row * t->cols + column];
        const long long line = row + 1 + t->header;
        if (label < 0 || label != floor(label) || label >= INT32_MAX)
            return tn_fail(
                c, TN_EDATA,
                "%s:%lld:%lld: %g is not a class number; labels are whole numbers "
                "from 0 (for quantities set target_type: real)",
                path, line, at, label);
        if (classes != TN_UNSET_INT && label >= (double)classes)
            return tn_fail(
                c, TN_EDATA,
                "%s:%lld:%lld: label %g is out of range; with %lld classes the "
                "largest is %lld",
                path, line, at, label, (long long)classes, (long long)classes - 1);
        if (label > (double)*largest) *largest = (int64_t)label;
    }
    return TN_OK;
}

static tn_status check_width(const table *t, const table *train, const char *path)
{
    char hint[TABLE_HINT];
    if (t->cols == 1)
        return tn_fail(t->c, TN_ESHAPE,
                       "%s:%d:1: expected features and a target, found one column%s",
                       t->file.path, 1 + t->header, one_column_hint(t, hint));
    if (t->cols != train->cols)
        return tn_fail(t->c, TN_ESHAPE, "%s has %lld columns, but %s has %lld",
                       t->file.path, (long long)t->cols, path, (long long)train->cols);
    return TN_OK;
}
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    return table_check_delimiter(c, self->delimiter);
}

/* NULL: there is none. */
static const char *TN(path_of)(const TN(self) * self, int32_t split)
{
    const char *const path[TN_SPLITS] = {[TN_TRAIN] = self->path,
                                         [TN_VALIDATION] = self->validation_path,
                                         [TN_TEST] = self->test_path};
    return path[split];
}

static tn_status TN(open_one)(TN(self) * self, tn_call *c, int32_t split,
                              const char *path)
{
    table *t = &self->set[split];
    *t = (table){.c = c,
                 .delimiter = self->delimiter[0],
                 .header = self->header,
                 .most = TN_REAL_BITS == 32 ? FLT_MAX : DBL_MAX};
    tn_status status = table_open(t, path);
    if (status == TN_OK) status = check_width(t, &self->set[TN_TRAIN], self->path);
    if (status == TN_OK && split == TN_TRAIN)
        status = table_column(t, "target", self->target, &self->column);
    if (status == TN_OK) status = table_follow(t, &self->set[TN_TRAIN]);
    return status == TN_OK ? table_take(t, 0, t->cols) : status;
}

static tn_status TN(find_classes)(const TN(self) * self, tn_call *c, int32_t *classes)
{
    int64_t largest = 0, given = self->classes;
    for (int32_t i = 0; i < TN_SPLITS; i++) {
        if (!TN(path_of)(self, i)) continue;
        const tn_status status = check_labels(c, &self->set[i], TN(path_of)(self, i),
                                              self->column, given, &largest);
        if (status != TN_OK) return status;
        if (given == TN_UNSET_INT) given = largest + 1; /* of the training data */
    }
    *classes = (int32_t)given;
    return TN_OK;
}

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    for (int32_t i = 0; i < TN_SPLITS; i++) {
        if (!TN(path_of)(self, i)) continue;
        const tn_status status = TN(open_one)(self, c, i, TN(path_of)(self, i));
        if (status != TN_OK) return status;
        info->count[i] = self->set[i].rows;
    }
    info->fields = 2;
    info->field[0] = (tn_field_spec){
        .name = "input", .real = 1, .shape = {1, {self->set[TN_TRAIN].cols - 1}}};
    info->field[1] = (tn_field_spec){.name = "target"};
    if (self->target_type == 0) return TN(find_classes)(self, c, &info->field[1].classes);
    info->field[1].real = 1;
    info->field[1].shape = (tn_shape){1, {1}};
    return TN_OK;
}

static tn_status TN(read)(const void *me, tn_call *c, int32_t split, int64_t index,
                          void *const *field)
{
    const TN(self) *self = me;
    const table *t = &self->set[split];
    const double *row = t->value + index * t->cols;
    tn_real *input = field[0];
    for (int64_t i = 0; i < t->cols; i++)
        if (i != self->column) *input++ = (tn_real)row[i];
    if (self->target_type)
        *(tn_real *)field[1] = (tn_real)row[self->column];
    else
        *(int32_t *)field[1] = (int32_t)row[self->column];
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    TN(self) *self = me;
    for (int32_t i = 0; i < TN_SPLITS; i++) table_close(c, &self->set[i]);
}

TN_VTABLE(dataset, .check = TN(check), .destroy = TN(destroy), .open = TN(open),
          .read = TN(read))
TN_PLUGIN_WITH(
    OPTIONS, dataset, csv,
    .summary = "a table of numbers in a text file, one column of it the target",
    .formula = "input = all columns but the target's, in order; target = that column",
    .reference = "Shafranovich, RFC 4180, 2005, section 2")

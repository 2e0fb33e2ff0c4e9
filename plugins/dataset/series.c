/* series.c - a column of a table as a time series: from `steps` values in a row the `horizon`
 * values after them are wanted.
 *
 *     input = (z_s, ..., z_(s + steps - 1)),  target = the next horizon values of z
 *     z = (x - mean) / deviation, of the part for training
 *
 * The parts follow each other in time. A window for validation or test may begin in the part
 * before, whose values are known when it is predicted; what it wants never does. Hyndman and
 * Athanasopoulos, "Forecasting: principles and practice", 3rd edition, 2021, section 5.8. */
#include <tenon/plugin.h>

#include <tenon/data.h>

#include <float.h>

#include "table_columns.h"
#include "windows.h"

#define OPTIONS(P)                                                                 \
    P(STR, path, TN_POSITIONAL | TN_REQUIRED, 0, 0, 0, "file with a row a moment") \
    P(STR, column, TN_OPTIONAL, 0, 0, 0, "by name or number from 1; unset: last")  \
    P(BOOL, header, 0, 1, 0, 1, "the first row holds the columns' names")          \
    P(STR, delimiter, 0, ",", 0, 0, "the character between cells")                 \
    P(INT, steps, 0, 12, 1, INT32_MAX, "values that are seen")                     \
    P(INT, horizon, 0, 1, 1, INT32_MAX, "values that are predicted")               \
    WINDOWS_OPTIONS(P, "; unset: 1", 0.2)                                          \
    P(BOOL, standardise, 0, 1, 0, 1,                                               \
      "subtract the mean of the part for training and divide by its deviation")
TN_SELF(OPTIONS, table set; windows cut; double mean; double deviation;)

#ifndef SERIES_RULES
#define SERIES_RULES
/* Two passes; the deviation is that of the n values, not of a sample of n. */
static double mean_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

static double deviation_of(const double *x, int64_t n, double mean)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)n);
}
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    const tn_status status = table_check_delimiter(c, self->delimiter);
    return status == TN_OK ? windows_check(c, self->validation_share, self->test_share)
                           : status;
}

static tn_status TN(read_column)(TN(self) * self, tn_call *c)
{
    table *t = &self->set;
    int64_t column;
    *t = (table){.c = c,
                 .delimiter = self->delimiter[0],
                 .header = self->header,
                 .most = TN_REAL_BITS == 32 && !self->standardise ? FLT_MAX : DBL_MAX};
    tn_status status = table_open(t, self->path);
    if (status == TN_OK) status = table_column(t, "column", self->column, &column);
    return status == TN_OK ? table_take(t, column, 1) : status;
}

static tn_status TN(scale)(TN(self) * self, tn_call *c)
{
    const int64_t n = self->cut.part[TN_VALIDATION];
    char text[160];
    self->deviation = 1;
    if (!self->standardise) return TN_OK;
    self->mean = mean_of(self->set.value, n);
    self->deviation = deviation_of(self->set.value, n, self->mean);
    if (!(self->deviation > 0 && isfinite(self->deviation)))
        return tn_fail(c, TN_EDATA,
                       "%s: the part for training has the deviation %g and cannot be "
                       "divided by it; set standardise: false",
                       self->path, self->deviation);
    snprintf(text, sizeof text, "series: standardised by mean %.9g and deviation %.9g",
             self->mean, self->deviation);
    c->host->log(c, TN_LOG_INFO, text);
    return TN_OK;
}

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    tn_status status = TN(read_column)(self, c);
    if (status != TN_OK) return status;
    self->cut.stride = self->stride == TN_UNSET_INT ? 1 : self->stride;
    status = windows_cut(c, &self->cut, self->path, self->set.rows,
                         self->steps + self->horizon, self->steps, self->validation_share,
                         self->test_share, info->count);
    if (status == TN_OK) status = TN(scale)(self, c);
    info->fields = 2;
    info->field[0] = (tn_field_spec){
        .name = "input", .real = 1, .shape = {2, {self->steps, 1}}};
    info->field[1] = (tn_field_spec){
        .name = "target", .real = 1, .shape = {1, {self->horizon}}};
    return status;
}

static void TN(take)(const TN(self) * self, int64_t first, int64_t n, tn_real *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (tn_real)((self->set.value[first + i] - self->mean) / self->deviation);
}

static tn_status TN(read)(const void *me, tn_call *c, int32_t split, int64_t index,
                          void *const *field)
{
    const TN(self) *self = me;
    const int64_t first = windows_at(&self->cut, split, index);
    TN(take)(self, first, self->steps, field[0]);
    TN(take)(self, first + self->steps, self->horizon, field[1]);
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    TN(self) *self = me;
    table_close(c, &self->set);
}

TN_VTABLE(dataset, .check = TN(check), .destroy = TN(destroy), .open = TN(open),
          .read = TN(read))
TN_PLUGIN_WITH(
    OPTIONS, dataset, series,
    .summary = "a column of a table as a time series to predict, split by time",
    .formula = "input = steps values, target = the horizon next ones, of (x - mean) / "
               "deviation",
    .reference = "Hyndman and Athanasopoulos, Forecasting: principles and practice, 3rd "
                 "edition, 2021, section 5.8")

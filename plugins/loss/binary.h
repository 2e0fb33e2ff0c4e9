/* binary.h - what losses of yes or no share: targets of their elements, labels 0 and 1 or numbers.
 * Included once per precision, hence no guard but for what stands once. */
#include "../numbers.h"

#ifndef LOSS_BINARY_ONCE
#define LOSS_BINARY_ONCE
#define BLOCK 256 /* elements that are worked on at a time */

static tn_status binary_check(tn_call *c, const tn_outputs *out,
                              const tn_field_spec *target)
{
    if (!target->real && target->classes > 2)
        return tn_fail(c, TN_EINVAL,
                       "needs labels 0 and 1, the data has %d classes; for them "
                       "use cross_entropy",
                       target->classes);
    return targets_fit(c, out, target);
}
#endif

/* Those of elements first .. first + n - 1; an error names the first that is none. */
static tn_status TN(targets)(tn_call *c, const tn_tile *t, const tn_field *field,
                             int64_t first, int64_t n, double *target)
{
    const tn_real *real = field->real;
    for (int64_t i = first; i < first + n; i++) {
        *target++ = real ? (double)real[i] : (double)field->label[i];
        if (!real && field->label[i] != 0 && field->label[i] != 1)
            return tn_fail(c, TN_EINVAL, "label %d of row %lld is neither 0 nor 1",
                           field->label[i], (long long)(t->row + i / t->width));
    }
    return TN_OK;
}

/* Adds losses of elements to their rows; `first` is the number of the first one in the tile. */
static void TN(add_rows)(const tn_tile *t, int64_t first, int64_t n, const double *loss,
                         double *value)
{
    int64_t row = first / t->width, column = first % t->width;
    for (int64_t i = 0; i < n; i++) {
        value[row] = column ? value[row] + loss[i] : loss[i];
        if (++column == t->width) row++, column = 0;
    }
}

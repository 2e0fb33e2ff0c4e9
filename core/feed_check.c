/* feed_check.c - that what goes into a network is finite and that labels name classes.
 *
 * A number is not finite exactly if all bits of its exponent are set (IEEE 754, 3.4), so
 * one integer comparison per value decides, which compilers turn into vector code. */
#include <math.h>
#include <string.h>

#include "core/feed_state.h"

TN_KERNEL bool all_finite_float(const float *value, int64_t n)
{
    uint32_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &value[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

TN_KERNEL bool all_finite_double(const double *value, int64_t n)
{
    uint64_t bad = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &value[i], sizeof bits);
        bad |= (bits & 0x7ff0000000000000u) == 0x7ff0000000000000u;
    }
    return !bad;
}

static double real_at(const tn_feed *f, const tn_field *field, int64_t i)
{
    return f->real ? ((const double *)field->real)[i]
                   : (double)((const float *)field->real)[i];
}

/* Of n values from number `first` on, the first that is not finite; -1: none. */
static int64_t bad_real(const tn_feed *f, const tn_field *field, int64_t first, int64_t n)
{
    int64_t i = first;
    if (f->real ? all_finite_double((const double *)field->real + first, n)
                : all_finite_float((const float *)field->real + first, n))
        return -1;
    while (isfinite(real_at(f, field, i))) i++;
    return i;
}

static int64_t bad_label(const tn_field *field, int32_t classes, int64_t first, int64_t n)
{
    const int32_t end = classes ? classes : INT32_MAX;
    for (int64_t i = first; i < first + n; i++)
        if (field->label[i] < 0 || field->label[i] >= end) return i;
    return -1;
}

static tn_status complain(const tn_feed *f, const tn_instance *from,
                          const tn_field_spec *spec, const tn_field *field, int64_t at,
                          const char *split, int64_t sample, tn_error *e)
{
    if (spec->real)
        return tn_cfg_error(
            from->where, e, TN_ENUMERIC,
            "%s: %s sample %lld: value %lld of field %s is %s; data must be "
            "finite",
            from->entry->name, split, (long long)sample, (long long)(at % field->width),
            spec->name, isnan(real_at(f, field, at)) ? "not a number" : "infinite");
    if (!spec->classes)
        return tn_cfg_error(from->where, e, TN_EDATA,
                            "%s: %s sample %lld: label %d of field %s is negative",
                            from->entry->name, split, (long long)sample,
                            (int)field->label[at], spec->name);
    return tn_cfg_error(
        from->where, e, TN_EDATA,
        "%s: %s sample %lld: label %d of field %s is out of range, with %d "
        "classes it is 0 to %d",
        from->entry->name, split, (long long)sample, (int)field->label[at], spec->name,
        (int)spec->classes, (int)spec->classes - 1);
}

tn_status tn_feed_check(const tn_feed *f, const tn_instance *from,
                        const tn_data_info *info, const tn_field *fields,
                        const tn_feed_rows *rows, tn_error *e)
{
    static const char *const name[TN_SPLITS] = {"training", "validation", "test"};
    for (int32_t k = 0; k < info->fields; k++) {
        const tn_field_spec *spec = &info->field[k];
        const tn_field *field = &fields[k];
        const int64_t first = rows->first * field->width,
                      n = rows->samples * field->width;
        const int64_t at = spec->real ? bad_real(f, field, first, n)
                                      : bad_label(field, spec->classes, first, n);
        if (at < 0) continue;
        const int64_t row = at / field->width;
        return complain(f, from, spec, field, at, name[f->source[rows->split]],
                        rows->number ? rows->number[row] : rows->start + row, e);
    }
    return TN_OK;
}

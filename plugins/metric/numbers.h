/* numbers.h - what metrics of numbers share: the check of targets, one for each output. */
#ifndef METRIC_NUMBERS_H
#define METRIC_NUMBERS_H

#include <tenon/plugin.h>
#include <tenon/score.h>

static tn_status numbers_check(tn_call *c, const tn_outputs *out,
                               const tn_field_spec *target)
{
    const int64_t given = tn_shape_count(&target->shape),
                  wanted = tn_shape_count(&out->shape);
    if (!target->real)
        return tn_fail(c, TN_EINVAL,
                       "needs targets that are numbers, the data has labels");
    if (given == wanted) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "each sample has %lld target values but the model has %lld outputs",
                   (long long)given, (long long)wanted);
}

#endif

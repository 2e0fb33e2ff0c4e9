/* numbers.h - what losses of numbers share: the check of targets, one for each output. */
#ifndef LOSS_NUMBERS_H
#define LOSS_NUMBERS_H

#include <tenon/plugin.h>
#include <tenon/score.h>

static tn_status numbers_check(tn_call *c, const tn_outputs *out,
                               const tn_field_spec *target)
{
    const int64_t given = tn_shape_count(&target->shape),
                  wanted = tn_shape_count(&out->shape);
    if (!target->real)
        return tn_fail(c, TN_EINVAL,
                       "needs targets that are numbers, the data has labels; for "
                       "labels use cross_entropy or binary_cross_entropy");
    if (given == wanted) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "each sample has %lld target values but the model has "
                   "%lld outputs",
                   (long long)given, (long long)wanted);
}

#endif

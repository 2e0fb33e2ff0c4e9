/* numbers.h - what losses and metrics of numbers share: the check of targets, one for each output. */
#ifndef PLUGINS_NUMBERS_H
#define PLUGINS_NUMBERS_H

#include <tenon/plugin.h>
#include <tenon/score.h>

/* As many target values as outputs. */
TN_UNUSED static tn_status targets_fit(tn_call *c, const tn_outputs *out,
                                       const tn_field_spec *target)
{
    const int64_t given = tn_shape_count(&target->shape),
                  wanted = tn_shape_count(&out->shape);
    if (given == wanted) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "each sample has %lld target values but the model has %lld outputs",
                   (long long)given, (long long)wanted);
}

#define LOSSES_OF_LABELS "; for labels use cross_entropy or binary_cross_entropy"

/* And no labels; `instead`: what is for those, or "". */
TN_UNUSED static tn_status numbers_check(tn_call *c, const tn_outputs *out,
                                         const tn_field_spec *target, const char *instead)
{
    if (!target->real)
        return tn_fail(c, TN_EINVAL,
                       "needs targets that are numbers, the data has labels%s", instead);
    return targets_fit(c, out, target);
}

#endif

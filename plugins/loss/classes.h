/* classes.h - what losses of classes share: options, the check of targets, labels. */
#ifndef LOSS_CLASSES_H
#define LOSS_CLASSES_H

#include <tenon/plugin.h>
#include <tenon/score.h>

/* Of cross_entropy and nll. */
#define CLASS_OPTIONS(P)                                                               \
    P(REALS, class_weights, 0, "[]", , ,                                               \
      "a weight for each class; the mean is divided by the sum of the rows' weights, " \
      "and with targets that are distributions by their number")                       \
    P(INT, ignore_label, TN_OPTIONAL, 0, 0, INT32_MAX,                                 \
      "label of rows that do not count, such as padding")

/* For a loss that applies `layer` to the outputs. */
static inline tn_status logits_check(tn_call *c, const tn_outputs *out, const char *layer)
{
    if (out->are != TN_PROBABILITIES) return TN_OK;
    return tn_fail(
        c, TN_EINVAL,
        "takes logits and applies %s itself, so outputs that are probabilities "
        "would go through it twice and hardly be learned: leave out the layer "
        "that makes them",
        layer);
}

/* A label for each row, or a number for each output. */
static inline tn_status classes_check(tn_call *c, const tn_outputs *out,
                                      const tn_field_spec *target, int64_t ignored)
{
    const int64_t classes = tn_shape_width(&out->shape),
                  given = tn_shape_count(&target->shape);
    const int64_t wanted = tn_shape_count(&out->shape) / (target->real ? 1 : classes);
    if (classes < 2)
        return tn_fail(c, TN_ESHAPE,
                       "needs an output for each of two classes or more, got 1; "
                       "for one output use binary_cross_entropy");
    if (target->classes > classes && ignored < classes)
        return tn_fail(c, TN_ESHAPE,
                       "the data has %d classes but the model has only %lld "
                       "outputs; end it with a layer of %d units",
                       target->classes, (long long)classes, target->classes);
    if (given == wanted) return TN_OK;
    if (target->real && given * classes == wanted)
        return tn_fail(
            c, TN_ESHAPE,
            "each sample has %lld target values, needs %lld (a probability for "
            "each output); labels have to be whole numbers, in an array of one "
            "axis, or told from others by their number of classes (npy: "
            "classes: %lld)",
            (long long)given, (long long)wanted, (long long)classes);
    return tn_fail(c, TN_ESHAPE, "each sample has %lld target values, needs %lld (%s)",
                   (long long)given, (long long)wanted,
                   target->real ? "a probability for each output" : "a label a row");
}

static inline tn_status weights_check(tn_call *c, const tn_outputs *out,
                                      const tn_field_spec *target, tn_reals weights,
                                      int64_t ignored)
{
    const int64_t classes = tn_shape_width(&out->shape);
    if (target->real && ignored != TN_UNSET_INT)
        return tn_fail(c, TN_EINVAL,
                       "ignore_label: the targets are distributions, not labels");
    if (weights->count && weights->count != classes)
        return tn_fail(c, TN_ESHAPE, "class_weights: %lld weights for %lld classes",
                       (long long)weights->count, (long long)classes);
    for (int64_t k = 0; k < weights->count; k++)
        if (!(weights->at[k] >= 0 && isfinite(weights->at[k])))
            return tn_fail(c, TN_EINVAL, "class_weights: %g is not a number from 0 up",
                           weights->at[k]);
    return TN_OK;
}

/* `i`: row of the tile. */
static inline tn_status label_check(tn_call *c, const tn_tile *t, int64_t i,
                                    int32_t label)
{
    if (label >= 0 && label < t->width) return TN_OK;
    return tn_fail(c, TN_EINVAL, "label %d of row %lld is not in 0 .. %lld", label,
                   (long long)(t->row + i), (long long)t->width - 1);
}

#endif

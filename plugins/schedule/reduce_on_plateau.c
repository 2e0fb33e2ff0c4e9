/* reduce_on_plateau.c - multiplies the value by factor when what it watches has not improved for
 * more than `patience` epochs: by default the loss of the validation split, or without one that of
 * training.
 *
 *                  threshold_mode rel            abs
 *     mode min     v < best (1 - threshold)      v < best - threshold
 *     mode max     v > best (1 + threshold)      v > best + threshold
 *
 * Mode auto is one of the two, as the value's metric says. Rules and defaults are otherwise PyTorch's
 * (ReduceLROnPlateau); cutting the rate when a held-out loss stalls:
 * Bengio, "Practical recommendations for gradient-based training of deep architectures", 2012, sec.
 * 3.1. A value that is not finite is no improvement. */
#include <tenon/plugin.h>

#include "../value.h"

#ifndef REDUCE_ON_PLATEAU_ONCE
#define REDUCE_ON_PLATEAU_ONCE
enum { RELATIVE, ABSOLUTE };
enum { SEEN, BEST, WAITED, COOLING, CUTS, NUMBERS };
#endif

#define OPTIONS(P)                                                                    \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, 0, INFINITY, "value at the start")  \
    P(REAL, factor, TN_ABOVE | TN_BELOW, 0.1, 0, 1, "what it is multiplied by")       \
    P(INT, patience, 0, 10, 0, INT64_MAX,                                             \
      "epochs without improvement that are let pass")                                 \
    P(STR, monitor, TN_OPTIONAL, 0, , ,                                               \
      "the value to watch; unset: val_loss, or loss without a validation split")      \
    P(ENUM, mode, 0, VALUE_AUTO, VALUE_MODES, ,                                       \
      "whether the value should be small or large; auto: as its metric says, a loss " \
      "small")                                                                        \
    P(REAL, threshold, 0, 1e-4, 0, INFINITY, "a smaller gain is no improvement")      \
    P(ENUM, threshold_mode, 0, RELATIVE, "rel|abs", ,                                 \
      "whether that is a share (below 1) of the best value, or a difference from it") \
    P(INT, cooldown, 0, 0, 0, INT64_MAX, "epochs after a cut that do not count")      \
    P(REAL, min, 0, 0, 0, INFINITY, "smallest value")
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->min > self->from)
        return tn_fail(c, TN_EINVAL, "min: %g is more than from, %g", self->min,
                       self->from);
    if (self->threshold_mode == RELATIVE && self->threshold >= 1)
        return tn_fail(c, TN_EINVAL,
                       "threshold: %g is no share below 1 of the best value; for a "
                       "difference from it say threshold_mode: abs",
                       self->threshold);
    return TN_OK;
}

static tn_status TN(check_values)(const void *me, tn_call *c, const tn_event *event)
{
    const TN(self) *self = me;
    if (!self->monitor) return TN_OK;
    return require_value(c, event, "monitor", self->monitor, self->mode);
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double value = self->from * pow(self->factor, numbers[CUTS]);
    return value > self->min ? value : self->min;
}

static const tn_named_value *TN(watched)(const TN(self) * self, const tn_event *event)
{
    if (self->monitor) return find_value(event, self->monitor);
    const tn_named_value *validation = find_value(event, "val_loss");
    return validation ? validation : find_value(event, "loss");
}

/* What a value must pass. */
static double TN(bar)(const TN(self) * self, double best, int larger)
{
    const double gain = larger ? self->threshold : -self->threshold;
    return self->threshold_mode == RELATIVE ? best * (1 + gain) : best + gain;
}

static void TN(epoch_end)(const void *me, const tn_clock *clock, const tn_event *event,
                          double *numbers)
{
    const TN(self) *self = me;
    const tn_named_value *v = TN(watched)(self, event);
    const double bar = TN(bar)(self, numbers[BEST], prefers_larger(v, self->mode));
    if (isfinite(v->value) && (numbers[SEEN] == 0 || is_beyond(v, bar, self->mode))) {
        numbers[SEEN] = 1, numbers[BEST] = v->value, numbers[WAITED] = 0;
    } else {
        numbers[WAITED] += 1;
    }
    if (numbers[COOLING] > 0) numbers[COOLING] -= 1, numbers[WAITED] = 0;
    if (numbers[WAITED] <= (double)self->patience) return;
    numbers[CUTS] += 1, numbers[COOLING] = (double)self->cooldown, numbers[WAITED] = 0;
}

TN_VTABLE(schedule, .numbers = NUMBERS, .check = TN(check),
          .check_values = TN(check_values), .value = TN(value),
          .epoch_end = TN(epoch_end))
TN_PLUGIN_WITH(OPTIONS, schedule, reduce_on_plateau,
               .summary = "cut by a factor whenever a value stops improving",
               .formula = "max(min, from factor^cuts); a cut after more than `patience` "
                          "epochs without v < best (1 - threshold) or, where large is "
                          "better, v > best (1 + threshold); abs: best -+ threshold",
               .reference =
                   "PyTorch, ReduceLROnPlateau; Bengio, Practical recommendations "
                   "for gradient-based training, 2012, sec. 3.1")

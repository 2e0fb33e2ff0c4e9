/* reduce_on_plateau.c - multiplies the value by factor when the loss has not improved for more than
 * `patience` epochs. The loss is that of the validation split, or without one that of training.
 *
 *     improved(l) = l < best (1 - threshold)
 *
 * Rules and defaults are PyTorch's (ReduceLROnPlateau); cutting the rate when a held-out loss stalls:
 * Bengio, "Practical recommendations for gradient-based training of deep architectures", 2012, sec.
 * 3.1. A loss that is not finite is no improvement. */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                   \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, 0, INFINITY, "value at the start") \
    P(REAL, factor, TN_ABOVE | TN_BELOW, 0.1, 0, 1, "what it is multiplied by")      \
    P(INT, patience, 0, 10, 0, INT64_MAX,                                            \
      "epochs without improvement that are let pass")                                \
    P(REAL, threshold, TN_BELOW, 1e-4, 0, 1,                                         \
      "a smaller relative gain is no improvement")                                   \
    P(INT, cooldown, 0, 0, 0, INT64_MAX, "epochs after a cut that do not count")     \
    P(REAL, min, 0, 0, 0, INFINITY, "smallest value")
TN_SELF(OPTIONS, )

#ifndef REDUCE_ON_PLATEAU_ONCE
#define REDUCE_ON_PLATEAU_ONCE
enum { SEEN, BEST, WAITED, COOLING, CUTS, NUMBERS };
#endif

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double value = self->from * pow(self->factor, numbers[CUTS]);
    return value > self->min || numbers[CUTS] == 0 ? value : self->min;
}

static void TN(epoch_end)(const void *me, const tn_clock *clock, double *numbers)
{
    const TN(self) *self = me;
    const double loss = clock->monitored;
    const int first = numbers[SEEN] == 0 && isfinite(loss);
    if (first || (numbers[SEEN] > 0 && loss < numbers[BEST] * (1 - self->threshold))) {
        numbers[SEEN] = 1, numbers[BEST] = loss, numbers[WAITED] = 0;
    } else {
        numbers[WAITED] += 1;
    }
    if (numbers[COOLING] > 0) numbers[COOLING] -= 1, numbers[WAITED] = 0;
    if (numbers[WAITED] <= (double)self->patience) return;
    numbers[CUTS] += 1, numbers[COOLING] = (double)self->cooldown, numbers[WAITED] = 0;
}

TN_VTABLE(schedule, .numbers = NUMBERS, .value = TN(value), .epoch_end = TN(epoch_end))
TN_PLUGIN_WITH(OPTIONS, schedule, reduce_on_plateau,
               .summary = "cut by a factor whenever the loss stops falling",
               .formula = "max(min, from factor^cuts); a cut after more than `patience` "
                          "epochs without loss < best (1 - threshold)",
               .reference =
                   "PyTorch, ReduceLROnPlateau; Bengio, Practical recommendations "
                   "for gradient-based training, 2012, sec. 3.1")

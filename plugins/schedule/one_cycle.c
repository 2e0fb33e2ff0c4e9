/* one_cycle.c - up from `from` to `peak`, and down to far below: large steps in the middle of a run
 * keep away from sharp minima, small ones at the end settle. With from and to above the peak it
 * is the course of a momentum that goes with it.
 *
 * Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
 * rates", arXiv:1708.07120, sec. 3; its three phases are `three_phase`. Cosines, two phases and the
 * last update at exactly `to` are PyTorch's (OneCycleLR). */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                    \
    P(REAL, peak, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY,                \
      "value at the turn")                                                            \
    P(REAL, from, TN_OPTIONAL, 0, -INFINITY, INFINITY,                                \
      "value at the first update; unset: peak / 25")                                  \
    P(REAL, to, TN_OPTIONAL, 0, -INFINITY, INFINITY,                                  \
      "value at the last update; unset: from / 10,000")                               \
    P(REAL, rise, TN_ABOVE | TN_BELOW, 0.3, 0, 1, "share of the length that goes up") \
    P(ENUM, anneal, 0, 0, "cosine|linear", 0, "the way between two of the values")    \
    P(BOOL, three_phase, 0, 0, 0, 1,                                                  \
      "whether it falls back to `from` as long as it rose, and only then to `to`")    \
    LENGTH_OPTIONS(P)
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    TN(self) *self = me;
    if (isnan(self->from)) self->from = self->peak / 25;
    if (isnan(self->to)) self->to = self->from / 1e4;
    if (self->three_phase && self->rise >= 0.5)
        return tn_fail(c, TN_EINVAL,
                       "rise: with three_phase it falls as long as it rises, so rise "
                       "must be below 0.5, got %g",
                       self->rise);
    return refuse_both(c, self->epochs, self->steps);
}

/* Update number t of those from `begin` to `end`. */
static double TN(between)(const TN(self) * self, double t, double begin, double end,
                          double from, double to)
{
    const double share = t < end ? (t - begin) / (end - begin) : 1;
    if (self->anneal) return from + (to - from) * share;
    return to + 0.5 * (from - to) * (1 + cos(3.141592653589793 * share));
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double t = (double)clock->step,
                 all = self->steps != TN_UNSET_INT ? (double)self->steps
                       : isnan(self->epochs)
                           ? (double)clock->steps
                           : self->epochs * (double)clock->steps / clock->epochs;
    const double turn = self->rise * all - 1, back = 2 * turn;
    if (t <= turn) return TN(between)(self, t, 0, turn, self->from, self->peak);
    if (!self->three_phase)
        return TN(between)(self, t, turn, all - 1, self->peak, self->to);
    if (t <= back) return TN(between)(self, t, turn, back, self->peak, self->from);
    return TN(between)(self, t, back, all - 1, self->from, self->to);
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(
    OPTIONS, schedule, one_cycle,
    .summary = "up to a peak and down to almost nothing, once",
    .formula = "half a cosine from -> peak until update rise T - 1, then half a "
               "cosine peak -> to until update T - 1",
    .reference = "Smith and Topin, arXiv:1708.07120, sec. 3; PyTorch, OneCycleLR")

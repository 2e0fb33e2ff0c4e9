/* multi_step.c - stairs of chosen lengths: the value is multiplied by factor at each of the times
 * `at`.
 *
 * He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, sec. 4.2 (a tenth
 * after 32,000 and after 48,000 updates). */
#include <tenon/plugin.h>

#include "length.h"

#define OPTIONS(P)                                                                      \
    P(REAL, from, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY,                  \
      "value at the start")                                                             \
    P(REALS, at, TN_REQUIRED, 0, , , "times at which it is multiplied, e.g. [80, 120]") \
    P(ENUM, unit, 0, 0, "epochs|steps", 0, "what `at` counts; steps are updates")       \
    P(REAL, factor, 0, 0.1, 0, INFINITY, "from one stair to the next")
TN_SELF(OPTIONS, )

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    return check_times(c, self->at);
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const int64_t stairs = times_passed(self->at, units_passed(clock, self->unit));
    return self->from * pow(self->factor, (double)stairs);
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, multi_step,
               .summary = "multiplied by a factor at chosen times",
               .formula = "from factor^(how many of `at` are <= t)",
               .reference = "He, Zhang, Ren, Sun, CVPR 2016, sec. 4.2")

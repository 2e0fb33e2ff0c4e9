/* foreign - a schedule that is a function of any shared library.
 *
 *     v = scale f(...)
 *
 * f is given what it asks for of: passed (the share of the run that has passed, 0 to 1), epoch (with
 * fractions) and epochs (of the run), step (updates made) and steps (of the run), and the number
 * monitored (the last validation loss). What a prototype may be is told in foreign.h. */
#include <tenon/plugin.h>
#include <tenon/training.h>

#include "../foreign/foreign.h"

#define OPTIONS(P)                                                                     \
    FOREIGN_LIBRARY(P)                                                                 \
    P(STR, function, TN_REQUIRED, 0, 0, 0,                                             \
      "its C prototype, of passed, epoch, epochs, step, steps or monitored: \"double " \
      "erfc(double passed)\"")                                                         \
    FOREIGN_SCALE(P)
TN_SELF(OPTIONS, foreign_function f;)

#ifndef NAMES
#define NAMES
static const char *const name[] = {"passed", "epoch", "epochs",
                                   "step",   "steps", "monitored"};
static const foreign_names names = {name, sizeof name / sizeof *name, 0};
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    TN(self) *self = me;
    const tn_status status = foreign_read(&self->f, c, "function", self->function,
                                          &names);
    return status ? status : foreign_find(&self->f, c, self->library);
}

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    const double passed = clock->epoch / clock->epochs, step = (double)clock->step,
                 steps = (double)clock->steps;
    const double *const in[] = {&passed, &clock->epoch, &clock->epochs,
                                &step,   &steps,        &clock->monitored};
    double value;
    foreign_call(&self->f, 1, in, &value);
    return self->scale * value;
}

TN_VTABLE(schedule, .check = TN(check), .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, foreign, .summary = "A function of any shared library",
               .formula = "v = scale f(...)", .reference = "The library's own")

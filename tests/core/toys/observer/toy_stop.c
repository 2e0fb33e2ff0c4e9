/* toy_stop.c - ends the run after a number of epochs, counted in what the observer keeps
 * (so that a resumed run counts on). */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P) \
    P(INT, after, TN_POSITIONAL, 1, 1, INT64_MAX, "epochs until it stops the run")
TN_SELF(OPTIONS, )

static tn_status TN(epoch)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    const TN(self) *self = me;
    numbers[0]++;
    if (numbers[0] >= (double)self->after) run->stop(run, "toy_stop has seen enough");
    return TN_OK;
}

TN_VTABLE(observer, .numbers = 1, .epoch = TN(epoch))
TN_PLUGIN_WITH(OPTIONS, observer, toy_stop, .summary = "stops after a number of epochs",
               .formula = "stop when epochs = after", .reference = "none: a test's")

/* checkpoint - asks the run for a checkpoint at its start, after every epoch and, if wanted,
 * after every so many steps. The run writes it when all observers have seen the event, so that
 * what they count is in it. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P)                                \
    P(INT, every, TN_POSITIONAL, 0, 0, INT64_MAX, \
      "steps between checkpoints, beside the one after every epoch; 0: no others")
TN_SELF(OPTIONS, )

static tn_status TN(now)(const void *self, tn_call *c, tn_run *run, const tn_event *event,
                         double *numbers)
{
    return run->checkpoint(run, c);
}

static tn_status TN(step)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                          double *numbers)
{
    const TN(self) *self = me;
    const int64_t step = (event->epoch - 1) * event->steps_per_epoch + event->step;
    return self->every && step % self->every == 0 ? run->checkpoint(run, c) : TN_OK;
}

TN_VTABLE(observer, .every = 1, .start = TN(now), .step = TN(step), .epoch = TN(now))
TN_PLUGIN_WITH(OPTIONS, observer, checkpoint,
               .summary = "a checkpoint after every epoch and every so many steps",
               .formula = "a checkpoint when step mod every = 0",
               .reference = "none: the run writes what resuming needs, atomically")

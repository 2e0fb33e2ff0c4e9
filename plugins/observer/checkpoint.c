/* checkpoint - asks the run for a checkpoint at its start, after every epoch and, if wanted, after every
 * so many steps: the last one is what resuming needs. With `best` it also writes the model, as it is
 * evaluated, to best.safetensors whenever that value is better than ever. The run writes its checkpoint
 * when all observers have seen the event, so that what they count is in it. */
#include <tenon/plugin.h>

#include "../value.h"

#define OPTIONS(P)                                                                     \
    P(INT, every, TN_POSITIONAL, 0, 0, INT64_MAX,                                      \
      "steps between checkpoints, beside the one after every epoch; 0: no others")     \
    P(STR, best, TN_OPTIONAL, 0, , ,                                                   \
      "a value, such as val_loss, whose best model is kept in best.safetensors")       \
    P(ENUM, mode, 0, VALUE_AUTO, VALUE_MODES, ,                                        \
      "whether that value should be small or large; auto: as its metric says, a loss " \
      "small")
TN_SELF(OPTIONS, )

#ifndef CHECKPOINT_ONCE
#define CHECKPOINT_ONCE
enum { SEEN, BEST, NUMBERS };
#endif

static int64_t TN(interval)(const void *me)
{
    return ((const TN(self) *)me)->every;
}

static tn_status TN(check_values)(const void *me, tn_call *c, const tn_event *event)
{
    const TN(self) *self = me;
    return self->best ? require_value(c, event, "best", self->best, self->mode) : TN_OK;
}

static tn_status TN(start)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    return run->checkpoint(run, c);
}

static tn_status TN(step)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                          double *numbers)
{
    return run->checkpoint(run, c);
}

static tn_status TN(epoch)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    const TN(self) *self = me;
    tn_status status = TN_OK;
    const tn_named_value *v = self->best ? find_value(event, self->best) : NULL;
    if (v && (numbers[SEEN] == 0 ? !isnan(v->value)
                                 : is_better(v, numbers[BEST], self->mode, 0))) {
        numbers[SEEN] = 1, numbers[BEST] = v->value;
        status = run->save(run, c, "best.safetensors");
    }
    return status ? status : run->checkpoint(run, c);
}

TN_VTABLE(observer, .numbers = NUMBERS, .check_values = TN(check_values),
          .start = TN(start), .step = TN(step), .epoch = TN(epoch),
          .interval = TN(interval))
TN_PLUGIN_WITH(OPTIONS, observer, checkpoint,
               .summary =
                   "a checkpoint after every epoch and every so many steps; the best "
                   "model",
               .formula = "a checkpoint when step mod every = 0",
               .reference = "none: the run writes what resuming needs, atomically")

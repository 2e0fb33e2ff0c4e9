/* counting - a schedule that is the number of epochs it has seen, plus the step in
 * thousandths: numbers and epoch_end at work. */
#include <tenon/plugin.h>

#include <tenon/training.h>

static double TN(value)(const void *self, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    return numbers[0] + (double)clock->step / 1000;
}

static void TN(epoch_end)(const void *self, const tn_clock *clock, const tn_event *event,
                          double *numbers)
{
    numbers[0]++;
}

TN_VTABLE(schedule, .numbers = 1, .value = TN(value), .epoch_end = TN(epoch_end))
TN_PLUGIN(schedule, counting, .summary = "epochs seen", .formula = "epochs + step / 1000",
          .reference = "none: a test")

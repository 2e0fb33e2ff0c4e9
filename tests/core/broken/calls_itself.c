/* calls_itself - by default it holds one of its own kind, and so on without end. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P) P(PLUGIN, inner, 0, "calls_itself", "schedule", 0, "another one")
TN_SELF(OPTIONS, )

static double TN(value)(const void *self, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    return 0;
}

TN_VTABLE(schedule, .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, calls_itself, .summary = "nothing", .formula = "0",
               .reference = "none: a test")

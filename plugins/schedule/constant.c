/* constant.c - the same value throughout: what a plain number in a config stands for.
 * With a fixed rate SGD reaches a neighbourhood of the minimum: Bottou, Curtis, Nocedal,
 * "Optimization methods for large-scale machine learning", SIAM Review 60 (2018),
 * theorem 4.6. */
#include <tenon/plugin.h>

#include <tenon/training.h>

#define OPTIONS(P) \
    P(REAL, value, TN_POSITIONAL | TN_REQUIRED, 0, -INFINITY, INFINITY, "the value")
TN_SELF(OPTIONS, )

static double TN(value)(const void *me, const double *now, const tn_clock *clock,
                        const double *numbers)
{
    const TN(self) *self = me;
    return self->value;
}

TN_VTABLE(schedule, .value = TN(value))
TN_PLUGIN_WITH(OPTIONS, schedule, constant, .summary = "the same value throughout",
               .formula = "value",
               .reference = "Bottou, Curtis, Nocedal, SIAM Review 60 (2018), theorem 4.6")

/* toy_greedy - asks for more slots than there are. */
#include <tenon/plugin.h>
#include <tenon/update.h>

static int32_t TN(slots)(const void *self)
{
    return 17;
}

static void TN(update)(const void *self, const tn_tile *t, const tn_update *u, tn_real *w,
                       const tn_real *g, tn_real *const *slot)
{
}

TN_VTABLE(optimizer, .slots = TN(slots), .update = TN(update))
TN_PLUGIN(optimizer, toy_greedy, .learning_rate = 0.1, .summary = "asks for 17 slots",
          .formula = "w <- w", .reference = "none: a test's")

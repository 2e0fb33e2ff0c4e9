/* every_type - a layer with an option of every type. Its check refuses count 7, logs
 * count 8, and its destroy logs always. */
#include <tenon/plugin.h>

#include "every_type.h"

TN_SELF(EVERY_TYPE, int32_t checked;)

static tn_status TN(check)(void *me, tn_call *c)
{
    TN(self) *self = me;
    self->checked = 1;
    if (self->count == 7)
        return tn_fail(c, TN_EINVAL, "7 of them do not go with %s", self->label);
    if (self->count == 8)
        c->host->log(c, TN_LOG_INFO, tn_now(c, self->heat) == 2 ? "two" : "?");
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    c->host->log(c, TN_LOG_DEBUG, self->checked ? "destroyed" : "destroyed half made");
}

TN_KERNEL void TN(copy)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i];
}

TN_VTABLE(layer, .check = TN(check), .destroy = TN(destroy), .numbers = 3,
          .kernel = TN_MAP, .forward = TN(copy))
TN_PLUGIN_WITH(EVERY_TYPE, layer, every_type,
               .summary = "the identity, with many options", .formula = "y = x",
               .reference = "none: a test")

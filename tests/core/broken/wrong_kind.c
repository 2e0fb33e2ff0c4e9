/* wrong_kind - says that it is a loss; it will lie in the folder of layers. */
#include <tenon/plugin.h>
#include <tenon/score.h>

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    return TN_OK;
}

TN_VTABLE(loss, .rows = TN(rows))
TN_PLUGIN(loss, wrong_kind, .summary = "nothing", .formula = "0",
          .reference = "none: a test")

/* toy_shape - a whole-tensor method that shows how it sees its weight: w = rows + cols / 1000. */
#include <tenon/plugin.h>
#include <tenon/update.h>

static tn_status TN(update_whole)(const void *self, tn_call *c, const tn_update *u,
                                  tn_tensor *w, const tn_tensor *g,
                                  tn_tensor *const *slot)
{
    tn_real *value = w->data;
    if (w->rank != 2 || g->rank != 2) return tn_fail(c, TN_ESHAPE, "not a matrix");
    for (int64_t i = 0; i < tn_count(w); i++)
        value[i] = (tn_real)w->dim[0] + (tn_real)w->dim[1] / 1000;
    return TN_OK;
}

TN_VTABLE(optimizer, .update_whole = TN(update_whole))
TN_PLUGIN(optimizer, toy_shape, .learning_rate = 0.1, .summary = "shows a weight's shape",
          .formula = "w = rows + cols / 1000", .reference = "none: a test's")

/* toy_draw - a random number for each row, to show which ones a loss draws. */
#include <tenon/plugin.h>
#include <tenon/random.h>
#include <tenon/score.h>

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *y, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    for (int64_t i = 0; i < t->n / t->width; i++)
        value[i] = tn_random_uniform(t->key, (uint64_t)(t->row + i));
    for (int64_t i = 0; gy && i < t->n; i++) gy[i] = 0;
    return TN_OK;
}

TN_VTABLE(loss, .rows = TN(rows))
TN_PLUGIN(loss, toy_draw, .summary = "A random number for each row",
          .formula = "L = u, u uniform on (0, 1)", .reference = "none: a test's")

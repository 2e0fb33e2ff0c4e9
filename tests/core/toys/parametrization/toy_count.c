/* toy_count - the identity, with a state that counts commits. */
#include <tenon/plugin.h>

static tn_status TN(infer)(void *self, tn_call *c, tn_node *node)
{
    const tn_shape one = {.rank = 1, .dim = {1}};
    return c->host->state(c, "commits", &one, 0);
}

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i];
}

static void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) gx[i] = gy[i];
}

static void TN(commit)(const void *self, const tn_tile *t, int64_t members,
                       void *const *state)
{
    *(tn_real *)state[0] += 1;
}

TN_VTABLE(parametrization, .kernel = TN_MAP, .infer = TN(infer), .forward = TN(forward),
          .backward = TN(backward), .commit = TN(commit))
TN_PLUGIN(parametrization, toy_count, .summary = "The identity; counts commits",
          .formula = "y = x", .reference = "none: a test's")

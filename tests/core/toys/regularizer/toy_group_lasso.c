/* toy_group_lasso.c - removes whole units: R(W) = lambda sqrt(n) sum over rows ||W_i||, n
 * weights in a row. Needs a row's norm before its prox: a reduction over rows. The prox
 * is exact where all weights of a row take the same step.
 *
 * Yuan and Lin, "Model selection and estimation in regression with grouped variables",
 * JRSS B 68 (2006), eq. 2.1 and 2.4. */
#include <tenon/plugin.h>
#include <tenon/update.h>

#define OPTIONS(P) P(SCHEDULABLE, lambda, TN_POSITIONAL, 0.01, 0, INFINITY, "strength")
TN_SELF(OPTIONS, )

static void TN(add)(const void *me, const tn_tile *t, const tn_real *w, const tn_real *g,
                    double *const *acc)
{
    for (int64_t i = 0; i < t->n; i++) acc[0][0] += (double)w[i] * (double)w[i];
}

static void TN(finish)(const void *me, const tn_tile *t, int64_t groups, int64_t members,
                       const double *const *acc, tn_real *const *stat)
{
    for (int64_t i = 0; i < groups; i++) stat[0][i] = (tn_real)sqrt(acc[0][i]);
}

static double TN(penalty)(const void *me, const tn_tile *t, const tn_real *w)
{
    const TN(self) *self = me;
    return tn_now(t, self->lambda) * sqrt((double)t->n) *
           (double)*(const tn_real *)t->stat[0];
}

static void TN(prox)(const void *me, const tn_tile *t, const tn_real *step, tn_real *w)
{
    const TN(self) *self = me;
    const double norm = (double)*(const tn_real *)t->stat[0];
    const double threshold = (double)step[0] * tn_now(t, self->lambda) *
                             sqrt((double)t->n);
    const tn_real keep = (tn_real)(norm > threshold ? 1 - threshold / norm : 0);
    for (int64_t i = 0; i < t->n; i++) w[i] = keep > 0 ? keep * w[i] : 0;
}

TN_VTABLE(regularizer, .penalty = TN(penalty), .prox = TN(prox),
          .reduce = {.over = TN_OVER_ROWS,
                     .sums = 1,
                     .stats = 1,
                     .add = TN(add),
                     .finish = TN(finish)})
TN_PLUGIN_WITH(OPTIONS, regularizer, toy_group_lasso,
               .summary = "sets all weights of useless units to zero",
               .formula = "R(W) = lambda sqrt(n) sum_i ||W_i||;  "
                          "W_i <- W_i max(0, 1 - step lambda sqrt(n) / ||W_i||)",
               .reference = "Yuan and Lin, JRSS B 68 (2006), eq. 2.1 and 2.4")

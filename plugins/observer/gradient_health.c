/* gradient_health - every so many updates, a row for each parameter in run_dir/gradient_health.csv: how
 * large its gradient is (of the loss, before anything clips it), and how far the update moved it.
 *
 *     update_ratio = ||w_new - w_old|| / ||w_old||
 *
 * Gradients that shrink from the last layer to the first vanish; those that grow explode. A ratio near
 * 1e-3 is usual: Bengio, "Practical recommendations for gradient-based training of deep
 * architectures", 2012, sec. 3.3 (Bottou's rule). */
#include <tenon/plugin.h>
#include <tenon/math.h>

#include "table.h"

#define OPTIONS(P) \
    P(INT, every, TN_POSITIONAL, 100, 1, INT64_MAX, "updates from one look to the next")
TN_SELF(OPTIONS, )

static int64_t TN(interval)(const void *me)
{
    return ((const TN(self) *)me)->every;
}

static int32_t TN(wants)(const void *me)
{
    return TN_WANTS_GRADIENTS | TN_WANTS_BEFORE;
}

TN_KERNEL double TN(norm)(const tn_real *v, int64_t n)
{
    return sqrt(TN_SUM(i, n, (double)v[i] * (double)v[i]));
}

TN_KERNEL double TN(distance)(const tn_real *v, const tn_real *w, int64_t n)
{
    return sqrt(
        TN_SUM(i, n, ((double)v[i] - (double)w[i]) * ((double)v[i] - (double)w[i])));
}

static void TN(put_row)(FILE *file, const tn_event *event, const tn_seen_param *p)
{
    const int64_t n = tn_count(p->value);
    const double weights = TN(norm)(p->before->data, n),
                 moved = TN(distance)(p->value->data, p->before->data, n);
    fprintf(file, "%lld,%s,%.9g,%.9g,%.9g,", table_step(event), p->name,
            TN(norm)(p->gradient->data, n), weights, moved);
    if (weights > 0) fprintf(file, "%.9g", moved / weights);
    fputc('\n', file);
}

static tn_status TN(start)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                           double *numbers)
{
    return table_start(c, event, "gradient_health.csv", numbers);
}

static tn_status TN(step)(const void *me, tn_call *c, tn_run *run, const tn_event *event,
                          double *numbers)
{
    table t;
    const tn_status status = table_open(c, event, "gradient_health.csv", numbers, &t);
    if (status || !t.file) return status;
    if (t.fresh)
        fputs("step,parameter,gradient_norm,weight_norm,update_norm,update_ratio\n",
              t.file);
    for (int32_t i = 0; i < event->params; i++)
        if (event->param[i].gradient) TN(put_row)(t.file, event, &event->param[i]);
    return table_close(c, &t, numbers);
}

TN_VTABLE(observer, .numbers = 1, .start = TN(start), .step = TN(step),
          .interval = TN(interval), .wants = TN(wants))
TN_PLUGIN_WITH(OPTIONS, observer, gradient_health,
               .summary = "norms of gradients and of updates, parameter by parameter",
               .formula = "||g||, ||w||, ||w_new - w||, ||w_new - w|| / ||w||",
               .reference =
                   "Bengio, Practical recommendations for gradient-based training "
                   "of deep architectures, 2012, sec. 3.3")

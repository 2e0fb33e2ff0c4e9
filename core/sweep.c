/* sweep.c - gradients of the mean loss over one batch that comes in parts.
 *
 *     g = (1 / W) sum over parts of d(sum of weighted losses) / dw,  W = sum of all weights
 *
 * W is known only after the last part, so each part is scaled by 1 / (number of rows), which is
 * W when no row has a weight of its own: then parts give the same bits as one batch. Where rows
 * have weights, the finished gradient is corrected. */
#include <math.h>

#include "core/real/bridge.h"
#include "core/real/unit.h"
#include "core/trainer.h"

static void correct_gradients(const tn_sweep *s, double factor)
{
    const tn_bridge *bridge = tn_bridge_of(s->graph->real);
    for (int32_t i = 0; i < s->graph->params; i++) {
        tn_tensor g = tn_plan_gradient(s->plan, i);
        if (!g.data) continue;
        bridge->scale(g.data, tn_count(&g), factor);
    }
}

static tn_status not_finite(const tn_sweep *s, const tn_pass *pass, tn_error *e)
{
    char when[64];
    snprintf(when, sizeof when, "step %llu", (unsigned long long)s->step + 1);
    return tn_not_finite(s->plan, pass, s->graph, when, e);
}

static void take_inputs(const tn_sweep *s, const tn_batch *batch, const void **x)
{
    const tn_inputs in = tn_graph_inputs(s->graph);
    int32_t field[TN_MOST_INPUTS];
    tn_inputs_find(&in, s->info, field);
    tn_inputs_take(&in, field, batch, x);
}

static tn_status run_part(const tn_sweep *s, int64_t part, int64_t row, double scale,
                          double *sums, int64_t *samples, tn_error *e)
{
    tn_batch batch;
    const void *x[TN_MOST_INPUTS];
    tn_status status = s->part(s->data, part, &batch, e);
    if (status) return status;
    const tn_pass pass = {.samples = batch.samples,
                          .row = row,
                          .of = s->samples,
                          .step = s->step,
                          .training = true,
                          .further = part > 0,
                          .sink = s->sink};
    take_inputs(s, &batch, x);
    status = tn_plan_run(s->plan, &pass, x, NULL, e);
    if (!status && s->look && part + 1 == s->parts)
        status = tn_plan_run(s->look, &pass, x, NULL, e);
    if (!status)
        status = tn_judge_add(s->judge, s->plan, &pass, batch.field, scale, true, sums,
                              e);
    if (!status && !isfinite(sums[0])) status = not_finite(s, &pass, e);
    if (!status) status = tn_plan_backward(s->plan, &pass, part > 0, e);
    if (!status && s->commit) tn_plan_commit(s->plan, &pass, s->commit);
    *samples = batch.samples;
    return status;
}

tn_status tn_sweep_run(const tn_sweep *s, double *sums, double *loss, tn_error *e)
{
    const int64_t rows = s->samples * tn_rows_per_sample(tn_graph_output(s->graph));
    const double loss_before = sums[0], weight_before = sums[1];
    const double scale = s->parts > 1 ? 1 / (double)rows : 0;
    int64_t row = 0, samples = 0;
    for (int64_t i = 0; i < s->parts; i++, row += samples) {
        const tn_status status = run_part(s, i, row, scale, sums, &samples, e);
        if (status) return status;
    }
    const double weight = sums[1] - weight_before;
    if (loss) *loss = weight > 0 ? (sums[0] - loss_before) / weight : 0;
    if (s->parts > 1 && weight > 0 && weight != (double)rows)
        correct_gradients(s, (double)rows / weight);
    return TN_OK;
}

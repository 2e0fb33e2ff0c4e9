/* nll - negative log-likelihood of the true class, from log-probabilities y.
 *
 *     L = -sum_k q_k y_k,  dL/dy_k = -q_k
 *
 * Behind log_softmax it is cross_entropy, which does both at once. q is the one-hot vector of an
 * integer label, or a row of probabilities. With weights w of the classes, as in PyTorch, q_k
 * becomes w_k q_k, and the sum over rows is divided by the sum of the labels' weights, with rows of
 * probabilities by their number. Goodfellow, Bengio, Courville, "Deep learning", 2016, section
 * 5.5. */
#include <tenon/plugin.h>
#include <tenon/score.h>

#include "classes.h"
#include "shares.h"

#define OPTIONS(P) CLASS_OPTIONS(P)
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    const TN(self) *self = me;
    if (out->are == TN_PROBABILITIES)
        return tn_fail(c, TN_EINVAL,
                       "takes log-probabilities, not probabilities: make them with "
                       "log_softmax, or leave the layer out and use cross_entropy");
    tn_status status = classes_check(c, out, field[0], self->ignore_label);
    if (!status)
        status = weights_check(c, out, field[0], self->class_weights, self->ignore_label);
    return status;
}

/* Logits, say: their loss would have no lower bound. A little above 0 is rounding. */
static tn_status TN(above_0)(tn_call *c, const tn_tile *t, int64_t i, tn_real y)
{
    return tn_fail(
        c, TN_EINVAL,
        "output %g of row %lld is above 0, so it is no log-probability; end the "
        "model with log_softmax, or use cross_entropy, which takes logits",
        (double)y, (long long)(t->row + i));
}

static tn_status TN(label_row)(const TN(self) * self, tn_call *c, const tn_tile *t,
                               int64_t i, const tn_real *y, int32_t label, double *value,
                               double *weight, tn_real *gy)
{
    for (int64_t k = 0; gy && k < t->width; k++) gy[k] = 0;
    *value = 0;
    if (label == self->ignore_label) return *weight = 0, TN_OK;
    const tn_status status = label_check(c, t, i, label);
    if (status) return status;
    if (y[label] > (tn_real)1e-3) return TN(above_0)(c, t, i, y[label]);
    if (self->class_weights->count) *weight = self->class_weights->at[label];
    *value = -(double)y[label];
    if (gy) gy[label] = -1;
    return TN_OK;
}

static tn_status TN(probability_row)(const TN(self) * self, tn_call *c, const tn_tile *t,
                                     int64_t i, const tn_real *y, const tn_real *target,
                                     double *value, tn_real *gy)
{
    const double *w = self->class_weights->count ? self->class_weights->at : NULL;
    *value = 0;
    for (int64_t k = 0; k < t->width; k++) {
        const double q = w ? w[k] * (double)target[k] : (double)target[k];
        if (q != 0 && y[k] > (tn_real)1e-3) return TN(above_0)(c, t, i, y[k]);
        if (q != 0) *value -= q * (double)y[k]; /* 0 log 0 is 0 */
        if (gy) gy[k] = (tn_real)-q;
    }
    return TN_OK;
}

static tn_status TN(rows)(const void *me, tn_call *c, const tn_tile *t, const tn_real *y,
                          const tn_field *field, double *value, double *weight,
                          tn_real *gy)
{
    const TN(self) *self = me;
    const int64_t n = t->width;
    const tn_real *target = field->real;
    tn_status status = target ? TN(check_shares)(c, t, target, weight) : TN_OK;
    for (int64_t i = 0; !status && i < t->n / n; i++) {
        tn_real *g = gy ? gy + i * n : NULL;
        status = target ? TN(probability_row)(self, c, t, i, y + i * n, target + i * n,
                                              value + i, g)
                        : TN(label_row)(self, c, t, i, y + i * n, field->label[i],
                                        value + i, weight + i, g);
    }
    return status;
}

TN_VTABLE(loss, .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(
    OPTIONS, loss, nll,
    .summary = "Negative log-likelihood of classes, from log-probabilities",
    .formula = "L = -sum_k q_k y_k",
    .reference = "Goodfellow, Bengio, Courville, Deep learning, 2016, section 5.5")

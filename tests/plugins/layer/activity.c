/* activity.c - the identity, whose gradient is that of the loss plus the mean of a penalty. */
#include <string.h>

#include "support/slots.h"
#include "tests/support/rounds.h"

static const char *const penalties[] = {"{l1: 0.3}", "{l2: 0.7}",
                                        "{elastic_net: {lambda: 2, l1_ratio: 0.25}}",
                                        "{penalty: {l2: {lambda: 0.1}}}"};

static double penalty_of(const tn_instance *layer, const double *x, int64_t n)
{
    const tn_instance *r = layer->child[0];
    const tn_tile t = tile_of(r, n);
    return ((const tn_regularizer_f64 *)r->vtable)->penalty(r->self, &t, x);
}

/* Against central differences of sum c_i y_i + share R(y), over many sizes. */
Test(activity, gradient_is_that_of_loss_and_penalty)
{
    enum { MOST = 600 };
    static const int64_t sizes[] = {1, 2, 7, 16, 33, 255, 256, 257, MOST};
    static double x[MOST], y[MOST], gy[MOST], gx[MOST];
    const tn_key key = {{4, 9}};
    double worst = 0;
    for (int p = 0; p < 4; p++) {
        const tn_instance *layer = make("layer", "activity", penalties[p], 1);
        const tn_layer_f64 *slot = layer->vtable;
        for (int k = 0; k < 9; k++) {
            const int64_t n = sizes[k];
            tn_tile t = tile_of(layer, n);
            t.share = 1.0 / (3 + k);
            for (int64_t i = 0; i < n; i++) {
                x[i] = tn_random_normal(key, (uint64_t)(i + 1000 * p));
                gy[i] = tn_random_normal(key, (uint64_t)(i + 5000));
            }
            slot->forward(layer->self, &t, x, y);
            cr_assert_arr_eq(x, y, sizeof *x * (size_t)n);
            slot->backward(layer->self, &t, NULL, y, gy, gx);
            for (int64_t i = 0; i < n; i++) {
                const double at = x[i], h = 1e-5;
                x[i] = at + h;
                const double above = penalty_of(layer, &x[i], 1);
                x[i] = at - h;
                const double slope = (above - penalty_of(layer, &x[i], 1)) / (2 * h);
                x[i] = at;
                worst = fmax(worst, fabs(gx[i] - gy[i] - t.share * slope));
            }
        }
    }
    note_error(NULL, NOTE_GRADIENT, 1, worst);
    cr_assert_leq(worst, 1e-7, "%g", worst);
}

/* In place: gx may be gy, y is x. */
Test(activity, may_work_in_place)
{
    const tn_instance *layer = make("layer", "activity", "{l1: 0.5}", 0);
    const tn_layer_f32 *slot = layer->vtable;
    tn_tile t = tile_of(layer, 3);
    float x[] = {1, -2, 0}, g[] = {1, 1, 1};
    t.share = 0.5;
    slot->forward(layer->self, &t, x, x);
    slot->backward(layer->self, &t, NULL, x, g, g);
    cr_assert(g[0] == 1.25f && g[1] == 0.75f && g[2] == 1);
    cr_assert_eq(slot->flags, TN_NEEDS_Y | TN_INPLACE | TN_IDLE);
}

Test(activity, refuses_what_has_no_gradient)
{
    refuse("layer", "activity", "{max_norm: 3}", "max_norm has no gradient");
    refuse("layer", "activity", "{orthogonal: 3}", "orthogonal has no gradient");
    refuse("layer", "activity", "{l2: {lambda: 3, decoupled: true}}",
           "beside the gradient");
    refuse("layer", "activity", "{l1: {lambda: 3, threshold: hard}}",
           "beside the gradient");
    refuse("layer", "activity", "{}", "penalty");
}

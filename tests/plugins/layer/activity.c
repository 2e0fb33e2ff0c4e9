/* activity.c - the identity, whose gradient is that of the loss plus the mean of a penalty. */
#include <string.h>

#include "support/fixture.h"
#include "tests/support/rounds.h"

enum { MOST = 600 }; /* elements of all samples */

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

/* The gradient of n elements, in float or in double, as doubles. */
#define BACKWARD(BITS, REAL)                                                      \
    static void backward_f##BITS(const tn_instance *layer, const tn_tile *t,      \
                                 const float *x, const float *gy, double *gx)     \
    {                                                                             \
        const tn_layer_f##BITS *slot = layer->vtable;                             \
        static REAL y[MOST], g[MOST];                                             \
        for (int64_t i = 0; i < t->n; i++) y[i] = (REAL)x[i], g[i] = (REAL)gy[i]; \
        slot->backward(layer->self, t, NULL, y, g, g);                            \
        for (int64_t i = 0; i < t->n; i++) gx[i] = (double)g[i];                  \
    }
BACKWARD(32, float)
BACKWARD(64, double)

static void torch_case(const tn_text_pair *text, int32_t real)
{
    const tn_instance *layer = make("layer", "activity", text->value, real);
    const float *x = fixture_data("weights", "w"), *gy = fixture_data("weights", "pull");
    const double *want = fixture_data(text->key, "grad");
    const tn_tensor *shapes = fixture_part("weights", "shapes");
    const int32_t *dim = shapes->data, *end = dim + tn_count(shapes);
    for (; dim < end; dim += 3) {
        static double gx[MOST];
        tn_tile t = tile_of(layer, (int64_t)dim[0] * dim[1] * dim[2]);
        double error = 0, most = 0;
        t.share = 1.0 / dim[0];
        (real ? backward_f64 : backward_f32)(layer, &t, x, gy, gx);
        for (int64_t i = 0; i < t.n; i++) {
            error = fmax(error, isnan(gx[i]) ? INFINITY : fabs(gx[i] - want[i]));
            most = fmax(most, fabs(want[i]));
        }
        note_error(NULL, NOTE_TORCH, real, error / most);
        cr_expect(error <= (real ? 1e-10 : 1e-5) * most, "%s: off by %.2e", text->value,
                  error / most);
        x += t.n, gy += t.n, want += t.n;
    }
}

/* Samples are the units of make_regularizer_fixtures.py. */
Test(activity, follows_pytorch)
{
    const tn_text_pair *text;
    int64_t next = 0;
    fixture_open("regularizers");
    cr_assert_not_null(fixture_case("activity", &(int64_t){0}));
    while ((text = fixture_case("activity", &next)))
        for (int32_t real = 0; real < 2; real++) torch_case(text, real);
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

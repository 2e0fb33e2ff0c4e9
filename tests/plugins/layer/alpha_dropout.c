/* alpha_dropout.c - layer/alpha_dropout: its constants, its law, mean 0 and variance 1 through twenty
 * layers of selu, gradients, threads. */
#include "tests/support/masking.h"

#define LIMIT -1.7580993408473766

/* P4-F9: p = .1 has a = .9212845, b = .1619710, p = .5 a = .8864049, b = .7791939. */
Test(alpha_dropout, constants)
{
    static const double known[2][3] = {{0.1, 0.9212845, 0.1619710},
                                       {0.5, 0.8864049, 0.7791939}};
    for (int k = 0; k < 2; k++) {
        const double p = known[k][0], a = known[k][1], b = known[k][2];
        char options[30];
        snprintf(options, sizeof options, "%g", p);
        check_layer *l = check_layer_new("alpha_dropout", options,
                                         check_shape(1, 100, 0, 0), 10, 1);
        int dropped = 0;
        check_forward(l, true, 0);
        check_backward(l, true, 0);
        for (int64_t i = 0; i < l->n; i++) {
            const bool out = tn_random_bits((tn_key){{5, 6}}, (uint64_t)i) <
                             (uint32_t)(p * 0x1p32);
            dropped += out;
            cr_assert_float_eq(l->y[i], a * (out ? LIMIT : l->x[0][i]) + b, 3e-7);
            cr_assert_float_eq(l->gx[0][i], out ? 0 : a * l->gy[i], 1e-7);
        }
        cr_assert(dropped > 50);
    }
}

/* Of ones: a + b, or a alpha' + b. */
Test(alpha_dropout, obeys_its_law)
{
    const double p = 0.3, q = 1 - p, a = 1 / sqrt(q + LIMIT * LIMIT * q * p),
                 b = -a * p * LIMIT;
    const tn_shape in = check_shape(1, 1024, 0, 0);
    mask_has_two_points(mask_of_ones("[{alpha_dropout: 0.3}]", in, 1024, 2), MASK_MANY, p,
                        a + b, a * LIMIT + b);
    mask_is_independent("{alpha_dropout: 0.3}", in, 1024);
}

/* Mean and variance of n values. */
static void measure(const double *x, int64_t n, double *mean, double *variance)
{
    *mean = *variance = 0;
    for (int64_t i = 0; i < n; i++) *mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; i++)
        *variance += (x[i] - *mean) * (x[i] - *mean) / (double)n;
}

/* Layers of 512 units whose weights have variance 1 / 512, selu, alpha_dropout, twenty times: mean
 * and variance of 2^16 values stay near 0 and 1, which a layer's own weights move a little. */
Test(alpha_dropout, keeps_mean_and_variance_through_twenty_layers)
{
    enum { UNITS = 512, SAMPLES = 128, N = UNITS * SAMPLES };
    check_net *net = check_net_new(
        "[{dense: {units: 512, bias: false}}, selu, {alpha_dropout: 0.1}]", NULL, 0,
        check_shape(1, UNITS, 0, 0), SAMPLES, 1, 1);
    const tn_key key = {{3, 4}};
    double *x = net->x, *w = net->graph->param[0].value.data, mean, variance;
    for (int i = 0; i < N; i++) x[i] = tn_random_normal(key, (uint64_t)i);
    for (uint64_t layer = 0; layer < 20; layer++) {
        const tn_key own = tn_key_derive(key, layer, 1);
        for (int i = 0; i < UNITS * UNITS; i++)
            w[i] = tn_random_normal(own, (uint64_t)i) / sqrt(UNITS);
        net->pass.step = layer;
        memcpy(x, check_net_output(net), sizeof *x * N);
        measure(x, N, &mean, &variance);
        cr_assert_float_eq(mean, 0, 0.1, "layer %d: mean %g", (int)layer, mean);
        cr_assert_float_eq(variance, 1, 0.1, "layer %d: variance %g", (int)layer,
                           variance);
    }
}

Test(alpha_dropout, both_ends)
{
    mask_has_both_ends("alpha_dropout", check_shape(1, 100, 0, 0));
}

/* On the way to zeros, at q = 1e-8: what is dropped is -1.7581 a q. */
Test(alpha_dropout, near_1)
{
    check_layer *l = check_layer_new("alpha_dropout", "0.99999999",
                                     check_shape(1, 100, 0, 0), 10, 1);
    check_forward(l, true, 0);
    for (int64_t i = 0; i < l->n; i++) cr_assert_float_eq(l->y[i], -8.69e-5, 1e-6);
}

Test(alpha_dropout, gradients)
{
    mask_check_gradients("{alpha_dropout: %g}", 0.9, 1, 3);
}

Test(alpha_dropout, is_the_same_on_any_threads_and_in_parts)
{
    check_runs("alpha_dropout", "0.5", 1, true);
    mask_is_the_same("{alpha_dropout: 0.4}", check_shape(1, 21, 0, 0), 33);
    mask_is_idle("[alpha_dropout]", check_shape(1, 200, 0, 0), 4);
}

Test(alpha_dropout, refuses)
{
    check_refuses("[{alpha_dropout: 1.1}]", check_shape(1, 3, 0, 0), "outside [0, 1]");
}

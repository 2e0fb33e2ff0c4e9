/* gradients.c - worked examples of gradients that vanish and explode, part 5 of TECHNIQUES.md: chains of
 * one unit a layer, where each factor is known, and layers of a thousand units as initializers make
 * them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "tests/support/check.h"
#include "tests/support/neuron.h"

enum { LAYERS = 16 };

/* ---- chains ------------------------------------------------------------------------- */

/* `layers` dense units of weight w, each followed by `act`, the last one if `last` is set; biases are such
 * that every unit is at z. The gradient at the output is `out`, by the units' z it is slope[]. */
static void chain(const char *act, bool last, double w, double z, int layers, double out,
                  double *slope)
{
    char text[200];
    snprintf(text, sizeof text, "[{repeat: {times: %d, body: [{dense: 1}, %s]}}%s]",
             last ? layers : layers - 1, act, last ? "" : ", {dense: 1}");
    const tn_shape one = check_shape(1, 1, 0, 0);
    check_net *net = check_net_new(text, NULL, 0, one, 1, 1, 1);
    check_layer *l = check_layer_new(act, NULL, one, 1, 1);
    l->x[0][0] = z;
    check_forward(l, true, 0);
    for (int i = 0; i < layers; i++) {
        *(double *)net->graph->param[2 * i].value.data = w;
        *(double *)net->graph->param[2 * i + 1].value.data = z - w * (i ? l->y[0] : 0);
    }
    *(double *)net->x = 0;
    *(double *)net->target.real = out;
    check_net_loss(net, true);
    for (int i = 0; i < layers; i++)
        slope[i] = *(double *)tn_plan_gradient(net->plan, 2 * i + 1).data;
}

/* P5-N1: 100, 50, 25, 12.5 ... .39, .195 (not .01, .0001). P5-N2: 1 ... .001953. P5-N3: 2 ... 1024. P5-N4:
 * 1 ... 512. P5-N5, P5-N6: two factors make .25 and 4, ten .000977 and 1024. P5-N20: 1000 ... 512000. */
Test(worked_gradients, P5_N1_to_N6_P5_N20_chains_of_products)
{
    static const struct {
        double w, out, third, second, first;
    } row[] = {{0.5, 100, 25, 0.39, 0.195},
               {0.5, 1, 0.25, 0.0039, 0.001953},
               {2, 2, 8, 512, 1024},
               {2, 1, 4, 256, 512},
               {2, 1000, 4000, 256000, 512000}};
    double slope[LAYERS];
    for (int i = 0; i < 5; i++) {
        chain("relu", false, row[i].w, 1, 10, row[i].out, slope);
        cr_assert_eq(slope[9], row[i].out);
        cr_assert_eq(slope[8], row[i].out * row[i].w);
        cr_assert_eq(slope[7], row[i].third);
        cr_assert_float_eq(slope[1], row[i].second, 0.005 * row[i].second);
        cr_assert_float_eq(slope[0], row[i].first, 0.005 * row[i].first);
    }
    chain("relu", false, 0.5, 1, 11, 1, slope);
    cr_assert_float_eq(slope[0], 0.000977, 5e-7);
    chain("relu", false, 2, 1, 11, 1, slope);
    cr_assert_eq(slope[0], 1024);
}

/* P5-N12: .125, .03125. P5-N13: .5 ... 1.907e-6. P5-N14: a factor of 3.815e-6. */
Test(worked_gradients, P5_N12_P5_N13_P5_N14_sigmoids_at_their_steepest)
{
    static const double want[] = {0.5,       0.125,     0.03125,  0.0078125, 0.001953,
                                  0.0004883, 0.0001221, 3.052e-5, 7.629e-6,  1.907e-6};
    double slope[LAYERS];
    chain("sigmoid", false, 1, 0, 10, 0.5, slope);
    for (int i = 0; i < 10; i++)
        cr_assert_float_eq(slope[9 - i], want[i], 1e-3 * want[i], "%g", slope[9 - i]);
    cr_assert_float_eq(slope[0] / slope[9], 3.815e-6, 5e-10);
}

/* Ten activations: P5-N23 9.5367e-7 for sigmoids at 0, P5-N24 1.63e-10 at 2 (not 1e-10), P5-N26 3.71e-8
 * for tanh at 1.5, P5-N27 1 for relu, P5-N41 1 for tanh at 0. */
Test(worked_gradients, P5_N23_P5_N24_P5_N26_P5_N27_P5_N41_ten_activations)
{
    static const struct {
        const char *act;
        double z, first, bound;
    } row[] = {{"sigmoid", 0, 9.5367e-7, 5e-12},
               {"sigmoid", 2, 1.63e-10, 5e-13},
               {"tanh", 1.5, 3.71e-8, 5e-11},
               {"tanh", 0, 1, 0},
               {"relu", 1, 1, 0}};
    double slope[LAYERS];
    for (int i = 0; i < 5; i++) {
        chain(row[i].act, true, 1, row[i].z, 10, 1, slope);
        cr_assert_float_eq(slope[0], row[i].first, row[i].bound, "%s at %g: %g",
                           row[i].act, row[i].z, slope[0]);
    }
}

/* Behind `layers` of one unit with weight 3.617 and relu, in float. */
static double grown(int layers, float x)
{
    char text[200];
    snprintf(text, sizeof text,
             "[{repeat: {times: %d, body: [{dense: {units: 1, bias: false}}, relu]}}]",
             layers);
    check_net *net = check_net_new(text, NULL, 0, check_shape(1, 1, 0, 0), 1, 0, 1);
    for (int i = 0; i < layers; i++) *(float *)net->graph->param[i].value.data = 3.617F;
    *(float *)net->x = x;
    return (double)*(const float *)check_net_output(net);
}

/* P5-N18: 5.2, 18.7, 67.8, 245.1, 886.7 grow by 3.617 a layer. P5-N19, 0-21: five layers more make 5.5e5,
 * and 8.6e5 of 1389.5; that, and the 3.8e7 of the seed, are far from 3.4e38, where float ends. */
Test(worked_gradients, P5_N18_P5_N19_what_grows_stays_finite)
{
    static const double seen[] = {18.7, 67.8, 245.1, 886.7};
    for (int i = 0; i < 4; i++)
        cr_assert_float_eq(grown(i + 1, 5.2F), seen[i], 0.006 * seen[i]);
    cr_assert_float_eq(grown(5, 886.7F), 5.5e5, 5e3);
    cr_assert_float_eq(grown(5, 1389.5F), 8.6e5, 5e3);
    cr_assert_float_eq(grown(1, 3.8e7F), 3.617 * 3.8e7, 10);
    cr_assert(isfinite(grown(1, 9.4e37F)) && isinf(grown(1, 9.41e37F)));
}

/* 0-23: what multiplies the recurrent weight many times is the gradient from the last state to the
 * first: it falls as .5^9 from the input of step 0 to that of the last of ten, and grows as 2^9. */
Test(worked_gradients, through_time)
{
    static const double weight[] = {0.5, 2};
    for (int k = 0; k < 2; k++) {
        double to[2];
        for (int step = 0; step < 10; step += 9) {
            check_net *net = check_net_new(
                "[{rnn: {units: 1, nonlinearity: relu, bias: false}}]", NULL, 0,
                check_shape(2, 10, 1, 0), 1, 1, 1);
            const int32_t in = check_net_param(net, "rnn.weight"),
                          back = check_net_param(net, "rnn.recurrent_weight");
            *(double *)net->graph->param[in].value.data = 1;
            *(double *)net->graph->param[back].value.data = weight[k];
            for (int i = 0; i < 10; i++) ((double *)net->x)[i] = i == step;
            *(double *)net->target.real = 1;
            check_net_loss(net, true);
            to[step > 0] = *(double *)tn_plan_gradient(net->plan, in).data;
        }
        cr_assert_eq(to[0], pow(weight[k], 9));
        cr_assert_eq(to[1], 1);
    }
}

/* ---- residual blocks ------------------------------------------------------------------ */

/* Gradients by what goes into a block whose body is zero, for outputs -1 and 1. */
static const double *around(const char *block)
{
    char text[300];
    snprintf(text, sizeof text, "[{dense: 2}, %s]", block);
    check_net *net = check_net_new(text, NULL, 0, check_shape(1, 1, 0, 0), 1, 1, 1);
    for (int32_t i = 0; i < net->graph->params; i++)
        memset(net->graph->param[i].value.data, 0,
               sizeof(double) * (size_t)tn_count(&net->graph->param[i].value));
    double *bias = net->graph->param[1].value.data, *target = net->target.real;
    bias[0] = -1, bias[1] = 1;
    target[0] = target[1] = 3;
    check_net_loss(net, true);
    return tn_plan_gradient(net->plan, 1).data;
}

/* 0-24: a relu behind the addition is on the way around, too; only where activations stand in the body
 * does a gradient pass unchanged. */
Test(worked_gradients, the_way_around_a_block)
{
    const double *g = around("{residual: [{dense: 2}]}, relu");
    cr_assert(g[0] == 0 && g[1] == 3);
    g = around("{residual: [relu, {dense: 2}]}");
    cr_assert(g[0] == 3 && g[1] == 3);
}

/* ---- updates ------------------------------------------------------------------------- */

/* A weight after a step with rate 0.1. */
static double after(double w, float x, float gradient, bool real)
{
    neuron *n = neuron_new(
        1, &w, 0, NULL,
        real ? "precision: double\nloss: linear\noptimizer: {sgd: {lr: 0.1}}"
             : "loss: linear\noptimizer: {sgd: {lr: 0.1}}");
    neuron_steps(n, &x, gradient, 1);
    return neuron_w(n, 0);
}

/* P5-N15: 1.25 %, P5-N16: .005 %, P5-N17: .00002 % of a weight of 1, which float still keeps; it loses what
 * is below 2.98e-8, half of what its last place is worth. P5-N21: -25598 or 25602. */
Test(worked_gradients, P5_N15_P5_N16_P5_N17_P5_N21_updates)
{
    cr_assert_float_eq(after(1, 1, 0.125F, true), 0.9875, 1e-15);
    cr_assert_float_eq(after(1, 1, 0.0005F, true), 0.99995, 1e-11);
    cr_assert_float_eq(after(1, 1, 2e-6F, true), 0.9999998, 1e-13);
    cr_assert_float_eq(after(1, 1, 2e-6F, false), 0.9999998, 6e-8);
    cr_assert_lt(after(1, 1, 2.99e-7F, false), 1);
    cr_assert_eq(after(1, 1, 2.97e-7F, false), 1);
    cr_assert_float_eq(after(2, 0.5F, 512000, true), -25598, 1e-9);
    cr_assert_float_eq(after(2, -0.5F, 512000, true), 25602, 1e-9);
}

/* ---- layers of a thousand inputs --------------------------------------------------- */

typedef struct moments {
    double mean, square, deviation;
    double inside; /* share of values in -bound .. bound */
    double zero;   /* share of zeros */
} moments;

static moments of(const double *y, int64_t n, double bound)
{
    moments m = {0};
    const double part = 1 / (double)n;
    for (int64_t i = 0; i < n; i++) {
        m.mean += part * y[i], m.square += part * y[i] * y[i];
        m.inside += part * (fabs(y[i]) <= bound), m.zero += part * (y[i] == 0);
    }
    m.deviation = sqrt(m.square - m.mean * m.mean);
    return m;
}

enum { SAMPLES = 60, INPUTS = 1000 };

/* A net with weights as drawn, for 60 samples of 1000 normal numbers. */
static check_net *as_drawn(const char *model)
{
    check_net *net = check_net_new(model, NULL, 0, check_shape(1, INPUTS, 0, 0), SAMPLES,
                                   1, 1);
    tn_error e = {0};
    cr_assert_eq(tn_graph_draw(net->graph, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < SAMPLES * INPUTS; i++)
        ((double *)net->x)[i] = tn_random_normal((tn_key){{8, 3}}, (uint64_t)i);
    return net;
}

static moments outputs(const char *model, double bound)
{
    check_net *net = as_drawn(model);
    return of(check_net_output(net), SAMPLES * net->outputs, bound);
}

/* P5-N29, P5-N31: weights of deviation 1 make a variance of 1000, 31.6, +-100 being 3.16 of it; then
 * sigmoids are saturated. P5-N32: xavier, for 1000 to 500, 1.3333 and 1.1547, of which 99.1 % are inside
 * -3 .. 3, where a sigmoid has a mean slope of .197. */
Test(worked_gradients, P5_N29_P5_N31_P5_N32_sums_of_a_thousand)
{
    moments m = outputs("[{dense: {units: 500, init: {normal: 1}}}]", 100);
    cr_assert_float_eq(m.square, 1000, 40);
    cr_assert_float_eq(m.deviation, 31.6, 0.6);
    cr_assert_float_eq(m.inside, 0.99843, 0.001);
    m = outputs("[{dense: {units: 500, init: {normal: 1}}}, sigmoid]", 0.5);
    cr_assert_float_eq(m.deviation, 0.49, 0.01);
    m = outputs("[{dense: {units: 500, init: xavier}}]", 3);
    cr_assert_float_eq(m.square, 4. / 3, 0.05);
    cr_assert_float_eq(m.deviation, 1.1547, 0.022);
    cr_assert_float_eq(m.inside, 0.991, 0.002);
    check_net *net = as_drawn("[{dense: {units: 500, init: xavier}}, sigmoid]");
    double slope = 0;
    for (int i = 0; i < SAMPLES * 500; i++) ((double *)net->target.real)[i] = 1;
    check_net_loss(net, true);
    for (int i = 0; i < 500; i++)
        slope += ((double *)tn_plan_gradient(net->plan, 1).data)[i] / (SAMPLES * 500);
    cr_assert_float_eq(slope, 0.197, 0.003, "%g", slope);
}

/* 0-16. P5-N33: behind relu E y^2 is .6667 with xavier, the variance .4545; P5-N34: 1 and .6817 with he.
 * P5-N42: the mean is .683 of the deviation, .564 and .826 with he. */
Test(worked_gradients, P5_N33_P5_N34_P5_N42_second_moments_behind_relu)
{
    moments m = outputs("[{dense: {units: 500, init: xavier}}, relu]", 1);
    cr_assert_float_eq(m.square, 0.6667, 0.03);
    cr_assert_float_eq(m.deviation * m.deviation, 0.4545, 0.02);
    m = outputs("[{dense: {units: 500, init: he}}, relu]", 1);
    cr_assert_float_eq(m.square, 1, 0.04);
    cr_assert_float_eq(m.deviation * m.deviation, 0.6817, 0.03);
    cr_assert_float_eq(m.mean, 0.564, 0.012);
    cr_assert_float_eq(m.deviation, 0.826, 0.017);
    cr_assert_float_eq(m.mean / m.deviation, 0.683, 0.01);
}

/* P5-N28, 0-22: relu silences half the units of a layer, not half the layers. So without he's factor of 2
 * a signal loses half its power a layer, 1 / 32 in five; with it, nothing. 0-21: by deviation 2 it grows
 * to the 44.7-fold in one. */
Test(worked_gradients, P5_N28_half_the_units_of_each_layer)
{
    for (int layers = 1; layers <= 5; layers += 4) {
        char text[200];
        for (int k = 0; k < 2; k++) {
            snprintf(text, sizeof text,
                     "[{repeat: {times: %d, body: [{dense: {units: 1000, init: %s}}, "
                     "relu]}}]",
                     layers, k ? "he" : "lecun");
            const moments m = outputs(text, 1);
            cr_assert_float_eq(m.zero, 0.5, 0.1);
            cr_assert_float_eq(log2(m.square), k ? 0 : -layers, 0.15 * layers, "%g",
                               m.square);
        }
    }
    const moments m = outputs("[{dense: {units: 1000, init: {normal: 2}}}, relu]", 1);
    cr_assert_float_eq(sqrt(m.square), 44.7, 0.9);
}

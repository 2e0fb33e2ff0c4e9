/* batch_norm.c - layer/batch_norm: values, gradients and running statistics (PyTorch
 * 1.13), far means, single rows, gradients, the affine form used for folding. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/norms.h"

static double x[] = {1, -2, 0.5, 3, 0.25, -1, -1.5, 4, 2, 0.5, 1, 8};
static double gy[] = {0.5, -1, 2, 1, 0.25, -0.5, -2, 1.5, 0.75, 0.1, -0.3, 1.2};
static double scales[] = {1.5, -0.5, 2}, shifts[] = {0.1, 0.2, -0.3};

static check_layer *example(void)
{
    check_layer *l = check_layer_new("batch_norm", NULL, check_shape(1, 3, 0, 0), 4, 1);
    l->x[0] = x, l->gy = gy;
    l->param[0].value = scales, l->param[1].value = shifts;
    return l;
}

Test(batch_norm, values_and_gradients_while_training)
{
    const double y[] = {0.33426018574030969,  0.85527733108396464, -1.397642129688863,
                        2.2083416716627875,   0.33105546621679294, -2.2757558334399537,
                        -2.0083416716627873,  -0.5426476418951599, -0.5195284259377726,
                        -0.13426018574030973, 0.15631484459440237, 2.9929263890665894};
    const double gx[] = {
        0.40567068868690542,  -0.00391219579917103,  0.76949553437238649,
        -0.37823899655117821, -0.084657937538581682, -0.61115319132385004,
        -0.37139359781781273, -0.025077927523832144, -0.045139999309103229,
        0.34396190568208573,  0.11364806086158484,   -0.11320234373943333};
    const double ggamma[] = {4.2791527261896576, 3.4467587615016537, 1.289729502384414};
    const double gbeta[] = {-0.4, 0.45, 3.45};
    check_layer *l = example();
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    check_near(l->y, y, 12, 1e-14, "y");
    check_near(l->gx[0], gx, 12, 1e-14, "gx");
    check_near(l->param[0].gradient, ggamma, 3, 1e-14, "gradient of gamma");
    check_near(l->param[1].gradient, gbeta, 3, 1e-14, "gradient of beta");
}

static const double running_mean[] = {0.075, 0.08125, 0.2375};
static const double running_var[] = {1.2416666666666667, 1.5140625, 2.45625};

Test(batch_norm, commit_keeps_unbiased_variances)
{
    check_layer *l = example();
    check_forward(l, true, 0);
    cr_assert_eq(l->state[0].value[0], 0, "forward must not write state");
    check_commit(l);
    check_near(l->state[0].value, running_mean, 3, 1e-15, "running mean");
    check_near(l->state[1].value, running_var, 3, 1e-15, "running variance");
}

/* P5-N39: with gamma 1 and beta 0 every feature has mean 0 and variance 1, but for epsilon. */
Test(batch_norm, P5_N39_mean_0_and_variance_1)
{
    check_layer *l = check_layer_new("batch_norm", NULL, check_shape(1, 5, 0, 0), 40, 1);
    for (int i = 0; i < 200; i++) l->x[0][i] = 30 * l->x[0][i] + i % 5;
    for (int j = 0; j < 5; j++) l->param[0].value[j] = 1, l->param[1].value[j] = 0;
    check_forward(l, true, 0);
    for (int j = 0; j < 5; j++) {
        double mean = 0, square = 0;
        for (int i = j; i < 200; i += 5)
            mean += l->y[i] / 40, square += l->y[i] * l->y[i] / 40;
        cr_assert_float_eq(mean, 0, 1e-14);
        cr_assert_float_eq(square, 1, 1e-6);
    }
}

/* Rows of any rank: statistics of a channel over the batch and all positions. */
Test(batch_norm, as_in_pytorch)
{
    check_torch("layers", "batch_norm");
}

static void set_running(check_layer *l)
{
    memcpy(l->state[0].value, running_mean, sizeof running_mean);
    memcpy(l->state[1].value, running_var, sizeof running_var);
}

Test(batch_norm, outside_training_uses_the_running_statistics)
{
    const double y[] = {1.3451702383847008,  1.0457089359243545,   0.034982512394365561,
                        4.0374302132705404,  0.13142900519532263,  -1.8792032727162948,
                        -2.0201547302225986, -1.3923708793530638,  1.949168297505026,
                        0.67210524466324095, -0.17333097171435466, 9.6059114379476682};
    const double gx[] = {0.67306499372145989, 0.40634663587956971,  2.5522477134808805,
                         1.3461299874429198,  -0.10158665896989243, -0.63806192837022013,
                         -2.6922599748858396, -0.60951995381935453, 0.95709289255533014,
                         0.134612998744292,   0.1219039907638709,   1.5313486280885282};
    const double ggamma[] = {5.9050235449162747, 6.2788174242816268, 7.5167683049064236};
    check_layer *l = example();
    set_running(l);
    check_forward(l, false, 0);
    check_backward(l, false, 0);
    check_near(l->y, y, 12, 1e-14, "y");
    check_near(l->gx[0], gx, 12, 1e-14, "gx");
    check_near(l->param[0].gradient, ggamma, 3, 1e-14, "gradient of gamma");
}

Test(batch_norm, as_affine_is_its_evaluation)
{
    check_layer *l = example();
    const tn_layer *layer = l->instance->vtable;
    const void *param[] = {scales, shifts}, *state[] = {running_mean, running_var};
    const tn_tile t = {.n = 3,
                       .width = 3,
                       .rows_per_sample = 1,
                       .shape = &l->in[0],
                       .param = param,
                       .state = state};
    double scale[3], shift[3];
    set_running(l);
    check_forward(l, false, 0);
    layer->as_affine(l->instance->self, &t, scale, shift);
    for (int32_t i = 0; i < 12; i++)
        cr_assert_float_eq(l->y[i], scale[i % 3] * x[i] + shift[i % 3], 1e-14);
}

/* The spread of 1e9 + {0, 1, 2, 3}: sums of squares would leave nothing of it. */
Test(batch_norm, a_far_mean_costs_no_digits)
{
    check_layer *l = check_layer_new("batch_norm", "{affine: false}",
                                     check_shape(1, 1, 0, 0), 4, 1);
    for (int32_t i = 0; i < 4; i++) l->x[0][i] = 1e9 + i;
    check_forward(l, true, 0);
    for (int32_t i = 0; i < 4; i++)
        cr_assert_float_eq(l->y[i], (i - 1.5) / sqrt(1.25 + 1e-5), 1e-12);
}

/* 3000 rows of 16 features are several chunks, in float; each starts at another value,
 * far from 0. The result must be that of two passes in double. */
Test(batch_norm, far_means_in_a_net_of_several_chunks)
{
    enum { ROWS = 3000, WIDTH = 16 };
    check_net *net = check_net_new("[{batch_norm: {affine: false}}]", NULL, 0,
                                   check_shape(1, WIDTH, 0, 0), ROWS, 0, 1);
    float *at = net->x;
    for (int64_t i = 0; i < ROWS * WIDTH; i++)
        at[i] = (float)(4096 + 0.03 * (double)(i / WIDTH) + (double)at[i]);
    const float *y = check_net_output(net);
    for (int64_t j = 0; j < WIDTH; j++) {
        double mean = 0, var = 0;
        for (int64_t i = 0; i < ROWS; i++) mean += (double)at[i * WIDTH + j] / ROWS;
        for (int64_t i = 0; i < ROWS; i++) {
            const double d = (double)at[i * WIDTH + j] - mean;
            var += d * d / ROWS;
        }
        for (int64_t i = 0; i < ROWS; i++)
            cr_assert_float_eq((double)y[i * WIDTH + j],
                               ((double)at[i * WIDTH + j] - mean) / sqrt(var + 1e-5),
                               2e-5);
    }
}

/* Mean and variance of a column in double, in two passes. */
static void two_passes(const float *column, int64_t rows, int64_t width, double *mean,
                       double *var)
{
    *mean = *var = 0;
    for (int64_t i = 0; i < rows; i++) *mean += (double)column[i * width] / (double)rows;
    for (int64_t i = 0; i < rows; i++)
        *var += pow((double)column[i * width] - *mean, 2) / (double)(rows - 1);
}

/* Sums are taken of x - s, s being the first value of a chunk of 512 rows. Where that lies far from the
 * others, squares in its chunk are up to 512 times the variance, which costs 4e-6 at most here. Sums of x^2 in
 * float are off by 1.5e-5 at least, by 100 at most; in double, but of squares in float, still by 1e-2. */
Test(batch_norm, the_first_row_may_be_an_outlier)
{
    enum { ROWS = 1500, WIDTH = 16 };
    static const double far[] = {1e6, -1e4, 300}, mean[] = {100, 5000, 3e4},
                        spread[] = {0.5, 0.1, 2};
    check_net *net = check_net_new("[{batch_norm: {momentum: 1}}]", NULL, 0,
                                   check_shape(1, WIDTH, 0, 0), ROWS, 0, 1);
    float *at = net->x, drawn[ROWS * WIDTH];
    const float *got_mean = net->graph->state[0].value.data,
                *got_var = net->graph->state[1].value.data;
    memcpy(drawn, at, sizeof drawn);
    for (int k = 0; k < 9; k++) {
        for (int i = 0; i < ROWS * WIDTH; i++)
            at[i] = (float)(mean[k % 3] + spread[k / 3] * (double)drawn[i] +
                            (i < WIDTH ? far[k % 3] : 0));
        check_net_output(net);
        tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
        for (int j = 0; j < WIDTH; j++) {
            double m, v;
            two_passes(at + j, ROWS, WIDTH, &m, &v);
            cr_assert_float_eq((double)got_mean[j], m, 1e-5 * sqrt(v) + 1e-7 * m,
                               "%d: %g, %g", k, (double)got_mean[j], m);
            cr_assert_float_eq((double)got_var[j], v, 1e-5 * v, "%d: %g, %g", k,
                               (double)got_var[j], v);
        }
    }
}

Test(batch_norm, a_batch_of_one_row_stays_finite)
{
    check_layer *l = check_layer_new("batch_norm", NULL, check_shape(1, 2, 0, 0), 1, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    check_commit(l);
    check_near(l->y, l->param[1].value, 2, 0, "y is beta");
    cr_assert_float_eq(l->state[1].value[0], 0.9, 1e-15);
}

Test(batch_norm, splits_along_columns_give_the_same_bits)
{
    check_runs("batch_norm", NULL, 1, true);
    check_runs("batch_norm", NULL, 1, false);
    check_runs("batch_norm", "{affine: false}", 1, true);
}

Test(batch_norm, its_parameters_are_norms)
{
    const check_layer *l = example();
    cr_assert_eq(l->params, 2);
    cr_assert(l->param[0].role == TN_NORM && l->param[1].role == TN_NORM);
    cr_assert(l->param[0].along == TN_PER_COLUMN && l->param[1].along == TN_PER_COLUMN);
}

static const char model[] =
    "[{dense: {units: 4, bias: false}}, batch_norm, tanh, {dense: 2}]";

/* A batch of two rows at least, beside which a feature may not be constant. */
Test(batch_norm, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char net[200];
        snprintf(net, sizeof net,
                 "[{dense: {units: %d, bias: %s}}, {batch_norm: {eps: %g, affine: %s}}, "
                 "tanh, {dense: 2}]",
                 (int)check_draw(seed, 0, 1, 9), seed % 4 ? "true" : "false",
                 seed % 3 ? 1e-3 : 0.1, seed % 2 ? "true" : "false");
        check_gradients(net, NULL, 0, check_draw_shape(seed, 1, 3, 4),
                        check_draw(seed, 1, 3, 7), seed % 5 != 0);
    }
    check_gradients(model, NULL, 0, check_shape(2, 3, 2, 0), 1, true);
    check_gradients("[batch_norm, {dense: 2}]", NULL, 0, check_shape(1, 3, 0, 0), 5,
                    true);
}

static tn_shape draw(uint32_t seed, char layers[CHECK_LAYERS])
{
    return norm_draw("batch_norm", 1, seed, layers);
}

Test(batch_norm, is_the_same_with_both_backends)
{
    check_backends(draw);
}

/* Other samples count while it trains, and only then. */
Test(batch_norm, independence)
{
    check_threads("[{dense: 16}, batch_norm, tanh, {dense: 3}]",
                  check_shape(3, 12, 10, 2), 20);
    check_net *all = check_net_new("[batch_norm]", NULL, 0, check_shape(2, 3, 4, 0), 5, 1,
                                   2),
              *one = check_net_new("[batch_norm]", NULL, 0, check_shape(2, 3, 4, 0), 1, 1,
                                   2);
    all->pass.training = one->pass.training = false;
    const double *y = check_net_output(all);
    for (int64_t s = 0; s < 5; s++) {
        memcpy(one->x, (double *)all->x + 12 * s, 12 * sizeof(double));
        cr_assert_eq(memcmp(check_net_output(one), y + 12 * s, 12 * sizeof(double)), 0);
    }
}

Test(batch_norm, float_and_double_agree)
{
    check_precisions(model, NULL, 0, check_shape(1, 3, 0, 0), 50, 1e-4);
}

Test(batch_norm, statistics_are_committed_in_a_net)
{
    check_net *net = check_net_new("[batch_norm]", NULL, 0, check_shape(1, 3, 0, 0), 4, 1,
                                   1);
    memcpy(net->x, x, sizeof x);
    check_net_output(net);
    tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
    const int32_t mean = check_net_state(net, "batch_norm.running_mean");
    const int32_t var = check_net_state(net, "batch_norm.running_var");
    check_near(net->graph->state[mean].value.data, running_mean, 3, 1e-15,
               "running mean");
    check_near(net->graph->state[var].value.data, running_var, 3, 1e-15,
               "running variance");
}

/* spectral_norm.c - parametrization/spectral_norm: the largest singular value is 1, gradients,
 * PyTorch's numbers, its power iteration, and what moves when. */
#include "tests/support/parametrized.h"

Test(spectral_norm, pytorch)
{
    check_torch("parametrizations", "spectral_norm");
}

/* u and v are constants outside training, so the gradient is the derivative. */
Test(spectral_norm, gradients_outside_training)
{
    check_random_parametrized("spectral_norm", false);
}

/* Once the iteration has converged, d sigma = u^T dW v holds of sigma itself. */
Test(spectral_norm, gradients_of_the_largest_singular_value)
{
    const char *model =
        "[{dense: {units: 4, parametrization: {spectral_norm: {iterations: "
        "1000}}}}, tanh, {dense: 2}]";
    check_gradients(model, NULL, 0, check_shape(1, 3, 0, 0), 3, true);
    check_gradients(model, NULL, 0, check_shape(1, 6, 0, 0), 2, true);
}

/* By Jacobi's method (one-sided): columns of A are turned until they are orthogonal; their lengths
 * are then the singular values. */
static double largest_singular_value(double *a, int64_t rows, int64_t cols)
{
    double most = 0;
    for (int sweep = 0; sweep < 60; sweep++)
        for (int64_t p = 0; p < cols; p++)
            for (int64_t q = p + 1; q < cols; q++) {
                double alpha = 0, beta = 0, gamma = 0;
                for (int64_t i = 0; i < rows; i++) {
                    const double x = a[i * cols + p], y = a[i * cols + q];
                    alpha += x * x, beta += y * y, gamma += x * y;
                }
                if (fabs(gamma) < 1e-18) continue;
                const double zeta = (beta - alpha) / (2 * gamma);
                const double t = copysign(1, zeta) / (fabs(zeta) + sqrt(1 + zeta * zeta));
                const double c = 1 / sqrt(1 + t * t), s = c * t;
                for (int64_t i = 0; i < rows; i++) {
                    const double x = a[i * cols + p], y = a[i * cols + q];
                    a[i * cols + p] = c * x - s * y, a[i * cols + q] = s * x + c * y;
                }
            }
    for (int64_t p = 0; p < cols; p++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++) sum += a[i * cols + p] * a[i * cols + p];
        most = fmax(most, sqrt(sum));
    }
    return most;
}

/* The weight in use, from what a net without bias makes of the rows of the identity. */
static void weight_in_use(check_net *net, int64_t out, int64_t in, double *w)
{
    double *x = net->x;
    memset(x, 0, sizeof *x * (size_t)(in * in));
    for (int64_t i = 0; i < in; i++) x[i * in + i] = 1;
    const double *y = check_net_output(net);
    for (int64_t i = 0; i < in; i++)
        for (int64_t j = 0; j < out; j++) w[j * in + i] = y[i * out + j];
}

Test(spectral_norm, the_largest_singular_value_is_1)
{
    char model[200];
    double w[400];
    const int64_t shapes[][2] = {{5, 9}, {9, 5}, {7, 7},  {1, 6},
                                 {6, 1}, {1, 1}, {20, 20}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int64_t out = shapes[i][0], in = shapes[i][1];
        snprintf(model, sizeof model,
                 "[{dense: {units: %lld, bias: false, parametrization: {spectral_norm: "
                 "{iterations: 1000}}}}]",
                 (long long)out);
        check_net *net = check_net_new(model, NULL, 0, check_shape(1, in, 0, 0), in, 1,
                                       3);
        weight_in_use(net, out, in, w);
        cr_assert_float_eq(largest_singular_value(w, out, in), 1, 1e-9, "%lld x %lld",
                           (long long)out, (long long)in);
    }
}

/* A step of the iteration for each commit, none without. */
Test(spectral_norm, moves_with_commit_only)
{
    check_net *net = check_net_new(
        "[{dense: {units: 5, bias: false, parametrization: spectral_norm}}]", NULL, 0,
        check_shape(1, 7, 0, 0), 7, 1, 3);
    double u[5], v[7], w[35];
    double *state_u =
               net->graph->state[check_net_state(net, "dense.weight.u")].value.data,
           *state_v =
               net->graph->state[check_net_state(net, "dense.weight.v")].value.data;
    memcpy(u, state_u, sizeof u), memcpy(v, state_v, sizeof v);
    check_net_loss(net, true);
    check_net_loss(net, true);
    cr_assert(!memcmp(u, state_u, sizeof u) && !memcmp(v, state_v, sizeof v));
    tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
    cr_assert(memcmp(u, state_u, sizeof u) && memcmp(v, state_v, sizeof v));
    for (int i = 0; i < 3000; i++) {
        check_net_loss(net, true);
        tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
    }
    weight_in_use(net, 5, 7, w);
    cr_assert_float_eq(largest_singular_value(w, 5, 7), 1, 1e-9);
}

/* Near the largest singular value from the beginning. */
Test(spectral_norm, begins_with_some_steps)
{
    const tn_shape in = {.rank = 1, .dim = {20}};
    double w[400];
    tn_error e = {0};
    tn_graph *graph;
    tn_config *config = tn_config_parse(
        check_env(), "model: [{dense: {units: 20, parametrization: spectral_norm}}]",
        "test.yaml", NULL, 0, &e);
    cr_assert_eq(
        tn_graph_new(check_env(), config->root, &in, 1, 7, INT64_MAX, &graph, &e), TN_OK,
        "%s", e.text);
    const double *u = graph->state[0].value.data, *v = graph->state[1].value.data;
    double sigma = 0;
    memcpy(w, graph->param[0].value.data, sizeof w);
    for (int i = 0; i < 400; i++) sigma += u[i / 20] * w[i] * v[i % 20];
    const double most = largest_singular_value(w, 20, 20);
    cr_assert(sigma > 0.95 * most && sigma <= most * (1 + 1e-12), "%g of %g", sigma,
              most);
    tn_graph_free(graph);
    tn_config_free(config);
}

Test(spectral_norm, threads_and_samples)
{
    check_samples(
        "[{dense: {units: 20, parametrization: spectral_norm}}, relu, {dense: 3}]",
        check_shape(1, 30, 0, 0), 9);
    check_threads("[{dense: {units: 200, parametrization: spectral_norm}}, relu, {dense: "
                  "{units: 30, parametrization: spectral_norm}}]",
                  check_shape(1, 300, 0, 0), 9);
}

Test(spectral_norm, refuses_no_iterations)
{
    check_refuses(
        "[{dense: {units: 3, parametrization: {spectral_norm: {iterations: 0}}}}]",
        check_shape(1, 3, 0, 0), "iterations");
}

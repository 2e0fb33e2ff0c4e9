/* plan.c - what a plan runs and how: parametrizations, accumulated gradients, random numbers,
 * sums of columns. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/graph_build.h"
#include "tests/support/check.h"
#include "tests/support/opening.h"

static tn_status try_plan(check_net *net, bool training, tn_error *e)
{
    tn_plan *plan;
    const tn_status status = tn_plan_new(net->graph, 2, training, false, &plan, e);
    if (!status) tn_plan_free(plan);
    return status;
}

/* ---- parametrizations ------------------------------------------------------------ */

Test(plan, commits_reach_parametrizations)
{
    check_net *net = check_net_new("[{dense: {units: 2, parametrization: toy_count}}]",
                                   NULL, 0, check_shape(1, 3, 0, 0), 4, 1, 1);
    const double *commits = net->graph->state[0].value.data;
    check_net_loss(net, true);
    cr_assert_eq(commits[0], 0);
    tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
    cr_assert_eq(commits[0], 1);
}

Test(plan, parametrization_without_backward_cannot_be_trained)
{
    const char *model = "model: [{dense: {units: 2, parametrization: toy_one_way}}]";
    const tn_shape input = check_shape(1, 3, 0, 0);
    tn_error e = {0};
    check_net net = {0};
    tn_config *config = tn_config_parse(check_env(), model, "net.yaml", NULL, 0, &e);
    cr_assert_eq(
        tn_graph_new(check_env(), config->root, &input, 1, 7, INT64_MAX, &net.graph, &e),
        TN_OK, "%s", e.text);
    cr_assert_eq(try_plan(&net, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(try_plan(&net, true, &e), TN_ENOTSUP);
    cr_assert(strstr(e.text, "net.yaml:1:") && strstr(e.text, "toy_one_way") &&
                  strstr(e.text, "dense.weight"),
              "%s", e.text);
    tn_graph_free(net.graph);
    tn_config_free(config);
}

/* A weight that changes behind the plan's back shows when it is made again. */
static bool shows(check_net *net, tn_plan *plan, const tn_pass *pass)
{
    double *v = net->graph->param[0].value.data, before[8];
    const void *y;
    tn_error e = {0};
    cr_assert_eq(tn_plan_forward(plan, pass, net->x, &y, &e), TN_OK, "%s", e.text);
    memcpy(before, y, sizeof before);
    v[0] += 1;
    tn_pass again = *pass;
    again.further = pass->training;
    cr_assert_eq(tn_plan_forward(plan, &again, net->x, &y, &e), TN_OK, "%s", e.text);
    if (memcmp(before, y, sizeof before)) return true;
    tn_graph_changed(net->graph);
    cr_assert_eq(tn_plan_forward(plan, pass, net->x, &y, &e), TN_OK, "%s", e.text);
    cr_assert(memcmp(before, y, sizeof before), "the weight does not count");
    return false;
}

Test(plan, weights_are_made_once)
{
    check_net *net = check_net_new("[{dense: {units: 2, parametrization: weight_norm}}]",
                                   NULL, 0, check_shape(1, 3, 0, 0), 4, 1, 1);
    const tn_pass pass = {.samples = 4}, training = {.samples = 4, .training = true};
    tn_error e = {0};
    tn_plan *plan;
    cr_assert_eq(tn_plan_new(net->graph, 4, false, false, &plan, &e), TN_OK);
    cr_assert_not(shows(net, plan, &pass), "for every batch, outside training");
    cr_assert_not(shows(net, net->plan, &pass), "by a plan that can train");
    cr_assert_not(shows(net, net->plan, &training), "for every part of a batch");
    atomic_store(&net->graph->handed_out, true);
    cr_assert(shows(net, plan, &pass), "though a program may have changed the weight");
    tn_plan_free(plan);
}

/* ---- accumulation ---------------------------------------------------------------- */

Test(plan, gradients_add_up_where_the_plan_was_made_for_it)
{
    check_net *net = check_net_new("[{dense: 2}]", NULL, 0, check_shape(1, 3, 0, 0), 4, 1,
                                   1);
    tn_error e = {0};
    double once[6];
    check_net_loss(net, true);
    cr_assert_eq(tn_plan_backward(net->plan, &net->pass, true, &e), TN_EINVAL);
    tn_plan *plain = net->plan;
    cr_assert_eq(tn_plan_new(net->graph, 4, true, true, &net->plan, &e), TN_OK, "%s",
                 e.text);
    const long long calls = atomic_load(&check_env()->memory.calls);
    check_net_loss(net, true);
    const double *gradient = tn_plan_gradient(net->plan, 0).data;
    memcpy(once, gradient, sizeof once);
    cr_assert_eq(tn_plan_backward(net->plan, &net->pass, true, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < 6; i++) cr_assert_eq(gradient[i], 2 * once[i]);
    cr_assert_eq(atomic_load(&check_env()->memory.calls), calls);
    tn_plan_free(net->plan);
    net->plan = plain;
}

/* ---- random numbers -------------------------------------------------------------- */

Test(plan, every_position_of_a_window_and_every_step_draws_anew)
{
    check_net *net = check_net_new("[noisy_pool]", NULL, 0, check_shape(2, 4, 2, 0), 3, 1,
                                   1);
    double first[18];
    memset(net->graph->param[0].value.data, 0, 2 * sizeof(double)); /* noise alone */
    memcpy(first, check_net_output(net), sizeof first);
    for (int i = 0; i < 18; i++)
        for (int k = 0; k < i; k++)
            cr_assert_neq(first[i], first[k], "numbers %d and %d are the same", k, i);
    cr_assert_arr_eq(check_net_output(net), first, sizeof first);
    net->pass.step++;
    const double *next = check_net_output(net);
    for (int i = 0; i < 18; i++) cr_assert_neq(first[i], next[i]);
}

/* Rows of a part of a batch draw what they draw in the whole. */
Test(plan, windows_count_positions_in_the_logical_batch)
{
    check_net *net = check_net_new("[noisy_pool]", NULL, 0, check_shape(2, 4, 2, 0), 3, 1,
                                   1);
    double whole[18];
    memcpy(whole, check_net_output(net), sizeof whole);
    net->pass.samples = 2, net->pass.row = 1;
    net->x = (double *)net->x + 8;
    cr_assert_arr_eq(check_net_output(net), whole + 6, 12 * sizeof(double));
}

Test(plan, a_loss_draws_anew_in_every_step)
{
    check_net *net = check_net_new("[{dense: 2}]", "toy_draw", 0, check_shape(1, 3, 0, 0),
                                   4, 1, 1);
    const double first = check_net_loss(net, false);
    cr_assert_eq(check_net_loss(net, false), first);
    net->pass.step++;
    cr_assert_neq(check_net_loss(net, false), first);
}

/* ---- sums of columns ------------------------------------------------------------- */

static void sums(int32_t threads, const float *x, int64_t rows, int64_t cols, float *out)
{
    tn_error e = {0};
    tn_env *env = open_env(NULL, threads);
    const tn_instance *backend;
    cr_assert_eq(tn_env_backend(env, 0, &backend, &e), TN_OK, "%s", e.text);
    tn_real_ops_f32.column_sums(backend, x, rows, cols, out);
    tn_env_free(env);
}

Test(plan, column_sums_are_exact_enough_and_the_same_on_any_number_of_threads)
{
    static const int64_t shape[][2] = {{1, 1},     {7, 3},    {600000, 1},  {20000, 10},
                                       {900, 700}, {5, 9000}, {3000, 5000}, {0, 4}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        const int64_t rows = shape[s][0], cols = shape[s][1];
        float *x = check_room(rows * cols + 1, sizeof *x);
        float *one = check_room(cols, sizeof *one), *four = check_room(cols, sizeof *one);
        for (int64_t i = 0; i < rows * cols; i++) x[i] = 1.1f + (float)(i % 7) / 10;
        sums(1, x, rows, cols, one);
        sums(4, x, rows, cols, four);
        cr_assert_arr_eq(one, four, sizeof *one * (size_t)cols);
        for (int64_t j = 0; j < cols; j++) {
            double exact = 0;
            for (int64_t i = 0; i < rows; i++) exact += (double)x[i * cols + j];
            cr_assert_float_eq((double)one[j], exact, 2e-5 * exact, "%lld x %lld: %g, %g",
                               (long long)rows, (long long)cols, (double)one[j], exact);
        }
    }
}

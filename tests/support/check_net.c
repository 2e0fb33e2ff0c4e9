/* check_net.c - whole nets: gradients by central differences, float against double,
 * descent; see check.h.
 *
 * Derivatives use the five-point rule (f(-2h) - 8 f(-h) + 8 f(h) - f(2h)) / 12h, h =
 * 1e-5: its error is about h^4 for the rule and 1e-11 for rounding. Where f has a kink
 * within 2h, forward and backward differences disagree; then the whole check is
 * repeated with other numbers. */
#include "check.h"
#include "note.h"
#include "core/plan_state.h"
#include "core/real/bridge.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define STEP 1e-5
#define TOLERANCE 1e-7
#define SEEDS 40

void (*check_targets)(double *target, int64_t n, int64_t width);

/* ---- numbers of either precision ------------------------------------------------- */

static double value_at(const check_net *net, const void *data, int64_t i)
{
    return net->real ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static void set_at(const check_net *net, void *data, int64_t i, double value)
{
    if (net->real)
        ((double *)data)[i] = value;
    else
        ((float *)data)[i] = (float)value;
}

static void randomize(const check_net *net, void *data, int64_t n, uint32_t seed,
                      double centre)
{
    double *random = check_room(n, sizeof *random);
    check_random(random, n, seed);
    for (int64_t i = 0; i < n; i++) set_at(net, data, i, centre + random[i]);
}

/* ---- making ---------------------------------------------------------------------- */

static void free_config(void *config)
{
    tn_config_free(config);
}

static void free_graph(void *graph)
{
    tn_graph_free(graph);
}

static void free_plan(void *plan)
{
    tn_plan_free(plan);
}

static tn_graph *make_graph(check_net *net, const char *model, tn_shape input,
                            tn_error *e)
{
    char text[4000];
    snprintf(text, sizeof text, "model: %s\n", model);
    net->config = tn_config_parse(check_env(), text, "test.yaml", NULL, 0, e);
    cr_assert_not_null(net->config, "%s", e->text);
    check_keep(net->config, free_config);
    tn_graph_new(check_env(), net->config->root, &input, net->real, 7, INT64_MAX,
                 &net->graph, e);
    if (net->graph) check_keep(net->graph, free_graph);
    return net->graph;
}

static void make_target(check_net *net, int32_t classes, uint32_t seed)
{
    const tn_shape *out = tn_graph_output(net->graph);
    const int64_t rows = net->samples * net->outputs / tn_shape_width(out);
    if (classes) {
        net->target = (tn_field){.width = rows / net->samples,
                                 .label = check_room(rows, sizeof(int32_t))};
        for (int64_t i = 0; i < rows; i++)
            net->target.label[i] = (int32_t)(tn_random_bits((tn_key){{seed, 3}},
                                                            (uint64_t)i) %
                                             (uint32_t)classes);
        return;
    }
    const int64_t n = net->samples * net->outputs;
    net->target = (tn_field){.width = net->outputs,
                             .real = check_room(n, sizeof(double))};
    double *target = check_room(n, sizeof *target);
    check_random(target, n, seed + 1);
    if (check_targets) check_targets(target, n, tn_shape_width(out));
    for (int64_t i = 0; i < n; i++) set_at(net, net->target.real, i, target[i]);
}

/* Some remember what they infer. */
static void infer_loss(const check_net *net, int32_t classes)
{
    const tn_outputs out = {.shape = *tn_graph_output(net->graph)};
    tn_field_spec spec = {.real = !classes, .classes = classes, .shape = out.shape};
    const tn_field_spec *field = &spec;
    if (classes && spec.shape.rank) spec.shape.rank--;
    cr_assert_eq(
        tn_bridge_of(net->real)->loss_infer(net->loss, check_call(), &out, &field), TN_OK,
        "%s", check_message());
}

static tn_instance *make_loss(const char *text, int32_t real)
{
    char name[64];
    const char *options = text ? strchr(text, ' ') : NULL;
    if (!text) return check_plugin("loss", "linear", NULL, real);
    snprintf(name, sizeof name, "%.*s", options ? (int)(options - text) : 60, text);
    return check_plugin("loss", name, options, real);
}

check_net *check_net_new(const char *model, const char *loss, int32_t classes,
                         tn_shape input, int64_t samples, int32_t real, uint32_t seed)
{
    check_net *net = check_room(1, sizeof *net);
    tn_error e = {0};
    net->real = real, net->samples = samples;
    net->pass = (tn_pass){.samples = samples, .step = 3, .training = true};
    cr_assert_not_null(make_graph(net, model, input, &e), "%s", e.text);
    cr_assert_eq(tn_plan_new(net->graph, samples, true, false, &net->plan, &e), TN_OK,
                 "%s", e.text);
    check_keep(net->plan, free_plan);
    net->inputs = tn_shape_count(&input);
    net->outputs = tn_shape_count(tn_graph_output(net->graph));
    net->x = check_room(samples * net->inputs, sizeof(double));
    randomize(net, net->x, samples * net->inputs, seed, 0);
    make_target(net, classes, seed + 100);
    net->loss = make_loss(loss, real);
    infer_loss(net, classes);
    for (int32_t i = 0; i < net->graph->params; i++) {
        const tn_graph_param *p = &net->graph->param[i];
        randomize(net, p->value.data, tn_count(&p->value), seed + 200 + (uint32_t)i,
                  p->spec.role == TN_NORM ? 1 : 0);
    }
    return net;
}

static void copy_values(const check_net *from, const void *a, check_net *to, void *b,
                        int64_t n)
{
    for (int64_t i = 0; i < n; i++) set_at(to, b, i, value_at(from, a, i));
}

check_net *check_net_twin(const check_net *net, const char *model, const char *loss,
                          int32_t classes, tn_shape input, int32_t real)
{
    check_net *twin = check_net_new(model, loss, classes, input, net->samples, real, 1);
    copy_values(net, net->x, twin, twin->x, net->samples * net->inputs);
    if (classes)
        twin->target = net->target;
    else
        copy_values(net, net->target.real, twin, twin->target.real,
                    net->samples * net->outputs);
    for (int32_t i = 0; i < net->graph->params; i++)
        copy_values(net, net->graph->param[i].value.data, twin,
                    twin->graph->param[i].value.data,
                    tn_count(&net->graph->param[i].value));
    return twin;
}

/* ---- running --------------------------------------------------------------------- */

double check_net_loss(check_net *net, bool gradients)
{
    tn_error e = {0};
    double value = 0, weight = 0;
    tn_graph_changed(net->graph); /* tests write to parameters as they like */
    tn_status status = tn_plan_forward(net->plan, &net->pass, net->x, NULL, &e);
    if (!status)
        status = tn_plan_loss(net->plan, &net->pass, net->loss, &net->target, NULL, 1,
                              gradients, &value, &weight, &e);
    if (!status && gradients) status = tn_plan_backward(net->plan, &net->pass, false, &e);
    cr_assert_eq(status, TN_OK, "%s", e.text);
    return value;
}

const void *check_net_output(check_net *net)
{
    tn_error e = {0};
    const void *y = NULL;
    tn_graph_changed(net->graph);
    cr_assert_eq(tn_plan_forward(net->plan, &net->pass, net->x, &y, &e), TN_OK, "%s",
                 e.text);
    return y;
}

void check_net_hand_on(check_net *net)
{
    const tn_tensor *w = &net->graph->param[0].value;
    for (int64_t i = 0; i < tn_count(w); i++)
        set_at(net, w->data, i, i / w->dim[1] == i % w->dim[1] ? 1 : 0);
}

void check_net_keep(check_net *net)
{
    const tn_plan_options options = {
        .samples = net->samples, .training = true, .keeps = true};
    tn_error e = {0};
    cr_assert_eq(tn_plan_make(net->graph, &options, &net->plan, &e), TN_OK, "%s", e.text);
    check_keep(net->plan, free_plan);
}

double *check_net_gradient_at(const check_net *net, int32_t node, int64_t *count)
{
    const tn_plan_node *n = &net->plan->node[node];
    *count = net->samples * n->size;
    double *gradient = check_room(*count, sizeof *gradient);
    for (int64_t i = 0; i < *count; i++) gradient[i] = value_at(net, n->gradient, i);
    return gradient;
}

int32_t check_net_param(const check_net *net, const char *name)
{
    for (int32_t i = 0; i < net->graph->params; i++)
        if (!strcmp(net->graph->param[i].name, name)) return i;
    cr_assert_fail("no parameter %s", name);
    return -1;
}

int32_t check_net_state(const check_net *net, const char *name)
{
    for (int32_t i = 0; i < net->graph->states; i++)
        if (!strcmp(net->graph->state[i].name, name)) return i;
    cr_assert_fail("no state %s", name);
    return -1;
}

double *check_net_numbers(check_net *net, int64_t *count)
{
    const int64_t outputs = net->samples * net->outputs;
    *count = outputs;
    for (int32_t k = 0; k < net->graph->params; k++)
        *count += tn_count(&net->graph->param[k].value);
    double *all = check_room(*count, sizeof *all), *to = all + outputs;
    const void *y = check_net_output(net);
    for (int64_t i = 0; i < outputs; i++) all[i] = value_at(net, y, i);
    check_net_loss(net, true);
    for (int32_t k = 0; k < net->graph->params; k++) {
        const tn_tensor g = tn_plan_gradient(net->plan, k);
        for (int64_t i = 0; i < tn_count(&g); i++) *to++ = value_at(net, g.data, i);
    }
    return all;
}

/* ---- gradients ------------------------------------------------------------------- */

typedef struct tensor {
    double *at;
    int64_t n;
} tensor;

static tensor gradient_of(const check_net *net, int32_t param)
{
    const tn_tensor g = tn_plan_gradient(net->plan, param);
    const tensor t = {check_room(tn_count(&g), sizeof(double)), tn_count(&g)};
    for (int64_t i = 0; i < t.n; i++) t.at[i] = value_at(net, g.data, i);
    return t;
}

static double largest(const double *a, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fabs(a[i]) > most ? fabs(a[i]) : most;
    return most;
}

/* ---- differences ----------------------------------------------------------------- */

/* here: the loss. false: a kink is too near. */
static bool differentiate(check_net *net, double here, double *w, double step,
                          double *derivative)
{
    double f[4];
    const double before = *w;
    for (int32_t k = 0; k < 4; k++) {
        *w = before + (k < 2 ? k - 2 : k - 1) * step;
        f[k] = check_net_loss(net, false);
    }
    *w = before;
    *derivative = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step);
    const double ahead = (f[3] - here) / (2 * step), behind = (here - f[0]) / (2 * step);
    return fabs(ahead - behind) <= 1e-2 * (1 + fabs(*derivative));
}

static bool differentiate_all(check_net *net, tensor *numeric)
{
    const double here = check_net_loss(net, false);
    for (int32_t k = 0; k < net->graph->params; k++) {
        double *w = net->graph->param[k].value.data;
        for (int64_t i = 0; i < numeric[k].n; i++)
            if (!differentiate(net, here, &w[i], STEP, &numeric[k].at[i])) return false;
    }
    return true;
}

/* ---- comparing ------------------------------------------------------------------- */

/* Returns the largest error. `differences`: expected was found by them; where a loss bends so much that
 * their step is too long, a shorter one decides. */
static double compare(const tensor *got, const tensor *expected, check_net *net,
                      double tolerance, bool differences)
{
    double most = 0, worst = 0;
    for (int32_t k = 0; k < net->graph->params; k++) {
        const double m = largest(expected[k].at, expected[k].n);
        most = m > most ? m : most;
    }
    cr_assert_gt(most, 0, "all gradients are zero");
    for (int32_t k = 0; k < net->graph->params; k++) {
        const double m = largest(expected[k].at, expected[k].n);
        const double scale = m > 1e-3 * most ? m : 1e-3 * most;
        for (int64_t i = 0; i < got[k].n; i++) {
            double error = fabs(got[k].at[i] - expected[k].at[i]) / scale, nearer;
            if (error > tolerance && differences &&
                differentiate(net, check_net_loss(net, false),
                              (double *)net->graph->param[k].value.data + i, 0.1 * STEP,
                              &nearer))
                error = fabs(got[k].at[i] - nearer) / scale;
            worst = fmax(worst, error);
            cr_assert(error <= tolerance,
                      "gradient of %s[%lld]: %.12g, expected %.12g, error %.2g",
                      net->graph->param[k].name, (long long)i, got[k].at[i],
                      expected[k].at[i], error);
        }
    }
    return worst;
}

bool check_net_gradients(check_net *net)
{
    tensor exact[64], numeric[64];
    cr_assert_leq(net->graph->params, 64);
    check_net_loss(net, true);
    for (int32_t k = 0; k < net->graph->params; k++)
        exact[k] = gradient_of(net, k), numeric[k] = gradient_of(net, k);
    if (!differentiate_all(net, numeric)) return false;
    note_error(NULL, NOTE_GRADIENT, 1, compare(exact, numeric, net, TOLERANCE, true));
    return true;
}

void check_gradients(const char *model, const char *loss, int32_t classes, tn_shape input,
                     int64_t samples, bool training)
{
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        check_net *net = check_net_new(model, loss, classes, input, samples, 1, seed);
        net->pass.training = training;
        if (check_net_gradients(net)) return;
    }
    cr_assert_fail("%s: a kink lies near each of %d sets of numbers", model, SEEDS);
}

void check_precisions(const char *model, const char *loss, int32_t classes,
                      tn_shape input, int64_t samples, double tolerance)
{
    check_net *single = check_net_new(model, loss, classes, input, samples, 0, 5);
    check_net *twin = check_net_twin(single, model, loss, classes, input, 1);
    tensor a[64], b[64];
    const double value = check_net_loss(single, true),
                 expected = check_net_loss(twin, true);
    cr_assert_float_eq(value, expected, tolerance * (1 + fabs(expected)));
    for (int32_t k = 0; k < single->graph->params; k++)
        a[k] = gradient_of(single, k), b[k] = gradient_of(twin, k);
    compare(a, b, twin, tolerance, false);
    const void *y = check_net_output(single);
    const double *z = check_net_output(twin);
    const double scale = tolerance * (1 + largest(z, samples * single->outputs));
    for (int64_t i = 0; i < samples * single->outputs; i++)
        cr_assert_float_eq(value_at(single, y, i), z[i], scale);
}

/* ---- descent --------------------------------------------------------------------- */

static void descend(check_net *net, double rate)
{
    for (int32_t k = 0; k < net->graph->params; k++) {
        const tn_tensor g = tn_plan_gradient(net->plan, k);
        double *w = net->graph->param[k].value.data;
        const double *gradient = g.data;
        for (int64_t i = 0; i < tn_count(&g); i++) w[i] -= rate * gradient[i];
    }
}

void check_learns(const char *model, const char *loss, int32_t classes, tn_shape input,
                  int64_t samples, int32_t steps, double rate, double factor)
{
    check_net *net = check_net_new(model, loss, classes, input, samples, 1, 11);
    const double first = check_net_loss(net, true);
    double last = first;
    for (int32_t i = 0; i < steps; i++) {
        descend(net, rate / (double)samples);
        tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
        net->pass.step++;
        last = check_net_loss(net, true);
    }
    cr_assert_lt(last, factor * first, "the loss went from %g to %g in %d steps", first,
                 last, steps);
}

const char *check_refused(const char *model, tn_shape input)
{
    static tn_error e;
    check_net *net = check_room(1, sizeof *net);
    net->real = 1;
    memset(&e, 0, sizeof e);
    cr_assert_null(make_graph(net, model, input, &e), "%s was accepted", model);
    return e.text;
}

void check_refuses(const char *model, tn_shape input, const char *words)
{
    const char *text = check_refused(model, input);
    cr_assert_not_null(strstr(text, words), "%s: %s", model, text);
}

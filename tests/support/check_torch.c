/* check_torch.c - nets against PyTorch: tests/reference/layers.safetensors, which
 * make_layer_fixtures.py wrote. A case NAME has NAME/x, NAME/y, NAME/target (the gradient of
 * the output) and for each parameter of the net NAME/value/PARAMETER, NAME/grad/PARAMETER. */
#include "check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"

#define TOLERANCE 1e-11

static tn_archive fixture;

static void release_fixture(void *bytes)
{
    tn_archive_free(check_env(), &fixture, bytes);
}

static void read_fixture(void)
{
    char path[4096];
    void *bytes;
    tn_error e = {0};
    const char *tests = getenv("TENON_TEST_DATA");
    if (fixture.tensors) return;
    cr_assert(tests, "TENON_TEST_DATA must name the folder tests");
    snprintf(path, sizeof path, "%s/reference/layers.safetensors", tests);
    cr_assert_eq(tn_archive_read(check_env(), path, &fixture, &bytes, &e), TN_OK, "%s",
                 e.text);
    check_keep(bytes, release_fixture);
}

static const tn_tensor *find(const char *name, const char *what, const char *param)
{
    char key[256];
    snprintf(key, sizeof key, "%s/%s%s", name, what, param);
    for (int64_t i = 0; i < fixture.tensors; i++)
        if (!strcmp(fixture.tensor[i].name, key)) return &fixture.tensor[i].tensor;
    cr_assert_fail("layers.safetensors has no %s", key);
    return NULL;
}

static void copy(double *to, int64_t n, const tn_tensor *from, const char *what)
{
    cr_assert_eq(tn_count(from), n, "%s: %lld elements, the fixture has %lld", what,
                 (long long)n, (long long)tn_count(from));
    memcpy(to, from->data, sizeof *to * (size_t)n);
}

static double largest(const tn_tensor *t)
{
    const double *x = t->data;
    double most = 0;
    for (int64_t i = 0; i < tn_count(t); i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Largest gradient of the case. */
static double steepest(const check_net *net, const char *name)
{
    double most = 0;
    for (int32_t k = 0; k < net->graph->params; k++)
        most = fmax(most, largest(find(name, "grad/", net->graph->param[k].name)));
    return most;
}

static double compare(const double *got, const tn_tensor *from, double scale,
                      const char *name, const char *what)
{
    const double *want = from->data;
    double error = 0;
    for (int64_t i = 0; i < tn_count(from); i++)
        error = fmax(error, fabs(got[i] - want[i]));
    error /= fmax(largest(from), 1e-3 * scale);
    cr_assert(error <= TOLERANCE, "%s: %s is off by %.2e", name, what, error);
    return error;
}

double check_torch(const char *name, const char *model)
{
    read_fixture();
    const tn_tensor *x = find(name, "x", ""), *y = find(name, "y", "");
    tn_shape input = {.rank = x->rank - 1};
    for (int32_t i = 0; i < input.rank; i++) input.dim[i] = x->dim[i + 1];
    check_net *net = check_net_new(model, NULL, 0, input, x->dim[0], 1, 1);
    copy(net->x, net->samples * net->inputs, x, "x");
    copy(net->target.real, net->samples * net->outputs, find(name, "target", ""), "y");
    for (int32_t k = 0; k < net->graph->params; k++) {
        const tn_graph_param *p = &net->graph->param[k];
        copy(p->value.data, tn_count(&p->value), find(name, "value/", p->name), p->name);
    }
    check_net_loss(net, true);
    const double scale = steepest(net, name);
    double error = 0;
    for (int32_t k = 0; k < net->graph->params; k++) {
        const char *param = net->graph->param[k].name;
        error = fmax(error, compare(tn_plan_gradient(net->plan, k).data,
                                    find(name, "grad/", param), scale, name, param));
    }
    return fmax(error, compare(check_net_output(net), y, 0, name, "y"));
}

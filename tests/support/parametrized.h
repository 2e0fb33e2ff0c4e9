/* parametrized.h - networks whose weights a parametrization makes, against PyTorch's: forward,
 * gradients and five steps of training of a case of tests/reference/parametrizations.safetensors
 * (make_parametrization_fixtures.py), in float and in double. The error of a tensor a against b is
 * max|a - b| / max(max|b|, 1e-3 x the largest of its group): 1e-5 in float, 1e-10 in double. */
#ifndef TESTS_SUPPORT_PARAMETRIZED_H
#define TESTS_SUPPORT_PARAMETRIZED_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/model.h"
#include "tests/support/check.h"

enum { STEPS = 5 };

typedef struct lab {
    const char *name; /* of the case */
    bool real;
    tn_archive fixture;
    void *bytes;
    tn_config *config;
    tn_trainer *trainer;
    tn_model *model;
    int64_t samples, in, out;
    double worst;
    tn_error error;
} lab;

static const tn_tensor *lab_find(const lab *l, const char *group, const char *name)
{
    char key[200];
    snprintf(key, sizeof key, "%s/%s%s", l->name, group, name);
    for (int64_t i = 0; i < l->fixture.tensors; i++)
        if (!strcmp(l->fixture.tensor[i].name, key)) return &l->fixture.tensor[i].tensor;
    cr_assert_fail("the fixture has no %s", key);
    return NULL;
}

static double lab_largest(const double *x, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(x[i]));
    return most;
}

static double lab_group(const lab *l, const char *group)
{
    double most = 0;
    char key[200];
    snprintf(key, sizeof key, "%s/%s", l->name, group);
    for (int64_t i = 0; i < l->fixture.tensors; i++)
        if (!strncmp(l->fixture.tensor[i].name, key, strlen(key)))
            most = fmax(most, lab_largest(l->fixture.tensor[i].tensor.data,
                                          tn_count(&l->fixture.tensor[i].tensor)));
    return most;
}

static void lab_compare(lab *l, const char *what, const char *name, const void *got,
                        const double *want, int64_t n, double scale)
{
    double error = 0;
    for (int64_t i = 0; i < n; i++)
        error = fmax(error, fabs((l->real ? ((const double *)got)[i]
                                          : (double)((const float *)got)[i]) -
                                 want[i]));
    error /= fmax(lab_largest(want, n), 1e-3 * scale);
    l->worst = fmax(l->worst, error);
    cr_expect(error <= (l->real ? 1e-10 : 1e-5), "%s %s of %s, %s: off by %.2e", what,
              name, l->name, l->real ? "double" : "float", error);
}

static void lab_open(lab *l, const char *model)
{
    char path[4200], text[2000];
    const char *source = getenv("TENON_TEST_DATA");
    tn_error *e = &l->error;
    cr_assert(source, "TENON_TEST_DATA must name the folder tests");
    snprintf(path, sizeof path, "%s/reference/parametrizations.safetensors", source);
    cr_assert_eq(tn_archive_read(check_env(), path, &l->fixture, &l->bytes, e), TN_OK,
                 "%s", e->text);
    const tn_tensor *x = lab_find(l, "", "x");
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "precision: %s\nmodel: %s\nloss: mse\noptimizer: {sgd: "
        "{lr: 0.1, momentum: 0.9}}\ninput: [",
        l->real ? "double" : "float", model);
    for (int32_t i = 2; i < x->rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%lld%s",
                                 (long long)x->dim[i], i + 1 < x->rank ? ", " : "]\n");
    l->samples = x->dim[1];
    l->in = tn_count(x) / STEPS, l->out = tn_count(lab_find(l, "", "target")) / STEPS;
    l->config = tn_config_parse(check_env(), text, "lab.yaml", NULL, 0, e);
    cr_assert_not_null(l->config, "%s", e->text);
    l->trainer = tn_trainer_new(check_env(), l->config, NULL, e);
    cr_assert_not_null(l->trainer, "%s", e->text);
    l->model = tn_trainer_model(l->trainer);
}

static void lab_close(lab *l)
{
    tn_trainer_free(l->trainer);
    tn_config_free(l->config);
    tn_archive_free(check_env(), &l->fixture, l->bytes);
}

static void lab_set(const lab *l)
{
    const char *name;
    tn_tensor t;
    for (int32_t i = 0; tn_model_part(l->model, i, &name, &t); i++) {
        const tn_tensor *from = lab_find(l, "init/", name);
        cr_assert_eq(tn_count(&t), tn_count(from), "%s", name);
        for (int64_t k = 0; k < tn_count(&t); k++) {
            const double value = ((const double *)from->data)[k];
            if (l->real)
                ((double *)t.data)[k] = value;
            else
                ((float *)t.data)[k] = (float)value;
        }
    }
    tn_graph_changed(l->model->graph);
}

static void lab_forward(lab *l, bool training, const char *want)
{
    const tn_tensor *x = lab_find(l, "", "x");
    const tn_pass pass = {.samples = l->samples, .training = training};
    double wide[1000];
    const void *y;
    tn_plan *plan;
    tn_error *e = &l->error;
    cr_assert(l->in <= 1000);
    for (int64_t i = 0; i < l->in; i++) wide[i] = (double)((const float *)x->data)[i];
    cr_assert_eq(tn_plan_new(l->model->graph, l->samples, training, false, &plan, e),
                 TN_OK, "%s", e->text);
    cr_assert_eq(tn_plan_forward(plan, &pass, l->real ? (void *)wide : x->data, &y, e),
                 TN_OK, "%s", e->text);
    lab_compare(l, "output", want, y, lab_find(l, "", want)->data, l->out, 0);
    tn_plan_free(plan);
}

static void lab_gradients(lab *l)
{
    double loss;
    tn_error *e = &l->error;
    const double scale = lab_group(l, "grad/");
    cr_assert_eq(tn_trainer_gradients(l->trainer, lab_find(l, "", "x")->data,
                                      lab_find(l, "", "target")->data, NULL, l->samples,
                                      &loss, e),
                 TN_OK, "%s", e->text);
    for (int32_t i = 0; i < l->model->graph->params; i++) {
        const char *name = l->model->graph->param[i].name;
        const tn_tensor *want = lab_find(l, "grad/", name);
        tn_tensor g;
        cr_assert_eq(tn_trainer_gradient(l->trainer, name, &g, e), TN_OK, "%s", e->text);
        lab_compare(l, "gradient", name, g.data, want->data, tn_count(want), scale);
    }
}

static void lab_step(lab *l, int step, double scale)
{
    const float *x = lab_find(l, "", "x")->data, *y = lab_find(l, "", "target")->data;
    const char *name;
    double loss;
    tn_tensor t;
    cr_assert_eq(tn_trainer_step(l->trainer, x + step * l->in, y + step * l->out, NULL,
                                 l->samples, &loss, &l->error),
                 TN_OK, "%s", l->error.text);
    for (int32_t i = 0; tn_model_part(l->model, i, &name, &t); i++) {
        const int64_t n = tn_count(&t);
        const double *want = lab_find(l, "step/", name)->data;
        lab_compare(l, "values", name, t.data, want + step * n, n, scale);
    }
}

/* The largest error. */
static double check_parametrized(const char *name, const char *model, bool real)
{
    lab made = {.name = name, .real = real}, *l = &made;
    lab_open(l, model);
    lab_set(l);
    lab_forward(l, true, "y");
    lab_gradients(l);
    const double scale = lab_group(l, "step/");
    for (int step = 0; step < STEPS; step++) lab_step(l, step, scale);
    lab_forward(l, false, "y_after");
    lab_close(l);
    return l->worst;
}

/* Gradients of dense layers of random shapes, and of convolutions; what precision changes. */
static void check_random_parametrized(const char *way, bool training)
{
    char model[300];
    for (uint32_t i = 0; i < 30; i++) {
        const int64_t units = check_draw(i, 1, 1, 7), samples = check_draw(i, 2, 1, 4);
        snprintf(model, sizeof model,
                 "[{dense: {units: %lld, parametrization: %s}}, tanh, {dense: "
                 "{units: 3, bias: false, parametrization: %s}}]",
                 (long long)units, way, way);
        check_gradients(model, NULL, 0, check_draw_shape(i, 1, 3, 5), samples, training);
    }
    snprintf(model, sizeof model,
             "[{conv2d: {filters: 4, groups: 2, padding: same, parametrization: %s}}, "
             "tanh]",
             way);
    check_gradients(model, NULL, 0, check_shape(3, 4, 3, 2), 2, training);
    snprintf(model, sizeof model, "[{dense: {units: 9, parametrization: %s}}]", way);
    check_precisions(model, NULL, 0, check_shape(1, 30, 0, 0), 3, 1e-5);
}

/* Dense and conv2d layers with a parametrization as the fixtures have them. */
#define DENSE_WITH(way)                                  \
    "[{dense: {name: a, units: 5, parametrization: " way \
    "}}, tanh, {dense: {name: b, units: 3, parametrization: " way "}}]"
#define CONV2D_WITH(way)                                                              \
    "[{conv2d: {name: a, filters: 4, kernel: 3, padding: same, parametrization: " way \
    "}}, tanh, {conv2d: {name: b, filters: 2, kernel: 2, stride: 2, "                 \
    "parametrization: " way "}}, global_avg_pool]"

#endif

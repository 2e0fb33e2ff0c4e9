/* check_torch.c - nets against PyTorch: forward, loss, gradients and five steps of training of the
 * cases of a fixture (tests/reference/make_layer_fixtures.py), in float and in double, on both
 * backends. Through tenon.h but for the bare forward.
 *
 * The error of a tensor a against b is max|a - b| / max(max|b|, 1e-3 x the largest of its group):
 * 1e-5 in float, 1e-10 in double. */
#include "check.h"
#include "note.h"
#include "rounds.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"

enum { STEPS = 5 };

typedef struct lab {
    const char *name, *backend; /* name: of the case */
    bool real;
    const tn_archive *fixture;
    tn_config *config;
    tn_trainer *trainer;
    tn_model *model;
    const tn_tensor *x, *target;
    double worst;
    tn_error error;
} lab;

static const tn_tensor *find(const lab *l, const char *group, const char *name)
{
    char key[256];
    snprintf(key, sizeof key, "%s/%s%s", l->name, group, name);
    for (int64_t i = 0; i < l->fixture->tensors; i++)
        if (!strcmp(l->fixture->tensor[i].name, key))
            return &l->fixture->tensor[i].tensor;
    cr_assert_fail("the fixture has no %s", key);
    return NULL;
}

static double largest(const tn_tensor *t)
{
    const double *x = t->data;
    double most = 0;
    for (int64_t i = 0; i < tn_count(t); i++) most = fmax(most, fabs(x[i]));
    return most;
}

/* Of the tensors of the case whose names begin with `group`. */
static double largest_of(const lab *l, const char *group)
{
    char key[256];
    double most = 0;
    snprintf(key, sizeof key, "%s/%s", l->name, group);
    for (int64_t i = 0; i < l->fixture->tensors; i++)
        if (!strncmp(l->fixture->tensor[i].name, key, strlen(key)))
            most = fmax(most, largest(&l->fixture->tensor[i].tensor));
    return most;
}

/* `got` is of type `real`. */
static void compare(lab *l, const char *group, const char *name, const void *got,
                    bool real)
{
    const tn_tensor *from = find(l, group, name);
    const double *want = from->data;
    double error = 0;
    for (int64_t i = 0; i < tn_count(from); i++) {
        const double value = real ? ((const double *)got)[i]
                                  : (double)((const float *)got)[i],
                     apart = fabs(value - want[i]);
        error = apart <= error ? error : apart; /* a NaN stays */
    }
    error /= fmax(largest(from), *group ? 1e-3 * largest_of(l, group) : 0);
    note_error(NULL, NOTE_TORCH, l->real, error);
    l->worst = error <= l->worst ? l->worst : error;
    cr_expect(error <= (l->real ? 1e-10 : 1e-5), "%s, %s, %s: %s%s is off by %.2e",
              l->name, l->backend, l->real ? "double" : "float", group, name, error);
}

static void open_lab(lab *l, const char *model)
{
    char text[2000];
    tn_error *e = &l->error;
    l->x = find(l, "", "x"), l->target = find(l, "", "target");
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "precision: %s\nmodel: %s\nloss: mse\noptimizer: {sgd: {lr: 0.1, momentum: "
        "0.9}}\ninput: [",
        l->real ? "double" : "float", model);
    for (int32_t i = 1; i < l->x->rank; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%lld%s",
                                 (long long)l->x->dim[i],
                                 i + 1 < l->x->rank ? ", " : "]\n");
    l->config = tn_config_parse(check_env(), text, "lab.yaml", NULL, 0, e);
    cr_assert_not_null(l->config, "%s: %s", l->name, e->text);
    l->trainer = tn_trainer_new(check_env(), l->config, NULL, e);
    cr_assert_not_null(l->trainer, "%s: %s", l->name, e->text);
    l->model = tn_trainer_model(l->trainer);
}

static void set_values(const lab *l)
{
    const char *name;
    tn_tensor t;
    for (int32_t i = 0; tn_model_part(l->model, i, &name, &t); i++) {
        const tn_tensor *from = find(l, "init/", name);
        cr_assert_eq(tn_count(&t), tn_count(from), "%s: %s", l->name, name);
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

static void compare_forward(lab *l, bool training, const char *want)
{
    const tn_pass pass = {.samples = l->x->dim[0], .training = training};
    const int64_t n = tn_count(l->x);
    const float *narrow = l->x->data;
    double *wide = check_room(n, sizeof *wide);
    const void *y;
    tn_plan *plan;
    tn_error *e = &l->error;
    for (int64_t i = 0; i < n; i++) wide[i] = (double)narrow[i];
    cr_assert_eq(tn_plan_new(l->model->graph, pass.samples, training, false, &plan, e),
                 TN_OK, "%s", e->text);
    cr_assert_eq(
        tn_plan_forward(plan, &pass, l->real ? (const void *)wide : narrow, &y, e), TN_OK,
        "%s", e->text);
    cr_assert_eq(tn_shape_count(tn_graph_output(l->model->graph)) * pass.samples,
                 tn_count(find(l, "", want)), "%s: another shape", l->name);
    compare(l, "", want, y, l->real);
    tn_plan_free(plan);
}

static void compare_gradients(lab *l)
{
    double loss;
    tn_error *e = &l->error;
    cr_assert_eq(tn_trainer_gradients(l->trainer, l->x->data, l->target->data, NULL,
                                      l->x->dim[0], &loss, e),
                 TN_OK, "%s", e->text);
    compare(l, "", "loss", &loss, true);
    for (int32_t i = 0; i < l->model->graph->params; i++) {
        const char *name = l->model->graph->param[i].name;
        tn_tensor g;
        cr_assert_eq(tn_trainer_gradient(l->trainer, name, &g, e), TN_OK, "%s", e->text);
        compare(l, "grad/", name, g.data, l->real);
    }
}

static void compare_steps(lab *l)
{
    const char *name;
    double loss;
    tn_tensor t;
    for (int step = 0; step < STEPS; step++)
        cr_assert_eq(tn_trainer_step(l->trainer, l->x->data, l->target->data, NULL,
                                     l->x->dim[0], &loss, &l->error),
                     TN_OK, "%s", l->error.text);
    for (int32_t i = 0; tn_model_part(l->model, i, &name, &t); i++)
        compare(l, "after/", name, t.data, l->real);
}

static void run_case(lab *l, const char *model)
{
    open_lab(l, model);
    set_values(l);
    compare_forward(l, true, "y");
    compare_gradients(l);
    compare_steps(l);
    compare_forward(l, false, "y_after");
    tn_trainer_free(l->trainer);
    tn_config_free(l->config);
}

static void run_cases(const tn_archive *fixture, const char *cases, const char *backend,
                      bool real)
{
    const size_t length = strlen(cases);
    double worst = 0;
    int count = 0;
    check_env_as(backend, 2);
    for (int64_t i = 0; i < fixture->texts; i++) {
        const tn_text_pair *text = &fixture->text[i];
        if (strncmp(text->key, cases, length) || text->key[length] != '-') continue;
        lab l = {.name = text->key, .fixture = fixture, .backend = backend, .real = real};
        run_case(&l, text->value);
        worst = fmax(worst, l.worst), count++;
    }
    cr_assert_gt(count, 0, "the fixture has no case %s", cases);
    if (test_full())
        fprintf(stderr, "%s, %s: at most %.1e in %s\n", cases, backend, worst,
                real ? "double" : "float");
}

void check_torch(const char *file, const char *cases)
{
    char path[4096];
    tn_archive fixture;
    void *bytes;
    tn_error e = {0};
    const char *tests = getenv("TENON_TEST_DATA");
    tn_env *env = check_env();
    cr_assert(tests, "TENON_TEST_DATA must name the folder tests");
    snprintf(path, sizeof path, "%s/reference/%s.safetensors", tests, file);
    cr_assert_eq(tn_archive_read(env, path, &fixture, &bytes, &e), TN_OK, "%s", e.text);
    for (int real = 0; real < 2; real++) {
        run_cases(&fixture, cases, "blis", real);
        run_cases(&fixture, cases, "reference", real);
    }
    tn_archive_free(env, &fixture, bytes);
}

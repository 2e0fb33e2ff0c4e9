/* Forward, loss, gradients and 20 training steps of four networks against PyTorch, in float and
 * in double. The fixtures and how they were made: tests/reference/make_fixtures.py. Everything
 * but the bare forward goes through tenon.h.
 *
 * The error of a tensor a against b is max|a - b| / max(max|b|, 1e-3 x the largest value among
 * the tensors of its kind): 1e-5 in float, 1e-10 in double. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "tests/support/note.h"

enum { STEPS = 20, BATCH = 8, INPUTS = 10, OUTPUTS = 3 };

typedef struct recipe {
    char net[16], optimizer[16], settings[64];
    bool real; /* double */
} recipe;

typedef struct bench {
    recipe recipe;
    tn_env *env;
    tn_archive fixture;
    void *bytes;
    const float *x, *targets; /* all steps */
    const int32_t *labels;
    tn_config *config;
    tn_trainer *trainer;
    tn_model *model;
    tn_error error;
} bench;

#define MUST(call) cr_assert_eq((call), TN_OK, "%s: %s", #call, b->error.text)

static const tn_tensor *find(const bench *b, const char *group, const char *name)
{
    char key[256];
    snprintf(key, sizeof key, "%s%s", group, name);
    for (int64_t i = 0; i < b->fixture.tensors; i++)
        if (!strcmp(b->fixture.tensor[i].name, key)) return &b->fixture.tensor[i].tensor;
    return NULL;
}

static const tn_tensor *need(const bench *b, const char *group, const char *name)
{
    const tn_tensor *t = find(b, group, name);
    cr_assert(t, "the fixture has no %s%s", group, name);
    return t;
}

static double value_at(int32_t dtype, const void *data, int64_t i)
{
    return dtype == TN_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static double largest(int32_t dtype, const void *data, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(value_at(dtype, data, i)));
    return most;
}

/* Largest value of all tensors of a group in the fixture. */
static double largest_of(const bench *b, const char *group)
{
    double most = 0;
    for (int64_t i = 0; i < b->fixture.tensors; i++) {
        const tn_named_tensor *t = &b->fixture.tensor[i];
        if (!strncmp(t->name, group, strlen(group)))
            most = fmax(most, largest(TN_F64, t->tensor.data, tn_count(&t->tensor)));
    }
    return most;
}

static void check(const bench *b, const char *what, const char *name, int32_t dtype,
                  const void *data, const double *want, int64_t n, double scale)
{
    char plugin[32];
    double error = 0;
    for (int64_t i = 0; i < n; i++)
        error = fmax(error, fabs(value_at(dtype, data, i) - want[i]));
    error /= fmax(largest(TN_F64, want, n), 1e-3 * scale);
    snprintf(plugin, sizeof plugin, "optimizer/%s", b->recipe.optimizer);
    note_error(plugin, NOTE_TORCH, b->recipe.real, error);
    cr_expect(error <= (b->recipe.real ? 1e-10 : 1e-5),
              "%s %s of %s, %s, %s: off by %.2e", what, name, b->recipe.net,
              b->recipe.optimizer, b->recipe.real ? "double" : "float", error);
}

/* ---- setting up ---------------------------------------------------------------------- */

/* A file of tests/reference. */
static void place(const char *name, const char *end, char text[4096])
{
    const char *source = getenv("TENON_TEST_DATA");
    cr_assert(source, "TENON_TEST_DATA must name the folder tests");
    snprintf(text, 4096, "%s/reference/%s%s", source, name, end);
}

static void load_fixture(bench *b)
{
    char path[4096], name[40];
    const tn_env_options options = {.plugin_path = getenv("TENON_TEST_PLUGINS"),
                                    .threads = 2};
    b->env = tn_env_new(&options, &b->error);
    cr_assert(b->env, "%s", b->error.text);
    snprintf(name, sizeof name, "%s-%s", b->recipe.net, b->recipe.optimizer);
    place(name, ".safetensors", path);
    MUST(tn_archive_read(b->env, path, &b->fixture, &b->bytes, &b->error));
    b->x = need(b, "", "x")->data;
    const tn_tensor *target = need(b, "", "target");
    if (target->dtype == TN_I32)
        b->labels = target->data;
    else
        b->targets = target->data;
}

static void make_trainer(bench *b)
{
    char path[4096], precision[32], optimizer[100];
    const tn_memory_data data = {.samples = STEPS * BATCH,
                                 .input = {.rank = 1, .dim = {INPUTS}},
                                 .target = {.rank = b->labels ? 0 : 1, .dim = {OUTPUTS}},
                                 .classes = b->labels ? OUTPUTS : 0,
                                 .inputs = b->x,
                                 .targets = b->targets,
                                 .labels = b->labels};
    const tn_train_options options = {0};
    MUST(tn_env_attach(b->env, "fixture", &data, &b->error));
    snprintf(precision, sizeof precision, "precision=%s",
             b->recipe.real ? "double" : "float");
    snprintf(optimizer, sizeof optimizer, "optimizer={%s: %s}", b->recipe.optimizer,
             b->recipe.settings);
    const char *const sets[] = {precision, optimizer};
    place(b->recipe.net, ".yaml", path);
    b->config = tn_config_load(b->env, path, sets, 2, &b->error);
    cr_assert(b->config, "%s", b->error.text);
    b->trainer = tn_trainer_new(b->env, b->config, &options, &b->error);
    cr_assert(b->trainer, "%s", b->error.text);
    b->model = tn_trainer_model(b->trainer);
}

static void set_weights(bench *b)
{
    for (int32_t i = 0; i < b->model->graph->params; i++) {
        const char *name = b->model->graph->param[i].name;
        const tn_tensor *from = need(b, "init/", name);
        tn_tensor to;
        MUST(tn_model_find(b->model, name, &to, &b->error));
        cr_assert_eq(tn_count(&to), tn_count(from), "%s", name);
        for (int64_t k = 0; k < tn_count(&to); k++) {
            const double value = ((const double *)from->data)[k];
            if (b->recipe.real)
                ((double *)to.data)[k] = value;
            else
                ((float *)to.data)[k] = (float)value;
        }
    }
}

static void take_down(bench *b)
{
    tn_trainer_free(b->trainer);
    tn_config_free(b->config);
    tn_archive_free(b->env, &b->fixture, b->bytes);
    tn_env_free(b->env);
}

/* ---- comparisons --------------------------------------------------------------------- */

static void check_forward(bench *b, bool training, const char *fixture)
{
    const tn_tensor *want = need(b, "", fixture);
    const tn_pass pass = {.samples = BATCH, .training = training};
    double x[BATCH * INPUTS];
    const void *y;
    tn_plan *plan;
    for (int i = 0; i < BATCH * INPUTS; i++) x[i] = (double)b->x[i];
    MUST(tn_plan_new(b->model->graph, BATCH, training, false, &plan, &b->error));
    MUST(tn_plan_forward(plan, &pass, b->recipe.real ? (const void *)x : b->x, &y,
                         &b->error));
    check(b, "output", fixture, b->recipe.real ? TN_F64 : TN_F32, y, want->data,
          BATCH * OUTPUTS, 0);
    tn_plan_free(plan);
}

static void check_gradients(bench *b)
{
    const double scale = largest_of(b, "grad/");
    double loss;
    MUST(tn_trainer_gradients(b->trainer, b->x, b->targets, b->labels, BATCH, &loss,
                              &b->error));
    check(b, "loss", "", TN_F64, &loss, need(b, "", "loss")->data, 1, 0);
    for (int32_t i = 0; i < b->model->graph->params; i++) {
        const char *name = b->model->graph->param[i].name;
        tn_tensor gradient;
        if (b->model->graph->param[i].rule.frozen) {
            cr_assert_null(find(b, "grad/", name));
            continue;
        }
        const tn_tensor *want = need(b, "grad/", name);
        MUST(tn_trainer_gradient(b->trainer, name, &gradient, &b->error));
        check(b, "gradient", name, gradient.dtype, gradient.data, want->data,
              tn_count(want), scale);
    }
}

static void check_step(bench *b, int step, double scale)
{
    const double *losses = need(b, "", "losses")->data;
    const float *x = b->x + step * BATCH * INPUTS;
    const float *targets = b->targets ? b->targets + step * BATCH * OUTPUTS : NULL;
    const int32_t *labels = b->labels ? b->labels + step * BATCH : NULL;
    double loss;
    MUST(tn_trainer_step(b->trainer, x, targets, labels, BATCH, &loss, &b->error));
    check(b, "loss", "of a step", TN_F64, &loss, &losses[step], 1, 0);
    for (int32_t i = 0; i < b->model->graph->params; i++) {
        const char *name = b->model->graph->param[i].name;
        const tn_tensor *want = need(b, "step/", name);
        const int64_t n = tn_count(want) / STEPS;
        tn_tensor now;
        MUST(tn_model_find(b->model, name, &now, &b->error));
        check(b, "weights", name, now.dtype, now.data,
              (const double *)want->data + step * n, n, scale);
    }
}

static void check_states(bench *b)
{
    for (int32_t i = 0; i < b->model->graph->states; i++) {
        const char *name = b->model->graph->state[i].name;
        const tn_tensor *want = need(b, "state/", name);
        tn_tensor now;
        MUST(tn_model_find(b->model, name, &now, &b->error));
        check(b, "state", name, now.dtype, now.data, want->data, tn_count(want), 0);
    }
}

/* ---- the suite ----------------------------------------------------------------------- */

#define SGD "sgd", "{lr: 0.05, momentum: 0.9}"
#define ADAM "adam", "{lr: 0.01}"
#define GROUPS_SGD "sgd", "{lr: 0.05, momentum: 0.9, weight_decay: 0.01}"
#define GROUPS_ADAM "adam", "{lr: 0.01, weight_decay: 0.01}"

ParameterizedTestParameters(torch, matches)
{
    static recipe all[] = {
        {"mlp", SGD, false},
        {"mlp", SGD, true},
        {"mlp", ADAM, false},
        {"mlp", ADAM, true},
        {"norm", SGD, false},
        {"norm", SGD, true},
        {"norm", ADAM, false},
        {"norm", ADAM, true},
        {"clipped", SGD, false},
        {"clipped", SGD, true},
        {"clipped", ADAM, false},
        {"clipped", ADAM, true},
        {"groups", GROUPS_SGD, false},
        {"groups", GROUPS_SGD, true},
        {"groups", GROUPS_ADAM, false},
        {"groups", GROUPS_ADAM, true},
    };
    return cr_make_param_array(recipe, all, sizeof all / sizeof all[0]);
}

ParameterizedTest(const recipe *r, torch, matches)
{
    bench made = {.recipe = *r}, *b = &made;
    load_fixture(b);
    make_trainer(b);
    set_weights(b);
    check_forward(b, true, "y");
    check_gradients(b);
    const double scale = largest_of(b, "step/");
    for (int step = 0; step < STEPS; step++) check_step(b, step, scale);
    check_states(b);
    check_forward(b, false, "y_after");
    take_down(b);
}

/* recurrent_torch.h - the options of recurrent layers against PyTorch's numbers
 * (tests/reference/recurrent_options.safetensors): outputs, gradients, parameters after five steps, in
 * both precisions, on both backends. */
#ifndef TESTS_SUPPORT_RECURRENT_TORCH_H
#define TESTS_SUPPORT_RECURRENT_TORCH_H

#include "tests/support/note.h"
#include "tests/support/recurrent.h"

typedef struct recurrent_fixture {
    tn_archive archive;
    void *bytes;
    char name[64]; /* of the case */
} recurrent_fixture;

static const tn_tensor *recurrent_find(const recurrent_fixture *f, const char *group,
                                       const char *name)
{
    char key[300];
    snprintf(key, sizeof key, "%s/%s%s", f->name, group, name);
    for (int64_t i = 0; i < f->archive.tensors; i++)
        if (!strcmp(f->archive.tensor[i].name, key)) return &f->archive.tensor[i].tensor;
    cr_assert_fail("the fixture has no %s", key);
    return NULL;
}

typedef struct recurrent_option {
    const char *name;    /* of the case, behind that of the layer */
    const char *options; /* but what the next two say */
    int ragged;          /* lengths */
    int first;           /* numbers of the states to begin with; 0: there are none */
} recurrent_option;

enum { RECURRENT_RATE_INVERSE = 20, RECURRENT_DESCENTS = 5 };

static void recurrent_model(const char *layer, const recurrent_option *o, char model[600])
{
    char first[160] = "", inputs[64];
    if (o->first)
        snprintf(first, sizeof first,
                 "{flatten: {name: flat, inputs: input}}, {dense: {name: first, units: "
                 "%d, bias: false}}, ",
                 o->first);
    snprintf(inputs, sizeof inputs, "[dense%s%s]", o->ragged ? ", length" : "",
             o->first ? ", first" : "");
    snprintf(
        model, 600,
        "[{dense: {units: 3, bias: false}}, %s%s{%s: {units: 4, inputs: %s, lengths: "
        "%s%s}}]",
        o->ragged ? "{lengths: {name: length, inputs: input}}, " : "", first, layer,
        inputs, o->ragged ? "true" : "false", o->options);
}

static double recurrent_at(const check_net *net, const void *data, int64_t i)
{
    return recurrent_number(net->real, data, i);
}

static void recurrent_set(const check_net *net, void *to, const tn_tensor *from)
{
    for (int64_t i = 0; i < tn_count(from); i++) {
        const double value = ((const double *)from->data)[i];
        if (net->real)
            ((double *)to)[i] = value;
        else
            ((float *)to)[i] = (float)value;
    }
}

/* The largest difference, measured by the largest of `want` and 1. */
static double recurrent_close(const check_net *net, const void *got,
                              const tn_tensor *want, const char *name, const char *what)
{
    const double *to = want->data;
    double most = 1, error = 0;
    for (int64_t i = 0; i < tn_count(want); i++) {
        const double apart = fabs(recurrent_at(net, got, i) - to[i]);
        most = fmax(most, fabs(to[i]));
        error = apart <= error ? error : apart; /* a NaN stays */
    }
    note_error(NULL, NOTE_TORCH, net->real, error / most);
    cr_assert(error / most <= (net->real ? 1e-10 : 1e-5), "%s: %s is off by %.2e", name,
              what, error / most);
    return error / most;
}

static void recurrent_fill_params(const recurrent_fixture *f, const check_net *net)
{
    for (int32_t i = 0; i < net->graph->params; i++) {
        const tn_graph_param *p = &net->graph->param[i];
        const tn_tensor *from = recurrent_find(f, "init/", p->name);
        cr_assert_eq(tn_count(from), tn_count(&p->value), "%s: %s", f->name, p->name);
        recurrent_set(net, p->value.data, from);
    }
}

static void recurrent_fill(const recurrent_fixture *f, check_net *net)
{
    recurrent_set(net, net->x, recurrent_find(f, "", "x"));
    recurrent_set(net, net->target.real, recurrent_find(f, "", "target"));
    recurrent_fill_params(f, net);
}

static void recurrent_descend(const check_net *net)
{
    for (int32_t i = 0; i < net->graph->params; i++) {
        const tn_tensor g = tn_plan_gradient(net->plan, i);
        void *w = net->graph->param[i].value.data;
        for (int64_t j = 0; j < tn_count(&g); j++) {
            const double step = recurrent_at(net, g.data, j) / RECURRENT_RATE_INVERSE;
            if (net->real)
                ((double *)w)[j] -= step;
            else
                ((float *)w)[j] -= (float)step;
        }
    }
}

/* The gradients, or the parameters, against what the fixture has of them. */
static double recurrent_compare_params(const recurrent_fixture *f, const check_net *net,
                                       bool gradients)
{
    double error = 0;
    for (int32_t i = 0; i < net->graph->params; i++) {
        const tn_graph_param *p = &net->graph->param[i];
        const void *got = gradients ? tn_plan_gradient(net->plan, i).data : p->value.data;
        const tn_tensor *want = recurrent_find(f, gradients ? "grad/" : "after/",
                                               p->name);
        error = fmax(error, recurrent_close(net, got, want, f->name, p->name));
    }
    return error;
}

static double recurrent_compare(const recurrent_fixture *f, const char *model,
                                bool training, int32_t real)
{
    const tn_tensor *x = recurrent_find(f, "", "x"), *y = recurrent_find(f, "", "y");
    check_net *net = check_net_new(
        model, NULL, 0, check_shape(2, x->dim[1], x->dim[2], 0), x->dim[0], real, 1);
    net->pass.training = training;
    recurrent_fill(f, net);
    cr_assert_eq(net->samples * net->outputs, tn_count(y), "%s", f->name);
    double error = recurrent_close(net, check_net_output(net), y, f->name, "y");
    for (int step = 0; step < RECURRENT_DESCENTS; step++) {
        check_net_loss(net, true);
        if (!step) error = fmax(error, recurrent_compare_params(f, net, true));
        recurrent_descend(net);
    }
    return fmax(error, recurrent_compare_params(f, net, false));
}

/* Window `number` of each sample's row. */
static tn_tensor recurrent_window(const tn_tensor *all, int64_t number, double *room)
{
    const int64_t samples = all->dim[0], row = tn_count(all) / samples,
                  width = row / RECURRENT_DESCENTS;
    for (int64_t s = 0; s < samples; s++)
        memcpy(room + s * width, (const double *)all->data + s * row + number * width,
               sizeof *room * (size_t)width);
    tn_tensor t = *all;
    t.dim[1] /= RECURRENT_DESCENTS, t.data = room;
    return t;
}

static double recurrent_compare_windows(const recurrent_fixture *f, const char *model,
                                        int32_t real)
{
    const tn_tensor *x = recurrent_find(f, "", "x"), *y = recurrent_find(f, "", "y"),
                    *target = recurrent_find(f, "", "target");
    check_net *net = check_net_new(
        model, NULL, 0, check_shape(2, x->dim[1] / RECURRENT_DESCENTS, x->dim[2], 0),
        x->dim[0], real, 1);
    double *room = check_room(tn_count(x) + tn_count(y), sizeof *room), error = 0;
    recurrent_fill_params(f, net);
    for (int step = 0; step < RECURRENT_DESCENTS; step++) {
        tn_tensor window = recurrent_window(x, step, room);
        recurrent_set(net, net->x, &window);
        window = recurrent_window(target, step, room);
        recurrent_set(net, net->target.real, &window);
        check_net_loss(net, true);
        if (step == 1) error = fmax(error, recurrent_compare_params(f, net, true));
        window = recurrent_window(y, step, room);
        error = fmax(error,
                     recurrent_close(net, check_net_output(net), &window, f->name, "y"));
        recurrent_descend(net);
        tn_plan_commit(net->plan, &net->pass, TN_COMMIT_ALL);
    }
    return fmax(error, recurrent_compare_params(f, net, false));
}

static void recurrent_matches_torch_as(const char *backend, recurrent_fixture *f,
                                       const char *layer, const recurrent_option *o,
                                       int count)
{
    char model[600];
    double most[2] = {0};
    check_env_as(backend, 2);
    for (int i = 0; i < count; i++) {
        snprintf(f->name, sizeof f->name, "%s-%s", layer, o[i].name);
        recurrent_model(layer, &o[i], model);
        const bool training = !strstr(o[i].options, "zoneout"),
                   windows = strstr(o[i].options, "stateful") != NULL;
        for (int32_t real = 0; real < 2; real++)
            most[real] = fmax(most[real],
                              windows ? recurrent_compare_windows(f, model, real)
                                      : recurrent_compare(f, model, training, real));
    }
    if (test_full())
        fprintf(stderr, "%s, %s: at most %.1e in float, %.1e in double\n", layer, backend,
                most[0], most[1]);
}

static void recurrent_options_match_torch(const char *layer, const recurrent_option *o,
                                          int count)
{
    recurrent_fixture f;
    tn_error e = {0};
    tn_env *env = check_env();
    char path[4096];
    snprintf(path, sizeof path, "%s/reference/recurrent_options.safetensors",
             getenv("TENON_TEST_DATA"));
    cr_assert_eq(tn_archive_read(env, path, &f.archive, &f.bytes, &e), TN_OK, "%s",
                 e.text);
    recurrent_matches_torch_as("reference", &f, layer, o, count);
    recurrent_matches_torch_as("blis", &f, layer, o, count);
    tn_archive_free(env, &f.archive, f.bytes);
}

/* What all of them have; `cells`: 4 where they have cells. */
TN_UNUSED static void recurrent_matches_torch_with_options(const char *layer, int cells)
{
    const recurrent_option o[] = {
        {"stateful", ", return_sequences: true, stateful: 4", 0, 0},
        {"lengths", ", return_sequences: true", 1, 0},
        {"lengths-last", "", 1, 0},
        {"lengths-reverse", ", return_sequences: true, direction: reverse", 1, 0},
        {"lengths-both-last", ", direction: bidirectional", 1, 0},
        {"first", ", return_sequences: true", 0, 4 + cells},
        {"first-both", ", return_sequences: true, direction: bidirectional", 1,
         8 + 2 * cells},
        {"norm", ", return_sequences: true, layer_norm: true", 0, 0},
        {"norm-both",
         ", return_sequences: true, direction: bidirectional, layer_norm: true", 1,
         8 + 2 * cells},
        {"zoneout", ", return_sequences: true, zoneout: 0.3", 0, 0},
        {"zoneout-both", ", direction: bidirectional, zoneout: 0.2", 1, 8 + 2 * cells},
    };
    recurrent_options_match_torch(layer, o, sizeof o / sizeof *o);
}

#endif

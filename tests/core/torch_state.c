/* torch_state.c - what a model file says of PyTorch's layout (`tenon.torch`, core/torch_layout.c), and
 * scripts/torch-state, which converts by it. The state_dicts are PyTorch's own. Without NumPy beside
 * the system's Python the script's test is skipped; the names are tested all the same. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>

#include "tests/support/states.h"

/* What PyTorch calls layers, as --name has it; the order of flattened features there as here. */
enum { NAMES = 10 };

typedef struct recipe {
    char net[32];
    bool channels_last;
    char name[NAMES][64];
} recipe;

static recipe recipes[] = {
    {"cnn",
     false,
     {"conv2d=features.0", "batch_norm=features.1", "batch_norm_2=head.0", "dense=head.2",
      "dense_2=head.4"}},
    {"lstm",
     false,
     {"lstm=rnn", "lstm_2.weight=rnn.weight_ih_l1",
      "lstm_2.recurrent_weight=rnn.weight_hh_l1",
      "lstm_2.bias=rnn.bias_ih_l1,rnn.bias_hh_l1", "dense=out"}},
    {"lstm-bidirectional", true, {"lstm=rnn", "dense=out"}},
    {"gru", false, {"gru=rnn", "dense=out"}},
    {"gru-bidirectional", false, {"gru=rnn", "dense=out"}},
    {"sequence",
     false,
     {"conv1d=conv", "conv1d.weight=conv.weight_v", "conv1d.weight.g=conv.weight_g",
      "dense=mix", "dense.weight=mix.weight_orig", "dense.weight.u=mix.weight_u",
      "dense.weight.v=mix.weight_v", "dense_2=out", "dense_2.weight=out.weight_v",
      "dense_2.weight.g=out.weight_g"}},
    {"rnn",
     false,
     {"sequential.rnn=rnn", "sequential.rnn_2.weight=rnn.weight_ih_l1",
      "sequential.rnn_2.recurrent_weight=rnn.weight_hh_l1",
      "sequential.rnn_2.bias=rnn.bias_ih_l1,rnn.bias_hh_l1", "dense=out"}},
    {"words", false, {"embedding=table", "lstm=rnn", "layer_norm=norm", "dense=out"}},
    {"grouped", false, {"conv2d=conv", "group_norm=norm", "dense=out"}},
};

static tn_archive archive_of(tn_env *env, const char *path)
{
    tn_archive a;
    void *bytes;
    tn_error e = {0};
    cr_assert_eq(tn_archive_read(env, path, &a, &bytes, &e), TN_OK, "%s", e.text);
    kept(bytes), kept(a.tensor), kept(a.text);
    return a;
}

static const tn_tensor *tensor_of(const tn_archive *a, const char *name)
{
    for (int64_t i = 0; i < a->tensors; i++)
        if (!strcmp(a->tensor[i].name, name)) return &a->tensor[i].tensor;
    cr_assert_fail("no tensor %s", name);
    return NULL;
}

static double number(const tn_tensor *t, int64_t i)
{
    return t->dtype == TN_F64 ? ((const double *)t->data)[i]
                              : (double)((const float *)t->data)[i];
}

/* ---- what the file says ------------------------------------------------------------------ */

/* PyTorch's name of tensor number `part`, called `leaf`, of parameter `ours`. */
static void their_name(const recipe *r, const char *ours, int part, const char *leaf,
                       char to[100])
{
    for (int i = 0; i < NAMES; i++) {
        const char *equals = strchr(r->name[i], '=');
        const size_t size = equals ? (size_t)(equals - r->name[i]) : 0;
        if (!equals || strncmp(ours, r->name[i], size)) continue;
        if (ours[size] == '.') snprintf(to, 100, "%s.%s", equals + 1, leaf);
        if (ours[size]) continue;
        const char *comma = strchr(equals, ',');
        const char *from = part ? comma + 1 : equals + 1;
        snprintf(to, 100, "%.*s", part || !comma ? 64 : (int)(comma - from), from);
        return;
    }
}

static int64_t entry(json_object *list, size_t i)
{
    return json_object_get_int64(json_object_array_get_idx(list, i));
}

/* The parameter from the state_dict's tensors, by `sum` (NULL: one tensor, named as it is). */
static double *sum_of(const recipe *r, const tn_archive *state, const char *ours,
                      const tn_tensor *value, json_object *sum)
{
    const int64_t n = tn_count(value), row = n / value->dim[0];
    double *all = kept(calloc((size_t)n, sizeof *all));
    const size_t parts = sum ? json_object_array_length(sum) : 1;
    for (size_t k = 0; k < parts; k++) {
        json_object *part = sum ? json_object_array_get_idx(sum, k) : NULL;
        const int64_t rows = part ? entry(part, 1) : value->dim[0],
                      from = part ? entry(part, 2) : 0, to = part ? entry(part, 3) : 0,
                      count = part ? entry(part, 4) : rows;
        char name[100] = "";
        their_name(r, ours, (int)k,
                   part ? json_object_get_string(json_object_array_get_idx(part, 0))
                        : strrchr(ours, '.') + 1,
                   name);
        const tn_tensor *theirs = tensor_of(state, name);
        cr_assert_eq(tn_count(theirs), rows * row, "%s of %s", name, ours);
        for (int64_t i = 0; i < count * row; i++)
            all[to * row + i] += number(theirs, from * row + i);
    }
    return all;
}

/* Where element i stands there, along `axis` in the order (channel, position). */
static int64_t there(const tn_tensor *t, int64_t axis, int64_t channels, int64_t i)
{
    int64_t behind = 1;
    for (int32_t k = (int32_t)axis + 1; k < t->rank; k++) behind *= t->dim[k];
    const int64_t n = t->dim[axis], at = i / behind % n;
    return i + (at % channels * (n / channels) + at / channels - at) * behind;
}

ParameterizedTestParameters(torch_state, the_file_says_how_pytorch_has_it)
{
    return cr_make_param_array(recipe, recipes, sizeof recipes / sizeof *recipes);
}

ParameterizedTest(const recipe *r, torch_state, the_file_says_how_pytorch_has_it)
{
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *m = states_model(env, r->net, states_file(r->net), true, NULL, 0, &e);
    cr_assert_not_null(m, "%s", e.text);
    const tn_archive state = archive_of(env, states_file(r->net)),
                     file = archive_of(env, states_saved(m));
    json_object *layouts = NULL, *layout, *sum, *axis, *channels;
    for (int64_t i = 0; i < file.texts; i++)
        if (!strcmp(file.text[i].key, "tenon.torch"))
            layouts = json_tokener_parse(file.text[i].value);
    cr_assert_not_null(layouts);
    for (int64_t i = 0; i < file.tensors; i++) {
        const char *ours = file.tensor[i].name;
        const tn_tensor *value = &file.tensor[i].tensor;
        layout = sum = channels = axis = NULL;
        if (json_object_object_get_ex(layouts, ours, &layout)) {
            json_object_object_get_ex(layout, "sum", &sum);
            json_object_object_get_ex(layout, "axis", &axis);
            json_object_object_get_ex(layout, "channels", &channels);
        }
        const double *want = sum_of(r, &state, ours, value, sum);
        for (int64_t k = 0; k < tn_count(value); k++)
            cr_assert_eq(number(value, k),
                         want[channels && !r->channels_last
                                  ? there(value, json_object_get_int64(axis),
                                          json_object_get_int64(channels), k)
                                  : k],
                         "%s[%lld]", ours, (long long)k);
    }
    json_object_put(layouts);
    tn_model_free(m);
}

/* ---- the script -------------------------------------------------------------------------- */

/* The names as options, and where flattened features stand. */
static void options_of(const recipe *r, char to[600])
{
    size_t used = (size_t)snprintf(to, 600, "%s",
                                   r->channels_last ? " --flatten channels_last" : "");
    for (int i = 0; i < NAMES && *r->name[i]; i++)
        used += (size_t)snprintf(to + used, 600 - used, " --name %s", r->name[i]);
}

static void script(const char *arguments)
{
    char command[8192];
    snprintf(command, sizeof command, "%s/../scripts/torch-state %s",
             getenv("TENON_TEST_DATA"), arguments);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void same_tensors(const tn_archive *a, const tn_archive *b)
{
    cr_assert_eq(a->tensors, b->tensors);
    for (int64_t i = 0; i < a->tensors; i++) {
        const tn_tensor *t = &a->tensor[i].tensor, *u = tensor_of(b, a->tensor[i].name);
        cr_assert(t->dtype == u->dtype && tn_count(t) == tn_count(u), "%s",
                  a->tensor[i].name);
        for (int64_t k = 0; k < tn_count(t); k++)
            cr_assert_eq(number(t, k), number(u, k), "%s[%lld]", a->tensor[i].name,
                         (long long)k);
    }
}

static void same_shape(const tn_tensor *a, const tn_tensor *b, const char *name)
{
    cr_assert_eq(a->rank, b->rank, "%s", name);
    for (int32_t k = 0; k < a->rank; k++) cr_assert_eq(a->dim[k], b->dim[k], "%s", name);
}

ParameterizedTestParameters(torch_state, the_script_converts_both_ways)
{
    return cr_make_param_array(recipe, recipes, sizeof recipes / sizeof *recipes);
}

/* To PyTorch and read again, and PyTorch's own state_dict to Tenon: the same model. */
ParameterizedTest(const recipe *r, torch_state, the_script_converts_both_ways)
{
    if (system("/usr/bin/python3 -c 'import numpy' 2>/dev/null"))
        cr_skip_test("/usr/bin/python3 has no NumPy, which scripts/torch-state needs");
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *m = states_model(env, r->net, states_file(r->net), true, NULL, 0, &e);
    cr_assert_not_null(m, "%s", e.text);
    char ours[300], theirs[300], back[300], names[600], arguments[4400];
    const char *folder = test_folder(), *state = states_file(r->net);
    snprintf(ours, sizeof ours, "%s", states_saved(m));
    snprintf(theirs, sizeof theirs, "%s/state.safetensors", folder);
    snprintf(back, sizeof back, "%s/back.safetensors", folder);
    options_of(r, names);

    snprintf(arguments, sizeof arguments, "to-torch %s %s%s", ours, theirs, names);
    script(arguments);
    const tn_archive made = archive_of(env, theirs), real = archive_of(env, state);
    for (int64_t i = 0; i < real.tensors; i++)
        if (!strstr(real.tensor[i].name, "num_batches_tracked"))
            same_shape(tensor_of(&made, real.tensor[i].name), &real.tensor[i].tensor,
                       real.tensor[i].name);
    tn_model *again = states_model(env, r->net, theirs, true, NULL, 0, &e);
    cr_assert_not_null(again, "%s", e.text);
    const tn_archive first = archive_of(env, ours),
                     second = archive_of(env, states_saved(again));
    same_tensors(&first, &second);

    snprintf(arguments, sizeof arguments,
             "from-torch %s %s %s --ignore '*.num_batches_tracked'%s", state, ours, back,
             names);
    script(arguments);
    const tn_archive converted = archive_of(env, back);
    same_tensors(&first, &converted);
    tn_model_free(again);
    tn_model_free(m);
}

/* init_from.c - first weights from a file: state_dicts of PyTorch's that give its outputs, models of
 * Tenon's, what is drawn and what is not, and a clear message for everything that does not fit. The
 * fixtures: tests/reference/make_state_fixtures.py. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#include "core/model.h"
#include "core/real/unit.h"
#include "tests/support/states.h"

static tn_archive states;
static void *state_bytes;

static const tn_tensor *fixture(tn_env *env, const char *name, const char *what)
{
    char key[100];
    tn_error e = {0};
    if (!states.tensors)
        cr_assert_eq(tn_archive_read(env, states_reference("states", ".safetensors"),
                                     &states, &state_bytes, &e),
                     TN_OK, "%s", e.text);
    snprintf(key, sizeof key, "%s/%s", name, what);
    for (int64_t i = 0; i < states.tensors; i++)
        if (!strcmp(states.tensor[i].name, key)) return &states.tensor[i].tensor;
    cr_assert_fail("states.safetensors has no %s", key);
    return NULL;
}

/* max|ours - theirs| / max|theirs| of the outputs. */
static double off(tn_env *env, const tn_model *m, const char *name)
{
    const tn_tensor *x = fixture(env, name, "x"), *y = fixture(env, name, "y");
    const bool real = m->graph->real;
    const tn_pass pass = {.samples = x->dim[0]};
    float rounded[1000];
    double error = 0, most = 0;
    const void *out;
    tn_plan *plan;
    tn_error e = {0};
    cr_assert(tn_count(x) <= 1000 && x->dtype == TN_F64);
    for (int64_t i = 0; i < tn_count(x); i++)
        rounded[i] = (float)((const double *)x->data)[i];
    cr_assert_eq(tn_plan_new(m->graph, pass.samples, false, false, &plan, &e), TN_OK);
    cr_assert_eq(tn_plan_forward(plan, &pass, real ? x->data : (void *)rounded, &out, &e),
                 TN_OK, "%s", e.text);
    for (int64_t i = 0; i < tn_count(y); i++) {
        const double want = ((const double *)y->data)[i];
        const double got = real ? ((const double *)out)[i]
                                : (double)((const float *)out)[i];
        error = fmax(error, fabs(got - want)), most = fmax(most, fabs(want));
    }
    tn_plan_free(plan);
    return error / most;
}

/* ---- PyTorch -------------------------------------------------------------------------- */

typedef struct recipe {
    char net[32];
    bool real;
} recipe;

ParameterizedTestParameters(init_from, pytorch)
{
    static recipe all[] = {{"cnn", false},
                           {"cnn", true},
                           {"lstm", false},
                           {"lstm", true},
                           {"lstm-bidirectional", false},
                           {"lstm-bidirectional", true},
                           {"gru", false},
                           {"gru", true},
                           {"gru-bidirectional", false},
                           {"gru-bidirectional", true},
                           {"sequence", false},
                           {"sequence", true},
                           {"rnn", false},
                           {"rnn", true},
                           {"words", false},
                           {"words", true},
                           {"grouped", false},
                           {"grouped", true}};
    return cr_make_param_array(recipe, all, sizeof all / sizeof all[0]);
}

ParameterizedTest(const recipe *r, init_from, pytorch)
{
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *m = states_model(env, r->net, states_file(r->net), r->real, NULL, 0, &e);
    cr_assert_not_null(m, "%s", e.text);
    const double error = off(env, m, r->net);
    cr_expect(error <= (r->real ? 1e-10 : 1e-5), "%s, %s: off by %.2e", r->net,
              r->real ? "double" : "float", error);
    cr_assert_str_eq(tn_model_layer(m, 0).initializer, "init_from");
    tn_model_free(m);
}

/* A prefix for all, and a layer that has none. */
Test(init_from, names_of_a_whole_model)
{
    const char *const sets[] = {"init_from.names={\"*\": net, dense: \"\"}"};
    tn_env *env = run_env(1);
    tn_error e = {0};
    cr_assert_null(states_model(env, "gru", states_file("gru"), true, sets, 1, &e));
    cr_assert(strstr(e.text, "no tensor 'net.gru.weight_ih_l0'"), "%s", e.text);
    const char *const only[] = {"init_from.names={\"*\": net, gru: rnn, dense: \"\"}"};
    cr_assert_null(states_model(env, "gru", states_file("gru"), true, only, 1, &e));
    cr_assert(strstr(e.text, "no tensor 'weight' for dense.weight"), "%s", e.text);
}

/* That the order of flattened features matters here at all. */
Test(init_from, the_order_of_flattened_features_shows)
{
    const char *const last[] = {"init_from.flatten=channels_last"},
                      *const first[] = {"init_from.flatten=channels_first"};
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *m = states_model(env, "cnn", states_file("cnn"), true, last, 1, &e);
    cr_assert_not_null(m, "%s", e.text);
    cr_assert_gt(off(env, m, "cnn"), 0.01);
    tn_model_free(m);
    m = states_model(env, "lstm-bidirectional", states_file("lstm-bidirectional"), true,
                     first, 1, &e);
    cr_assert_not_null(m, "%s", e.text);
    cr_assert_gt(off(env, m, "lstm-bidirectional"), 0.01);
    tn_model_free(m);
}

/* PyTorch has channels in front of each image of several, or of all. */
Test(init_from, features_of_several_images_have_no_order)
{
    const char *const sets[] = {"input=[2, 4, 6, 3]", "model.3=relu"};
    tn_env *env = run_env(1);
    tn_error e = {0};
    cr_assert_null(states_model(env, "cnn", states_file("cnn"), true, sets, 2, &e));
    cr_assert(strstr(e.text,
                     "batch_norm_2.gamma reads come from a flattened image by a way "
                     "that leaves their order open"),
              "%s", e.text);
}

/* ---- Tenon's own files ------------------------------------------------------------------ */

Test(init_from, a_model_of_tenons)
{
    const char *const sets[] = {"init_from.names={}", "init_from.ignore=[]"};
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *a = states_model(env, "cnn", states_file("cnn"), true, NULL, 0, &e);
    cr_assert_not_null(a, "%s", e.text);
    tn_model *b = states_model(env, "cnn", states_saved(a), true, sets, 2, &e);
    cr_assert_not_null(b, "%s", e.text);
    cr_assert(off(env, b, "cnn") <= 1e-10);
    tn_model_free(a);
    tn_model_free(b);
}

static const void *values(const tn_model *m, const char *name)
{
    tn_tensor t;
    tn_error e = {0};
    cr_assert_eq(tn_model_find(m, name, &t, &e), TN_OK, "%s", e.text);
    return t.data;
}

/* Others are drawn as without a file: each has a stream of its own. */
Test(init_from, what_is_fresh_is_drawn)
{
    static const char names[] =
        "init_from.names={conv2d: features.0, batch_norm: features.1, batch_norm_2: "
        "head.0, dense: head.2}";
    const char *const sets[] = {"init_from.fresh=[dense_2]", names,
                                "init_from.ignore=[\"*.num_batches_tracked\", head.4]"};
    const char *const none[] = {"init_from="};
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *m = states_model(env, "cnn", states_file("cnn"), false, sets, 3, &e);
    cr_assert_not_null(m, "%s", e.text);
    tn_model *drawn = states_model(env, "cnn", "", false, none, 1, &e);
    cr_assert_not_null(drawn, "%s", e.text);
    cr_assert_eq(memcmp(values(m, "dense_2.weight"), values(drawn, "dense_2.weight"),
                        sizeof(float) * 50),
                 0);
    cr_assert_neq(memcmp(values(m, "dense.weight"), values(drawn, "dense.weight"),
                         sizeof(float) * 480),
                  0);
    cr_assert_str_eq(tn_model_layer(m, 9).initializer, "xavier (auto: dense)");
    tn_model_free(m);
    tn_model_free(drawn);
}

/* ---- what does not fit -------------------------------------------------------------------- */

typedef struct misfit {
    char net[32], set[300], words[200];
} misfit;

ParameterizedTestParameters(init_from, misfits)
{
    static misfit all[] = {
        {"cnn", "init_from.names.dense=head.3", "no tensor 'head.3.weight' for dense."},
        {"cnn", "init_from.names.dense=head.22", "(it has 'head.2.weight')"},
        {"cnn", "init_from.names.conv2=features.0", "names: 'conv2' is no layer"},
        {"cnn", "init_from.names.conv2=features.0", "did you mean 'conv2d'"},
        {"cnn", "init_from.ignore=[]", "num_batches_tracked' (and 1 more) of"},
        {"cnn", "init_from.ignore=[]", "list it in ignore"},
        {"cnn", "model.7.dense=11",
         "'head.2.weight' of %s has shape (10, 48), but dense.weight needs (11, 48)"},
        {"cnn", "init_from.names.batch_norm=[a]",
         "expected what the file calls 'batch_norm'"},
        {"cnn",
         "init_from.names={conv2d: features.0, batch_norm: features.1, batch_norm_2: "
         "head.0, dense: head.2, dense.bias: [a, b], \"*\": x}",
         "dense.bias is made of 1 tensor of the file, so name one"},
        {"cnn",
         "init_from.names={conv2d: features.0, dense: head.2, dense_2: head.4, "
         "batch_norm_2: head.0, batch_norm: features.1, batch_norm.running_mean: "
         "features.1.num_batches_tracked}",
         "holds whole numbers"},
        {"cnn", "init_from.layout=keras", "expected tenon or torch, got 'keras'"},
        {"cnn", "init_from.layout=tenon", "no tensor 'features.1.gamma'"},
        {"cnn", "init_from.flatten=yes", "expected channels_last or channels_first"},
        {"cnn", "init_from.name=x", "did you mean 'names'"},
        {"cnn", "init_from.fresh=dense", "fresh: expected a list of names"},
        {"cnn", "init_from.fresh=[dense_3]",
         "fresh: 'dense_3' is no layer or parameter that is drawn; did you mean "
         "'dense_2'"},
        {"cnn", "init_from.fresh=[dense.wieght]", "did you mean 'dense.weight'"},
        {"cnn", "init_from.fresh=[\"dense_2*\", relu, \"xyz*\"]", "fresh: 'relu' is no"},
        {"cnn", "init_from.names=[a]", "names: expected layers"},
        {"cnn", "init_from.path=[a]", "expected a safetensors file"},
        {"cnn", "init_from.path=no-such-file", "no-such-file"},
        {"cnn", "model.4=reshape: [4, 12]", "a way that leaves their order open"},
        {"lstm",
         "init_from.names={lstm: rnn, lstm_2.weight: rnn.weight_ih_l1, "
         "lstm_2.recurrent_weight: rnn.weight_hh_l1, lstm_2.bias: rnn.bias_ih_l1}",
         "lstm_2.bias is made of 2 tensors of the file, so name all in a list, that of "
         "bias_ih_l0 first"},
        {"gru", "init_from.names.gru=out", "no tensor 'out.weight_ih_l0'"},
    };
    return cr_make_param_array(misfit, all, sizeof all / sizeof all[0]);
}

ParameterizedTest(const misfit *f, init_from, misfits)
{
    const char *set[] = {f->set};
    char words[4400];
    tn_env *env = run_env(1);
    tn_error e = {0};
    tn_model *m = states_model(env, f->net, states_file(f->net), false, set, 1, &e);
    cr_assert_null(m, "%s is accepted", f->set);
    const char *hole = strstr(f->words, "%s");
    snprintf(words, sizeof words, "%.*s%s%s", hole ? (int)(hole - f->words) : 200,
             f->words, hole ? states_file(f->net) : "", hole ? hole + 2 : "");
    cr_assert(strstr(e.text, words), "'%s' does not say '%s'", e.text, words);
    cr_assert(strstr(e.text, ".yaml:") || strstr(e.text, "--set"), "no place: %s",
              e.text);
}

/* ---- what is not drawn -------------------------------------------------------------------- */

/* A file of a dense layer of 3 x 4 whose initializer draws nothing. */
static const char *undrawn(tn_env *env)
{
    static float weight[12] = {1, 2, 3}, bias[3];
    static char path[300];
    tn_error e = {0};
    tn_text_pair text[] = {
        {TN_KEY_VERSION, "1"},
        {TN_KEY_CONFIG, "input: [4]\nmodel: [{dense: {units: 3, init: toy_refuse}}]\n"}};
    const tn_shape shape = {.rank = 2, .dim = {3, 4}}, row = {.rank = 1, .dim = {3}};
    tn_named_tensor all[] = {
        {.name = "dense.weight", .tensor = tn_tensor_over(&shape, -1, 0, weight)},
        {.name = "dense.bias", .tensor = tn_tensor_over(&row, -1, 0, bias)}};
    const tn_archive a = {.texts = 2, .tensors = 2, .text = text, .tensor = all};
    snprintf(path, sizeof path, "%s", test_path(test_folder(), "undrawn.safetensors"));
    cr_assert_eq(tn_archive_write(env, path, &a, &e), TN_OK, "%s", e.text);
    return path;
}

Test(init_from, what_is_read_is_not_drawn)
{
    const tn_shape input = {.rank = 1, .dim = {4}};
    tn_env *env = run_env(1);
    tn_error e = {0};
    char text[400];
    tn_model *m = tn_model_load(env, undrawn(env), &e);
    cr_assert_not_null(m, "%s", e.text);
    cr_assert_eq(((const float *)values(m, "dense.weight"))[2], 3);
    tn_model_free(m);
    snprintf(text, sizeof text,
             "model: [{dense: {units: 3, init: toy_refuse}}]\ninit_from: %s\n",
             undrawn(env));
    tn_config *config = run_parse(env, text, NULL, 0);
    m = tn_model_new(env, config, &input, &e);
    cr_assert_not_null(m, "%s", e.text);
    tn_model_free(m);
    tn_config_free(config);
    config = run_parse(env, "model: [{dense: {units: 3, init: toy_refuse}}]\n", NULL, 0);
    cr_assert_null(tn_model_new(env, config, &input, &e));
    cr_assert(strstr(e.text, "is asked to draw"), "%s", e.text);
    tn_config_free(config);
}

/* A run that goes on has its weights from the checkpoint: the file may be gone. */
Test(init_from, a_resumed_run_does_not_read_the_file)
{
    const char *folder = test_folder();
    char set[600], first[300], file[400];
    const char *const sets[] = {set, NULL}, *const more[] = {set, "train.epochs=5", NULL};
    tn_env *env = run_env(1);
    tn_error e = {0};
    snprintf(first, sizeof first, "%s", test_path(folder, "first"));
    snprintf(set, sizeof set, "train.epochs=1");
    cr_assert_eq(run_all(env, sets, first, false, &e), TN_OK, "%s", e.text);
    snprintf(file, sizeof file, "%s/model.safetensors", first);
    snprintf(set, sizeof set, "init_from=%s", file);
    const char *second = test_path(folder, "second");
    cr_assert_eq(run_all(env, sets, second, false, &e), TN_OK, "%s", e.text);
    cr_assert_eq(remove(file), 0);
    cr_assert_eq(run_all(env, more, second, true, &e), TN_OK, "%s", e.text);
}

/* option.c - option tables that are not sane; values of every type as the plugin gets
 * them through libffi; every wrong value with its message. */
#include "core/option_table.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <math.h>

#include "core/fitting/every_type.h"
#include "support/plugin_folder.h"

/* ---- tables ------------------------------------------------------------------------ */

static tn_memory memory;

static void refuse(const tn_option *option, int32_t count, const char *message)
{
    tn_error e = {0};
    cr_assert_eq(tn_option_table_check(&memory, "layer", option, count, &e), TN_EABI,
                 "%s", message);
    cr_assert_has(e.text, message);
    cr_assert_eq(atomic_load(&memory.used), 0);
}

#define REFUSE(message, ...)                                       \
    do {                                                           \
        const tn_option bad[] = {__VA_ARGS__};                     \
        refuse(bad, (int32_t)(sizeof bad / sizeof *bad), message); \
    } while (0)

Test(option, tables_with_wrong_names)
{
    REFUSE("must match", TN_ROW(INT, Units, 0, 1, 0, 9, "x"));
    REFUSE("must match", {NULL, "x", TN_T_INT, 0, {.i = 1}, {.i = 0}, {.i = 9}});
    REFUSE("must match", {"a-b", "x", TN_T_INT, 0, {.i = 1}, {.i = 0}, {.i = 9}});
    REFUSE("there twice",
           TN_ROW(INT, a, 0, 1, 0, 9, "x") TN_ROW(REAL, a, 0, 1, 0, 9, "x"));
    REFUSE("belongs to an option of the host", TN_ROW(INT, regularizer, 0, 1, 0, 9, "x"));
    REFUSE("no description", TN_ROW(INT, a, 0, 1, 0, 9, ""));
    REFUSE("second positional", TN_ROW(INT, a, TN_POSITIONAL, 1, 0, 9, "x")
                                    TN_ROW(INT, b, TN_POSITIONAL, 1, 0, 9, "x"));
}

Test(option, tables_with_wrong_types_and_flags)
{
    REFUSE("unknown type", {"a", "x", 99, 0, {.i = 1}, {.i = 0}, {.i = 9}});
    REFUSE("unknown flags", TN_ROW(INT, a, 1 << 20, 1, 0, 9, "x"));
    REFUSE("both required and optional",
           TN_ROW(INT, a, TN_REQUIRED | TN_OPTIONAL, 1, 0, 9, "x"));
    REFUSE("no unset value", TN_ROW(BOOL, a, TN_OPTIONAL, 0, 0, 0, "x"));
}

Test(option, tables_with_wrong_defaults)
{
    REFUSE("neither 0 nor 1", TN_ROW(BOOL, a, 0, 2, 0, 0, "x"));
    REFUSE("default is outside", TN_ROW(INT, a, 0, 10, 0, 9, "x"));
    REFUSE("default is outside", TN_ROW(INT, a, TN_ABOVE, 0, 0, 9, "x"));
    REFUSE("default is outside", TN_ROW(REAL, a, TN_BELOW, 1, 0, 1, "x"));
    REFUSE("default is outside", TN_ROW(REAL, a, 0, NAN, 0, 1, "x"));
    REFUSE("default is outside", TN_ROW(SCHEDULABLE, a, 0, -1, 0, 1, "x"));
    REFUSE("range is empty", TN_ROW(REAL, a, TN_REQUIRED, 0, 2, 1, "x"));
    REFUSE("none of the choices", TN_ROW(ENUM, a, 0, 2, "b|c", 0, "x"));
    REFUSE("needs its choices", TN_ROW(ENUM, a, 0, 0, 0, 0, "x"));
    REFUSE("a choice is empty", TN_ROW(ENUM, a, 0, 0, "b||c", 0, "x"));
    REFUSE("a choice is there twice", TN_ROW(ENUM, a, 0, 0, "b|c|b", 0, "x"));
    REFUSE("default is NULL", TN_ROW(STR, a, 0, 0, 0, 0, "x"));
    REFUSE("not a list of numbers", TN_ROW(INTS, a, 0, "[1, 2.5]", 0, 0, "x"));
    REFUSE("not a list", TN_ROW(REALS, a, 0, "one", 0, 0, "x"));
    REFUSE("not a list", TN_ROW(STRS, a, 0, "one", 0, 0, "x"));
    REFUSE("not the name of a kind", TN_ROW(PLUGIN, a, TN_REQUIRED, 0, "lyer", 0, "x"));
    tn_error e = {0};
    const tn_option torn[] = {TN_ROW(GRAPH, a, 0, "[relu", 0, 0, "x")};
    cr_assert_neq(tn_option_table_check(&memory, "layer", torn, 1, &e), TN_OK);
    REFUSE("not a list", TN_ROW(GRAPHS, a, 0, "relu", 0, 0, "x"));
    const tn_option good[] = {EVERY_TYPE(TN_ROW)};
    cr_assert_eq(tn_option_table_check(&memory, "layer", good, 16, &e), TN_OK, "%s",
                 e.text);
}

/* ---- values ------------------------------------------------------------------------ */

typedef struct every_type {
    EVERY_TYPE(TN_FIELD)
    int32_t checked;
} every_type;

static tn_env *env;
static tn_config *config;

static void start(void)
{
    const char *folder = test_folder();
    put_plugin(folder, "fitting", "every_type", "layer", "every_type");
    env = new_env(folder);
}

/* Of `text`, the options of every_type. */
static tn_status make(const char *text, tn_instance **out, tn_error *e)
{
    char document[600];
    snprintf(document, sizeof document, "a: {every_type: %s}", text);
    tn_config_free(config);
    config = tn_config_read(&env->memory, document, strlen(document), "net.yaml", e);
    cr_assert_not_null(config, "%s", e->text);
    return tn_instance_make(env, "layer", config->root->item[0], 1, out, e);
}

static tn_instance *made(const char *text)
{
    tn_error e = {0};
    tn_instance *i;
    cr_assert_eq(make(text, &i, &e), TN_OK, "%s: %s", text, e.text);
    return i;
}

static void finish(void)
{
    tn_config_free(config);
    config = NULL;
    tn_env_free(env);
}

Test(option, defaults_of_every_type, .init = start, .fini = finish)
{
    tn_instance *i = made("");
    const every_type *self = i->self;
    cr_assert(self->flag == 1 && self->count == 3 && self->maybe == TN_UNSET_INT);
    cr_assert(self->share == 0.5 && self->colour == 1 && self->last == -2.5);
    cr_assert_str_eq(self->label, "plain");
    cr_assert_null(self->note);
    cr_assert(self->sizes->count == 2 && self->sizes->at[0] == 2 &&
              self->sizes->at[1] == 3);
    cr_assert(self->weights->count == 1 && self->weights->at[0] == 0.5);
    cr_assert_eq(self->names->count, 2);
    cr_assert_str_eq(self->names->at[1], "b");
    cr_assert_eq(i->dials, 2);
    cr_assert_eq(i->now[self->heat.slot], 0.25);
    cr_assert(isnan(i->now[self->cold.slot]));
    cr_assert_str_eq(self->pull->name, "l2");
    cr_assert_str_eq(self->pull->kind, "regularizer");
    cr_assert_eq(self->pull->now[0], 0.125);
    cr_assert_eq(self->pulls->count, 0);
    cr_assert_str_eq(self->body->list->item[0]->text, "relu");
    cr_assert_eq(self->ways->count, 1);
    cr_assert_str_eq(self->ways->at[0]->list->item[0]->text, "relu");
    cr_assert_eq(self->checked, 1);
    tn_instance_free(i);
}

Test(option, given_values_of_every_type, .init = start, .fini = finish)
{
    tn_instance *i = made(
        "{flag: false, count: -5, maybe: 0, share: 1e-3, heat: 2, label: 'true', note: "
        "7, "
        "colour: blue, sizes: [9, -9223372036854775807], cold: -10, weights: 1, "
        "pull: {l1: 1}, pulls: [l2, {l1: 3}], body: [{dense: 3}, tanh], ways: [[relu, "
        "tanh], [], sigmoid], names: [x y, '7', z], last: 1e300}");
    const every_type *self = i->self;
    cr_assert(self->flag == 0 && self->count == -5 && self->maybe == 0);
    cr_assert(self->share == 1e-3 && self->colour == 2 && self->last == 1e300);
    cr_assert_str_eq(self->label, "true");
    cr_assert_str_eq(self->note, "7");
    cr_assert(self->sizes->count == 2 && self->sizes->at[1] == -INT64_MAX);
    cr_assert(self->weights->count == 1 && self->weights->at[0] == 1);
    cr_assert_eq(self->names->count, 3);
    cr_assert_str_eq(self->names->at[0], "x y");
    cr_assert_str_eq(self->names->at[1], "7");
    cr_assert(i->now[self->heat.slot] == 2 && i->now[self->cold.slot] == -10);
    cr_assert_str_eq(self->pull->name, "l1");
    cr_assert_eq(self->pulls->count, 2);
    cr_assert_str_eq(self->pulls->at[0]->name, "l2");
    cr_assert_eq(self->pulls->at[1]->now[0], 3);
    cr_assert_eq(self->body->list->count, 2);
    cr_assert_eq(self->ways->count, 3);
    cr_assert_eq(self->ways->at[0]->list->count, 2);
    cr_assert_eq(self->ways->at[1]->list->count, 0);
    cr_assert_str_eq(self->ways->at[2]->list->item[0]->text, "sigmoid");
    cr_assert_eq(i->children, 3);
    tn_instance_free(i);
}

Test(option, single_values_stand_for_lists, .init = start, .fini = finish)
{
    tn_instance *i = made(
        "{sizes: 4, names: one, pulls: l1, body: tanh, note: null, maybe: ~}");
    const every_type *self = i->self;
    cr_assert(self->sizes->count == 1 && self->sizes->at[0] == 4);
    cr_assert(self->names->count == 1 && !strcmp(self->names->at[0], "one"));
    cr_assert(self->pulls->count == 1 && !strcmp(self->pulls->at[0]->name, "l1"));
    cr_assert(self->body->list->count == 1);
    cr_assert_str_eq(self->body->list->item[0]->text, "tanh");
    cr_assert(!self->note && self->maybe == TN_UNSET_INT);
    tn_instance_free(i);
}

Test(option, positional, .init = start, .fini = finish)
{
    tn_instance *i = made("-2");
    cr_assert_eq(((const every_type *)i->self)->count, -2);
    tn_instance_free(i);
}

/* ---- wrong values ------------------------------------------------------------------ */

typedef struct wrong {
    char text[80], message[160];
} wrong;

#define AT "net.yaml:1:18: layer/every_type: "

static wrong all_wrong[] = {
    {"{cuont: 1}", AT "unknown option 'cuont'; did you mean 'count'?"},
    {"{zzzzzz: 1}", AT "unknown option 'zzzzzz'; it has flag, count, maybe, "},
    {"{flag: 1}", AT "option 'flag': expected true or false, got '1'"},
    {"{count: ten}", AT "option 'count': expected a whole number, got 'ten'"},
    {"{count: 2.5}", AT "option 'count': expected a whole number, got '2.5'"},
    {"{count: '2'}", AT "option 'count': expected a whole number, got \"2\""},
    {"{count: [2]}", AT "option 'count': expected a whole number, got a list"},
    {"{count: {a: 2}}", AT "option 'count': expected a whole number, got a map"},
    {"{count: }", AT "option 'count': expected a whole number, got nothing"},
    {"{count: 11}", AT "option 'count' = 11 is outside [-5, 10]"},
    {"{count: 99999999999999999999}", AT "option 'count': expected a whole number"},
    {"{maybe: -1}", AT "option 'maybe' = -1 is outside [0, inf)"},
    {"{share: 1}", AT "option 'share' = 1 is outside (0, 1)"},
    {"{share: 0}", AT "option 'share' = 0 is outside (0, 1)"},
    {"{share: .nan}", AT "option 'share' = .nan is outside (0, 1)"},
    {"{last: .inf}", AT "option 'last' = .inf is outside (-inf, inf)"},
    {"{heat: -1}", AT "option 'heat' = -1 is outside [0, inf)"},
    {"{heat: [1]}", AT "option 'heat': expected a number or a schedule, got a list"},
    {"{heat: '1'}", AT "option 'heat': expected a number or a schedule, got \"1\""},
    {"{heat: hot}", "net.yaml:1:18: there is no schedule 'hot'"},
    {"{label: [a]}", AT "option 'label': expected a text, got a list"},
    {"{label: }", AT "option 'label': expected a text, got nothing"},
    {"{colour: pink}",
     AT "option 'colour': expected one of red, green, blue, got 'pink'"},
    {"{colour: re}", AT "option 'colour': expected one of red, green, blue, got 're'"},
    {"{sizes: [1, b]}",
     "net.yaml:1:29: layer/every_type: option 'sizes': expected a whole "
     "number, got 'b'"},
    {"{names: {a: 1}}", AT "option 'names': expected a text, got a map"},
    {"{names: [a, [b]]}",
     "net.yaml:1:29: layer/every_type: option 'names': expected a text, got a list"},
    {"{weights: {a: 1}}", AT "option 'weights': expected numbers, got a map"},
    {"{weights: [.inf]}", "option 'weights': expected a number, got '.inf'"},
    {"{pull: l3}", "net.yaml:1:18: there is no regularizer 'l3'; did you mean 'l"},
    {"{pull: [l2]}",
     "net.yaml:1:18: expected the name of a regularizer or {name: {option: "
     "value}}, got a list"},
    {"{pull: {l2: {lambda: x}}}", "option 'lambda' takes a number or a schedule"},
    {"{pulls: [l2, {l2: -1}]}",
     "net.yaml:1:31: regularizer/l2: option 'lambda' = -1 is outside"},
    {"{ways: relu}", AT "option 'ways': expected a list of lists of layers, got 'relu'"},
    {"{body: }", AT "option 'body': expected a list of layers, got nothing"},
    {"[1]", "net.yaml:1:5: layer/every_type: option 'count': expected a whole number, "
            "got a list"},
    {"12", "net.yaml:1:5: layer/every_type: option 'count' = 12 is outside [-5, 10]"},
    {"7", "net.yaml:1:5: layer/every_type: 7 of them do not go with plain"},
    {"{name: a.b}", AT "option 'name': expected 1 to 40 letters"},
    {"{init: hee}", "there is no initializer 'hee'; did you mean 'he'?"},
};

ParameterizedTestParameters(option, wrong_values)
{
    return cr_make_param_array(wrong, all_wrong, sizeof all_wrong / sizeof *all_wrong);
}

ParameterizedTest(wrong *w, option, wrong_values, .init = start, .fini = finish)
{
    tn_error e = {0};
    tn_instance *i;
    const tn_status status = make(w->text, &i, &e);
    cr_assert_neq(status, TN_OK, "%s", w->text);
    cr_assert_null(i);
    cr_assert_eq(e.status, status);
    cr_assert_has(e.text, w->message);
    cr_assert_neq(make(w->text, &i, NULL), TN_OK); /* the error may be left out */
}

Test(option, required)
{
    tn_error e = {0};
    tn_instance *i;
    env = new_env(NULL);
    cr_assert_eq(tn_instance_named(env, "layer", "dense", NULL, 0, &i, &e), TN_EINVAL);
    cr_assert_has(e.text, "layer/dense: option 'units' is required");
    tn_env_free(env);
}

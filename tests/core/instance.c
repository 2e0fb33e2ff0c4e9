/* instance.c - the life of an instance: check and destroy, dials and schedules, numbers,
 * what the host adds, and memory that all comes back. */
#include "core/instance.h"

#include <math.h>

#include "core/host.h"
#include "support/plugin_folder.h"

static tn_env *env;
static tn_config *config;

static void start(void)
{
    const char *folder = test_folder();
    put_plugin(folder, "fitting", "every_type", "layer", "every_type");
    put_plugin(folder, "fitting", "counting", "schedule", "counting");
    put_plugin(folder, "fitting", "twice", "schedule", "twice");
    put_plugin(folder, "broken", "calls_itself", "schedule", "calls_itself");
    *logged = 0;
    env = new_env(folder);
}

static tn_status make(const char *kind, const char *text, tn_instance **out, tn_error *e)
{
    char document[600];
    snprintf(document, sizeof document, "a: %s", text);
    tn_config_free(config);
    config = tn_config_read(&env->memory, document, strlen(document), "net.yaml", e);
    cr_assert_not_null(config, "%s", e->text);
    return tn_instance_make(env, kind, config->root->item[0], 1, out, e);
}

static tn_instance *made(const char *kind, const char *text)
{
    tn_error e = {0};
    tn_instance *i;
    cr_assert_eq(make(kind, text, &i, &e), TN_OK, "%s: %s", text, e.text);
    return i;
}

static void fails(const char *kind, const char *text, const char *message)
{
    tn_error e = {0};
    tn_instance *i;
    cr_assert_neq(make(kind, text, &i, &e), TN_OK, "%s", text);
    cr_assert_null(i);
    cr_assert_has(e.text, message);
}

static void finish(void)
{
    tn_config_free(config);
    config = NULL;
    tn_env_free(env);
}

/* ---- names ------------------------------------------------------------------------- */

Test(instance, a_plugin_is_a_name_or_a_map_of_one_name, .init = start, .fini = finish)
{
    tn_instance_free(made("layer", "relu"));
    tn_instance_free(made("layer", "{relu: }"));
    tn_instance_free(made("layer", "{relu: {}}"));
    fails("layer", "",
          "net.yaml:1:1: expected the name of a layer or {name: {option: value}}, "
          "got nothing");
    fails("layer", "[relu]", "got a list");
    fails("optimizer", "", "expected the name of an optimizer or {");
    fails("optimizer", "3", "'3' cannot be the name of an optimizer: ");
    fails("optimizer", "Adam",
          "'Adam' cannot be the name of an optimizer (did you mean 'adam'?): ");
    fails("layer", "Residual", "(did you mean 'residual'?)");
    fails("layer", "dense:8",
          "'dense:8' cannot be the name of a layer (a space is missing behind ':'): ");
    fails("loss", "categorical_crossentropy", "did you mean 'cross_entropy'?");
    fails("initializer", "glorot_uniform", "did you mean 'xavier'?");
    fails("optimizer", "{adam: {learning_rate: 1}}", "did you mean 'lr'?");
    fails("layer", "{dense: {units: 3, activation: relu}}",
          "unknown option 'activation'; an activation is a layer of its own");
    fails("layer", "{dense: {units: 3, trainable: false}}",
          "unknown option 'trainable'; what is not trained stands in the section "
          "parameters: [{match: NAME, freeze: true}]");
    fails("regularizer", "1e-4",
          "expected the name of a regularizer, got the number 1e-4; write {l2: 1e-4}");
    fails("regularizer", "{l1: 1, l2: 2}",
          "and several stand in a list: [{l1: 1e-3}, {l2: 1e-3}]");
    fails("layer", "{}", "got an empty map");
    fails("layer", "{relu: , tanh: }",
          "expected one layer, got a map with the keys 'relu' and "
          "'tanh'");
    fails("layer", "{relu: 3}", "layer/relu: takes no value of its own");
    fails("layer", "3", "net.yaml:1:1: '3' cannot be the name of a layer");
    fails("layer", "{../relu: }", "cannot be the name");
}

Test(instance, a_block_may_stand_where_a_layer_does, .init = start, .fini = finish)
{
    tn_instance *i = made("layer", "{residual: [relu]}");
    cr_assert_str_eq(i->entry->kind, "block");
    tn_instance_free(i);
    fails("block", "relu", "there is no block 'relu'");
    fails("layer", "resideul", "there is no layer 'resideul'; did you mean 'residual'?");
}

/* The rule of instance.c: a map is the positional value only where that holds plugins and
 * the only key names one of them. */
Test(instance, maps_and_the_positional_option, .init = start, .fini = finish)
{
    tn_instance *i = made("schedule", "{twice: {cosine: {from: 3, epochs: 2}}}");
    cr_assert_str_eq(i->child[0]->entry->name, "cosine");
    tn_instance_free(i);
    i = made("schedule", "{twice: {inner: 5, factor: 3}}");
    cr_assert_str_eq(i->child[0]->entry->name, "constant");
    tn_instance_free(i);
    i = made("layer", "{dropout: {cosine: {from: 0.5, epochs: 2}}}");
    cr_assert_str_eq(i->child[0]->entry->name, "cosine");
    tn_instance_free(i);
    i = made("layer", "{residual: {dense: 3}}");
    tn_instance_free(i);
    fails("layer", "{residual: {bdoy: [relu]}}",
          "unknown option 'bdoy'; did you mean 'body'?");
    fails("layer", "{residual: {relu: , tanh: }}", "unknown option 'relu'");
    fails("layer", "{dense: {unit: 3}}", "unknown option 'unit'; did you mean 'units'?");
}

Test(instance, named, .init = start, .fini = finish)
{
    tn_error e = {0};
    tn_instance *i;
    cr_assert_eq(
        tn_instance_named(env, "layer", "dense", "{units: 3, bias: false}", 0, &i, &e),
        TN_OK, "%s", e.text);
    cr_assert_eq(i->real, 0);
    cr_assert_eq(i->impl->real_size, 4);
    tn_instance_free(i);
    cr_assert_eq(tn_instance_named(env, "layer", "dense", "3", 1, &i, NULL), TN_OK);
    tn_instance_free(i);
    cr_assert_neq(tn_instance_named(env, "layer", "dense", "{unit: 3}", 1, &i, &e),
                  TN_OK);
    cr_assert_has(e.text, "options of dense:1:10: layer/dense: unknown option 'unit'");
    cr_assert_neq(tn_instance_named(env, "layer", "dense", "3, relu: 1", 1, &i, &e),
                  TN_OK);
    cr_assert_has(e.text, "is not one value");
    cr_assert_neq(tn_instance_named(env, "layer", "dense: 3, b", NULL, 1, &i, &e), TN_OK);
    cr_assert_has(e.text, "cannot be the name");
    cr_assert_null(i);
}

/* ---- check and destroy ------------------------------------------------------------- */

Test(instance, destroy_runs_at_the_end, .init = start, .fini = finish)
{
    tn_instance *i = made("layer", "{every_type: 8}");
    cr_assert_str_eq(logged, "1 ?\n"); /* by check: heat is 0.25 */
    tn_instance_free(i);
    cr_assert_str_eq(logged, "1 ?\n0 destroyed\n");
    *logged = 0;
    tn_instance_free(made("layer", "{every_type: {count: 8, heat: 2}}"));
    cr_assert_str_eq(logged, "1 two\n0 destroyed\n");
    tn_instance_free(NULL);
}

Test(instance, destroy_runs_after_a_failed_check, .init = start, .fini = finish)
{
    fails("layer", "{every_type: {count: 7, label: me}}",
          "net.yaml:1:5: layer/every_type: 7 of them do not go with me");
    cr_assert_str_eq(logged, "0 destroyed\n");
    *logged = 0;
    fails("layer", "{every_type: {count: 70}}", "outside");
    cr_assert_str_empty(logged); /* nothing was made yet */
}

Test(instance, all_memory_comes_back, .init = start, .fini = finish)
{
    static const char *const texts[] = {"{every_type: {heat: {twice: counting}}}",
                                        "{every_type: 7}",
                                        "{every_type: {pulls: [l2, l9]}}",
                                        "{dense: {units: 3, init: he, regularizer: l1}}"};
    tn_error e;
    tn_instance *i;
    for (int round = 0; round < 2; round++) {
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
            const size_t used = atomic_load(&env->memory.used);
            make("layer", texts[k], &i, &e);
            tn_instance_free(i);
            tn_config_free(config);
            config = NULL;
            /* Plugins that have been loaded stay, so only the second round has to be
             * even. */
            if (round) cr_assert_eq(atomic_load(&env->memory.used), used, "%s", texts[k]);
        }
    }
}

/* Every allocation fails once: an error each time, and nothing is lost. */
Test(instance, out_of_memory, .init = start, .fini = finish)
{
    tn_error e;
    tn_instance *i = made("layer", "{every_type: {heat: {twice: 3}, pulls: [l1, l2]}}");
    const size_t used = atomic_load(&env->memory.used);
    tn_instance_free(i);
    const size_t base = atomic_load(&env->memory.used);
    const tn_cfg *cfg = config->root->item[0];
    for (size_t limit = base + 1; limit < used; limit += 64) {
        env->memory.limit = limit;
        e.status = TN_OK;
        if (!tn_instance_make(env, "layer", cfg, 1, &i, &e)) {
            tn_instance_free(i);
            continue;
        }
        cr_assert_eq(e.status, TN_ENOMEM, "%s", e.text);
        cr_assert_eq(atomic_load(&env->memory.used), base);
    }
    env->memory.limit = 0;
}

Test(instance, defaults_without_an_end_are_cut_off, .init = start, .fini = finish)
{
    fails("schedule", "calls_itself", "nested more than 16 deep");
}

/* ---- dials ------------------------------------------------------------------------- */

Test(instance, schedules_turn_dials, .init = start, .fini = finish)
{
    tn_instance *i = made("layer", "{every_type: {heat: counting, cold: 3}}");
    tn_clock clock = {.step = 5, .steps = 100, .epochs = 10, .monitored = NAN};
    cr_assert_eq(i->now[0], 0); /* as at the start of a run */
    tn_instance_tick(i, &clock);
    cr_assert_float_eq(i->now[0], 0.005, 1e-12);
    cr_assert_eq(i->now[1], 3);
    tn_instance_epoch(i, &clock, &(tn_event){0});
    tn_instance_epoch(i, &clock, &(tn_event){0});
    tn_instance_tick(i, &clock);
    cr_assert_float_eq(i->now[0], 2.005, 1e-12);
    tn_instance_free(i);
}

/* What a schedule makes of the number monitored is not known before the first epoch's end. */
Test(instance, dials_keep_to_the_range_of_their_option, .init = start, .fini = finish)
{
    tn_error e = {0};
    tn_instance *i = made("layer", "{every_type: {heat: 3, cold: counting}}");
    tn_clock clock = {.step = 9999, .epoch = 0.5, .monitored = NAN};
    tn_instance_tick(i, &clock);
    cr_assert_eq(tn_instance_check_dials(i, &clock, &e), TN_OK, "%s", e.text);
    clock.step = 12499;
    tn_instance_tick(i, &clock);
    cr_assert_eq(tn_instance_check_dials(i, &clock, &e), TN_EINVAL);
    cr_assert_has(e.text, "every_type: option 'cold' = 12.499 at step 12500 (schedule "
                          "counting) is outside [-10, 10]");
    i->now[1] = NAN;
    cr_assert_eq(tn_instance_check_dials(i, &clock, &e), TN_EINVAL);
    cr_assert_has(e.text, "option 'cold' = nan at step 12500");
    clock.epoch = 1;
    cr_assert_eq(tn_instance_check_dials(i, &clock, &e), TN_OK);
    clock.monitored = 1;
    cr_assert_eq(tn_instance_check_dials(i, &clock, &e), TN_EINVAL);
    tn_instance_free(i);
}

Test(instance, a_schedule_around_another_sees_its_dials, .init = start, .fini = finish)
{
    tn_instance *i = made("layer",
                          "{every_type: {heat: {twice: {inner: {twice: counting}, "
                          "factor: counting}}}}");
    tn_clock clock = {.steps = 100, .epochs = 10, .monitored = NAN};
    tn_instance_epoch(i, &clock, &(tn_event){0});
    tn_instance_epoch(i, &clock, &(tn_event){0});
    tn_instance_epoch(i, &clock, &(tn_event){0});
    tn_instance_tick(i, &clock);
    cr_assert_float_eq(i->now[0], 3 * (2 * 3), 1e-12);
    tn_instance_free(i);
}

static void count(void *data, tn_instance *i)
{
    int32_t *counts = data;
    counts[0]++;
    counts[1] += i->number_count;
}

Test(instance, walk_and_numbers, .init = start, .fini = finish)
{
    tn_instance *i = made("layer",
                          "{every_type: {heat: {twice: counting}, pulls: [l1, l2]}}");
    int32_t counts[2] = {0};
    tn_instance_walk(i, count, counts);
    cr_assert_eq(counts[0], 6); /* itself, twice, counting, pull, two pulls */
    cr_assert_eq(counts[1], 4);
    for (int k = 0; k < 3; k++) cr_assert_eq(i->numbers[k], 0);
    cr_assert_eq(i->ref.numbers, i->numbers);
    cr_assert_eq(i->ref.now, i->now);
    cr_assert_eq(i->ref.self, i->self);
    tn_instance_free(i);
}

/* ---- what the host adds ------------------------------------------------------------ */

Test(instance, host_options_of_layers, .init = start, .fini = finish)
{
    tn_instance *i = made("layer",
                          "{dense: {units: 3, name: hidden-1, inputs: [a, b], init: he, "
                          "regularizer: {l2: 0.5}}}");
    cr_assert_str_eq(i->host.name, "hidden-1");
    cr_assert_eq(i->host.inputs->count, 2);
    cr_assert_str_eq(i->host.init->entry->name, "he");
    cr_assert_eq(i->host.regularizer->now[0], 0.5);
    cr_assert_null(i->host.parametrization);
    cr_assert_eq(i->children, 0);
    tn_instance_free(i);
    i = made("layer", "relu");
    cr_assert(!i->host.name && !i->host.inputs && !i->host.init && !i->host.regularizer);
    cr_assert_null(i->self);
    tn_instance_free(i);
    fails(
        "layer", "{dense: {units: 3, regularizer: {l2: {lamda: 1}}}}",
        "net.yaml:1:42: regularizer/l2: unknown option 'lamda'; did you mean 'lambda'?");
}

Test(instance, every_optimizer_has_a_learning_rate, .init = start, .fini = finish)
{
    tn_instance *i = made("optimizer", "adam");
    cr_assert_eq(i->now[i->host.lr_dial], i->entry->learning_rate);
    cr_assert_eq(i->host.lr_dial, i->dials - 1);
    tn_instance_free(i);
    i = made("optimizer", "{sgd: {lr: {counting: }, momentum: 0.9}}");
    const tn_clock clock = {.step = 7};
    tn_instance_tick(i, &clock);
    cr_assert_float_eq(i->now[i->host.lr_dial], 0.007, 1e-12);
    tn_instance_free(i);
    fails("optimizer", "{sgd: {lr: -1}}", "option 'lr' = -1 is outside [0, inf)");
}

/* ---- calls ------------------------------------------------------------------------- */

Test(instance, what_belongs_to_infer_is_refused_elsewhere, .init = start, .fini = finish)
{
    tn_error e = {0};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, env, NULL, 0, &e);
    cr_assert_eq(call->host->param(call, NULL), TN_EINVAL);
    cr_assert_has(e.text, "in infer only");
    cr_assert_eq(call->host->state(call, "s", NULL, 0), TN_EINVAL);
    cr_assert_eq(call->host->product(call, NULL), TN_ENOTSUP);
    cr_assert_eq(call->host->column_sums(call, NULL, NULL), TN_ENOTSUP);
    cr_assert_null(call->host->service(call, "no.such/1"));
    cr_assert_eq(call->host->fail(call, TN_OK, "x"),
                 TN_EINVAL); /* fail never means success */
}

static tn_status odd_fails(void *data, int64_t i)
{
    ((int32_t *)data)[i]++;
    return i % 2 ? (i == 1 ? TN_EDATA : TN_EIO) : TN_OK;
}

Test(instance, parallel_runs_all_and_returns_the_first_error, .init = start,
     .fini = finish)
{
    tn_error e = {0};
    tn_calling calling;
    int32_t runs[100] = {0};
    tn_call *call = tn_call_make(&calling, env, NULL, 0, &e);
    cr_assert_eq(call->host->parallel(call, 100, odd_fails, runs), TN_EDATA, "%s",
                 e.text);
    for (int i = 0; i < 100; i++) cr_assert_eq(runs[i], 1);
    cr_assert_eq(call->host->parallel(call, 1, odd_fails, runs), TN_OK);
}

/* parameters.c - the section `parameters`: own learning rates and decays, with every optimizer there is;
 * frozen.c is about freezing.
 *
 * Gradients are set by hand, so that no parameter's course depends on another's: each must then be,
 * bit for bit, that of a run in which the optimizer itself has its rate or decay. */
#include <math.h>

#include "tests/support/courses.h"

/* A number of a parameter's gradient that depends on nothing else. */
static double drawn(int32_t param, int step, int64_t k)
{
    const tn_key key = {{(uint32_t)param, (uint32_t)step}};
    return 0.3 * tn_random_normal(key, (uint64_t)k);
}

static void set_gradient(const run *r, int32_t param, int step)
{
    const tn_tensor g = tn_plan_gradient(r->trainer->plan, param);
    for (int64_t k = 0; g.data && k < tn_count(&g); k++)
        if (g.dtype == TN_F64)
            ((double *)g.data)[k] = drawn(param, step, k);
        else
            ((float *)g.data)[k] = (float)drawn(param, step, k);
}

/* Steps with gradients of our own; of optimizers that need several, one step as it is, before which
 * all runs stand at the same place. */
static void drive(const run *r)
{
    tn_error e = {0};
    if (tn_updater_passes(r->trainer->updater) > 1) {
        make_step(r);
        return;
    }
    for (int step = 0; step < STEPS; step++) {
        look(r);
        for (int32_t i = 0; i < graph_of(r)->params; i++) set_gradient(r, i, step);
        MUST(tn_trainer_apply(r->trainer, &e));
    }
}

/* Those of `of` are in a as in b, all others as in c; and b differs from c in the former. */
static void check_courses(const run *a, const run *b, const run *c, const char *of,
                          const char *what)
{
    const tn_graph *g = graph_of(a);
    for (int32_t i = 0; i < g->params; i++) {
        const bool own = !strcmp(g->param[i].name, of);
        cr_expect(same_values(a, own ? b : c, i), "%s: %s", what, g->param[i].name);
        if (own) cr_expect(!same_values(b, c, i), "%s: %s is as without", what, of);
    }
}

/* ---- every optimizer -------------------------------------------------------------------- */

static void compare(const char *name, const char *rules, const char *own,
                    const char *plain, const char *of)
{
    char rest[600];
    for (int real = 0; real < 2; real++) {
        snprintf(rest, sizeof rest, "%s\n%s", plain, rules);
        run a = open_run(real, net, rest), b = open_run(real, net, own),
            c = open_run(real, net, plain);
        drive(&a), drive(&b), drive(&c);
        check_courses(&a, &b, &c, of, name);
        close_run(&a), close_run(&b), close_run(&c);
    }
}

/* A power of two as factor, which changes no bit of what the rate is made into. */
Test(parameters, factor_on_the_rate_of_every_optimizer)
{
    const optimizers *all = all_optimizers();
    for (int i = 0; i < all->count; i++)
        compare(all->name[i], "parameters: [{match: dense_2.weight, lr_factor: 0.25}]",
                optimizer_of(all->name[i], "0.015625", "0.03"),
                optimizer_of(all->name[i], "0.0625", "0.03"), "dense_2.weight");
}

/* As a number; and as a schedule, which at these steps says the same as the optimizer's would.
 * (The shares of schedule_free are those of the optimizer's rate.) */
Test(parameters, own_rate_of_every_optimizer)
{
    static const char *const rates[] = {"0.03",
                                        "{step: {from: 0.03, every: 2, unit: steps}}"};
    const optimizers *all = all_optimizers();
    for (int i = 0; i < 2 * all->count; i++) {
        const char *name = all->name[i / 2], *rate = rates[i % 2];
        char rules[200];
        if (!strcmp(name, "schedule_free")) continue;
        snprintf(rules, sizeof rules, "parameters: [{match: dense_3.bias, lr: %s}]",
                 rate);
        compare(name, rules, optimizer_of(name, rate, "0.03"),
                optimizer_of(name, "0.0625", "0.03"), "dense_3.bias");
    }
}

Test(parameters, own_decay_of_every_optimizer)
{
    static const char *const decays[] = {"0", "0.5",
                                         "{step: {from: 0.5, every: 2, unit: steps}}"};
    const optimizers *all = all_optimizers();
    for (int i = 0; i < 3 * all->count; i++) {
        const char *name = all->name[i / 3], *decay = decays[i % 3];
        char rules[200];
        snprintf(rules, sizeof rules,
                 "parameters: [{match: dense.weight, weight_decay: %s}]", decay);
        compare(name, rules, optimizer_of(name, "0.0625", decay),
                optimizer_of(name, "0.0625", "0.03"), "dense.weight");
    }
}

static double number_of(const tn_tensor *t, int64_t k)
{
    return t->dtype == TN_F64 ? ((const double *)t->data)[k]
                              : (double)((const float *)t->data)[k];
}

/* Beside the step of any optimizer, which is that without: w loses rate lambda w, here a 32nd. */
Test(parameters, a_decoupled_l2_beside_every_optimizer)
{
    const optimizers *all = all_optimizers();
    char decaying[400];
    for (int i = 0; i < 2 * all->count; i++) {
        const char *name = all->name[i / 2],
                   *optimizer = optimizer_of(name, "0.0625", "0");
        snprintf(decaying, sizeof decaying,
                 "%s\nregularizer: {l2: {lambda: 0.5, decoupled: true}}", optimizer);
        run a = open_run(i % 2, net, decaying), b = open_run(i % 2, net, optimizer),
            first = open_run(i % 2, net, optimizer);
        make_step(&a), make_step(&b);
        for (int32_t p = 0; p < graph_of(&a)->params; p++) {
            const tn_graph_param *at = &graph_of(&a)->param[p];
            const double share = at->decays ? 1 / 32. : 0;
            for (int64_t k = 0; k < tn_count(&at->value); k++)
                cr_assert_float_eq(
                    number_of(&at->value, k),
                    number_of(&graph_of(&b)->param[p].value, k) -
                        share * number_of(&graph_of(&first)->param[p].value, k),
                    i % 2 ? 1e-15 : 5e-7, "%s: %s", name, at->name);
        }
        close_run(&a), close_run(&b), close_run(&first);
    }
}

/* P2-T2: the penalty's gradient is what weight_decay adds, under plain descent and adam; adamw's is not. */
Test(parameters, P2_T2_a_coupled_l2_is_weight_decay_bit_for_bit)
{
    static const char *const pair[][2] = {
        {"optimizer: {sgd: {lr: 0.1, weight_decay: 0.03}}",
         "optimizer: {sgd: {lr: 0.1}}\nregularizer: {l2: 0.03}"},
        {"optimizer: {sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.03}}",
         "optimizer: {sgd: {lr: 0.1, momentum: 0.9}}\nregularizer: {l2: 0.03}"},
        {"optimizer: {adam: {lr: 0.1, weight_decay: 0.03}}",
         "optimizer: {adam: {lr: 0.1}}\nregularizer: {l2: 0.03}"},
        {"optimizer: {adamw: {lr: 0.1, weight_decay: 0.03}}",
         "optimizer: {adam: {lr: 0.1}}\nregularizer: {l2: 0.03}"}};
    for (int i = 0; i < 8; i++) {
        run a = open_run(i % 2, net, pair[i / 2][0]),
            b = open_run(i % 2, net, pair[i / 2][1]);
        for (int s = 0; s < STEPS; s++) make_step(&a), make_step(&b);
        for (int32_t p = 0; p < graph_of(&a)->params; p++)
            cr_expect_eq(same_values(&a, &b, p), i < 6, "%s: %s", pair[i / 2][0],
                         graph_of(&a)->param[p].name);
        close_run(&a), close_run(&b);
    }
}

static double value_of(const run *r, const char *name, int64_t k)
{
    return ((const double *)graph_of(r)->param[find(r, name)].value.data)[k];
}

/* Biases have no decay unless they are given one. */
Test(parameters, a_bias_may_decay)
{
    run r = open_run(
        1, net,
        "optimizer: {sgd: {lr: 0.1, weight_decay: 0.5}}\n"
        "parameters: [{match: dense.bias, weight_decay: 0.25, lr_factor: 3}]");
    tn_error e = {0};
    double *bias = graph_of(&r)->param[find(&r, "dense.bias")].value.data;
    bias[2] = 0.7;
    look(&r);
    const double g = ((double *)tn_plan_gradient(r.trainer->plan, 1).data)[2];
    MUST(tn_trainer_apply(r.trainer, &e));
    cr_assert_float_eq(value_of(&r, "dense.bias", 2), 0.7 - 0.1 * 3 * (g + 0.25 * 0.7),
                       1e-16);
    close_run(&r);
}

#define DECAYING(rate)                   \
    "optimizer: {sgd: {lr: " rate "}}\n" \
    "regularizer: {l2: {lambda: 0.5, decoupled: true}}"

Test(parameters, a_decoupled_decay_goes_by_the_own_rate)
{
    compare("l2", "parameters: [{match: dense_2.weight, lr_factor: 0.25}]",
            DECAYING("0.015625"), DECAYING("0.0625"), "dense_2.weight");
}

/* w <- w - rate g, then as far towards 0 as that parameter's own rate says. */
Test(parameters, a_prox_goes_by_the_own_rate)
{
    run r = open_run(1, net,
                     "optimizer: {sgd: {lr: 0.1}}\nregularizer: {l1: 0.5}\n"
                     "parameters: [{match: dense.weight, lr: 0.02}]");
    tn_error e = {0};
    const char *const names[] = {"dense.weight", "dense_2.weight"};
    double moved[2];
    look(&r);
    for (int i = 0; i < 2; i++) {
        double *w = graph_of(&r)->param[find(&r, names[i])].value.data;
        const double rate = i ? 0.1 : 0.02;
        w[1] = -0.9;
        moved[i] = -0.9 -
                   rate * ((double *)tn_plan_gradient(r.trainer->plan, 2 * i).data)[1] +
                   rate * 0.5;
    }
    MUST(tn_trainer_apply(r.trainer, &e));
    for (int i = 0; i < 2; i++)
        cr_assert_float_eq(value_of(&r, names[i], 1), moved[i], 1e-15);
    close_run(&r);
}

Test(parameters, averages_of_schedule_free_go_by_the_optimizers_rate)
{
    run r = open_run(1, net,
                     "optimizer: {schedule_free: {of: {sgd: {lr: 0.1}}, beta: 0.5}}\n"
                     "parameters: [{match: dense.bias, lr: {step: {from: 0.2, every: 1, "
                     "unit: steps, factor: 0.5}}}]");
    double z = 0, x = 0;
    drive(&r); /* biases begin with 0; the first step sets z = x = w, then c = 1/t */
    for (int s = 0; s < STEPS; s++) {
        z -= 0.2 * pow(0.5, s) * drawn(1, s, 0);
        x = s ? x + (z - x) / (s + 1) : z;
    }
    cr_assert_float_eq(value_of(&r, "dense.bias", 0), 0.5 * z + 0.5 * x, 1e-14);
    close_run(&r);
}

Test(parameters, without_effect_all_bits_are_as_without_the_section)
{
    run a = open_run(0, net, "optimizer: {adam: {lr: 0.01, weight_decay: 0.1}}"),
        b = open_run(0, net,
                     "optimizer: {adam: {lr: 0.01, weight_decay: 0.1}}\n"
                     "parameters: [{match: \"*\", freeze: true}, {match: \"*\", freeze: "
                     "false, lr_factor: 1}]");
    for (int i = 0; i < STEPS; i++) make_step(&a), make_step(&b);
    for (int32_t i = 0; i < graph_of(&a)->params; i++) cr_assert(same_values(&a, &b, i));
    close_run(&a), close_run(&b);
}

/* ---- which --------------------------------------------------------------------------- */

Test(parameters, names_patterns_and_their_order)
{
    run r = open_run(0,
                     "input: [6]\nmodel: [{dense: {units: 6, name: a}}, {residual: "
                     "[{dense: {units: 6, "
                     "name: b}}]}, {dense: 6}, {dense: 3}]\n",
                     "optimizer: adam\nparameters:\n"
                     "  - {match: a, lr_factor: 0.5, weight_decay: 0.1}\n"
                     "  - {match: residual, lr: 0.1}\n"
                     "  - {match: [\"*.bias\", \"dense?2\"], lr_factor: 2}\n"
                     "  - {match: dense_2, freeze: true}\n"
                     "  - {match: dense, lr: {cosine: 0.1}}\n");
    static const struct {
        const char *name, *text;
    } want[] = {{"a.weight", "lr x 0.5, decay 0.1"}, {"a.bias", "lr x 2, decay 0.1"},
                {"residual.b.weight", "lr 0.1"},     {"residual.b.bias", "lr x 2"},
                {"dense.weight", "lr cosine"},       {"dense.bias", "lr cosine"},
                {"dense_2.weight", "frozen"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        cr_expect_str_eq(graph_of(&r)->param[find(&r, want[i].name)].rule.text,
                         want[i].text, "%s", want[i].name);
    const tn_model *m = tn_trainer_model(r.trainer);
    cr_expect_str_eq(tn_model_layer(m, 0).training,
                     "weight: lr x 0.5, decay 0.1; bias: lr x 2, decay 0.1");
    cr_expect_str_eq(tn_model_layer(m, 2).training, "-");
    cr_expect_str_eq(tn_model_layer(m, 3).training, "lr cosine");
    cr_expect_str_eq(tn_model_layer(m, 4).training, "frozen");
    cr_expect_eq(tn_model_layer(m, 4).frozen, 21);
    cr_expect_eq(tn_model_layer(m, 3).frozen, 0);
    close_run(&r);
}

/* The section is refused with a message that has all words. */
static void refused(const char *rules, const char *optimizer, const char *word,
                    const char *other)
{
    char rest[600];
    run r;
    tn_error e = {0};
    snprintf(rest, sizeof rest, "parameters: %s\noptimizer: %s", rules, optimizer);
    cr_expect_null(try_open(&r, 0, net, rest, &e), "%s", rules);
    cr_expect(strstr(e.text, "test.yaml:6:") && strstr(e.text, word) &&
                  strstr(e.text, other),
              "%s: %s", rules, e.text);
    close_run(&r);
}

Test(parameters, errors)
{
    refused("{match: dense}", "sgd", "parameters", "a list");
    refused("[dense]", "sgd", "parameters", "match");
    refused("[{lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: , lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: [], lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: [{a: b}], lr: 0.1}]", "sgd", "match", "name");
    refused("[{match: dense, rate: 0.1}]", "sgd", "rate", "lr");
    refused("[{match: dense, lr_factor: 0.1, lr: 0.1}]", "sgd", "lr_factor",
            "one of the two");
    refused("[{match: dense, lr_factor: -1}]", "sgd", "lr_factor", "number from 0");
    refused("[{match: dense, lr_factor: {cosine: 1}}]", "sgd", "lr_factor",
            "number from 0");
    refused("[{match: dense, lr: -1}]", "sgd", "lr", "number from 0 or a schedule");
    refused("[{match: dense, lr: .inf}]", "sgd", "lr", "number from 0");
    refused("[{match: dense, lr: cosin}]", "sgd", "cosin", "cosine");
    refused("[{match: dense, weight_decay: ten}]", "sgd", "ten", "schedule");
    refused("[{match: dense, weight_decay: }]", "sgd", "weight_decay", "number");
    refused("[{match: dense, lr: [0.1]}]", "sgd", "lr", "number from 0 or a schedule");
    refused("[{match: \"\", lr: 1}]", "sgd", "match", "name");
    refused("[{match: dense, freeze: maybe}]", "sgd", "freeze", "true or false");
    refused("[{match: dense, freeze: true, lr: 1}]", "sgd", "frozen", "learning rate");
    refused("[{match: dens_2, lr: 1}]", "sgd", "dens_2", "did you mean 'dense_2'?");
    refused("[{match: [dense, \"dense3.*\"], lr: 1}]", "sgd", "dense3.*", "did you mean");
    refused("[{match: tanh, lr: 1}]", "sgd", "'tanh' matches no parameter",
            "dense.weight");
    refused("[{match: \"*.gamma\", lr: 1}]", "sgd", "*.gamma",
            "dense.weight, dense.bias");
    refused("[{match: dense, weight_decay: 1}]", "toy_unit", "weight_decay", "toy_unit");
    refused("[{match: \"*\", freeze: true}]", "sgd", "frozen", "nothing to train");
}

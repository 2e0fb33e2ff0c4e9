/* frozen.c - parameters that the section `parameters` freezes: they never change, they cost nothing, and
 * nothing else depends on them. */
#include "tests/support/courses.h"

static void copy_values(const run *from, int32_t i, const run *to, int32_t k)
{
    const tn_tensor *v = &graph_of(from)->param[i].value,
                    *w = &graph_of(to)->param[k].value;
    cr_assert_eq(tn_count(v), tn_count(w));
    memcpy(w->data, v->data, (size_t)tn_count(v) * tn_dtype_size(v->dtype));
}

/* What the frozen layers make of the samples. */
static void features_of(const run *r, float *to)
{
    tn_plan *plan;
    tn_error e = {0};
    const tn_pass pass = {.samples = SAMPLES, .training = true};
    const tn_plan_options options = {.samples = SAMPLES, .training = true, .keeps = true};
    MUST(tn_plan_make(graph_of(r), &options, &plan, &e));
    MUST(tn_plan_forward(plan, &pass, inputs, NULL, &e));
    memcpy(to, tn_plan_output(plan, 2), sizeof *to * SAMPLES * 5);
    tn_plan_free(plan);
}

/* With every optimizer, clipping, penalties: the same bits as if the frozen layers had been applied
 * before, and these never change. */
Test(frozen, a_frozen_trunk_is_as_if_applied_before)
{
    static const char head[] =
        "input: [5]\nmodel: [{dense: {units: 4, name: dense_2}}, relu, "
        "{dense: {units: 3, name: dense_3}}]\n";
    static const char more[] =
        "\ngradient: [{clip_norm: 0.1}]\nregularizer: {l2: 0.01}\n";
    const optimizers *all = all_optimizers();
    float features[SAMPLES * 5];
    tn_error e = {0};
    for (int i = 0; i < all->count; i++) {
        char rest[600], frozen[700];
        snprintf(rest, sizeof rest, "%s%s", optimizer_of(all->name[i], "0.05", "0.03"),
                 more);
        snprintf(frozen, sizeof frozen, "%sparameters: [{match: dense, freeze: true}]",
                 rest);
        run a = open_run(0, net, frozen), b = open_run(0, head, rest),
            c = open_run(0, net, rest);
        for (int32_t k = 0; k < 4; k++) copy_values(&a, k + 2, &b, k);
        features_of(&a, features);
        for (int step = 0; step < STEPS; step++) {
            make_step(&a);
            MUST(tn_trainer_step(b.trainer, features, NULL, labels, SAMPLES, NULL, &e));
        }
        for (int32_t k = 0; k < 6; k++) {
            const tn_tensor
                *v = &graph_of(&a)->param[k].value,
                *w = &graph_of(k < 2 ? &c : &b)->param[k < 2 ? k : k - 2].value;
            cr_expect(!memcmp(v->data, w->data, sizeof(float) * (size_t)tn_count(v)),
                      "%s: %s", all->name[i], graph_of(&a)->param[k].name);
        }
        cr_expect_eq(tn_updater_penalty(a.trainer->updater),
                     tn_updater_penalty(b.trainer->updater));
        close_run(&a), close_run(&b), close_run(&c);
    }
}

/* No backward pass up to there, no gradients, no slots. */
Test(frozen, what_is_frozen_costs_nothing)
{
    char name[192];
    tn_tensor slot;
    tn_error e = {0};
    run r = open_run(0, net,
                     "optimizer: {ema: {of: adam}}\n"
                     "parameters: [{match: [dense, dense_2.bias], freeze: true}]");
    make_step(&r);
    const tn_plan *plan = r.trainer->plan;
    cr_assert_eq(plan->node[1].backward, -1);
    cr_assert_eq(plan->node[2].backward, -1);
    cr_assert_neq(plan->node[3].backward, -1);
    cr_assert_eq(tn_plan_memory(plan).gradients, sizeof(float) * (20 + 12 + 3));
    int32_t slots = 0;
    for (; tn_updater_slot(r.trainer->updater, slots, name, &slot); slots++)
        cr_assert(!strstr(name, "dense.") && !strstr(name, "dense_2.bias"), "%s", name);
    cr_assert_eq(slots, 3 * 3);
    cr_assert_eq(tn_trainer_gradient(r.trainer, "dense.weight", &slot, &e), TN_ENOTSUP);
    cr_assert(strstr(e.text, "dense.weight") && strstr(e.text, "frozen"), "%s", e.text);
    close_run(&r);
}

/* Networks of every layer that has parameters. */
static const char *const layered[] = {
    "input: [6]\nmodel: [{dense: 5}, batch_norm, prelu, layer_norm, {dense: 3}]\n",
    "input: [6]\nmodel: [{dense: {units: 6, parametrization: weight_norm}}, rms_norm, "
    "{prelu: {per_channel: true}}, {dense: {units: 3, parametrization: "
    "spectral_norm}}]\n",
    "input: [6]\nmodel: [{dense: {units: 5, parametrization: drop_connect}}, {dense: "
    "3}]\n",
    "input: [4, 4, 2]\nmodel: [{conv2d: 4}, relu, {conv2d: {filters: 4, groups: 4, "
    "kernel: "
    "2}}, {group_norm: 2}, flatten, {dense: 3}]\n",
    "input: [4, 4, 2]\nmodel: [{conv2d: {filters: 4, groups: 2}}, instance_norm, "
    "{residual: [{conv2d: {filters: 4, padding: same}}, batch_norm, relu]}, flatten, "
    "{dense: "
    "3}]\n",
    "input: [5, 2]\nmodel: [{conv1d: 4}, {lstm: {units: 3, return_sequences: true, "
    "projection: 2, layer_norm: true}}, {gru: {units: 3, return_sequences: true}}, {rnn: "
    "3}, "
    "{dense: 3}]\n",
    "input: [5, 2]\nmodel: [{lstm: {units: 3, return_sequences: true, direction: "
    "bidirectional}}, {gru: {units: 3, return_sequences: true, layer_norm: true}}, {rnn: "
    "{units: 3, layer_norm: true}}, {dense: 3}]\n",
};

static void check_others(const char *model, const char *rest, const run *all,
                         const char *name)
{
    char rules[300];
    snprintf(rules, sizeof rules,
             "%s\nparameters: [{match: [\"%s\", none], freeze: true}]", rest, name);
    char *none = strstr(rules, ", none");
    memmove(none, none + 6, strlen(none + 6) + 1);
    run r = open_run(1, model, rules);
    look(&r);
    for (int32_t i = 0; i < graph_of(&r)->params; i++) {
        const tn_graph_param *p = &graph_of(&r)->param[i];
        const tn_tensor g = tn_plan_gradient(r.trainer->plan, i),
                        h = tn_plan_gradient(all->trainer->plan, i);
        if (p->rule.frozen)
            cr_expect_null(g.data, "%s", p->name);
        else
            cr_expect(!memcmp(g.data, h.data, sizeof(double) * (size_t)tn_count(&g)),
                      "%s frozen: %s", name, p->name);
    }
    make_step(&r);
    cr_expect(same_values(&r, &r, 0));
    close_run(&r);
}

/* Any one parameter frozen: the gradients of all others are what they were. */
Test(frozen, gradients_do_not_depend_on_what_is_frozen)
{
    static const char *const rest[] = {"optimizer: sgd", "optimizer: sgd\nmemory: low",
                                       "optimizer: sgd\ntrain: {accumulate: 2}"};
    for (size_t m = 0; m < sizeof layered / sizeof *layered; m++)
        for (size_t k = 0; k < sizeof rest / sizeof *rest; k++) {
            run all = open_run(1, layered[m], rest[k]);
            look(&all);
            for (int32_t i = 0; i < graph_of(&all)->params; i++)
                check_others(layered[m], rest[k], &all, graph_of(&all)->param[i].name);
            close_run(&all);
        }
}

/* The gradient of a weight that is made of others goes no further than it is wanted. */
Test(frozen, parts_of_a_parametrized_weight)
{
    static const char model[] = "input: [6]\nmodel: [{dense: {units: 5, bias: false, "
                                "parametrization: weight_norm}}, "
                                "relu, {dense: 3}]\n";
    run r = open_run(0, model,
                     "optimizer: sgd\nparameters: [{match: dense.weight, freeze: true}, "
                     "{match: dense.weight.g, freeze: false}]");
    const tn_graph_param *p = graph_of(&r)->param;
    cr_assert(p[find(&r, "dense.weight")].rule.frozen);
    cr_assert(!p[find(&r, "dense.weight.g")].rule.frozen);
    float before[30], g[5];
    memcpy(before, p[find(&r, "dense.weight")].value.data, sizeof before);
    memcpy(g, p[find(&r, "dense.weight.g")].value.data, sizeof g);
    for (int i = 0; i < STEPS; i++) make_step(&r);
    cr_assert_arr_eq(p[find(&r, "dense.weight")].value.data, before, sizeof before);
    cr_assert(memcmp(p[find(&r, "dense.weight.g")].value.data, g, sizeof g));
    close_run(&r);
    r = open_run(0, model,
                 "optimizer: sgd\nparameters: [{match: dense.weight, freeze: true}]");
    make_step(&r);
    cr_assert_eq(r.trainer->plan->node[1].backward, -1);
    close_run(&r);
}

/* Statistics are no parameters. */
Test(frozen, running_statistics_of_a_frozen_layer_go_on)
{
    run r = open_run(0, "input: [6]\nmodel: [batch_norm, {dense: 3}]\n",
                     "optimizer: sgd\nparameters: [{match: batch_norm, freeze: true}]");
    float before[6];
    memcpy(before, graph_of(&r)->state[0].value.data, sizeof before);
    make_step(&r);
    cr_assert(memcmp(graph_of(&r)->state[0].value.data, before, sizeof before));
    close_run(&r);
}

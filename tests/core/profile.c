/* profile.c - steps that are watched: the same bits, all the work seen, and no trace after. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/running.h"

enum { STEPS = 15, BATCH = 8, HIDDEN = 12 }; /* more steps than an epoch has */

static tn_profile profiled(tn_trainer *t, int64_t samples)
{
    tn_profile p;
    tn_error e = {0};
    cr_assert_eq(tn_trainer_profile(t, samples, STEPS, &p, &e), TN_OK, "%s", e.text);
    cr_assert_eq(p.steps, STEPS);
    return p;
}

static double operations(const tn_profile *p, const char *part)
{
    double sum = 0;
    for (int32_t i = 0; i < p->costs; i++)
        if (!strcmp(p->cost[i].part, part)) sum += p->cost[i].operations;
    return sum;
}

static tn_trainer *without_data(const char *text)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    tn_config *config = run_parse(env, text, NULL, 0);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &e);
    tn_config_free(config);
    cr_assert_not_null(t, "%s", e.text);
    return kept(t);
}

Test(profile, watched_steps_have_the_bits_of_others)
{
    tn_error e = {0};
    tn_env *env = run_env(2);
    tn_trainer *watched = run_new(env, NULL, NULL, &e),
               *plain = run_new(env, NULL, NULL, &e);
    profiled(watched, 0);
    for (int i = 0; i < STEPS + 1; i++) { /* one to warm up */
        cr_assert_eq(tn_trainer_update(plain, &e), TN_OK, "%s", e.text);
        if (plain->place.in_epoch == plain->place.steps_per_epoch)
            plain->place.epoch++, plain->place.in_epoch = 0;
    }
    cr_assert_eq(watched->place.step, plain->place.step);
    cr_assert_eq(watched->place.epoch, 1);
    for (int32_t i = 0; i < tn_model_tensors(plain->model); i++) {
        const char *name;
        tn_tensor a, b;
        tn_model_tensor(watched->model, i, &name, &a);
        tn_model_tensor(plain->model, i, &name, &b);
        cr_assert_arr_eq(a.data, b.data, (size_t)tn_count(&a) * sizeof(float), "%s",
                         name);
    }
}

Test(profile, every_product_is_counted)
{
    tn_trainer *t = without_data("input: [6]\nmodel: [{dense: 12}, relu, {dense: 3}]\n"
                                 "loss: cross_entropy\noptimizer: {adam: {lr: 0.01}}\n");
    const tn_profile p = profiled(t, BATCH);
    const double first = 2.0 * BATCH * RUN_FEATURES * HIDDEN,
                 second = 2.0 * BATCH * HIDDEN * RUN_CLASSES;
    cr_assert_eq(p.samples, BATCH);
    cr_assert_eq(operations(&p, "forward"), first + second);
    cr_assert_eq(operations(&p, "backward"),
                 first + 2 * second); /* no gradient of the input */
    cr_assert_eq(p.parameters, (6 * 12 + 12 + 12 * 3 + 3) * sizeof(float));
    cr_assert_eq(p.slots, 2 * p.parameters);
    cr_assert_geq(p.values, p.values_least);
    cr_assert_str_eq(p.cost[0].part, "forward");
    cr_assert_str_eq(p.cost[0].name, "dense + relu");
    cr_assert_str_eq(p.cost[p.costs - 2].part, "update");
    cr_assert_str_eq(p.cost[p.costs - 1].part, "rest");
    for (int32_t i = 0; i + 1 < p.costs; i++)
        cr_assert(p.cost[i].seconds > 0 && p.cost[i].bytes > 0, "%s %s", p.cost[i].part,
                  p.cost[i].name);
    cr_assert(p.least > 0 && p.least <= p.median);
}

Test(profile, nobody_watches_afterwards)
{
    tn_error e = {0};
    tn_trainer *t = run_new(run_env(1), NULL, NULL, &e);
    const tn_profile p = profiled(t, 0);
    cr_assert_str_eq(p.cost[0].part, "data");
    cr_assert_null(t->watch[TN_WATCH_DATA]);
    cr_assert_null(t->watch[TN_WATCH_UPDATE]);
    profiled(t, 0); /* and again, in place of the one before */
    cr_assert_eq(tn_trainer_run(t, &e), TN_OK, "%s", e.text);
}

Test(profile, made_up_targets_are_what_the_loss_reads)
{
    tn_trainer *t = without_data("input: [6]\nmodel: [{dense: 3}]\nloss: mse\n"
                                 "optimizer: {sgd: {lr: 0.01}}\n");
    profiled(t, 1);
}

Test(profile, needs_steps_and_samples)
{
    tn_profile p;
    tn_error e = {0};
    tn_trainer *t = without_data("input: [6]\nmodel: [{dense: 3}]\nloss: mse\n"
                                 "optimizer: {sgd: {lr: 0.01}}\n");
    cr_assert_eq(tn_trainer_profile(t, 1, 0, &p, &e), TN_EINVAL);
    cr_assert_eq(tn_trainer_profile(t, 0, 1, &p, &e), TN_EINVAL);
    cr_assert(strstr(e.text, "1 steps of 0 samples"), "%s", e.text);
}

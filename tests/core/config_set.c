/* config_set.c - overrides by path. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/reading.h"

static const char base[] = "seed: 7\n"
                           "model: [{dense: {units: 3}}, relu, {dense: 10}]\n"
                           "optimizer: {sgd: {lr: 0.1, momentum: 0.9}}\n"
                           "loss: mse\n"
                           "train: {epochs: 3}\n"
                           "gradient: []\n"
                           "init:\n";

static tn_config *read_base(void)
{
    return tn_config_read(&memory, base, sizeof base - 1, "net.yaml", NULL);
}

typedef struct change {
    const char *set, *section; /* the line(s) of the resulting text that must be there */
} change;

static const change changes[] = {
    {"seed=8", "seed: 8\n"},
    {"optimizer.sgd.lr=0.01", "  sgd:\n    lr: 0.01\n    momentum: 0.9\n"},
    {"optimizer.sgd.lr={cosine: {from: 0.1}}",
     "    lr:\n      cosine:\n        from: 0.1\n"},
    {"optimizer.sgd.nesterov=true", "    momentum: 0.9\n    nesterov: true\n"},
    {"optimizer=adam", "optimizer: adam\n"},
    {"optimizer={adam: {lr: 1}}", "optimizer:\n  adam:\n    lr: 1\n"},
    {"model.0.dense.units=5", "- dense:\n      units: 5\n"},
    {"model.0.dense.regularizer.l2.lambda=1e-4",
     "      units: 3\n      regularizer:\n        l2:\n          lambda: 1e-4\n"},
    {"model.1.relu.slope=0.1", "  - relu:\n      slope: 0.1\n"},
    {"model.1=tanh", "  - tanh\n"},
    {"model.2.dense=12", "  - dense: 12\n"},
    {"loss.mse.scale=2", "loss:\n  mse:\n    scale: 2\n"},
    {"train.accumulate=4", "train:\n  epochs: 3\n  accumulate: 4\n"},
    {"init.he.gain=2", "init:\n  he:\n    gain: 2\n"},
    {"data.idx.path=a=b", "data:\n  idx:\n    path: a=b\n"},
    {"data.idx.path='1'", "data:\n  idx:\n    path: \"1\"\n"},
    {"seed=", "seed: \n"},
    {"seed=\"\"", "seed: \"\"\n"},
    {"gradient=[{clip_norm: 1}]", "gradient:\n  - clip_norm: 1\n"},
};

Test(config_set, changes)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        tn_config *config = read_base();
        tn_error e = {0};
        cr_assert_eq(tn_config_set(config, changes[i].set, &e), TN_OK, "%s", e.text);
        char *text = tn_config_text(&memory, config->root, &e);
        cr_assert_not_null(strstr(text, changes[i].section), "%s gave\n%s",
                           changes[i].set, text);
        tn_memory_put(&memory, text);
        done(config);
    }
}

static const change refusals[] = {
    {"optimizer", "--set optimizer: there is no '='; write path=value"},
    {"=3", "--set =3: a name is missing in the path"},
    {"a..b=3", "--set a..b=3: a name is missing in the path"},
    {".a=3", "--set .a=3: a name is missing in the path"},
    {"a.=3", "--set a.=3: a name is missing in the path"},
    {"optimizer.adam.lr=1",
     "--set optimizer.adam.lr=1: optimizer is 'sgd' in net.yaml:3:1 and can "
     "hold only one; to change it set the whole: --set "
     "'optimizer={adam: ...}'"},
    {"optimizer.adam=1", "--set optimizer.adam=1: optimizer is 'sgd'"},
    {"loss.cross_entropy.smoothing=0.1",
     "--set loss.cross_entropy.smoothing=0.1: loss is 'mse' in net.yaml:4:1"},
    {"model.0.conv.units=1",
     "--set model.0.conv.units=1: model.0 is 'dense' in net.yaml:2:9"},
    {"model.3.dense=1",
     "--set model.3.dense=1: model is a list; expected the number of an item, 0 "
     "to 2, got '3'"},
    {"model.dense=1", "--set model.dense=1: model is a list; expected the number"},
    {"model.-1=x", "--set model.-1=x: model is a list"},
    {"model.99999999999999999999=x",
     "--set model.99999999999999999999=x: model is a list"},
    {"gradient.0=x", "--set gradient.0=x: gradient is an empty list"},
    {"seed.x=3",
     "--set seed.x=3: seed is the value '7' and has no 'x'; set the whole: --set "
     "'seed={x: ...}'"},
    {"model.2.dense.units=3",
     "--set model.2.dense.units=3: model.2.dense is the value '10' and has "
     "no 'units'; set the whole: --set 'model.2.dense={units: ...}'"},
    {"optimizer.sgd.lr.cosine.from=1",
     "--set optimizer.sgd.lr.cosine.from=1: optimizer.sgd.lr is "
     "the value '0.1' and has no 'cosine'"},
    {"a\xff=1", "--set a?=1: the path is not UTF-8"},
    {"a\n=1", "--set a?=1: the path is not UTF-8 or has a control character in it"},
    {"seed={a: ", "--set seed={a: : not valid YAML: "},
    {"seed={a: 1, a: 2}", "--set seed={a: 1, a: 2}: 'a' is there twice; keep one"},
    {"seed=*x", "--set seed=*x: *x: there is no &x before this"},
    {"seed=\xff", "--set seed=?: byte 0xff is not UTF-8"},
};

Test(config_set, refusals_leave_the_tree_as_it_was)
{
    tn_config *config = read_base();
    char *before = tn_config_text(&memory, config->root, NULL);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        tn_error e = {0};
        cr_assert_eq(tn_config_set(config, refusals[i].set, &e), TN_EINVAL, "%s",
                     refusals[i].set);
        cr_assert_eq(strncmp(e.text, refusals[i].section, strlen(refusals[i].section)), 0,
                     "got '%s', expected '%s'", e.text, refusals[i].section);
        cr_assert_eq(tn_config_set(config, refusals[i].set, NULL), TN_EINVAL);
        char *after = tn_config_text(&memory, config->root, NULL);
        cr_assert_str_eq(after, before);
        tn_memory_put(&memory, after);
    }
    tn_memory_put(&memory, before);
    done(config);
}

Test(config_set, errors_in_the_value_name_the_assignment)
{
    tn_config *config = read_base();
    tn_error e;
    double lr;
    cr_assert_eq(tn_config_set(config, "optimizer.sgd.lr=fast", NULL), TN_OK);
    const tn_cfg *sgd = tn_cfg_get(tn_cfg_get(config->root, "optimizer"), "sgd");
    cr_assert_eq(tn_cfg_real(tn_cfg_get(sgd, "lr"), &lr, &e), TN_EINVAL);
    cr_assert_str_eq(e.text,
                     "--set optimizer.sgd.lr=fast: lr: expected a number, got 'fast'");
    done(config);
}

Test(config_set, does_not_reach_through_aliases)
{
    static const char text[] = "a: &x {lr: 1}\nb: *x\n";
    tn_config *config = tn_config_read(&memory, text, sizeof text - 1, "net.yaml", NULL);
    cr_assert_eq(tn_config_set(config, "a.lr=2", NULL), TN_OK);
    cr_assert_str_eq(tn_cfg_get(tn_cfg_get(config->root, "b"), "lr")->text, "1");
    done(config);
}

Test(config_set, limits)
{
    char deep[2000] = "", wide[400] = "";
    tn_error e;
    tn_config *config = read_base();
    for (int i = 0; i < 70; i++) strcat(deep, i ? ".train" : "train");
    strcat(deep, "=1");
    cr_assert_eq(tn_config_set(config, deep, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "nested more than 64 deep"), "%s", e.text);
    memset(wide, 'k', 200);
    strcat(wide, "=1");
    cr_assert_eq(tn_config_set(config, wide, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "more than 128 bytes"), "%s", e.text);
    snprintf(deep, sizeof deep, "train.x=%.70s1%.70s",
             "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
             "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    cr_assert_eq(tn_config_set(config, deep, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "nested more than 64 deep"), "%s", e.text);
    done(config);
}

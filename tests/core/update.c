/* update.c - which optimizers may be chained, what they and gradient transforms are given. */
#include <string.h>

#include "tests/support/lab.h"

#define LINEAR                                                     \
    "data: {memory: {train: values, batch: 64, shuffle: false}}\n" \
    "model: [{dense: 4}, tanh, {dense: 2}]\nloss: mse\n"

/* The optimizer is refused at `line` with a message that has both words. */
static void refused(const char *optimizer, const char *place, const char *word,
                    const char *other)
{
    char text[300];
    tn_error error = {0};
    tn_updater *updater = NULL;
    lab l = open_lab(LINEAR "optimizer: sgd");
    snprintf(text, sizeof text, "optimizer: %s", optimizer);
    tn_config *config = tn_config_parse(l.env, text, "other.yaml", NULL, 0, &error);
    cr_assert_neq(tn_updater_new(l.graph, config->root, &updater, &error), TN_OK);
    cr_assert(strstr(error.text, place) && strstr(error.text, word) &&
                  strstr(error.text, other),
              "%s", error.text);
    tn_config_free(config);
    close_lab(&l);
}

/* ---- chains ---------------------------------------------------------------------- */

Test(update, too_many_slots_are_refused)
{
    refused("toy_greedy", "other.yaml:1:", "toy_greedy", "17 slots");
}

Test(update, two_sums_in_a_chain_are_refused)
{
    refused("{toy_outer: {of: toy_unit}}", "other.yaml:1:13", "toy_outer", "toy_unit");
}

Test(update, rate_of_a_wrapper_is_refused)
{
    refused("{toy_ema: {lr: 0.5, of: sgd}}", "other.yaml:1:23", "toy_ema",
            "learning rate");
}

Test(update, a_wrapper_may_take_the_sums)
{
    lab l = open_lab(LINEAR "optimizer: {toy_outer: {of: {sgd: {lr: 0}}}}");
    double sum = 0;
    step(&l);
    for (int32_t p = 0; p < 4; p++)
        for (int64_t i = 0; i < size_of(&l, p); i++) sum += gradient(&l, p)[i];
    for (int32_t p = 0; p < 4; p++) cr_assert_float_eq(weights(&l, p)[0], sum, 1e-13);
    close_lab(&l);
}

/* ---- what an update sees --------------------------------------------------------- */

Test(update, whole_methods_see_matrices)
{
    lab l = open_lab(LINEAR "optimizer: toy_shape");
    step(&l);
    cr_assert_float_eq(weights(&l, 0)[0], 4 + FEATURES / 1000.0, 1e-12);
    cr_assert_float_eq(weights(&l, 1)[0], 1 + 4 / 1000.0, 1e-12);
    close_lab(&l);
}

/* With a radius of 0 the second pass is the first again, masks included. */
Test(update, all_passes_of_a_step_drop_the_same_elements)
{
    lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                     "model: [{dense: 4}, dropout, {dense: 2}]\nloss: mse\n"
                     "optimizer: {toy_sam: {rho: 0, lr: 0.05}}");
    look(&l);
    const double *once = kept(&l, gradient(&l, 0), 0);
    step(&l);
    cr_assert_arr_eq(gradient(&l, 0), once, sizeof(double) * (size_t)size_of(&l, 0));
    look(&l);
    cr_assert(memcmp(gradient(&l, 0), once, sizeof(double) * (size_t)size_of(&l, 0)));
    close_lab(&l);
}

static bool any_same(const double *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (a[i] == b[i]) return true;
    return false;
}

Test(update, transforms_draw_anew_for_every_step_parameter_and_place)
{
    lab l = open_lab(LINEAR "gradient: [toy_noise]\noptimizer: sgd"),
        twice = open_lab(LINEAR "gradient: [toy_noise, toy_noise]\noptimizer: sgd");
    step(&l), step(&twice);
    const double *first = kept(&l, gradient(&l, 0), 0);
    cr_assert(!any_same(first, gradient(&l, 1), size_of(&l, 1)));
    cr_assert(!any_same(first, gradient(&twice, 0), size_of(&l, 0)));
    step(&l);
    cr_assert(!any_same(first, gradient(&l, 0), size_of(&l, 0)));
    close_lab(&l);
    close_lab(&twice);
}

/* ---- memory ---------------------------------------------------------------------- */

static size_t memory_of_updater(const char *layer, const char *optimizer)
{
    char text[400];
    snprintf(text, sizeof text,
             "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
             "model: [%s, {dense: 2}]\nloss: mse\noptimizer: %s",
             layer, optimizer);
    lab l = open_lab(text);
    const size_t with = atomic_load(&l.env->memory.used);
    tn_updater_free(l.updater);
    const size_t without = atomic_load(&l.env->memory.used);
    l.updater = NULL;
    close_lab(&l);
    return with - without;
}

Test(update, room_for_prox_and_sums_only_where_something_uses_them)
{
    const char *plain = "{dense: 2000}",
               *lasso = "{dense: {units: 2000, regularizer: group_lasso}}";
    const size_t none = memory_of_updater(plain, "toy_descent");
    cr_assert_lt(none, 2000 * sizeof(double));
    cr_assert_geq(memory_of_updater(lasso, "sgd"),
                  memory_of_updater(plain, "sgd") + 2000 * 2 * sizeof(double));
}

/* wrapping.h - optimizers that wrap another, on the net of support/lab.h: beside a lab of
 * the wrapped one alone, or of plain descent that the test writes itself. */
#ifndef TESTS_SUPPORT_WRAPPING_H
#define TESTS_SUPPORT_WRAPPING_H

#include "support/slots.h"

#include "tests/support/lab.h"

enum { PARAMS = 4, ROOM = 16 };

/* Values of all parameters. */
typedef struct values {
    double of[PARAMS][ROOM];
} values;

TN_UNUSED static lab lab_with(const char *optimizer)
{
    char text[400];
    snprintf(text, sizeof text,
             "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
             "model: [{dense: 4}, tanh, {dense: 2}]\nloss: mse\noptimizer: %s",
             optimizer);
    return open_lab(text);
}

TN_UNUSED static values weights_of(const lab *l)
{
    values v = {0};
    for (int32_t p = 0; p < PARAMS; p++)
        memcpy(v.of[p], weights(l, p), sizeof(double) * (size_t)size_of(l, p));
    return v;
}

TN_UNUSED static values gradients_of(const lab *l)
{
    values v = {0};
    for (int32_t p = 0; p < PARAMS; p++)
        memcpy(v.of[p], gradient(l, p), sizeof(double) * (size_t)size_of(l, p));
    return v;
}

/* What is evaluated and saved. */
TN_UNUSED static values view_of(lab *l)
{
    tn_updater_view(l->updater, true);
    const values v = weights_of(l);
    tn_updater_view(l->updater, false);
    return v;
}

/* a + by (b - a) */
TN_UNUSED static values mixed(const values *a, const values *b, double by)
{
    values v = {0};
    for (int32_t p = 0; p < PARAMS; p++)
        for (int i = 0; i < ROOM; i++)
            v.of[p][i] = a->of[p][i] + by * (b->of[p][i] - a->of[p][i]);
    return v;
}

/* a + by b */
TN_UNUSED static values moved(const values *a, double by, const values *b)
{
    values v = {0};
    for (int32_t p = 0; p < PARAMS; p++)
        for (int i = 0; i < ROOM; i++) v.of[p][i] = a->of[p][i] + by * b->of[p][i];
    return v;
}

/* Soft thresholding by `by`, of the weights but not of the biases. */
TN_UNUSED static values shrunk(const values *v, double by)
{
    values out = *v;
    for (int32_t p = 0; p < PARAMS; p += 2)
        for (int i = 0; i < ROOM; i++)
            out.of[p][i] = copysign(fmax(fabs(v->of[p][i]) - by, 0), v->of[p][i]);
    return out;
}

TN_UNUSED static void same(const values *got, const values *want, double bound)
{
    for (int32_t p = 0; p < PARAMS; p++) near(got->of[p], want->of[p], ROOM, bound);
}

/* That the wrapper is refused a rate of its own, and needs something to wrap. */
TN_UNUSED static void refuses_as_a_wrapper(const char *name, const char *options)
{
    char text[300];
    tn_error error = {0};
    tn_updater *updater = NULL;
    lab l = lab_with("sgd");
    snprintf(text, sizeof text, "optimizer: {%s: {of: sgd, lr: 0.5%s}}", name, options);
    tn_config *config = tn_config_parse(l.env, text, "other.yaml", NULL, 0, &error);
    cr_assert_not_null(config, "%s", error.text);
    cr_assert_neq(tn_updater_new(l.graph, config->root, &updater, &error), TN_OK);
    cr_assert(strstr(error.text, "set lr there"), "%s", error.text);
    tn_config_free(config);
    close_lab(&l);
    refuse("optimizer", name, "{}", "of");
}

#endif

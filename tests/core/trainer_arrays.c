/* trainer_arrays.c - training on a caller's arrays: steps, gradients that are looked at and changed
 * before they are applied, and what is refused. */
#include <criterion/criterion.h>

#include "core/real/bridge.h"
#include "tests/support/running.h"

static const char caller[] = "input: [2]\nmodel: [{dense: {units: 1}}]\nloss: mse\n"
                             "optimizer: {sgd: {lr: 0.3}}\n";

static tn_trainer *on_arrays(tn_env *env, const char *text)
{
    tn_error e = {0};
    tn_config *config = tn_config_parse(env, text, "net.yaml", NULL, 0, &e);
    tn_trainer *t = tn_trainer_new(env, config, NULL, &e);
    cr_assert_not_null(t, "%s", e.text);
    tn_config_free(config);
    return kept(t);
}

static const float x[] = {1, 0, 0, 1, 1, 1}, y[] = {2, -1, 1};

Test(trainer_arrays, steps_on_arrays_need_no_data_section)
{
    tn_env *env = run_env(1);
    tn_trainer *t = on_arrays(env, caller);
    tn_error e = {0};
    double first, loss;
    cr_assert_eq(tn_trainer_step(t, x, y, NULL, 3, &first, &e), TN_OK, "%s", e.text);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(tn_trainer_step(t, x, y, NULL, 3, &loss, NULL), TN_OK);
    cr_assert_lt(loss, 1e-6);
    const long long before = atomic_load(&env->memory.calls);
    cr_assert_eq(tn_trainer_step(t, x, y, NULL, 3, NULL, &e), TN_OK);
    cr_assert_eq(atomic_load(&env->memory.calls), before);
    cr_assert_eq(tn_trainer_run(t, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "no data"), "%s", e.text);
}

#ifdef __x86_64__
/* In subnormal numbers 0.9 v rounds to v in the end: the velocity would never become zero. */
Test(trainer_arrays, a_weight_without_gradient_comes_to_rest)
{
    tn_trainer *t = on_arrays(run_env(2),
                              "input: [2]\nmodel: [{dense: {units: 1}}]\n"
                              "loss: mse\n"
                              "optimizer: {sgd: {lr: 1e-3, momentum: 0.9}}\n");
    const float both[] = {1, 1}, one[] = {1, 0}, target[] = {2};
    const unsigned mode = __builtin_ia32_stmxcsr();
    char name[192];
    tn_tensor velocity;
    cr_assert_eq(tn_trainer_step(t, both, target, NULL, 1, NULL, NULL), TN_OK);
    cr_assert(tn_updater_slot(t->updater, 0, name, &velocity));
    cr_assert_neq(((const float *)velocity.data)[1], 0);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(tn_trainer_step(t, one, target, NULL, 1, NULL, NULL), TN_OK);
    cr_assert_eq(((const float *)velocity.data)[1], 0);
    cr_assert_eq(__builtin_ia32_stmxcsr() & 0xffc0u, mode & 0xffc0u);
}
#endif

Test(trainer_arrays, gradients_by_name_change_no_weight)
{
    for (int real = 0; real < 2; real++) {
        char text[300];
        snprintf(text, sizeof text, "%sprecision: %s\n", caller,
                 real ? "double" : "float");
        tn_trainer *t = on_arrays(run_env(1), text);
        tn_error e = {0};
        tn_tensor w, g, b;
        double loss;
        cr_assert_eq(tn_trainer_gradient(t, "dense.weight", &g, &e), TN_EINVAL);
        cr_assert_eq(tn_model_find(tn_trainer_model(t), "dense.weight", &w, &e), TN_OK);
        cr_assert_eq(w.dtype, real ? TN_F64 : TN_F32);
        memset(w.data, 0, (size_t)(2 * tn_dtype_size(w.dtype)));
        cr_assert_eq(tn_trainer_gradients(t, x, y, NULL, 3, &loss, &e), TN_OK, "%s",
                     e.text);
        cr_assert_float_eq(loss, 2, 1e-6); /* (4 + 1 + 1) / 3 */
        cr_assert_eq(tn_trainer_gradient(t, "dense.weight", &g, &e), TN_OK, "%s", e.text);
        cr_assert_eq(tn_trainer_gradient(t, "dense.bias", &b, &e), TN_OK, "%s", e.text);
        float out[3];
        const tn_bridge *bridge = tn_bridge_of(real);
        bridge->to_float(g.data, 2, out);
        bridge->to_float(b.data, 1, out + 2);
        cr_assert_float_eq(out[0], -2.0 / 3 * 3, 1e-6);
        cr_assert_float_eq(out[1], 0, 1e-6);
        cr_assert_float_eq(out[2], -2.0 / 3 * 2, 1e-6);
        cr_assert_eq(t->place.step, 0);
        cr_assert_eq(tn_trainer_gradient(t, "dense.wait", &g, &e), TN_ENOTFOUND);
    }
}

/* Plain sgd: a doubled gradient is a doubled step, a gradient set to zero none. */
Test(trainer_arrays, changed_gradients_are_applied)
{
    tn_error e = {0};
    tn_tensor w, b, gw, gb;
    float before[3];
    tn_trainer *t = on_arrays(run_env(1), caller);
    cr_assert_eq(tn_model_find(tn_trainer_model(t), "dense.weight", &w, &e), TN_OK);
    cr_assert_eq(tn_model_find(tn_trainer_model(t), "dense.bias", &b, &e), TN_OK);
    float *const weight = w.data, *const bias = b.data;
    for (int factor = 1; factor <= 2; factor++) {
        memcpy(before, weight, 2 * sizeof *before);
        before[2] = *bias;
        cr_assert_eq(tn_trainer_gradients(t, x, y, NULL, 3, NULL, &e), TN_OK, "%s",
                     e.text);
        cr_assert_eq(tn_trainer_gradient(t, "dense.weight", &gw, &e), TN_OK);
        cr_assert_eq(tn_trainer_gradient(t, "dense.bias", &gb, &e), TN_OK);
        float *const g = gw.data, was[] = {g[0], g[1]};
        cr_assert(was[0] != 0 && was[1] != 0);
        for (int i = 0; i < 2; i++) g[i] *= (float)factor;
        *(float *)gb.data = 0;
        cr_assert_eq(tn_trainer_apply(t, &e), TN_OK, "%s", e.text);
        for (int i = 0; i < 2; i++)
            cr_assert_float_eq(weight[i], before[i] - 0.3f * (float)factor * was[i],
                               1e-6);
        cr_assert_eq(*bias, before[2]);
        cr_assert_eq(t->place.step, factor);
    }
    tn_env *env = t->env;
    tn_trainer_free(t);
    tn_env_free(env);
}

/* Also where states follow the batch (batch_norm), dropout counts steps, and a regularizer and
 * a momentum work on the gradient. */
Test(trainer_arrays, gradients_and_apply_are_a_step_bit_for_bit)
{
    tn_error e = {0};
    tn_env *env = run_env(2);
    tn_trainer *a = run_new(env, NULL, NULL, &e), *b = run_new(env, NULL, NULL, &e);
    cr_assert(a && b, "%s", e.text);
    for (int step = 0; step < 3; step++) {
        float in[8 * RUN_FEATURES];
        int32_t label[8];
        double one, other;
        for (int i = 0; i < 8; i++)
            cr_assert_eq(
                run_read(NULL, step * 8 + i, in + i * RUN_FEATURES, NULL, &label[i]), 0);
        cr_assert_eq(tn_trainer_step(a, in, NULL, label, 8, &one, &e), TN_OK, "%s",
                     e.text);
        cr_assert_eq(tn_trainer_gradients(b, in, NULL, label, 8, &other, &e), TN_OK, "%s",
                     e.text);
        cr_assert_eq(tn_trainer_apply(b, &e), TN_OK, "%s", e.text);
        cr_assert_eq(one, other);
    }
    for (int32_t i = 0; i < tn_model_tensors(a->model); i++) {
        tn_tensor p, q;
        const char *name;
        cr_assert_eq(tn_model_tensor(a->model, i, &name, &p), TN_OK);
        cr_assert_eq(tn_model_tensor(b->model, i, &name, &q), TN_OK);
        cr_assert_arr_eq(p.data, q.data, (size_t)tn_count(&p) * sizeof(float), "%s",
                         name);
    }
    tn_trainer_free(a);
    tn_trainer_free(b);
    tn_env_free(env);
}

Test(trainer_arrays, apply_needs_gradients_of_its_own)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    tn_trainer *t = on_arrays(env, caller);
    cr_assert_eq(tn_trainer_apply(t, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "call tn_trainer_gradients before"), "%s", e.text);
    cr_assert_eq(tn_trainer_gradients(t, x, y, NULL, 3, NULL, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_trainer_apply(t, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_trainer_apply(t, &e), TN_EINVAL, "they are used up");
    cr_assert_eq(tn_trainer_gradients(t, x, y, NULL, 3, NULL, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_trainer_step(t, x, y, NULL, 3, NULL, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_trainer_apply(t, &e), TN_EINVAL, "the step's are used up");
    cr_assert_eq(t->place.step, 2);
    tn_trainer_free(t);
    t = on_arrays(env, "input: [2]\nmodel: [{dense: {units: 1}}]\nloss: mse\n"
                       "optimizer: {toy_sam: {lr: 0.1}}\n");
    cr_assert_eq(tn_trainer_gradients(t, x, y, NULL, 3, NULL, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_trainer_apply(t, &e), TN_ENOTSUP);
    cr_assert_not_null(strstr(e.text, "use tn_trainer_step"), "%s", e.text);
    tn_trainer_free(t);
    tn_env_free(env);
}

Test(trainer_arrays, misuse_of_arrays_is_told)
{
    tn_error e = {0};
    tn_env *env = run_env(1);
    const int32_t good[] = {0, 2}, bad[] = {0, 3};
    tn_trainer *t = run_new(env, NULL, NULL, &e);
    const float in[12] = {0};
    cr_assert_eq(tn_trainer_step(t, in, NULL, good, 2, NULL, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_trainer_step(t, in, NULL, bad, 2, NULL, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "sample 1: label 3 is not in 0 .. 2"), "%s",
                       e.text);
    cr_assert_eq(tn_trainer_step(t, NULL, NULL, good, 2, NULL, &e), TN_EINVAL);
    cr_assert_str_eq(e.text, "no inputs: x is NULL");
    cr_assert_eq(tn_trainer_gradients(t, NULL, NULL, good, 2, NULL, &e), TN_EINVAL);
    cr_assert_eq(tn_trainer_step(t, in, in, NULL, 2, NULL, &e), TN_EINVAL);
    cr_assert_eq(tn_trainer_step(t, in, in, good, 2, NULL, &e), TN_EINVAL);
    cr_assert_eq(tn_trainer_step(t, in, NULL, NULL, 2, NULL, &e), TN_EINVAL);
    cr_assert_eq(tn_trainer_step(t, in, NULL, good, 0, NULL, NULL), TN_EINVAL);
    cr_assert_eq(t->place.step, 1);
}

/* nan_guard.c - what is not finite, and which was first. */
#include <criterion/criterion.h>

#include "tests/support/observing.h"

static float good[] = {1, -2, 0, 3e38f}, other[] = {1, 1, 1, 1};
static float bad[] = {1, NAN, INFINITY, 1};

static watch *guard(const char *options, float *g0, float *g1, float *v0, float *v1)
{
    tn_seen_param *p = kept(calloc(2, sizeof *p));
    watch *w = watch_new("nan_guard", options);
    p[0] = (tn_seen_param){"first.weight", TN_WEIGHT, seen(v0, 2, 2), seen(g0, 2, 2),
                           NULL};
    p[1] = (tn_seen_param){"last.weight", TN_WEIGHT, seen(v1, 2, 2), seen(g1, 2, 2),
                           NULL};
    w->event.params = 2, w->event.param = p;
    return w;
}

Test(nan_guard, finite_values_pass)
{
    cr_assert_eq(watch_step(guard(NULL, good, other, other, good), 1, 1), TN_OK);
}

Test(nan_guard, of_gradients_the_last_layers_is_the_first)
{
    cr_assert_eq(watch_step(guard(NULL, bad, bad, bad, good), 3, 7), TN_ENUMERIC);
    cr_assert_str_eq(
        call_failed,
        "step 27: gradients of last.weight are not finite (2 of 4 values); try "
        "a lower learning rate, gradient: [{clip_norm: 1}], or check the data");
}

Test(nan_guard, of_weights_the_first)
{
    cr_assert_eq(watch_step(guard(NULL, good, good, bad, bad), 1, 1), TN_ENUMERIC);
    cr_assert_not_null(
        strstr(call_failed,
               "step 1: after the update the values of first.weight are not"),
        "%s", call_failed);
}

Test(nan_guard, outputs_come_before_gradients)
{
    const tn_seen_output output[] = {{"fine", "dense", seen(good, 1, 4), 0, 0},
                                     {"hidden", "dense", seen(bad, 1, 4), 0, 0}};
    watch *w = guard("{outputs: true}", bad, bad, bad, bad);
    w->event.outputs = 2, w->event.output = output;
    cr_assert_eq(w->slots->wants(w->instance->self),
                 TN_WANTS_GRADIENTS | TN_WANTS_OUTPUTS);
    cr_assert_eq(watch_step(w, 1, 2), TN_ENUMERIC);
    cr_assert_not_null(strstr(call_failed, "step 2: outputs of layer hidden are not"),
                       "%s", call_failed);
}

Test(nan_guard, looks_as_often_as_it_says)
{
    watch *w = guard("5", bad, bad, bad, bad);
    cr_assert_eq(watch_step(w, 1, 4), TN_OK);
    cr_assert_eq(watch_step(w, 1, 5), TN_ENUMERIC);
}

/* add.c - layer/add: sums of two and more inputs, shapes that differ, gradients. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

Test(add, as_in_pytorch)
{
    check_torch("layers", "add");
}

Test(add, two_and_three_inputs)
{
    for (int32_t inputs = 2; inputs <= 3; inputs++) {
        check_layer *l = check_layer_new("add", NULL, check_shape(2, 3, 7, 0), 5, inputs);
        check_forward(l, true, 0);
        check_backward(l, true, 0);
        double *sum = check_room(l->n, sizeof *sum);
        for (int64_t i = 0; i < l->n; i++) {
            sum[i] = l->x[0][i] + l->x[1][i];
            if (inputs == 3) sum[i] += l->x[2][i];
        }
        check_near(l->y, sum, l->n, 0, "y");
        for (int32_t k = 0; k < inputs; k++) check_near(l->gx[k], l->gy, l->n, 0, "gx");
        check_runs("add", NULL, inputs, true);
    }
}

Test(add, the_mean)
{
    for (int32_t inputs = 2; inputs <= 3; inputs++) {
        check_layer *l = check_layer_new("add", "{mean: true}", check_shape(2, 3, 7, 0),
                                         5, inputs);
        check_forward(l, true, 0);
        check_backward(l, true, 0);
        double *mean = check_room(l->n, sizeof *mean), *gx = check_room(l->n, sizeof *gx);
        for (int64_t i = 0; i < l->n; i++) {
            for (int32_t k = 0; k < inputs; k++) mean[i] += l->x[k][i] / inputs;
            gx[i] = l->gy[i] / inputs;
        }
        check_near(l->y, mean, l->n, 1e-15, "y");
        for (int32_t k = 0; k < inputs; k++) check_near(l->gx[k], gx, l->n, 1e-15, "gx");
        check_runs("add", "{mean: true}", inputs, true);
    }
}

Test(add, shapes_must_agree)
{
    const tn_shape shapes[] = {check_shape(2, 3, 7, 0), check_shape(2, 3, 8, 0)};
    cr_assert_eq(check_infer("add", NULL, 2, shapes), TN_ESHAPE);
    cr_assert_not_null(strstr(check_message(), "(3, 7)"), "%s", check_message());
    cr_assert_not_null(strstr(check_message(), "(3, 8)"), "%s", check_message());
}

Test(add, needs_two_inputs)
{
    const tn_shape shape = check_shape(1, 3, 0, 0);
    cr_assert_eq(check_infer("add", NULL, 1, &shape), TN_EINVAL);
    cr_assert_not_null(strstr(check_message(), "inputs: [a, b]"), "%s", check_message());
}

Test(add, a_shape_in_a_net_is_refused_with_both_shapes)
{
    const char *text = check_refused(
        "[{dense: {units: 4, name: a}}, {dense: {units: 5, name: b}}, "
        "{add: {inputs: [a, b]}}]",
        check_shape(1, 3, 0, 0));
    cr_assert_not_null(strstr(text, "(4)"), "%s", text);
    cr_assert_not_null(strstr(text, "(5)"), "%s", text);
}

Test(add, gradients)
{
    const char *model = "[{dense: {units: 4, name: a}}, {dense: {units: 4, name: b}}, "
                        "{dense: {units: 4, name: c}}, {add: {inputs: [a, b, c]}}, tanh]";
    check_gradients(model, NULL, 0, check_shape(1, 3, 0, 0), 3, true);
    check_precisions(model, NULL, 0, check_shape(1, 3, 0, 0), 3, 1e-5);
}

/* Of two to four inputs, added up or their mean, on random shapes of one to three axes. */
Test(add, gradients_over_random_shapes)
{
    for (uint32_t seed = 1; seed <= 30; seed++) {
        char model[400];
        const int units = (int)check_draw(seed, 0, 1, 5), inputs = 2 + (int)seed % 3;
        int used = snprintf(model, sizeof model, "[");
        for (int k = 0; k < inputs; k++)
            used += snprintf(model + used, sizeof model - (size_t)used,
                             "{dense: {units: %d, name: n%d, inputs: input}}, ", units,
                             k);
        snprintf(model + used, sizeof model - (size_t)used,
                 "{add: {inputs: [n0, n1%s%s], mean: %s}}, tanh, {dense: 2}]",
                 inputs > 2 ? ", n2" : "", inputs > 3 ? ", n3" : "",
                 seed % 2 ? "true" : "false");
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 4),
                        check_draw(seed, 1, 1, 3), true);
    }
}

Test(add, the_same_input_twice)
{
    check_gradients("[{dense: {units: 4, name: a}}, tanh, {add: {inputs: [tanh, tanh]}}, "
                    "{dense: 2}]",
                    NULL, 0, check_shape(1, 3, 0, 0), 3, true);
}

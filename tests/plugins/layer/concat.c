/* concat.c - layer/concat: the order of the features, gradients, what it refuses. */
#include <criterion/criterion.h>

#include "tests/support/check.h"

Test(concat, as_in_pytorch)
{
    check_torch("layers", "concat");
}

Test(concat, one_behind_the_other)
{
    check_net *net = check_net_new("[tanh, {concat: {inputs: [input, tanh, input]}}]",
                                   NULL, 0, check_shape(2, 4, 3, 0), 2, 1, 1);
    check_net *single = check_net_new("[tanh]", NULL, 0, check_shape(2, 4, 3, 0), 2, 1,
                                      1);
    const double *y = check_net_output(net), *t = check_net_output(single), *x = net->x;
    double want[72];
    cr_assert_eq(net->outputs, 36);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 9; j++)
            want[9 * i + j] = j / 3 == 1 ? t[3 * i + j % 3] : x[3 * i + j % 3];
    check_near(y, want, 72, 0, "y");
}

Test(concat, gradients)
{
    for (uint32_t seed = 1; seed <= 40; seed++) {
        char model[300];
        snprintf(
            model, sizeof model,
            "[{dense: {units: %d, name: a}}, tanh, {dense: {units: %d, name: b, inputs: "
            "input}}, {concat: {inputs: [a, %s, tanh, b]}}, {dense: 2}]",
            (int)check_draw(seed, 0, 1, 4), (int)check_draw(seed, 1, 1, 4),
            seed % 2 ? "input" : "b");
        check_gradients(model, NULL, 0, check_draw_shape(seed, 1, 3, 4),
                        check_draw(seed, 2, 1, 3), true);
    }
}

Test(concat, the_same_bits_on_any_number_of_threads)
{
    check_threads("[{dense: {units: 16, name: a}}, tanh, {concat: {inputs: [tanh, a]}}, "
                  "{dense: 3}]",
                  check_shape(3, 20, 10, 2), 20);
}

Test(concat, what_it_refuses)
{
    check_refuses("[concat]", check_shape(1, 6, 0, 0), "needs two inputs or more");
    check_refuses("[flatten, {concat: {inputs: [flatten, input]}}]",
                  check_shape(2, 2, 3, 0),
                  "input 1 has shape (6) and input 2 has shape (2, 3); all axes but the "
                  "last must agree");
    check_refuses("[{zero_pad: [1]}, {concat: {inputs: [zero_pad, input]}}]",
                  check_shape(2, 2, 3, 0), "input 1 has shape (4, 3) and input 2");
}

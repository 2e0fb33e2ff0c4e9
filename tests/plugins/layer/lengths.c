/* lengths.c - layer/lengths: steps before the padding, what is refused. */
#include "tests/support/check.h"
#include "tests/support/note.h"

#include <criterion/criterion.h>
#include <string.h>

static void counts(const char *options, tn_shape shape, const double *x, int64_t samples,
                   const double *lengths)
{
    for (int32_t real = 0; real < 2; real++) {
        char model[200];
        snprintf(model, sizeof model, "[{lengths: %s}]", options);
        check_net *net = check_net_new(model, NULL, 0, shape, samples, real, 1);
        cr_assert_eq(net->outputs, 1);
        for (int64_t i = 0; i < samples * net->inputs; i++)
            if (real)
                ((double *)net->x)[i] = x[i];
            else
                ((float *)net->x)[i] = (float)x[i];
        const void *y = check_net_output(net);
        for (int64_t s = 0; s < samples; s++)
            cr_assert_eq(real ? ((const double *)y)[s] : ((const float *)y)[s],
                         lengths[s]);
        note_error(NULL, NOTE_VALUES, real, 0);
    }
}

Test(lengths, counts_up_to_the_last_step_that_is_no_padding)
{
    static const double x[] = {1, 2, 3, 0, 0, 4, 0, 0, 0, 0, 0, 0, 5, 6, 7, 8};
    static const double of_steps[] = {3, 2, 0, 4}, of_rows[] = {2, 1, 0, 2};
    counts("{}", check_shape(1, 4, 0, 0), x, 4, of_steps);
    counts("{}", check_shape(2, 2, 2, 0), x, 4, of_rows);
    counts("{}", check_shape(3, 2, 2, 1), x, 4, of_rows);
}

Test(lengths, takes_another_padding)
{
    static const double x[] = {0, -1, -1, 0, 0.5, -1, -1, -1, -1};
    static const double lengths[] = {1, 2, 0};
    counts("-1", check_shape(1, 3, 0, 0), x, 3, lengths);
    counts("{padding: -1}", check_shape(2, 3, 1, 0), x, 3, lengths);
}

Test(lengths, feeds_a_recurrent_layer)
{
    check_learns("[{lengths: {name: length, inputs: input}}, {lstm: {units: 8, inputs: "
                 "[input, length], lengths: true}}, {dense: 2}]",
                 "mse", 0, check_shape(2, 5, 3, 0), 4, 300, 0.3, 0.1);
}

Test(lengths, refuses)
{
    check_refuses("[{lengths: {pad: 1}}]", check_shape(1, 4, 0, 0), "padding");
}

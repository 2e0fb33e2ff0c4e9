/* variational_dropout.c - layer/variational_dropout: one mask for all steps of a sample, others for other samples and
 * features, its law, both ends of p, gradients, threads. */
#include "tests/support/masking.h"

Test(variational_dropout, one_mask_for_all_steps)
{
    mask_is_of_columns("variational_dropout", check_shape(2, 6, 64, 0));
}

Test(variational_dropout, long_rows)
{
    mask_is_of_long_rows("variational_dropout");
}

Test(variational_dropout, obeys_its_law)
{
    mask_of_columns_obeys_its_law("variational_dropout", check_shape(2, 6, 64, 0));
}

Test(variational_dropout, both_ends)
{
    mask_has_both_ends("variational_dropout", check_shape(2, 7, 9, 0));
}

Test(variational_dropout, gradients)
{
    mask_check_gradients("{variational_dropout: %g}", 0.8, 2, 2);
}

Test(variational_dropout, is_the_same_on_any_threads_and_in_parts)
{
    mask_is_the_same("{variational_dropout: 0.4}", check_shape(2, 7, 9, 0), 9);
    mask_is_idle("[variational_dropout]", check_shape(2, 7, 9, 0), 3);
}

Test(variational_dropout, refuses)
{
    check_refuses("[variational_dropout]", check_shape(1, 3, 0, 0), "there is dropout");
    check_refuses("[variational_dropout]", check_shape(3, 2, 2, 3), "spatial_dropout");
    check_refuses("[{variational_dropout: -1}]", check_shape(2, 2, 3, 0),
                  "outside [0, 1]");
}

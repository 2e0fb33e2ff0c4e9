/* spatial_dropout.c - layer/spatial_dropout: one mask for all positions of a sample, others for other samples and
 * channels, its law, both ends of p, gradients, threads. */
#include "tests/support/masking.h"

Test(spatial_dropout, one_mask_for_all_positions)
{
    mask_is_of_columns("spatial_dropout", check_shape(3, 2, 3, 64));
}

Test(spatial_dropout, long_rows)
{
    mask_is_of_long_rows("spatial_dropout");
}

Test(spatial_dropout, obeys_its_law)
{
    mask_of_columns_obeys_its_law("spatial_dropout", check_shape(3, 2, 3, 64));
}

Test(spatial_dropout, both_ends)
{
    mask_has_both_ends("spatial_dropout", check_shape(3, 3, 5, 4));
}

Test(spatial_dropout, gradients)
{
    mask_check_gradients("{spatial_dropout: %g}", 0.8, 2, 3);
}

Test(spatial_dropout, is_the_same_on_any_threads_and_in_parts)
{
    mask_is_the_same("{spatial_dropout: 0.4}", check_shape(3, 3, 5, 4), 9);
    mask_is_idle("[spatial_dropout]", check_shape(3, 3, 5, 4), 3);
}

Test(spatial_dropout, refuses)
{
    check_refuses("[spatial_dropout]", check_shape(1, 3, 0, 0), "there is dropout");
    check_refuses("[{spatial_dropout: 1.5}]", check_shape(3, 2, 2, 3), "outside [0, 1]");
}

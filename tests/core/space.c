/* space.c - how work is cut: by shape alone, without gaps. */
#include <criterion/criterion.h>

#include "core/real/unit.h"

Test(space, chunks_cover_all_rows_and_stay_near_8192_elements)
{
    for (int64_t width = 1; width < 20000; width = width * 3 / 2 + 1) {
        const int64_t rows = tn_chunk_rows(width);
        cr_assert(rows == 1 || rows * width <= 8192);
        cr_assert(2 * rows * width > 8192);
        for (int64_t all = 0; all < 70000; all = all * 2 + 13) {
            const int64_t chunks = tn_chunks(all, width);
            cr_assert(chunks * rows >= all && (chunks - 1) * rows < all);
        }
    }
}

Test(space, groups_of_a_reduction)
{
    cr_assert_eq(tn_groups(TN_OVER_COLUMNS, 24, 5, 6), 5);
    cr_assert_eq(tn_groups(TN_OVER_ROWS, 24, 5, 6), 24);
    cr_assert_eq(tn_groups(TN_OVER_SAMPLE, 24, 5, 6), 4);
    cr_assert_eq(tn_groups(TN_OVER_TENSOR, 24, 5, 6), 1);
    cr_assert_eq(tn_groups(0, 24, 5, 6), 0);
}

Test(space, rows_per_sample_are_all_axes_but_the_features)
{
    const tn_shape flat = {.rank = 1, .dim = {10}},
                   image = {.rank = 3, .dim = {28, 14, 3}};
    cr_assert_eq(tn_rows_per_sample(&flat), 1);
    cr_assert_eq(tn_rows_per_sample(&image), 28 * 14);
}

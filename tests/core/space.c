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

Test(space, a_unit_is_cut_by_what_its_reduction_is_over)
{
    const tn_unit map = {
        .facts = {.kernel = TN_MAP}, .width = 1024, .rows_per_sample = 3};
    tn_unit samples = map, columns = map, window = map;
    samples.facts = (tn_layer_facts){.kernel = TN_REDUCE, .over = TN_OVER_SAMPLE};
    columns.facts = (tn_layer_facts){.kernel = TN_REDUCE, .over = TN_OVER_COLUMNS};
    window.facts.kernel = TN_WINDOW;
    const tn_space by_map = tn_unit_space(&map, 8),
                   by_sample = tn_unit_space(&samples, 8),
                   by_column = tn_unit_space(&columns, 8),
                   by_window = tn_unit_space(&window, 8);
    cr_assert(!by_map.by_row && by_column.by_row && by_sample.by_row && by_window.by_row);
    cr_assert_eq(tn_space_chunks(&by_map), 3);
    cr_assert_eq(tn_space_chunks(&by_sample), 4);
    cr_assert_eq(by_window.rows, 8);
    cr_assert_eq(tn_sum_room(TN_OVER_COLUMNS, &by_column, 1024, 2), 3 * 2 * 1024);
    cr_assert_eq(tn_sum_room(TN_OVER_SAMPLE, &by_sample, 8, 2), 2 * 8);
}

Test(space, lines_that_are_apart_stay_whole_in_a_cell)
{
    tn_node node = {.in = &(tn_shape){.rank = 3, .dim = {12, 8, 16}},
                    .out = {.rank = 3, .dim = {6, 7, 16}},
                    .axes = 2,
                    .window = {2, 2},
                    .stride = {2, 1}};
    const tn_unit pool = {.facts = {.kernel = TN_WINDOW}, .spec = &node, .width = 16};
    cr_assert_eq(tn_rows_of_line(&pool), 16);
    tn_unit other = pool;
    other.facts.kernel = TN_MAP;
    cr_assert_eq(tn_rows_of_line(&other), 0);
    node.stride[0] = 1; /* windows overlap */
    cr_assert_eq(tn_rows_of_line(&pool), 0);
    node.stride[0] = 2, node.out.dim[0] = 5; /* the last line is in none */
    cr_assert_eq(tn_rows_of_line(&pool), 0);
    node.out.dim[0] = 6, node.before[0] = 1; /* so is the first */
    cr_assert_eq(tn_rows_of_line(&pool), 0);
    for (int64_t together = 1; together < 3000; together = together * 2 + 1) {
        const tn_cells c = tn_cells_of(7 * together, 16, together);
        cr_assert_eq(c.rows % together, 0);
        cr_assert(c.rows >= together && (c.rows == together || c.rows * 16 <= 8192));
        cr_assert(c.down * c.rows >= 7 * together &&
                  (c.down - 1) * c.rows < 7 * together);
    }
}

Test(space, tensors_over_memory_are_contiguous)
{
    double data[24] = {0};
    const tn_shape shape = {.rank = 2, .dim = {3, 4}};
    const tn_tensor batch = tn_tensor_over(&shape, 2, 1, data),
                    one = tn_tensor_over(&shape, -1, 0, data);
    cr_assert(batch.rank == 3 && batch.dim[0] == 2 && batch.dtype == TN_F64);
    cr_assert(batch.stride[0] == 12 && batch.stride[1] == 4 && batch.stride[2] == 1);
    cr_assert(one.rank == 2 && one.dtype == TN_F32 && one.data == data);
}

/* tensor.c - sizes of shapes and tensors, and that they cannot overflow. */
#include <criterion/criterion.h>

#include "core/memory.h"

Test(tensor, sizes_of_elements)
{
    cr_assert_eq(tn_dtype_size(TN_F32), 4);
    cr_assert_eq(tn_dtype_size(TN_F64), 8);
    cr_assert_eq(tn_dtype_size(TN_I32), 4);
    cr_assert_eq(tn_dtype_size(TN_I64), 8);
    cr_assert_eq(tn_dtype_size(TN_U8), 1);
}

Test(tensor, counts_and_widths)
{
    const tn_shape image = {.rank = 3, .dim = {28, 14, 3}}, scalar = {0};
    const tn_tensor t = {.rank = 2, .dim = {6, 7}};
    cr_assert_eq(tn_shape_count(&image), 28 * 14 * 3);
    cr_assert_eq(tn_shape_width(&image), 3);
    cr_assert_eq(tn_shape_count(&scalar), 1);
    cr_assert_eq(tn_shape_width(&scalar), 1);
    cr_assert_eq(tn_count(&t), 42);
}

Test(tensor, products_and_sums_are_checked)
{
    int64_t out = -1;
    cr_assert(tn_size_mul(3, 4, &out) && out == 12);
    cr_assert(tn_size_mul(INT64_MAX, 1, &out) && out == INT64_MAX);
    cr_assert(tn_size_mul(INT64_MAX, 0, &out) && out == 0);
    cr_assert(tn_size_add(INT64_MAX - 1, 1, &out) && out == INT64_MAX);
    out = 5;
    cr_assert(!tn_size_mul(INT64_MAX / 2 + 1, 2, &out));
    cr_assert(!tn_size_mul((int64_t)1 << 32, (int64_t)1 << 31, &out));
    cr_assert(!tn_size_mul(-1, 3, &out) && !tn_size_mul(3, -1, &out) &&
              !tn_size_mul(-2, -3, &out));
    cr_assert(!tn_size_add(INT64_MAX, 1, &out) && !tn_size_add(-1, 3, &out));
    cr_assert_eq(out, 5);
}

Test(tensor, the_size_of_a_shape_is_checked)
{
    int64_t n = 0;
    const tn_shape good = {.rank = 3, .dim = {28, 28, 1}}, scalar = {0};
    const tn_shape empty = {.rank = 2, .dim = {3, 0}},
                   negative = {.rank = 1, .dim = {-4}};
    const tn_shape huge = {.rank = 4, .dim = {1 << 30, 1 << 30, 1 << 30, 1}};
    const tn_shape deep = {.rank = TN_MAX_RANK + 1}, broken = {.rank = -1};
    cr_assert(tn_shape_size(&good, &n) && n == 784);
    cr_assert(tn_shape_size(&scalar, &n) && n == 1);
    cr_assert(!tn_shape_size(&empty, &n) && !tn_shape_size(&negative, &n));
    cr_assert(!tn_shape_size(&huge, &n) && !tn_shape_size(&deep, &n));
    cr_assert(!tn_shape_size(&broken, &n));
}

Test(tensor, shapes_as_text)
{
    char text[64], little[8];
    const tn_shape image = {.rank = 3, .dim = {28, 28, 1}},
                   flat = {.rank = 1, .dim = {10}};
    const tn_shape scalar = {0};
    tn_shape_text(&image, text, sizeof text);
    cr_assert_str_eq(text, "(28, 28, 1)");
    tn_shape_text(&flat, text, sizeof text);
    cr_assert_str_eq(text, "(10)");
    tn_shape_text(&scalar, text, sizeof text);
    cr_assert_str_eq(text, "()");
    tn_shape_text(&image, little, sizeof little);
    cr_assert_str_eq(little, "(28, 28");
}

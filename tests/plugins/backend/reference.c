/* reference.c - the reference product against numbers worked out by hand, its callbacks,
 * and its refusals. */
#define TN_HOST
#define TN_REAL_BITS 64
#include "tenon/plugin.h"

#include "tenon/backend.h"
#include "tests/support/backend.h"
#include "tests/support/note.h"

static const double a_values[6] = {1, 2, 3, 4, 5, 6};    /* 2 x 3 */
static const double b_values[6] = {7, 8, 9, 10, 11, 12}; /* 3 x 2 */
static const double ab_values[4] = {58, 64, 139, 154};

static tn_product small_product(double *out)
{
    return (tn_product){
        .struct_size = sizeof(tn_product),
        .a = {.rows = 2,
              .cols = 3,
              .row_stride = 3,
              .col_stride = 1,
              .data = (void *)a_values},
        .b = {.rows = 3,
              .cols = 2,
              .row_stride = 2,
              .col_stride = 1,
              .data = (void *)b_values},
        .out = {.rows = 2, .cols = 2, .row_stride = 2, .col_stride = 1, .data = out}};
}

static tn_status run(const tn_product *p)
{
    backend_f64 b = backend_open_f64("reference", 0);
    const tn_status status = backend_product_f64(b, p);
    backend_close_f64(b);
    return status;
}

Test(reference, multiplies)
{
    double out[4] = {NAN, NAN, NAN, NAN};
    const tn_product p = small_product(out);
    cr_assert_eq(run(&p), TN_OK);
    note_near(out, ab_values, 4, 0, "out");
}

Test(reference, adds_bias_and_what_was_there)
{
    double out[4] = {1000, 2000, 3000, 4000};
    const double bias[2] = {0.5, 0.25}, want[4] = {1058.5, 2064.25, 3139.5, 4154.25};
    tn_product p = small_product(out);
    p.bias = bias, p.add = 1;
    cr_assert_eq(run(&p), TN_OK);
    note_near(out, want, 4, 0, "out");
}

Test(reference, follows_strides)
{
    double out[4];
    tn_product p = small_product(out);
    const tn_matrix a = p.a;
    p.a = tn_transposed(p.b), p.b = tn_transposed(a), p.out = tn_transposed(p.out);
    cr_assert_eq(run(&p), TN_OK); /* (a b)' = b' a' */
    cr_assert_arr_eq(out, ab_values, sizeof out);
}

static void collect(const void *with, int64_t row, int64_t col, int64_t rows,
                    int64_t cols, void *block, int64_t stride)
{
    double *const *into = with;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            (*into)[(row + i) * 2 + col + j] += ((double *)block)[i * stride + j];
}

Test(reference, reads_and_reports_through_callbacks)
{
    double out[4] = {0}, *into = out;
    tn_product p = small_product(NULL);
    const tn_matrix a = p.a, b = p.b;
    p.a.read = p.b.read = field_read_f64;
    p.a.data = p.b.data = NULL;
    p.a.with = &a, p.b.with = &b;
    p.out.wrote = collect, p.out.with = &into;
    cr_assert_eq(run(&p), TN_OK);
    cr_assert_arr_eq(out, ab_values, sizeof out);
}

Test(reference, an_empty_sum_is_the_bias)
{
    double out[4] = {NAN, NAN, NAN, NAN};
    const double bias[2] = {3, 4}, want[4] = {3, 4, 3, 4};
    tn_product p = small_product(out);
    p.a.cols = p.b.rows = 0;
    p.a.data = p.b.data = NULL;
    p.bias = bias;
    cr_assert_eq(run(&p), TN_OK);
    cr_assert_arr_eq(out, want, sizeof out);
}

Test(reference, refuses_what_does_not_fit)
{
    double out[4];
    tn_product p = small_product(out);
    p.b.rows = 4;
    cr_assert_eq(run(&p), TN_ESHAPE);
    cr_assert_str_eq(last_error, "product: (2 x 3) times (4 x 2) cannot give (2 x 2)");
    p = small_product(out), p.a.data = NULL;
    cr_assert_eq(run(&p), TN_EINVAL);
    p = small_product(NULL);
    cr_assert_eq(run(&p), TN_EINVAL);
    backend_f64 b = backend_open_f64("reference", 1);
    cr_assert_eq(b.slots->open(b.self, &recording_call, -1), TN_EINVAL);
    backend_close_f64(b);
}

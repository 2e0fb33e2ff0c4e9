/* orthogonal.c - rows or columns are orthogonal and as long as `gain`, part by part, and of no
 * preferred direction. */
#include "support/drawing.h"

static double product(const double *a, const double *b, int64_t n, int64_t stride)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i * stride] * b[i * stride];
    return sum;
}

/* Rows of one part, or its columns. */
static void expect(const double *w, int64_t rows, int64_t cols, double gain)
{
    const int by_rows = rows <= cols;
    const int64_t few = by_rows ? rows : cols, many = by_rows ? cols : rows;
    const int64_t apart = by_rows ? cols : 1, stride = by_rows ? 1 : cols;
    for (int64_t i = 0; i < few; i++)
        for (int64_t j = 0; j <= i; j++) {
            const double got = product(w + i * apart, w + j * apart, many, stride),
                         want = i == j ? gain * gain : 0;
            near(&got, &want, 1, 1e-13);
        }
}

static void fills(const char *options, int64_t rows, int64_t cols, int32_t parts,
                  double gain)
{
    const tn_instance *init = make("initializer", "orthogonal", options, 1);
    const tn_initializer *vtable = init->vtable;
    const tn_param_info info = {.name = "w", .parts = parts, .key = {{4, 5}}};
    tn_calling calling;
    tn_error e = {0};
    double *value = calloc((size_t)(parts * rows * cols), sizeof *value);
    tn_tensor w = {.struct_size = sizeof w,
                   .dtype = TN_F64,
                   .rank = 2,
                   .dim = {parts * rows, cols},
                   .data = value};
    tn_call *call = tn_call_make(&calling, test_env(), init, 1, &e);
    cr_assert_eq(vtable->fill(init->self, call, &info, &w), TN_OK);
    for (int32_t k = 0; k < parts; k++) expect(value + k * rows * cols, rows, cols, gain);
    for (int32_t k = 1; k < parts; k++)
        cr_assert(memcmp(value, value + k * rows * cols, sizeof *value),
                  "parts are alike");
    free(value);
}

Test(orthogonal, keeps_lengths)
{
    fills(NULL, 40, 40, 1, 1);
    fills(NULL, 17, 33, 1, 1);
    fills(NULL, 33, 17, 1, 1);
    fills("2.5", 9, 20, 4, 2.5);
    fills(NULL, 1, 1, 1, 1);
    fills(NULL, 200, 200, 1, 1);
}

/* Entries of a 200 x 300 part have variance 1 / 300. */
Test(orthogonal, prefers_no_direction)
{
    obeys("orthogonal", NULL, &wide, 0, sqrt(1.0 / 300), false);
    depends_on_the_key_alone("orthogonal", NULL);
}

Test(orthogonal, refuses_what_is_no_matrix)
{
    const tn_instance *init = make("initializer", "orthogonal", NULL, 1);
    tn_calling calling;
    tn_error e = {0};
    tn_tensor w = {.rank = 1, .dim = {300}, .data = drawn};
    tn_call *call = tn_call_make(&calling, test_env(), init, 1, &e);
    cr_assert_eq(
        ((const tn_initializer *)init->vtable)->fill(init->self, call, &wide, &w),
        TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "no matrix"), "%s", e.text);
    refuse("initializer", "orthogonal", "0", "gain");
}

/* identity.c - `scale` along the diagonal of each part, zeros elsewhere; what is refused. */
#include "support/drawing.h"

static tn_status fill(const char *options, const tn_param_info *info, tn_tensor *w,
                      tn_error *e)
{
    const tn_instance *init = make("initializer", "identity", options, 1);
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, test_env(), init, 1, e);
    return ((const tn_initializer *)init->vtable)->fill(init->self, call, info, w);
}

static void fills(const char *options, int64_t rows, int64_t cols, int32_t parts,
                  double scale)
{
    const tn_param_info info = {.name = "w", .parts = parts, .key = {{4, 5}}};
    double value[256];
    tn_error e = {0};
    tn_tensor w = {.struct_size = sizeof w,
                   .dtype = TN_F64,
                   .rank = 2,
                   .dim = {parts * rows, cols},
                   .data = value};
    memset(value, 0xff, sizeof value);
    cr_assert_eq(fill(options, &info, &w, &e), TN_OK, "%s", e.text);
    for (int64_t i = 0; i < parts * rows; i++)
        for (int64_t j = 0; j < cols; j++)
            cr_assert_eq(value[i * cols + j], i % rows == j ? scale : 0);
    note_error(NULL, NOTE_VALUES, 1, 0);
}

Test(identity, fills_the_diagonal_of_each_part)
{
    fills(NULL, 7, 7, 1, 1);
    fills("0.01", 5, 5, 4, 0.01);
    fills("{scale: -2}", 3, 6, 3, -2);
    fills(NULL, 6, 3, 2, 1);
    fills(NULL, 1, 1, 1, 1);
}

Test(identity, refuses_what_is_no_matrix)
{
    const tn_param_info info = {.name = "kernel", .parts = 1};
    double value[8];
    tn_error e = {0};
    tn_tensor w = {.rank = 3, .dim = {2, 2, 2}, .data = value};
    cr_assert_eq(fill(NULL, &info, &w, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "is no matrix"), "%s", e.text);
    refuse("initializer", "identity", "{gain: 2}", "scale");
}

/* foreign.c - loss/foreign: the squared difference as a function of a library, against loss/mse. */
#include "support/foreign.h"
#include "tests/support/losses.h"

static const char *const forms[] = {
    "double curve_apart(double x, double t)",
    "void curves_apart(int n, const float *x, const float *t, double *y)",
};

/* Rows that one call takes, and longer ones. Numbers of a few bits, so that all is exact in float. */
static void like_mse(const char *options, int64_t rows, int64_t width, double slopes)
{
    const int64_t n = rows * width;
    double *y = check_room(n, sizeof *y), *target = check_room(n, sizeof *target);
    double *of[2], *gy[2], weight[8];
    for (int64_t i = 0; i < n; i++)
        y[i] = (double)(i % 13) / 4, target[i] = (double)(i % 7) / 2;
    const tn_field field = {.width = width, .real = target};
    for (int k = 0; k < 2; k++) {
        of[k] = check_room(rows, sizeof *y), gy[k] = check_room(n, sizeof *y);
        cr_assert_eq(loss_run(k ? "mse" : "foreign", k ? "{}" : options, y, rows, width,
                              &field, of[k], weight, gy[k]),
                     TN_OK);
    }
    check_near(of[0], of[1], rows, 1e-15, "value");
    check_near(gy[0], gy[1], n, slopes, "gradient");
}

Test(foreign, like_mse)
{
    static const int64_t widths[] = {2, 5, 127, 128, 129, 300};
    const char *slope = ", derivative: \"double curve_apart_slope(double x, double t)\"";
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        like_mse(foreign(curves(), forms[0], slope), 3, widths[i], 1e-15);
        like_mse(foreign(curves(), forms[0], ""), 3, widths[i], 1e-9);
        like_mse(foreign(curves(), forms[1], ""), 3, widths[i], 1e-3);
    }
}

/* pow(x, t) is no loss that anybody wants, but a function of both. */
Test(foreign, gradients)
{
    static const char *const losses[] = {
        "foreign {library: libm.so.6, function: \"double hypot(double x, double t)\"}",
        "foreign {library: libm.so.6, function: \"double atan2(double t, double x)\"}",
        "foreign {library: libm.so.6, function: \"double hypot(double 0.5, double x)\"}"};
    loss_gradients(losses, 3, false, 1, 9);
    check_precisions("[{dense: 4}]", losses[0], 0, check_shape(1, 3, 0, 0), 5, 1e-5);
}

Test(foreign, what_is_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0);
    const char *hypot = foreign(LIBM, "double hypot(double x, double t)", "");
    loss_refuses("foreign", hypot, three, 0, (tn_field_spec){.classes = 3}, "numbers");
    loss_refuses("foreign", hypot, three, 0, (tn_field_spec){.real = 1}, "3 outputs");
}

/* foreign - an activation that is a function of any shared library: erf of the C library, one of a
 * Fortran library, one of your own.
 *
 *     y = f(x),  dL/dx = f'(x) dL/dy
 *
 * f' is another function of the library or, without one, (f(x + h) - f(x - h)) / 2h with h =
 * eps^(1/3) max(1, |x|): Press et al., "Numerical recipes", 3rd ed., section 5.7. What a prototype may
 * be is told in foreign.h; f is called by several threads at once. The gain keeps the second moment of
 * a normal x. */
#include <tenon/plugin.h>

#include "../foreign/foreign.h"

#define OPTIONS(P)                                                                    \
    FOREIGN_LIBRARY(P)                                                                \
    P(STR, function, TN_REQUIRED, 0, 0, 0,                                            \
      "its C prototype: \"double erf(double x)\", \"double jn(int 2, double x)\" or " \
      "\"void f(long n, const double *x, double *y)\"")                               \
    P(STR, derivative, TN_OPTIONAL, 0, 0, 0,                                          \
      "prototype of the function that is its derivative; unset: a central difference")
TN_SELF(OPTIONS, foreign_curve curve;)

#ifndef NAMES
#define NAMES
static const char *const name[] = {"x"};
static const foreign_names names = {name, 1, 1};
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    TN(self) *self = me;
    return foreign_bind(&self->curve, c, self->library, self->function, self->derivative,
                        &names);
}

static int64_t TN(take)(const tn_tile *t, int64_t from, const tn_real *x, double *run)
{
    const int64_t n = t->n - from < FOREIGN_RUN ? t->n - from : FOREIGN_RUN;
    for (int64_t i = 0; i < n; i++) run[i] = (double)x[from + i];
    return n;
}

static void TN(forward)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    const TN(self) *self = me;
    double in[FOREIGN_RUN], out[FOREIGN_RUN];
    const double *const at = in;
    for (int64_t from = 0; from < t->n; from += FOREIGN_RUN) {
        const int64_t n = TN(take)(t, from, x, in);
        foreign_call(&self->curve.f, n, &at, out);
        for (int64_t i = 0; i < n; i++) y[from + i] = (tn_real)out[i];
    }
}

static void TN(backward)(const void *me, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const TN(self) *self = me;
    double in[FOREIGN_RUN], out[FOREIGN_RUN];
    const double *const at = in;
    for (int64_t from = 0; from < t->n; from += FOREIGN_RUN) {
        const int64_t n = TN(take)(t, from, x, in);
        foreign_slope(&self->curve, n, &at, out);
        for (int64_t i = 0; i < n; i++) gx[from + i] = gy[from + i] * (tn_real)out[i];
    }
}

/* 1 / sqrt(E f(z)^2), by midpoints from -8 to 8; 1 if that is no number. */
static double TN(gain)(const void *me)
{
    const TN(self) *self = me;
    double sum = 0;
    for (int32_t i = 0; i < 1024; i++) {
        const double z = (i - 511.5) / 64, *const at = &z;
        double y;
        foreign_call(&self->curve.f, 1, &at, &y);
        sum += y * y * exp(-z * z / 2) / (64 * sqrt(2 * 3.14159265358979324));
    }
    const double gain = 1 / sqrt(sum);
    return isfinite(gain) && gain > 0 ? gain : 1;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_X | TN_INPLACE, .check = TN(check),
          .forward = TN(forward), .backward = TN(backward), .gain = TN(gain))
TN_PLUGIN_WITH(OPTIONS, layer, foreign,
               .summary = "Activation that is a function of any shared library",
               .formula = "y = f(x)",
               .reference = "Press et al., Numerical recipes, 3rd ed., section 5.7 "
                            "(differences)",
               .gain = 1, .initializer = "xavier")

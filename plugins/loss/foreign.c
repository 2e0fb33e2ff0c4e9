/* foreign - a loss that is a function of any shared library, of each output x and its target t.
 *
 *     L = 1/n sum_k f(x_k, t_k),  dL/dx_k = f'(x_k, t_k) / n
 *
 * f', the slope along x, is another function of the library or, without one, (f(x + h, t) -
 * f(x - h, t)) / 2h with h = eps^(1/3) max(1, |x|): Press et al., "Numerical recipes", 3rd ed., section
 * 5.7. What a prototype may be is told in foreign.h; f is called by several threads at once. */
#include <tenon/plugin.h>
#include <tenon/score.h>

#include "../foreign/foreign.h"
#include "../numbers.h"

#define OPTIONS(P)                                                                     \
    FOREIGN_LIBRARY(P)                                                                 \
    P(STR, function, TN_REQUIRED, 0, 0, 0,                                             \
      "its C prototype, of an output x and its target t: \"double f(double x, double " \
      "t)\" or \"void f(long n, const double *x, const double *t, double *y)\"")       \
    P(STR, derivative, TN_OPTIONAL, 0, 0, 0,                                           \
      "prototype of the function that is its derivative by x; unset: a central "       \
      "difference")
TN_SELF(OPTIONS, foreign_curve curve;)

#ifndef NAMES
#define NAMES
static const char *const name[] = {"x", "t"};
static const foreign_names names = {name, 2, 2};
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    TN(self) *self = me;
    return foreign_bind(&self->curve, c, self->library, self->function, self->derivative,
                        &names);
}

static tn_status TN(infer)(void *self, tn_call *c, const tn_outputs *out,
                           const tn_field_spec *const *field)
{
    return numbers_check(c, out, field[0], LOSSES_OF_LABELS);
}

/* Of up to FOREIGN_RUN elements of a row of `width`: the sum of f, and gradients where gy is wanted. */
static double TN(run)(const TN(self) * self, int64_t n, int64_t width, const tn_real *x,
                      const tn_real *target, tn_real *gy)
{
    double at[FOREIGN_RUN], t[FOREIGN_RUN], f[FOREIGN_RUN], sum = 0;
    const double *const in[] = {at, t};
    for (int64_t i = 0; i < n; i++) at[i] = (double)x[i], t[i] = (double)target[i];
    foreign_call(&self->curve.f, n, in, f);
    for (int64_t i = 0; i < n; i++) sum += f[i];
    if (!gy) return sum;
    foreign_slope(&self->curve, n, in, f);
    for (int64_t i = 0; i < n; i++) gy[i] = (tn_real)(f[i] / (double)width);
    return sum;
}

static tn_status TN(rows)(const void *self, tn_call *c, const tn_tile *t,
                          const tn_real *x, const tn_field *field, double *value,
                          double *weight, tn_real *gy)
{
    const int64_t width = t->width;
    const tn_real *target = field->real;
    for (int64_t row = 0; row < t->n / width; row++) {
        value[row] = 0;
        for (int64_t from = 0; from < width; from += FOREIGN_RUN) {
            const int64_t n = width - from < FOREIGN_RUN ? width - from : FOREIGN_RUN;
            const int64_t at = row * width + from;
            value[row] += TN(run)(self, n, width, x + at, target + at, gy ? gy + at : gy);
        }
        value[row] /= (double)width;
    }
    return TN_OK;
}

TN_VTABLE(loss, .check = TN(check), .infer = TN(infer), .rows = TN(rows))
TN_PLUGIN_WITH(OPTIONS, loss, foreign,
               .summary = "Loss that is a function of any shared library",
               .formula = "L = 1/n sum_k f(x_k, t_k)",
               .reference = "Press et al., Numerical recipes, 3rd ed., section 5.7 "
                            "(differences)")

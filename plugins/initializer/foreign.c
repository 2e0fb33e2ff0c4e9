/* foreign - initial weights from a function of any shared library.
 *
 *     w = scale f(...)
 *
 * f is given what it asks for of: u (uniform in (0, 1)) and z (normal), drawn anew for each weight; row
 * and column of the weight, from 0, in a matrix of as many rows as the parameter's first axis; fan_in,
 * fan_out and gain (of the activation behind). A quantile function of u draws from its law: Devroye,
 * "Non-uniform random variate generation", 1986, section II.2. What a prototype may be is told in
 * foreign.h. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>
#include <tenon/random.h>

#include "../foreign/foreign.h"

#define OPTIONS(P)                                                                \
    FOREIGN_LIBRARY(P)                                                            \
    P(STR, function, TN_REQUIRED, 0, 0, 0,                                        \
      "its C prototype, of u, z, row, column, fan_in, fan_out or gain: \"double " \
      "erf(double z)\"")                                                          \
    FOREIGN_SCALE(P)
TN_SELF(OPTIONS, foreign_function f;)

#ifndef NAMES
#define NAMES
enum { U, Z, ROW, COLUMN, VARYING, FAN_IN = VARYING, FAN_OUT, GAIN, NAMES_COUNT };
static const char *const name[] = {"u",      "z",       "row", "column",
                                   "fan_in", "fan_out", "gain"};
static const foreign_names names = {name, NAMES_COUNT, VARYING};
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    TN(self) *self = me;
    return foreign_read(&self->f, c, "function", self->function, &names);
}

/* What f is given for n weights from number `from` on. */
static void TN(give)(const tn_param_info *info, int64_t from, int64_t n, int64_t columns,
                     double run[VARYING][FOREIGN_RUN])
{
    const tn_key normal = tn_key_derive(info->key, 1, 0);
    for (int64_t i = 0; i < n; i++) {
        run[U][i] = tn_random_uniform(info->key, (uint64_t)(from + i));
        run[Z][i] = tn_random_normal(normal, (uint64_t)(from + i));
        const int64_t row = (from + i) / columns;
        run[ROW][i] = (double)row;
        run[COLUMN][i] = (double)(from + i - row * columns);
    }
}

/* The function is looked for here, so that a trained model can be read without it. */
static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    double run[VARYING][FOREIGN_RUN], out[FOREIGN_RUN];
    const double fan_in = (double)info->fan_in, fan_out = (double)info->fan_out;
    const double *const in[] = {run[U],  run[Z],   run[ROW],   run[COLUMN],
                                &fan_in, &fan_out, &info->gain};
    const int64_t count = tn_count(w), columns = w->rank ? count / w->dim[0] : 1;
    tn_real *weight = w->data;
    foreign_function f = self->f;
    const tn_status status = foreign_find(&f, c, self->library);
    if (status) return status;
    for (int64_t from = 0, n; from < count; from += n) {
        n = count - from < FOREIGN_RUN ? count - from : FOREIGN_RUN;
        TN(give)(info, from, n, columns, run);
        foreign_call(&f, n, in, out);
        for (int64_t i = 0; i < n; i++)
            if (isfinite(weight[from + i] = (tn_real)(self->scale * out[i])) == 0)
                return tn_fail(c, TN_EINVAL,
                               "function: what it gives for element %lld is not finite",
                               (long long)(from + i));
    }
    return TN_OK;
}

TN_VTABLE(initializer, .check = TN(check), .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, foreign,
               .summary = "a function of any shared library",
               .formula = "w = scale f(...)",
               .reference = "Devroye, Non-uniform random variate generation (1986), "
                            "section II.2 (quantile functions)")

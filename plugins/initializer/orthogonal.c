/* orthogonal.c - rows (or, if there are more of them, columns) that are orthogonal and of length
 * `gain`: a product with such a matrix keeps lengths. Each part of a weight, such as a gate's, is a
 * matrix of its own; axes behind the first count as columns.
 *
 * Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear
 * neural networks", ICLR 2014, section 3. All orthogonal matrices are equally likely: orthogonal.h. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#define OPTIONS(P) \
    P(REAL, gain, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, "length of a row")
TN_SELF(OPTIONS, )

#include "orthogonal.h"

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    tn_real *value = w->data;
    if (w->rank < 2)
        return tn_fail(c, TN_EINVAL, "%s: is no matrix; give it another initializer",
                       info->name);
    const int64_t rows = w->dim[0] / info->parts, cols = tn_count(w) / w->dim[0];
    double *q = c->host->alloc(c, sizeof *q * (size_t)(rows * cols));
    if (!q) return TN_ENOMEM;
    for (int32_t part = 0; part < info->parts; part++, value += rows * cols) {
        TN(draw)(q, rows, cols, tn_key_derive(info->key, (uint64_t)part, 0));
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < cols; j++)
                value[i * cols + j] = (tn_real)(self->gain *
                                                TN(drawn)(q, rows, cols, i, j));
    }
    c->host->release(c, q);
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, orthogonal,
               .summary = "orthogonal rows or columns, which keep lengths",
               .formula = "W = gain Q, Q R = a normal matrix, diagonal of R positive",
               .reference =
                   "Saxe, McClelland, Ganguli, Exact solutions to the nonlinear "
                   "dynamics of learning in deep linear neural networks, ICLR 2014")

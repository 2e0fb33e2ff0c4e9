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
    return TN(fill_orthogonal)(c, info, ((const TN(self) *)me)->gain, w);
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, orthogonal,
               .summary = "orthogonal rows or columns, which keep lengths",
               .formula = "W = gain Q, Q R = a normal matrix, diagonal of R positive",
               .reference =
                   "Saxe, McClelland, Ganguli, Exact solutions to the nonlinear "
                   "dynamics of learning in deep linear neural networks, ICLR 2014")

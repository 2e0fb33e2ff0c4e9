/* identity.c - w = scale I: each unit passes on what it gets. Each part of a weight, such as a
 * gate's, is a matrix of its own; of one that is not square, the diagonal from its first element.
 *
 * For the weights from state to state of a recurrent layer, behind rectifiers: Le, Jaitly, Hinton,
 * "A simple way to initialize recurrent networks of rectified linear units", arXiv:1504.00941,
 * section 3; with a small scale for tasks whose memory is short. */
#include <string.h>
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#define OPTIONS(P) \
    P(REAL, scale, TN_POSITIONAL, 1, -INFINITY, INFINITY, "value along the diagonal")
TN_SELF(OPTIONS, )

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    tn_real *value = w->data;
    if (w->rank != 2)
        return tn_fail(c, TN_EINVAL, "is no matrix; give it another initializer");
    const int64_t rows = w->dim[0] / info->parts, cols = w->dim[1];
    memset(value, 0, sizeof *value * (size_t)tn_count(w));
    for (int64_t i = 0; i < w->dim[0]; i++)
        if (i % rows < cols) value[i * cols + i % rows] = (tn_real)self->scale;
    return TN_OK;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, identity, .summary = "a multiple of the identity",
               .formula = "W = scale I",
               .reference =
                   "Le, Jaitly, Hinton, A simple way to initialize recurrent networks "
                   "of rectified linear units, arXiv:1504.00941, section 3")

/* delta_orthogonal - filters whose centre taps are an orthogonal matrix, and all other taps zero: a
 * convolution that begins as the same turn of the channels at every position, and so keeps lengths.
 *
 *     w[f][c][k_y][k_x] = gain Q[f][c] at the centre, else 0,  Q^T Q = 1 (or Q Q^T, fewer filters)
 *
 * Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean field theory of
 * CNNs: how to train 10,000-layer vanilla convolutional neural networks", ICML 2018, algorithm 2.
 * Lengths are kept where there are at least as many filters as channels; the centre of an even
 * number of taps is the one before the middle. Each group has a matrix of its own. Of a weight without
 * taps, such as a dense layer's, it is `orthogonal`. */
#include <tenon/plugin.h>
#include <tenon/initializer.h>

#define OPTIONS(P) \
    P(REAL, gain, TN_POSITIONAL | TN_ABOVE, 1, 0, INFINITY, "length of a row or column")
TN_SELF(OPTIONS, )

#include "orthogonal.h"

/* A group's filters: `taps` values for each channel, of which the one at `centre` is set. */
static tn_status TN(fill_group)(tn_call *c, double gain, tn_key key, int64_t filters,
                                int64_t channels, int64_t taps, int64_t centre,
                                tn_real *w)
{
    double *q = c->host->alloc(c, sizeof *q * (size_t)(filters * channels));
    if (!q) return TN_ENOMEM;
    TN(draw)(q, filters, channels, key);
    for (int64_t f = 0; f < filters; f++)
        for (int64_t k = 0; k < channels; k++, w += taps) {
            for (int64_t i = 0; i < taps; i++) w[i] = 0;
            w[centre] = (tn_real)(gain * TN(drawn)(q, filters, channels, f, k));
        }
    c->host->release(c, q);
    return TN_OK;
}

static tn_status TN(fill)(const void *me, tn_call *c, const tn_param_info *info,
                          tn_tensor *w)
{
    const TN(self) *self = me;
    int64_t taps = 1, centre = 0;
    if (w->rank < 2 || info->parts > 1)
        return tn_fail(
            c, TN_EINVAL,
            "is no weight of a convolution or dense layer; give it another initializer");
    for (int32_t i = 2; i < w->rank; i++) {
        taps *= w->dim[i];
        centre = centre * w->dim[i] + (w->dim[i] - 1) / 2;
    }
    const int64_t filters = info->fan_out / taps; /* of a group */
    const int64_t groups = filters > 0 ? w->dim[0] / filters : 1;
    const int64_t size = tn_count(w) / groups;
    tn_status status = TN_OK;
    for (int64_t g = 0; !status && g < groups; g++)
        status = TN(fill_group)(c, self->gain, tn_key_derive(info->key, (uint64_t)g, 0),
                                w->dim[0] / groups, w->dim[1], taps, centre,
                                (tn_real *)w->data + g * size);
    return status;
}

TN_VTABLE(initializer, .fill = TN(fill))
TN_PLUGIN_WITH(OPTIONS, initializer, delta_orthogonal,
               .summary = "an orthogonal matrix in the middle of a convolution's filters",
               .formula = "w = gain Q at the centre tap, Q^T Q = 1; 0 elsewhere",
               .reference =
                   "Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, Dynamical "
                   "isometry and a mean field theory of CNNs, ICML 2018, "
                   "algorithm 2")

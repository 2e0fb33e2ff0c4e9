/* conv1d - filters that slide over sequences: conv2d (see there) along one axis.
 *
 *     y[i][f] = b[f] + sum over u, c of w[f][c][u] x[i s + u d - p][c]
 *
 * with stride s, dilation d, p zeros before, and x zero outside. Waibel, Hanazawa, Hinton,
 * Shikano, Lang, Phoneme recognition using time-delay neural networks, IEEE Trans. ASSP 37(3),
 * 1989. */
#include <tenon/plugin.h>

#define CONV_AXES 1
#define CONV_AXIS_NAMES \
    {                   \
        "length"        \
    }
#include "conv.h"

TN_PLUGIN_WITH(
    OPTIONS, layer, conv1d, .summary = "Filters that slide over (length, channels)",
    .formula = "y[i][f] = b[f] + sum of w[f][c][u] x[i s + u d - p][c]",
    .reference = "Waibel, Hanazawa, Hinton, Shikano, Lang, Phoneme recognition "
                 "using time-delay neural networks, IEEE Trans. ASSP 37(3), 1989",
    .initializer = "xavier")

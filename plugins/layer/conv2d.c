/* conv2d - filters that slide over images; all taken as matrix products over patches.
 *
 *     y[i][j][f] = b[f] + sum over u, v, c of
 *                  w[f][c][u][v] x[i s + u d - p][j s + v d - p][c]
 *
 * with stride s, dilation d, p zeros before, and x zero outside. Rows of a matrix P are the
 * patches that a filter meets, gathered as the product asks for them: Y = P W^T + b, and for the
 * gradients dW = (dY)^T P and dX = P' W', with P' the patches of dY that reach an input and W'
 * the filters turned round. LeCun, Boser, Denker et al., Backpropagation applied to handwritten
 * zip code recognition, Neural Computation 1, 1989; as products: Chellapilla, Puri, Simard, High
 * performance convolutional neural networks for document processing, IWFHR 2006, section 3. With
 * 3 x 3 filters, stride and dilation 1 and no groups, where channels fill whole vectors (16 floats,
 * 8 doubles): tile by tile, see conv_winograd.h, which differs by rounding.
 * Dilation: Yu and Koltun, arXiv:1511.07122, eq. 2. Groups: Krizhevsky, Sutskever, Hinton, NIPS
 * 2012, section 3.2; a group for each channel (depthwise): Chollet, arXiv:1610.02357. */
#include <tenon/plugin.h>

#define CONV_AXES 2
#include "conv.h"

TN_PLUGIN_WITH(OPTIONS, layer, conv2d,
               .summary = "Filters that slide over (height, width, channels)",
               .formula = "y[i][j][f] = b[f] + sum of w[f][c][u][v] "
                          "x[i s + u d - p][j s + v d - p][c]",
               .reference =
                   "LeCun, Boser, Denker et al., Backpropagation applied to "
                   "handwritten zip code recognition, Neural Computation 1, 1989",
               .initializer = "xavier")

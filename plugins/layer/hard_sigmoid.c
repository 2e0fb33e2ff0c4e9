/* hard_sigmoid - a straight line in place of the logistic function, cut off at 0 and 1.
 *
 *     y = min(max(x / 6 + 1/2, 0), 1),  dL/dx = dL/dy / 6 where 0 < y < 1, else 0
 *
 * Courbariaux, Bengio, David, "BinaryConnect", NIPS 2015, eq. 3, with PyTorch's slope of 1/6: Howard
 * et al., "Searching for MobileNetV3", ICCV 2019, section 5.2 (ReLU6(x + 3) / 6). The gain keeps the
 * second moment of a normal x. */
#include <tenon/plugin.h>

TN_KERNEL void TN(forward)(const void *self, const tn_tile *t, const tn_real *x,
                           tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) { /* a NaN stays one */
        const tn_real line = (x[i] + 3) / 6, low = line < 0 ? 0 : line;
        y[i] = low > 1 ? 1 : low;
    }
}

TN_KERNEL void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) {
        const tn_real g = gy[i] / 6;
        gx[i] = ((y[i] > 0) & (y[i] < 1)) ? g : 0;
    }
}

static void TN(range)(const void *self, double *low, double *high)
{
    *low = 0, *high = 1;
}

TN_VTABLE(layer, .kernel = TN_MAP, .flags = TN_NEEDS_Y | TN_INPLACE,
          .forward = TN(forward), .backward = TN(backward), .range = TN(range))
TN_PLUGIN(layer, hard_sigmoid, .summary = "Piecewise linear sigmoid, to [0, 1]",
          .formula = "y = min(max(x / 6 + 1/2, 0), 1)",
          .reference = "Courbariaux, Bengio, David, BinaryConnect, NIPS 2015, eq. 3; "
                       "Howard et al., Searching for MobileNetV3, ICCV 2019, section 5.2",
          .gain = 1.89784042472955899, .initializer = "xavier", .kink_count = 2,
          .kink = {-3, 3}, .makes = TN_PROBABILITIES)

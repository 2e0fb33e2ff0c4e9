/* elu.h - exponential linear units: elu, selu and celu are one function.
 *
 *     y = above x where x > 0, else scale (exp(rate x) - 1)
 *     dL/dx = above dL/dy where y > 0, else rate (y + scale) dL/dy
 *
 * None of the three numbers is negative, so y tells the side of x. Included once per precision,
 * hence no guard. */
#include <tenon/math.h>

TN_INLINE void TN(elu)(int64_t n, double above, double scale, double rate,
                       const tn_real *x, tn_real *y)
{
    const tn_real a = (tn_real)above, s = (tn_real)scale, r = (tn_real)rate;
    for (int64_t i = 0; i < n; i++) {
        const tn_real below = s * tn_expm1(r * (x[i] > 0 ? 0 : x[i]));
        y[i] = x[i] > 0 ? a * x[i] : below;
    }
}

TN_INLINE void TN(elu_back)(int64_t n, double above, double scale, double rate,
                            const tn_real *y, const tn_real *gy, tn_real *gx)
{
    const tn_real a = (tn_real)above, s = (tn_real)scale, r = (tn_real)rate;
    for (int64_t i = 0; i < n; i++) gx[i] = gy[i] * (y[i] > 0 ? a : r * (y[i] + s));
}

/* 1 / sqrt(E y^2) for x ~ N(0, 1) and above 1: a half for x > 0, midpoints from -8 to 0. */
TN_UNUSED static double TN(elu_gain)(double scale, double rate)
{
    double sum = 0.5;
    for (int32_t i = 0; i < 512; i++) {
        const double x = -(i + 0.5) / 64, y = scale * expm1(rate * x);
        sum += y * y * exp(-x * x / 2) / (64 * sqrt(2 * 3.14159265358979324));
    }
    return 1 / sqrt(sum);
}

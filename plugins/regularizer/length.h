/* length.h - a group of weights moved to a given length, by the steps that its weights take.
 *
 *     w <- argmin over |v| = r of sum (v - w)^2 / (2 step):   v = w / (1 + mu step)
 *
 * where mu makes the length r. 1/|v| is concave in mu, and a line where all steps are equal: Newton's
 * method on it is there at once then (w <- w r / |w|), and else comes from the left without
 * overshooting. Moré and Sorensen, "Computing a trust region step", SIAM J. Sci. Stat. Comput. 4
 * (1983), eq. 3.8 ff.
 *
 * Included once per precision, hence no guard. */
#ifndef LENGTH_ONCE
#define LENGTH_ONCE
#define MOST_ROUNDS 60
#endif

/* Of v for this mu; *slope: -1/2 of the derivative of its square. */
TN_KERNEL double TN(length_at)(int64_t n, const tn_real *step, const tn_real *w,
                               double mu, double *slope)
{
#define DOWN(i) (1 + mu * (double)step[i])
#define V(i) ((double)w[i] / DOWN(i))
    *slope = TN_SUM(i, n, V(i) * V(i) * (double)step[i] / DOWN(i));
    return sqrt(TN_SUM(i, n, V(i) * V(i)));
#undef V
#undef DOWN
}

TN_KERNEL void TN(shrink)(int64_t n, const tn_real *step, double mu, double scale,
                          tn_real *w)
{
    for (int64_t i = 0; i < n; i++)
        w[i] = (tn_real)((double)w[i] * scale / (1 + mu * (double)step[i]));
}

/* Weights that are zero stay so, and a group of these has no direction. What mu leaves is left to
 * scaling: so the length is r also where no mu makes it so, as it may happen on the way outwards if the
 * weights with the longest steps are zero; mu keeps off the pole there. */
static void TN(to_length)(int64_t n, const tn_real *step, tn_real *w, double r)
{
    const double near = sizeof(tn_real) == 4 ? 1e-8 : 1e-14;
    const double longest = TN(longest_step)(n, step), least = (1e-9 - 1) / longest;
    double mu = 0, slope, length = TN(length_at)(n, step, w, mu, &slope);
    if (!(length > 0)) return;
    for (int k = 0; k < MOST_ROUNDS && fabs(length - r) > near * r && slope > 0; k++) {
        const double next = mu + length * length / slope * (length / r - 1);
        mu = next > least ? next : (mu + least) / 2;
        length = TN(length_at)(n, step, w, mu, &slope);
    }
    TN(shrink)(n, step, mu, r / length, w);
}

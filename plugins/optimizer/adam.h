/* adam.h - what adam and its relatives share, in PyTorch's order of operations.
 *
 *     m <- beta1 m + (1 - beta1) d        v <- beta2 v + (1 - beta2) d^2
 *     w <- w - rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 *
 * Slot 0 is m, slot 1 is v. Kingma and Ba, "Adam: a method for stochastic optimization",
 * ICLR 2015, algorithm 1. Included once per precision, hence no guard. */

#define MOMENT_OPTIONS(P, EPSILON)                                                   \
    P(REAL, beta1, TN_BELOW, 0.9, 0, 1, "share of the first moment that is kept")    \
    P(REAL, beta2, TN_BELOW, 0.999, 0, 1, "share of the second moment that is kept") \
    P(REAL, epsilon, TN_ABOVE, EPSILON, 0, INFINITY,                                 \
      "added to the root of the second moment")

typedef struct TN(adam_terms) {
    double beta1, beta2, epsilon;
    double coupled; /* d = g + coupled w */
    double keep;    /* w <- keep w before the step */
} TN(adam_terms);

/* `most`: the largest v so far, which takes its place below the line; NULL: v itself. */
TN_INLINE void TN(adam_update)(const TN(adam_terms) * a, int64_t n, const tn_update *u,
                               tn_real *w, const tn_real *g, tn_real *m, tn_real *v,
                               tn_real *most)
{
    const double t = (double)u->step;
    const tn_real size = (tn_real)(u->rate / (1 - pow(a->beta1, t)));
    const tn_real unbias = (tn_real)(1 / sqrt(1 - pow(a->beta2, t)));
    const tn_real old1 = (tn_real)a->beta1, new1 = (tn_real)(1 - a->beta1);
    const tn_real old2 = (tn_real)a->beta2, new2 = (tn_real)(1 - a->beta2);
    const tn_real coupled = (tn_real)a->coupled, keep = (tn_real)a->keep;
    const tn_real epsilon = (tn_real)a->epsilon;
    for (int64_t i = 0; i < n; i++) {
        const tn_real d = g[i] + coupled * w[i];
        m[i] = old1 * m[i] + new1 * d;
        tn_real square = v[i] = old2 * v[i] + new2 * d * d;
        if (most) square = most[i] = square > most[i] ? square : most[i];
        w[i] = keep * w[i] - size * (m[i] / (sqrt(square) * unbias + epsilon));
    }
}

/* A gradient of 1 at every step so far makes m / (1 - beta1^t) one: what is left is the
 * element's scale. With this step, a weight at rest under gradient and prox is a minimum
 * of loss plus penalty. */
TN_INLINE void TN(adam_step)(double beta2, double epsilon, int64_t n, const tn_update *u,
                             const tn_real *v, tn_real *step)
{
    const tn_real unbias = (tn_real)(1 / sqrt(1 - pow(beta2, (double)u->step)));
    const tn_real rate = (tn_real)u->rate;
    for (int64_t i = 0; i < n; i++)
        step[i] = rate / (sqrt(v[i]) * unbias + (tn_real)epsilon);
}

/* conv_winograd_tiles.h - Winograd's transforms, of a vector of channels or filters at a time: see
 * conv_winograd.h, which includes this, once per precision.
 *
 *     B' = 1  0 -1  0     G = 1    0    0      A' = 1 1  1  0
 *          0  1  1  0         1/2  1/2  1/2         0 1 -1 -1
 *          0 -1  1  0         1/2 -1/2  1/2
 *          0  1  0 -1         0    0    1
 *
 * What is transformed lies in 16 parts, `apart` values from one to the next, each with a row of
 * `width` values for every tile. */

#ifndef CONV_VECTOR
#define CONV_VECTOR(at) (*(TN(lanes) *)(uintptr_t)(at))
#endif

/* ---- inputs --------------------------------------------------------------------------- */

/* Four rows of the input that a row of tiles meets. */
typedef struct TN(lines) {
    const tn_real *at[4];
} TN(lines);

/* B' d of a column of a tile's inputs; zeros outside. */
TN_INLINE void TN(turn_column)(const TN(lines) * lines, int64_t at, int64_t end,
                               TN(lanes) t[4])
{
    TN(lanes) d[4] = {{0}, {0}, {0}, {0}};
    if (at >= 0 && at < end)
        for (int u = 0; u < 4; u++) d[u] = CONV_VECTOR(lines->at[u] + at);
    t[0] = d[0] - d[2], t[1] = d[1] + d[2], t[2] = d[2] - d[1], t[3] = d[1] - d[3];
}

/* B' d B of n tiles side by side, of which two have two columns of inputs in common: the first begins
 * `at` values into the lines, which end with `end`. */
TN_INLINE void TN(turn_inputs)(const TN(lines) * lines, int64_t at, int64_t end,
                               int64_t pixel, int64_t n, tn_real *to, int64_t width,
                               int64_t apart)
{
    tn_real *const part[4] = {to, to + 4 * apart, to + 8 * apart, to + 12 * apart};
    TN(lanes) t0[4], t1[4], t2[4], t3[4];
    TN(turn_column)(lines, at, end, t0);
    TN(turn_column)(lines, at += pixel, end, t1);
    for (int64_t i = 0; i < n * width; i += width) {
        TN(turn_column)(lines, at += pixel, end, t2);
        TN(turn_column)(lines, at += pixel, end, t3);
        for (int u = 0; u < 4; u++) {
            CONV_VECTOR(part[u] + i) = t0[u] - t2[u];
            CONV_VECTOR(part[u] + i + apart) = t1[u] + t2[u];
            CONV_VECTOR(part[u] + i + 2 * apart) = t2[u] - t1[u];
            CONV_VECTOR(part[u] + i + 3 * apart) = t1[u] - t3[u];
            t0[u] = t2[u], t1[u] = t3[u];
        }
    }
}

/* ---- outputs -------------------------------------------------------------------------- */

/* Two lines of positions that a row of tiles makes, of which the second may not be there. */
typedef struct TN(pair) {
    tn_real *at[2];
    int64_t pixel, whole; /* tiles with both columns */
} TN(pair);

TN_INLINE void TN(put_output)(tn_real *to, const TN(lanes) * y, const tn_real *bias,
                              int add)
{
    TN(lanes) sum = *y;
    if (add) sum += CONV_VECTOR(to);
    if (bias) sum += CONV_VECTOR(bias);
    CONV_VECTOR(to) = sum;
}

/* A' m A of n tiles side by side, for the vector from filter f on. */
TN_INLINE void TN(turn_outputs)(const tn_real *from, int64_t width, int64_t apart,
                                int64_t n, const TN(pair) * to, int64_t f,
                                const tn_real *bias, int add)
{
    const tn_real *const part[4] = {from, from + 4 * apart, from + 8 * apart,
                                    from + 12 * apart};
    const int64_t pixel = to->pixel;
    tn_real *at = to->at[0] + f, *below = to->at[1] ? to->at[1] + f : NULL;
    for (int64_t t = 0, i = 0; t < n; t++, i += width, at += 2 * pixel) {
        TN(lanes) m[2][4], y[2][2];
        for (int v = 0; v < 4; v++) {
            const TN(lanes) m1 = CONV_VECTOR(part[1] + i + v * apart),
                            m2 = CONV_VECTOR(part[2] + i + v * apart);
            m[0][v] = (CONV_VECTOR(part[0] + i + v * apart) + m1) + m2;
            m[1][v] = (m1 - m2) - CONV_VECTOR(part[3] + i + v * apart);
        }
        for (int u = 0; u < 2; u++) {
            y[u][0] = (m[u][0] + m[u][1]) + m[u][2];
            y[u][1] = (m[u][1] - m[u][2]) - m[u][3];
        }
        TN(put_output)(at, &y[0][0], bias, add);
        if (t < to->whole) TN(put_output)(at + pixel, &y[0][1], bias, add);
        if (!below) continue;
        TN(put_output)(below, &y[1][0], bias, add);
        if (t < to->whole) TN(put_output)(below + pixel, &y[1][1], bias, add);
        below += 2 * pixel;
    }
}

/* ---- gradients of outputs ------------------------------------------------------------- */

/* A dY A' of n tiles side by side, for the vector from filter f on. */
TN_INLINE void TN(turn_gradients)(const TN(pair) * from, int64_t n, int64_t f,
                                  tn_real *to, int64_t width, int64_t apart)
{
    tn_real *const part[4] = {to, to + 4 * apart, to + 8 * apart, to + 12 * apart};
    const int64_t pixel = from->pixel;
    const tn_real *at = from->at[0] + f, *below = from->at[1] ? from->at[1] + f : NULL;
    for (int64_t t = 0, i = 0; t < n; t++, i += width, at += 2 * pixel) {
        TN(lanes) y[2][2] = {{{0}}}, d[4][2];
        y[0][0] = CONV_VECTOR(at);
        if (t < from->whole) y[0][1] = CONV_VECTOR(at + pixel);
        if (below) {
            y[1][0] = CONV_VECTOR(below);
            if (t < from->whole) y[1][1] = CONV_VECTOR(below + pixel);
            below += 2 * pixel;
        }
        for (int v = 0; v < 2; v++) {
            d[0][v] = y[0][v], d[1][v] = y[0][v] + y[1][v];
            d[2][v] = y[0][v] - y[1][v], d[3][v] = -y[1][v];
        }
        for (int u = 0; u < 4; u++) {
            CONV_VECTOR(part[u] + i) = d[u][0];
            CONV_VECTOR(part[u] + i + apart) = d[u][0] + d[u][1];
            CONV_VECTOR(part[u] + i + 2 * apart) = d[u][0] - d[u][1];
            CONV_VECTOR(part[u] + i + 3 * apart) = -d[u][1];
        }
    }
}

/* ---- filters -------------------------------------------------------------------------- */

/* G g G' of a channel; a filter's values are `tap` apart. */
TN_INLINE void TN(turn_filter)(const tn_real *from, int64_t tap, tn_real *to,
                               int64_t apart)
{
    const tn_real half = (tn_real)0.5;
    TN(lanes) t[4][3];
    for (int v = 0; v < 3; v++) {
        const TN(lanes) g0 = CONV_VECTOR(from + v * tap),
                        g1 = CONV_VECTOR(from + (3 + v) * tap),
                        g2 = CONV_VECTOR(from + (6 + v) * tap);
        t[0][v] = g0, t[3][v] = g2;
        t[1][v] = half * ((g0 + g2) + g1), t[2][v] = half * ((g0 + g2) - g1);
    }
    for (int u = 0; u < 4; u++, to += 4 * apart) {
        CONV_VECTOR(to) = t[u][0];
        CONV_VECTOR(to + apart) = half * ((t[u][0] + t[u][2]) + t[u][1]);
        CONV_VECTOR(to + 2 * apart) = half * ((t[u][0] + t[u][2]) - t[u][1]);
        CONV_VECTOR(to + 3 * apart) = t[u][2];
    }
}

/* G' U G of a channel to the gradients of filters, `filter` values from one to the next. */
TN_INLINE void TN(turn_back)(TN(lanes) u[4][4], tn_real *to, int64_t filter)
{
    const tn_real half = (tn_real)0.5;
    TN(lanes) t[3][4], g[3][3];
    for (int v = 0; v < 4; v++) {
        t[0][v] = u[0][v] + half * (u[1][v] + u[2][v]);
        t[1][v] = half * (u[1][v] - u[2][v]);
        t[2][v] = half * (u[1][v] + u[2][v]) + u[3][v];
    }
    for (int k = 0; k < 3; k++) {
        g[k][0] = t[k][0] + half * (t[k][1] + t[k][2]);
        g[k][1] = half * (t[k][1] - t[k][2]);
        g[k][2] = half * (t[k][1] + t[k][2]) + t[k][3];
    }
    for (int k = 0; k < 9; k++)
        for (int64_t f = 0; f < CONV_LANES; f++) to[f * filter + k] = g[k / 3][k % 3][f];
}

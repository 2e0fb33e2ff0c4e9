/* conv_winograd_tiles.h - Winograd's transforms, of a vector of channels or filters at a time: see
 * conv_winograd.h, which includes this, once per precision and for each WINOGRAD_VECTOR, of so many
 * bytes, with WINOGRAD_KERNEL in front of what is called and W(name) for all names.
 *
 *     B' = 1  0 -1  0     G = 1    0    0      A' = 1 1  1  0
 *          0  1  1  0         1/2  1/2  1/2         0 1 -1 -1
 *          0 -1  1  0         1/2 -1/2  1/2
 *          0  1  0 -1         0    0    1
 *
 * What is transformed lies in 16 parts, `apart` values from one to the next, each with a row of
 * `width` values for every tile. */

typedef tn_real W(lanes)
    __attribute__((vector_size(WINOGRAD_VECTOR), aligned(sizeof(tn_real)), may_alias));
#define LANES ((int64_t)(WINOGRAD_VECTOR / sizeof(tn_real)))
#define VECTOR(at) (*(W(lanes) *)(uintptr_t)(at))

/* ---- inputs --------------------------------------------------------------------------- */

/* B' d of a column of a tile's inputs; zeros outside. */
TN_INLINE void W(turn_column)(const TN(lines) * lines, int64_t at, int64_t end,
                              W(lanes) t[4])
{
    W(lanes) d[4] = {{0}, {0}, {0}, {0}};
    if (at >= 0 && at < end)
        for (int u = 0; u < 4; u++) d[u] = VECTOR(lines->at[u] + at);
    t[0] = d[0] - d[2], t[1] = d[1] + d[2], t[2] = d[2] - d[1], t[3] = d[1] - d[3];
}

/* B' d B of n tiles side by side, of which two have two columns of inputs in common: the first begins
 * `at` values into the lines, which end with `end`. */
TN_INLINE void W(turn_inputs)(const TN(lines) * lines, int64_t at, int64_t end,
                              int64_t pixel, int64_t n, tn_real *to, int64_t width,
                              int64_t apart)
{
    tn_real *const part[4] = {to, to + 4 * apart, to + 8 * apart, to + 12 * apart};
    W(lanes) t0[4], t1[4], t2[4], t3[4];
    W(turn_column)(lines, at, end, t0);
    W(turn_column)(lines, at += pixel, end, t1);
    for (int64_t i = 0; i < n * width; i += width) {
        W(turn_column)(lines, at += pixel, end, t2);
        W(turn_column)(lines, at += pixel, end, t3);
        for (int u = 0; u < 4; u++) {
            VECTOR(part[u] + i) = t0[u] - t2[u];
            VECTOR(part[u] + i + apart) = t1[u] + t2[u];
            VECTOR(part[u] + i + 2 * apart) = t2[u] - t1[u];
            VECTOR(part[u] + i + 3 * apart) = t1[u] - t3[u];
            t0[u] = t2[u], t1[u] = t3[u];
        }
    }
}

/* ---- outputs -------------------------------------------------------------------------- */

TN_INLINE void W(put_output)(tn_real *to, const W(lanes) * y, const tn_real *bias,
                             int add)
{
    W(lanes) sum = *y;
    if (add) sum += VECTOR(to);
    if (bias) sum += VECTOR(bias);
    VECTOR(to) = sum;
}

/* A' m A of n tiles side by side, for the vector from filter f on. */
TN_INLINE void W(turn_outputs)(const tn_real *from, int64_t width, int64_t apart,
                               int64_t n, const TN(pair) * to, int64_t f,
                               const tn_real *bias, int add)
{
    const tn_real *const part[4] = {from, from + 4 * apart, from + 8 * apart,
                                    from + 12 * apart};
    const int64_t pixel = to->pixel;
    tn_real *at = to->at[0] + f, *below = to->at[1] ? to->at[1] + f : NULL;
    for (int64_t t = 0, i = 0; t < n; t++, i += width, at += 2 * pixel) {
        W(lanes) m[2][4], y[2][2];
        for (int v = 0; v < 4; v++) {
            const W(lanes) m1 = VECTOR(part[1] + i + v * apart),
                           m2 = VECTOR(part[2] + i + v * apart);
            m[0][v] = (VECTOR(part[0] + i + v * apart) + m1) + m2;
            m[1][v] = (m1 - m2) - VECTOR(part[3] + i + v * apart);
        }
        for (int u = 0; u < 2; u++) {
            y[u][0] = (m[u][0] + m[u][1]) + m[u][2];
            y[u][1] = (m[u][1] - m[u][2]) - m[u][3];
        }
        W(put_output)(at, &y[0][0], bias, add);
        if (t < to->whole) W(put_output)(at + pixel, &y[0][1], bias, add);
        if (!below) continue;
        W(put_output)(below, &y[1][0], bias, add);
        if (t < to->whole) W(put_output)(below + pixel, &y[1][1], bias, add);
        below += 2 * pixel;
    }
}

/* ---- gradients of outputs ------------------------------------------------------------- */

/* A dY A' of n tiles side by side, for the vector from filter f on. */
TN_INLINE void W(turn_gradients)(const TN(pair) * from, int64_t n, int64_t f, tn_real *to,
                                 int64_t width, int64_t apart)
{
    tn_real *const part[4] = {to, to + 4 * apart, to + 8 * apart, to + 12 * apart};
    const int64_t pixel = from->pixel;
    const tn_real *at = from->at[0] + f, *below = from->at[1] ? from->at[1] + f : NULL;
    for (int64_t t = 0, i = 0; t < n; t++, i += width, at += 2 * pixel) {
        W(lanes) y[2][2] = {{{0}}}, d[4][2];
        y[0][0] = VECTOR(at);
        if (t < from->whole) y[0][1] = VECTOR(at + pixel);
        if (below) {
            y[1][0] = VECTOR(below);
            if (t < from->whole) y[1][1] = VECTOR(below + pixel);
            below += 2 * pixel;
        }
        for (int v = 0; v < 2; v++) {
            d[0][v] = y[0][v], d[1][v] = y[0][v] + y[1][v];
            d[2][v] = y[0][v] - y[1][v], d[3][v] = -y[1][v];
        }
        for (int u = 0; u < 4; u++) {
            VECTOR(part[u] + i) = d[u][0];
            VECTOR(part[u] + i + apart) = d[u][0] + d[u][1];
            VECTOR(part[u] + i + 2 * apart) = d[u][0] - d[u][1];
            VECTOR(part[u] + i + 3 * apart) = -d[u][1];
        }
    }
}

/* ---- filters -------------------------------------------------------------------------- */

/* G g G' of a channel; a filter's values are `tap` apart. */
TN_INLINE void W(turn_filter)(const tn_real *from, int64_t tap, tn_real *to,
                              int64_t apart)
{
    const tn_real half = (tn_real)0.5;
    W(lanes) t[4][3];
    for (int v = 0; v < 3; v++) {
        const W(lanes) g0 = VECTOR(from + v * tap), g1 = VECTOR(from + (3 + v) * tap),
                       g2 = VECTOR(from + (6 + v) * tap);
        t[0][v] = g0, t[3][v] = g2;
        t[1][v] = half * ((g0 + g2) + g1), t[2][v] = half * ((g0 + g2) - g1);
    }
    for (int u = 0; u < 4; u++, to += 4 * apart) {
        VECTOR(to) = t[u][0];
        VECTOR(to + apart) = half * ((t[u][0] + t[u][2]) + t[u][1]);
        VECTOR(to + 2 * apart) = half * ((t[u][0] + t[u][2]) - t[u][1]);
        VECTOR(to + 3 * apart) = t[u][2];
    }
}

/* G' U G of a channel to the gradients of filters, `filter` values from one to the next. */
TN_INLINE void W(turn_back)(W(lanes) u[4][4], tn_real *to, int64_t filter)
{
    const tn_real half = (tn_real)0.5;
    W(lanes) t[3][4], g[3][3];
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
        for (int64_t f = 0; f < LANES; f++) to[f * filter + k] = g[k / 3][k % 3][f];
}

/* ---- kernels -------------------------------------------------------------------------- */

WINOGRAD_KERNEL void W(turn_filters)(const tn_real *from, int64_t channels,
                                     int64_t filters, tn_real *to, int64_t width,
                                     int64_t apart)
{
    for (int64_t c = 0; c < channels; c++)
        for (int64_t f = 0; f < filters; f += LANES) W(turn_filter)
    (from + c * WINOGRAD_WIDE + f, WINOGRAD_SOME * WINOGRAD_WIDE, to + c * width + f,
     apart);
}

/* Inputs of n tiles from `first` on. */
WINOGRAD_KERNEL void W(take_inputs)(const TN(winograd) * w, int64_t first, int64_t n,
                                    tn_real *to)
{
    const int64_t width = w->from.channels, pixel = w->from.pixel,
                  end = w->from.x.in * pixel;
    for (TN(run) r; n > 0; n -= r.count, first += r.count, to += r.count * width) {
        r = TN(run_of)(w, first, n);
        const TN(lines) lines = TN(find_lines)(w, r);
        const int64_t at = (2 * r.j - w->from.x.before) * pixel;
        for (int64_t c = 0; c < width; c += LANES) W(turn_inputs)
        (&lines, at + c, end, pixel, r.count, to + c, width, w->in_apart);
    }
}

/* Gradients of their outputs. */
WINOGRAD_KERNEL void W(take_gradients)(const TN(winograd) * w, int64_t first, int64_t n,
                                       tn_real *to)
{
    const int64_t width = w->filters;
    for (TN(run) r; n > 0; n -= r.count, first += r.count, to += r.count * width) {
        r = TN(run_of)(w, first, n);
        const TN(pair) pair = TN(find_pair)(w, (tn_real *)(uintptr_t)w->gout, r);
        for (int64_t f = 0; f < width; f += LANES)
            W(turn_gradients)(&pair, r.count, f, to + f, width, w->out_apart);
    }
}

WINOGRAD_KERNEL void W(put_outputs)(const TN(winograd) * w, int64_t first, int64_t n,
                                    const tn_real *from)
{
    const int64_t width = w->filters;
    const tn_real *bias = w->p->bias;
    for (TN(run) r; n > 0; n -= r.count, first += r.count, from += r.count * width) {
        r = TN(run_of)(w, first, n);
        const TN(pair) pair = TN(find_pair)(w, w->p->out.data, r);
        for (int64_t f = 0; f < width; f += LANES) W(turn_outputs)
        (from + f, width, w->out_apart, r.count, &pair, f, bias ? bias + f : NULL,
         w->p->add);
    }
}

/* Of a channel: the slots' sums, in order, to the gradient. */
WINOGRAD_KERNEL void W(join_channel)(const TN(winograd) * w, int64_t c)
{
    const int64_t slot = winograd_filters(w->shape, WINOGRAD_REAL),
                  filter = w->from.channels * WINOGRAD_TAPS;
    for (int64_t f = 0; f < w->filters; f += LANES) {
        const tn_real *from = w->filter + c * w->filters + f;
        W(lanes) u[4][4];
        for (int k = 0; k < WINOGRAD_PARTS; k++, from += w->filter_apart) {
            W(lanes) sum = VECTOR(from);
            for (int64_t s = 1; s < w->slots; s++) sum += VECTOR(from + s * slot);
            u[k / 4][k % 4] = sum;
        }
        W(turn_back)(u, w->gweight + f * filter + c * WINOGRAD_TAPS, filter);
    }
}

static const TN(winograd_turns) W(turns) = {.filters = W(turn_filters),
                                            .inputs = W(take_inputs),
                                            .gradients = W(take_gradients),
                                            .outputs = W(put_outputs),
                                            .join = W(join_channel)};

#undef LANES
#undef VECTOR
#undef W
#undef WINOGRAD_KERNEL
#undef WINOGRAD_VECTOR

/* mask.h - what random layers drop: the one place where masks are made. Included once per
 * precision, hence no guard.
 *
 * Number i of a stream is dropped with probability p: where its 32 random bits are among the first
 * p 2^32 (so p counts in steps of 2^-32). Which number an element has says what is dropped together:
 *
 *     mask_elements   each element by itself
 *     mask_columns    a feature of a sample at all its positions, or time steps
 *     mask_samples    whole samples
 *
 * What is dropped becomes a constant, whatever it was; what is kept is scaled. Numbers count in the
 * logical batch under the key of node and step, so masks are the same forward and backward, on any
 * number of threads, in parts of a batch and after a resume, and others in other layers, steps and
 * samples. Nothing is stored. x and y may be the same memory. */
#include <string.h>
#include <tenon/random.h>

#ifndef MASK_ONCE
#define MASK_ONCE
enum { MASK_RUN = 256 }; /* numbers drawn at a time */

static inline int64_t mask_part(int64_t left)
{
    return left < MASK_RUN ? left : MASK_RUN;
}
#endif

typedef struct TN(mask) {
    tn_key key;
    uint32_t last; /* bits up to here drop */
    int32_t none;  /* nothing is dropped, so nothing drawn */
    tn_real scale; /* of what is kept */
    tn_real dropped;
} TN(mask);

TN_INLINE TN(mask) TN(mask_of)(tn_key key, double p, double scale, double dropped)
{
    const uint64_t share = (uint64_t)(p * 0x1p32);
    return (TN(mask)){.key = key,
                      .last = (uint32_t)(share - 1),
                      .none = share == 0,
                      .scale = (tn_real)scale,
                      .dropped = (tn_real)dropped};
}

/* What is kept is scaled up in training, which keeps the expectation: outside it is the identity
 * (inverted dropout). */
TN_INLINE TN(mask) TN(mask_inverted)(const tn_tile *t, double p)
{
    const double now = t->training ? p : 0;
    return TN(mask_of)(t->key, now, 1 / (1 - now), 0);
}

/* ---- element by element ------------------------------------------------------------- */

/* Elements from number `first` on. */
TN_INLINE void TN(mask_elements)(const TN(mask) * m, uint64_t first, int64_t n,
                                 const tn_real *x, tn_real *y)
{
    const tn_real scale = m->scale, dropped = m->dropped;
    const uint32_t last = m->last;
    uint32_t bits[MASK_RUN] = {0};
    if (m->none) {
        for (int64_t i = 0; i < n; i++) y[i] = scale * x[i];
        return;
    }
    for (int64_t at = 0; at < n; at += MASK_RUN) {
        const int64_t part = mask_part(n - at);
        tn_random_run(m->key, first + (uint64_t)at, part, bits);
        for (int64_t i = 0; i < part; i++)
            y[at + i] = bits[i] <= last ? dropped : scale * x[at + i];
    }
}

/* What numbers stand for, at most MASK_RUN: `scale` or `dropped`. */
TN_INLINE void TN(mask_factors)(const TN(mask) * m, uint64_t first, int64_t n,
                                tn_real *factor)
{
    const tn_real scale = m->scale, dropped = m->dropped;
    const uint32_t last = m->last;
    uint32_t bits[MASK_RUN];
    if (m->none) {
        for (int64_t i = 0; i < n; i++) factor[i] = scale;
        return;
    }
    tn_random_run(m->key, first, n, bits);
    for (int64_t i = 0; i < n; i++) factor[i] = bits[i] <= last ? dropped : scale;
}

/* ---- what is dropped together -------------------------------------------------------- */

/* Elements from .. to - 1 of a sample whose features have the numbers from `first` on. Those of a
 * run are drawn once for all rows. */
TN_INLINE void TN(mask_rows)(const TN(mask) * m, uint64_t first, int64_t width,
                             int64_t from, int64_t to, const tn_real *x, tn_real *y)
{
    const int64_t row = from / width, end = (to - 1) / width + 1;
    const int64_t least = end - row == 1 ? from - row * width : 0;
    const int64_t most = end - row == 1 ? to - row * width : width;
    tn_real factor[MASK_RUN] = {0};
    for (int64_t col = least, n; col < most; col += n) {
        n = mask_part(most - col);
        TN(mask_factors)(m, first + (uint64_t)col, n, factor);
        for (int64_t i = row; i < end; i++) {
            const int64_t at = i * width + col;
            const int64_t begin = at < from ? from : at;
            const int64_t stop = at + n > to ? to : at + n;
            for (int64_t k = begin; k < stop; k++) {
                const tn_real f = factor[k - at], value = f * x[k - from];
                y[k - from] = f == 0 ? 0 : value;
            }
        }
    }
}

/* The part of a sample that lies in a tile from its element `i` on. */
TN_INLINE int64_t TN(mask_sample)(const tn_tile *t, int64_t i, int64_t *sample,
                                  int64_t *from)
{
    const int64_t size = t->width * t->rows_per_sample;
    const int64_t at = (int64_t)tn_tile_index(t) + i, left = t->n - i;
    *sample = at / size, *from = at % size;
    return size - *from < left ? size - *from : left;
}

TN_INLINE void TN(mask_columns)(const TN(mask) * m, const tn_tile *t, const tn_real *x,
                                tn_real *y)
{
    for (int64_t i = 0, n, sample, from; i < t->n; i += n) {
        n = TN(mask_sample)(t, i, &sample, &from);
        TN(mask_rows)
        (m, (uint64_t)(sample * t->width), t->width, from, from + n, x + i, y + i);
    }
}

TN_INLINE void TN(mask_samples)(const TN(mask) * m, const tn_tile *t, const tn_real *x,
                                tn_real *y)
{
    for (int64_t i = 0, n, sample, from; i < t->n; i += n) {
        tn_real factor;
        n = TN(mask_sample)(t, i, &sample, &from);
        TN(mask_factors)(m, (uint64_t)sample, 1, &factor);
        for (int64_t k = i; factor != 0 && k < i + n; k++) y[k] = factor * x[k];
        if (factor == 0) memset(y + i, 0, (size_t)n * sizeof *y);
    }
}

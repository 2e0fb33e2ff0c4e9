/* recurrent_masks.h - what dropout and zoneout of recurrent layers draw: see recurrent.h.
 *
 * Dropout hides the same numbers at all steps of a sample, of the input and of the states (Gal,
 * Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", NIPS
 * 2016, eq. 7), and scales what is left, as the layer dropout does. Zoneout (Krueger et al., "Zoneout",
 * ICLR 2017, section 3) keeps units as they were, at each step others:
 *
 *     h_t = d h_(t-1) + (1 - d) h~_t,  d ~ Bernoulli(zoneout) for each unit;  outside training
 *     d is its mean; likewise c_t, while h~_t is made from the c~_t that it would have become
 *
 * It is no layer of its own: the state that is kept is what the next step begins with. Behind a
 * recurrent layer the same mixture would only blur its outputs, and the cell would go on as before.
 *
 * Samples count in the logical batch, so a batch may come in parts. */

#include "mask.h"

#ifndef OF_STATES_ONCE
#define OF_STATES_ONCE
enum { OF_STATES = 0, OF_INPUTS = 2, OF_KEPT_STATES = 4, OF_KEPT_CELLS = 6 };
#endif

static tn_key TN(key_of)(const TN(course) * c, int64_t what, int64_t step)
{
    return tn_key_derive(c->io->key, (uint64_t)(what + c->direction), (uint64_t)step);
}

/* ---- dropout --------------------------------------------------------------------- */

/* Element i is number first + i of the stream. */
TN_KERNEL void TN(drop)(tn_key key, double p, int64_t first, int64_t n, tn_real *x)
{
    const TN(mask) m = TN(mask_of)(key, p, 1 / (1 - p), 0);
    TN(mask_elements)(&m, (uint64_t)first, n, x, x);
}

/* Columns col .. col + cols - 1 of a row of the input, or of its gradient. */
static void TN(thin)(const TN(course) * c, int64_t sample, int64_t col, int64_t cols,
                     tn_real *x)
{
    TN(drop)
    (TN(key_of)(c, OF_INPUTS, 0), tn_now(c->call, c->self->input_dropout),
     (c->io->row + sample) * c->features + col, cols, x);
}

static void TN(draw_mask)(const TN(course) * c)
{
    for (int64_t i = 0; i < c->samples * c->p; i++) c->mask[i] = 1;
    TN(drop)
    (TN(key_of)(c, OF_STATES, 0), tn_now(c->call, c->self->recurrent_dropout),
     c->io->row * c->p, c->samples * c->p, c->mask);
}

/* ---- zoneout --------------------------------------------------------------------- */

/* The course's units of a sample at its step, of which each may be kept with probability p. */
typedef struct TN(zone) {
    tn_key key;
    int64_t first, units;
    double p;
    int32_t training;
} TN(zone);

static TN(zone) TN(zone_of)(const TN(course) * c, int64_t sample, int cells)
{
    const int64_t width = cells ? c->n : c->p;
    return (TN(zone)){
        .key = TN(key_of)(c, cells ? OF_KEPT_CELLS : OF_KEPT_STATES, c->step),
        .first = (c->io->row + sample) * width + c->unit,
        .units = c->units,
        .p = cells ? CELL_OPTION(c->self, zoneout_cell) : c->self->zoneout,
        .training = c->io->training};
}

/* d of units from `at` on; how many there are. */
TN_INLINE int64_t TN(draw_zone)(const TN(zone) * z, int64_t at, tn_real d[MASK_RUN])
{
    const int64_t n = mask_part(z->units - at);
    const TN(mask)
        m = TN(mask_of)(z->key, z->training ? z->p : 0, z->training ? 0 : z->p, 1);
    TN(mask_factors)(&m, (uint64_t)(z->first + at), n, d);
    return n;
}

/* `to` may be `fresh`. */
TN_KERNEL void TN(mix)(const TN(zone) * z, const tn_real *fresh, const tn_real *before,
                       tn_real *to)
{
    tn_real d[MASK_RUN];
    for (int64_t i = 0, n; i < z->units; i += n) {
        n = TN(draw_zone)(z, i, d);
        for (int64_t j = 0; j < n; j++)
            to[i + j] = d[j] * before[i + j] + (1 - d[j]) * fresh[i + j];
    }
}

/* The part of g that goes past the step; what is left goes into it. */
TN_KERNEL void TN(mix_back)(const TN(zone) * z, tn_real *g, tn_real *past)
{
    tn_real d[MASK_RUN];
    for (int64_t i = 0, n; i < z->units; i += n) {
        n = TN(draw_zone)(z, i, d);
        EACH_APART for (int64_t j = 0; j < n; j++)
        {
            past[i + j] = d[j] * g[i + j];
            g[i + j] = (1 - d[j]) * g[i + j];
        }
    }
}

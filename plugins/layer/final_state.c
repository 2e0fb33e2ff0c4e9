/* final_state - the states with which a recurrent layer ends, from those of all steps that it puts out
 * (return_sequences: true; with return_state: true cell states beside them): a row with which another
 * recurrent layer may begin.
 *
 *     y = x_(L - 1) of what has run forward, x_0 of what has run from the last step back
 *
 * L: the sample's number of steps, all or the second input; a sample of none ends with zeros. With
 * `bidirectional` the features are, for each of `widths`, as many of the one direction and as many of
 * the other. The context of an encoder: Cho et al., "Learning phrase representations using RNN
 * encoder-decoder", EMNLP 2014, section 2.2. */
#include <string.h>
#include <tenon/plugin.h>
#include "samples.h"
#include "step_counts.h"

#define OPTIONS(P)                                                                     \
    P(ENUM, direction, 0, 0, "forward|reverse|bidirectional", ,                        \
      "as of the layer that it reads")                                                 \
    P(BOOL, lengths, 0, 0, , ,                                                         \
      "whether the second input says how many steps of each sample count")             \
    P(INTS, widths, TN_OPTIONAL, 0, , ,                                                \
      "with direction: bidirectional, features of a direction that lie side by side: " \
      "those of h, and with return_state those of c; by default all are of h")
TN_SELF(OPTIONS, )

#ifndef FINAL_STATE_ONCE
#define FINAL_STATE_ONCE
enum { FORWARD, REVERSE, BIDIRECTIONAL };
#endif

static tn_status TN(check_widths)(const TN(self) * self, tn_call *c, int64_t features)
{
    int64_t sum = 0;
    if (self->direction != BIDIRECTIONAL)
        return self->widths
                   ? tn_fail(c, TN_EINVAL, "widths go with direction: bidirectional")
                   : TN_OK;
    for (int64_t i = 0; self->widths && i < self->widths->count; i++) {
        const int64_t width = self->widths->at[i];
        if (width < 1 || width > features)
            return tn_fail(c, TN_ESHAPE, "a width of %lld is outside [1, %lld]",
                           (long long)width, (long long)features);
        sum += 2 * width;
    }
    if (self->widths ? sum == features : features % 2 == 0) return TN_OK;
    if (!self->widths)
        return tn_fail(c, TN_ESHAPE,
                       "direction: bidirectional, but the input has %lld features; their "
                       "number must be even, half of them of each direction, or widths "
                       "given",
                       (long long)features);
    return tn_fail(c, TN_ESHAPE,
                   "both directions together have %lld features, the input has %lld; "
                   "widths are those of one direction",
                   (long long)sum, (long long)features);
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    if (node->in[0].rank != 2 || node->in[0].dim[0] < 1)
        return tn_fail(c, TN_ESHAPE,
                       "needs sequences, (steps, features), got an input with %d axes",
                       node->in[0].rank);
    if (node->inputs != 1 + self->lengths)
        return tn_fail(c, TN_EINVAL,
                       "has %d inputs; there must be a sequence, and with lengths: true "
                       "their number of steps",
                       node->inputs);
    const tn_status status = self->lengths ? TN(check_count_shape)(c, &node->in[1])
                                           : TN_OK;
    if (status) return status;
    if (self->lengths) node->cache = sizeof(tn_real);
    const int64_t features = node->in[0].dim[1];
    node->out = (tn_shape){.rank = 1, .dim = {features}};
    return TN(check_widths)(self, c, features);
}

/* Lengths are in the cache. */
static int64_t TN(steps_of)(const TN(self) * self, const tn_io *io, const tn_tensor *x,
                            int64_t sample)
{
    return self->lengths ? (int64_t)((const tn_real *)io->cache)[sample] : x->dim[1];
}

/* How many features end together, the `number`th of such parts; whether they ran reversed. */
static int64_t TN(part)(const TN(self) * self, int64_t features, int64_t number,
                        int *reverse)
{
    *reverse = self->direction == REVERSE;
    if (self->direction != BIDIRECTIONAL) return features;
    *reverse = number % 2 == 1;
    return self->widths ? self->widths->at[number / 2] : features / 2;
}

/* Copies the ends out of a sample's sequence, or into it. */
static void TN(copy)(const TN(self) * self, int64_t steps, int64_t features, tn_real *x,
                     tn_real *end, int back)
{
    int reverse;
    for (int64_t at = 0, number = 0; at < features; number++) {
        const int64_t n = TN(part)(self, features, number, &reverse);
        tn_real *there = x + (reverse ? 0 : steps - 1) * features + at;
        memcpy(back ? there : end + at, back ? end + at : there, sizeof *x * (size_t)n);
        at += n;
    }
}

static void TN(take)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t steps = TN(steps_of)(me, io, io->in[0], sample),
                  n = sample_width(io->out);
    tn_real *y = TN(sample_of)(io->out, sample);
    memset(y, 0, sizeof *y * (size_t)n);
    if (steps) TN(copy)(me, steps, n, TN(sample_of)(io->in[0], sample), y, 0);
}

static void TN(give)(const void *me, const tn_io *io, int64_t sample)
{
    const int64_t steps = TN(steps_of)(me, io, io->gin[0], sample),
                  n = sample_width(io->gout);
    tn_real *gx = TN(sample_of)(io->gin[0], sample);
    memset(gx, 0, sizeof *gx * (size_t)sample_size(io->gin[0]));
    if (steps) TN(copy)(me, steps, n, gx, TN(sample_of)(io->gout, sample), 1);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const tn_status status = self->lengths ? TN(check_counts)(c, io) : TN_OK;
    if (status) return status;
    if (self->lengths)
        memcpy(io->cache, io->in[1]->data, sizeof(tn_real) * (size_t)tn_count(io->in[1]));
    return each_sample(me, c, io, TN(take));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    if (self->lengths && io->gin[1])
        memset(io->gin[1]->data, 0, sizeof(tn_real) * (size_t)tn_count(io->gin[1]));
    return io->gin[0] ? each_sample(me, c, io, TN(give)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .max_inputs = 2, .infer = TN(infer), .run = TN(run),
          .run_back = TN(run_back))
TN_PLUGIN_WITH(
    OPTIONS, layer, final_state,
    .summary = "The states with which a recurrent layer ends, from all of them",
    .formula = "y = x_(L - 1) of what runs forward, x_0 of what runs back",
    .reference = "Cho et al., Learning phrase representations using RNN "
                 "encoder-decoder, EMNLP 2014, section 2.2")

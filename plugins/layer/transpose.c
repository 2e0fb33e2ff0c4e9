/* transpose - the axes of a sample in another order.
 *
 *     y[i_p(0), ..., i_p(r-1)] = x[i_0, ..., i_(r-1)],  dL/dx by the same way back
 *
 * with p the permutation `axes`: axis k of the output is axis p(k) of the input, as in
 * numpy.transpose. Harris et al., "Array programming with NumPy", Nature 585, 2020. */
#include <tenon/plugin.h>
#include "shape.h"
#include "samples.h"

#define OPTIONS(P)                                                                     \
    P(INTS, axes, TN_POSITIONAL | TN_REQUIRED, 0, , ,                                  \
      "for each axis of the output the axis of the input, counted from 0 without the " \
      "batch")
TN_SELF(OPTIONS, tn_shape out; int64_t step[TN_MAX_RANK];
        /* in the input, for each axis of out */)

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    const int64_t n = self->axes->count;
    uint32_t seen = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t axis = self->axes->at[i];
        if (axis < 0 || axis >= n || axis >= TN_MAX_RANK || seen & 1u << axis)
            return tn_fail(
                c, TN_EINVAL,
                "axes must name each axis from 0 to %lld once, as in axes: [1, 0]",
                (long long)n - 1);
        seen |= 1u << axis;
    }
    return TN_OK;
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    const tn_shape *in = &node->in[0];
    int64_t step[TN_MAX_RANK] = {0}, size = 1;
    char shape[128];
    TN(write_shape)(in, shape);
    if (self->axes->count != in->rank)
        return tn_fail(c, TN_ESHAPE, "axes has %lld numbers, the input %s has %d axes",
                       (long long)self->axes->count, shape, in->rank);
    for (int32_t i = in->rank - 1; i >= 0; i--) step[i] = size, size *= in->dim[i];
    for (int32_t i = 0; i < in->rank; i++) {
        node->out.dim[i] = in->dim[self->axes->at[i]];
        self->step[i] = step[self->axes->at[i]];
    }
    self->out = node->out;
    return TN_OK;
}

/* All elements of a sample in the order of y: back, x takes from y. The last axis is a loop of its
 * own, the others count like the digits of a number. */
TN_INLINE void TN(walk)(const TN(self) * self, tn_real *x, tn_real *y, int back)
{
    const tn_shape *out = &self->out;
    const int32_t last = out->rank - 1;
    const int64_t n = tn_shape_count(out), run = tn_shape_width(out);
    const int64_t step = last < 0 ? 1 : self->step[last];
    int64_t digit[TN_MAX_RANK] = {0};
    for (int64_t done = 0; done < n; done += run, y += run) {
        for (int64_t i = 0; i < run; i++)
            if (back)
                x[i * step] = y[i];
            else
                y[i] = x[i * step];
        for (int32_t k = last - 1; k >= 0; k--) {
            x += self->step[k];
            if (++digit[k] < out->dim[k]) break;
            x -= digit[k] * self->step[k], digit[k] = 0;
        }
    }
}

static void TN(turn)(const void *me, const tn_io *io, int64_t sample)
{
    TN(walk)(me, TN(sample_of)(io->in[0], sample), TN(sample_of)(io->out, sample), 0);
}

static void TN(turn_back)(const void *me, const tn_io *io, int64_t sample)
{
    TN(walk)(me, TN(sample_of)(io->gin[0], sample), TN(sample_of)(io->gout, sample), 1);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(turn));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(me, c, io, TN(turn_back)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .check = TN(check), .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(
    OPTIONS, layer, transpose, .summary = "The axes of a sample in another order",
    .formula = "y[i_p(0), ..., i_p(r-1)] = x[i_0, ..., i_(r-1)]",
    .reference = "Harris et al., Array programming with NumPy, Nature 585, 2020")

/* zero_pad - zeros around a sample, on any of its axes.
 *
 *     y[i + before] = x[i], and 0 elsewhere;  dL/dx[i] = dL/dy[i + before]
 *
 * LeCun et al., "Backpropagation applied to handwritten zip code recognition", Neural
 * Computation 1, 1989, section 3.1 (a border around the image). Padding the last axis adds
 * channels of zeros: shortcut A of He, Zhang, Ren, Sun, CVPR 2016, section 3.3. */
#include <tenon/plugin.h>
#include "shape.h"
#include "samples.h"

#define OPTIONS(P)                                                                      \
    P(INTS, before, TN_POSITIONAL, "[]", , ,                                            \
      "zeros before the first position of each axis, the first axis first; those that " \
      "are "                                                                            \
      "not given get none")                                                             \
    P(INTS, after, TN_OPTIONAL, 0, , ,                                                  \
      "zeros behind the last position; by default as before")
TN_SELF(OPTIONS, tn_shape in, out; int64_t first[TN_MAX_RANK];)

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    const tn_ints list[] = {self->before, self->after};
    for (int32_t k = 0; k < (self->after ? 2 : 1); k++)
        for (int64_t i = 0; i < list[k]->count; i++)
            if (list[k]->at[i] < 0 || list[k]->at[i] > INT32_MAX)
                return tn_fail(c, TN_EINVAL, "padding of %lld is outside [0, %d]",
                               (long long)list[k]->at[i], INT32_MAX);
    return TN_OK;
}

static int64_t TN(at)(tn_ints list, int32_t axis)
{
    return axis < list->count ? list->at[axis] : 0;
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    const tn_ints before = self->before, after = self->after ? self->after : before;
    const tn_shape *in = &node->in[0];
    char shape[128];
    TN(write_shape)(in, shape);
    if (before->count > in->rank || after->count > in->rank)
        return tn_fail(
            c, TN_ESHAPE, "pads %lld axes, the input %s has %d",
            (long long)(before->count > after->count ? before->count : after->count),
            shape, in->rank);
    for (int32_t i = 0; i < in->rank; i++) {
        const int64_t more = TN(at)(before, i) + TN(at)(after, i);
        if (__builtin_add_overflow(in->dim[i], more, &node->out.dim[i]))
            return tn_fail(c, TN_ESHAPE, "the padded axis %d is too long", i);
        self->first[i] = TN(at)(before, i);
    }
    self->in = *in, self->out = node->out;
    return TN_OK;
}

/* Copies a sample into the padded one, run by run along the last axis, or out of it. */
static void TN(copy)(const TN(self) * self, tn_real *x, tn_real *padded, int back)
{
    const tn_shape *in = &self->in, *out = &self->out;
    const int64_t n = tn_shape_count(in), run = tn_shape_width(in);
    int64_t digit[TN_MAX_RANK] = {0};
    for (int64_t done = 0; done < n; done += run, x += run) {
        int64_t at = 0;
        for (int32_t k = 0; k < in->rank; k++)
            at = at * out->dim[k] + self->first[k] + digit[k];
        memcpy(back ? x : padded + at, back ? padded + at : x, (size_t)run * sizeof *x);
        for (int32_t k = in->rank - 2; k >= 0 && ++digit[k] == in->dim[k]; k--)
            digit[k] = 0;
    }
}

static void TN(pad)(const void *me, const tn_io *io, int64_t sample)
{
    tn_real *y = TN(sample_of)(io->out, sample);
    memset(y, 0, (size_t)sample_size(io->out) * sizeof *y);
    TN(copy)(me, TN(sample_of)(io->in[0], sample), y, 0);
}

static void TN(cut)(const void *me, const tn_io *io, int64_t sample)
{
    TN(copy)(me, TN(sample_of)(io->gin[0], sample), TN(sample_of)(io->gout, sample), 1);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(pad));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(me, c, io, TN(cut)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .check = TN(check), .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(OPTIONS, layer, zero_pad, .summary = "Zeros around a sample, on any axis",
               .formula = "y[i + before] = x[i], 0 elsewhere",
               .reference =
                   "LeCun et al., Backpropagation applied to handwritten zip code "
                   "recognition, Neural Computation 1, 1989, section 3.1")

/* slice - positions of one axis that follow each other.
 *
 *     y[.., i, ..] = x[.., from + i, ..],  i = 0 .. count - 1;  dL/dx is dL/dy there, 0 elsewhere
 *
 * NumPy's basic slicing (Harris et al., "Array programming with NumPy", Nature 585, 2020). */
#include <tenon/plugin.h>
#include "shape.h"
#include "samples.h"

#define OPTIONS(P)                                                                   \
    P(INT, axis, 0, -1, -TN_MAX_RANK, TN_MAX_RANK - 1,                               \
      "of a sample, counted from 0, or from -1, the last one, backwards")            \
    P(INT, from, 0, 0, INT32_MIN, INT32_MAX, "the first position, counted likewise") \
    P(INT, count, TN_OPTIONAL, 0, 1, INT32_MAX, "positions; unset: all that follow")
TN_SELF(OPTIONS, int64_t runs, whole, first, kept; /* of the input's elements: runs of `whole`, of
                                                       which `kept` from `first` on are put out */)

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    const tn_shape *in = &node->in[0];
    const int64_t axis = self->axis < 0 ? in->rank + self->axis : self->axis;
    char shape[128];
    TN(write_shape)(in, shape);
    if (axis < 0 || axis >= in->rank)
        return tn_fail(c, TN_ESHAPE, "axis = %lld, the input %s has %d axes",
                       (long long)self->axis, shape, in->rank);
    const int64_t size = in->dim[axis],
                  from = self->from < 0 ? size + self->from : self->from,
                  count = self->count == TN_UNSET_INT ? size - from : self->count;
    if (from < 0 || from >= size)
        return tn_fail(c, TN_ESHAPE,
                       "from = %lld is outside axis %lld of the input %s, which has %lld "
                       "positions",
                       (long long)self->from, (long long)axis, shape, (long long)size);
    if (count > size - from)
        return tn_fail(c, TN_ESHAPE,
                       "takes %lld positions from %lld on, axis %lld of the input %s has "
                       "%lld",
                       (long long)count, (long long)self->from, (long long)axis, shape,
                       (long long)size);
    node->out.dim[axis] = count;
    self->runs = self->whole = 1;
    for (int32_t k = 0; k < in->rank; k++)
        *(k < axis ? &self->runs : &self->whole) *= in->dim[k];
    const int64_t each = self->whole / size;
    self->first = from * each, self->kept = count * each;
    return TN_OK;
}

static void TN(take)(const void *me, const tn_io *io, int64_t sample)
{
    const TN(self) *self = me;
    const tn_real *x = TN(sample_of)(io->in[0], sample) + self->first;
    tn_real *y = TN(sample_of)(io->out, sample);
    for (int64_t i = 0; i < self->runs; i++, x += self->whole, y += self->kept)
        memcpy(y, x, (size_t)self->kept * sizeof *y);
}

static void TN(give)(const void *me, const tn_io *io, int64_t sample)
{
    const TN(self) *self = me;
    tn_real *gx = TN(sample_of)(io->gin[0], sample);
    const tn_real *gy = TN(sample_of)(io->gout, sample);
    memset(gx, 0, (size_t)sample_size(io->gin[0]) * sizeof *gx);
    for (int64_t i = 0; i < self->runs; i++, gx += self->whole, gy += self->kept)
        memcpy(gx + self->first, gy, (size_t)self->kept * sizeof *gx);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(take));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    return io->gin[0] ? each_sample(me, c, io, TN(give)) : TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .infer = TN(infer), .run = TN(run),
          .run_back = TN(run_back))
TN_PLUGIN_WITH(
    OPTIONS, layer, slice, .summary = "Positions of one axis that follow each other",
    .formula = "y[.., i, ..] = x[.., from + i, ..], i = 0 .. count - 1",
    .reference = "Harris et al., Array programming with NumPy, Nature 585, 2020")

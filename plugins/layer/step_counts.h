/* step_counts.h - a second input that says how many steps of each sample count. Included once per
 * precision, hence no guard. */

static tn_status TN(check_count_shape)(tn_call *c, const tn_shape *in)
{
    if (tn_shape_count(in) == 1) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "lengths are one number for each sample, its second input has %lld",
                   (long long)tn_shape_count(in));
}

static tn_status TN(check_counts)(tn_call *c, const tn_io *io)
{
    const int64_t steps = io->in[0]->dim[1];
    const tn_real *length = io->in[1]->data;
    for (int64_t s = 0; s < io->in[0]->dim[0]; s++)
        if (!(length[s] >= 0 && length[s] <= (tn_real)steps) ||
            length[s] != (tn_real)(int64_t)length[s])
            return tn_fail(c, TN_EINVAL,
                           "sample %lld of the batch has length %g, expected a whole "
                           "number from 0 to %lld (steps)",
                           (long long)(io->row + s), (double)length[s], (long long)steps);
    return TN_OK;
}

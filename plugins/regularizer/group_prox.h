/* group_prox.h - the proximal step of regularizers of groups: TN(move), a kernel of groups.h, on each.
 * Included behind that, once per precision, hence no guard. */

static size_t TN(scratch)(const void *me, int64_t rows, int64_t cols)
{
    const TN(self) *self = me;
    return TN(group_scratch)(self->over, rows, cols);
}

static tn_status TN(prox)(const void *me, tn_call *c, const tn_tensor *step, tn_tensor *w,
                          void *scratch)
{
    const TN(self) *self = me;
    return TN(each_group)(self, c, TN(move), self->over, step, w, scratch);
}

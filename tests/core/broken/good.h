/* good.h - the parts of a plugin that are not broken. */
TN_KERNEL void TN(copy)(const void *me, const tn_tile *t, const tn_real *x, tn_real *y)
{
    for (int64_t i = 0; i < t->n; i++) y[i] = x[i];
}

TN_KERNEL void TN(copy_back)(const void *me, const tn_tile *t, const tn_real *x,
                             const tn_real *y, const tn_real *gy, tn_real *gx)
{
    for (int64_t i = 0; i < t->n; i++) gx[i] = gy[i];
}

#define GOOD_SLOTS .kernel = TN_MAP, .forward = TN(copy), .backward = TN(copy_back)
#define GOOD_TEXTS \
    .summary = "the identity", .formula = "y = x", .reference = "none: a test"

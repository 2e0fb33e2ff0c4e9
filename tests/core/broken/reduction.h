/* reduction.h - the slots of a sound reduction. */
TN_KERNEL void TN(count)(const void *me, const tn_tile *t, const tn_real *x,
                         const tn_real *gy, double *const *acc)
{
    acc[0][0] += (double)t->n;
}

TN_KERNEL void TN(no_statistics)(const void *me, const tn_tile *t, int64_t groups,
                                 int64_t members, const double *const *acc,
                                 tn_real *const *stat)
{
}

#define SOUND .sums = 1, .add = TN(count), .finish = TN(no_statistics)

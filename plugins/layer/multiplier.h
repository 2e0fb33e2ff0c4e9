/* multiplier.h - layers that multiply by what they draw: backward does to gradients what forward does to
 * values, as TN(multiply) of the layer's options, a tile, and where to read and write. Included behind
 * that, once per precision, hence no guard. */

static void TN(forward)(const void *self, const tn_tile *t, const tn_real *x, tn_real *y)
{
    TN(multiply)(self, t, x, y);
}

static void TN(backward)(const void *self, const tn_tile *t, const tn_real *x,
                         const tn_real *y, const tn_real *gy, tn_real *gx)
{
    TN(multiply)(self, t, gy, gx);
}

/* gate.h - for activations x g(x) whose gate g goes from 0 far left to 1 far right. Included once
 * per precision, hence no guard.
 *
 * Beyond 1000 gates are 0 and 1 in either precision, so what is farther out is taken from there:
 * minus infinity gives 0, where its product with 0 would give NaN. */

TN_INLINE tn_real TN(from_left)(tn_real x)
{
    return x < -1000 ? -1000 : x;
}

/* For derivatives, where x meets 1 - g(x) as well. */
TN_INLINE tn_real TN(from_both)(tn_real x)
{
    return x > 1000 ? 1000 : TN(from_left)(x);
}

/* largest.h - what max_pool and global_max_pool share: the largest value, and who of equals gets
 * its gradient. Included once per precision, hence no guard but for what stands once. */

#ifndef BLOCK
#define BLOCK 256 /* channels that are worked on at a time */
#endif

#if TN_REAL_BITS == 64
typedef int64_t TN(bits);
#else
typedef int32_t TN(bits);
#endif

/* yes ? a : b without a branch, which would be guessed wrong every other time. */
TN_INLINE tn_real TN(choose)(int yes, tn_real a, tn_real b)
{
    union {
        tn_real value;
        TN(bits) bits;
    } from = {a}, other = {b};
    const TN(bits) mask = -(TN(bits))yes;
    from.bits = (from.bits & mask) | (other.bits & ~mask);
    return from.value;
}

TN_INLINE tn_real TN(larger)(tn_real a, tn_real b)
{
    return TN(choose)((b > a) | (b != b), b, a);
}

/* Adds to *gx what is `left` of a gradient if x is the window's largest value. */
TN_INLINE tn_real TN(pass_on)(tn_real x, tn_real y, tn_real left, tn_real *gx)
{
    *gx += TN(choose)(x == y, left, 0);
    return TN(choose)(x == y, 0, left);
}

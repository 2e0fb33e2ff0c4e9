/* subnormal.h - numbers below the normal range count as zero while layers and updates run: some
 * processors multiply them a hundred times more slowly.
 *
 * The velocity of a weight whose gradient has become zero decays into that range, 0.9^k in float
 * from k = 830 on, and would never leave it: 0.9 times the smallest number rounds to itself. The
 * backend's threads take the mode over from the caller, so the bits are the same on every thread;
 * the caller gets its own back. */
#ifndef TENON_CORE_SUBNORMAL_H
#define TENON_CORE_SUBNORMAL_H

#if defined __x86_64__
#define TN_FLUSH 0x8040u /* MXCSR: results to zero, operands as zero */

static inline unsigned tn_subnormal_flush(void)
{
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | TN_FLUSH);
    return before;
}

static inline void tn_subnormal_back(unsigned before)
{
    __builtin_ia32_ldmxcsr(before);
}
#else
static inline unsigned tn_subnormal_flush(void)
{
    return 0;
}

static inline void tn_subnormal_back(unsigned before)
{
    (void)before;
}
#endif

#endif

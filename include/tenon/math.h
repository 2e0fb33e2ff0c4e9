/* math.h - exp, expm1, log, log1p, tanh, sigmoid, erf and erfc that a compiler can vectorise,
 * and sums in a fixed order. Include it after plugin.h; tn_exp(x) takes a float or a double,
 * like exp of <tgmath.h>.
 *
 * Straight-line code without tables, branches and fused multiply-adds: a loop over it inside a
 * TN_KERNEL becomes vector instructions, and has the same bits on every processor, which a C
 * library's functions have not.
 *
 * Largest errors found, in units in the last place:
 *                                     exp   expm1 log   log1p tanh  sigmoid erf   erfc
 *         every 13th float at least   1.08  1.78  0.81  0.83  2.50  2.34    1.27  3.79
 *         10^8 random doubles each    0.96  2.01  0.81  0.82  2.50  2.39    1.52  3.62
 * NaN, infinities, overflow and gradual underflow are as in C; errno and the exception flags
 * are not kept, and log1p(-0) is +0.
 *
 * Reading: Cody and Waite, "Software manual for the elementary functions", 1980, chapters 5
 * and 6 (reductions by ln 2 in two parts); Muller et al., "Handbook of floating-point
 * arithmetic", 2nd ed. 2018, chapter 10; Tang, ACM TOMS 16 (1990), on log in f / (2 + f);
 * Shepherd and Laframboise, Math. Comp. 36 (1981), on erfc in (x - k) / (x + k). */
#if !defined TENON_MATH_H && !defined TN_MATH_BITS
#define TENON_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined __FAST_MATH__ || (defined __FLT_EVAL_METHOD__ && __FLT_EVAL_METHOD__ == 2)
#error "tenon/math.h needs IEEE arithmetic: no -ffast-math; on 32-bit x86 -mfpmath=sse"
#endif

#define TN_INLINE static inline __attribute__((always_inline))

#define TN_MATH_BITS 32
#include "tenon/math.h"
#undef TN_MATH_BITS
#define TN_MATH_BITS 64
#include "tenon/math.h"
#undef TN_MATH_BITS

#define TN_MATH_OF(name, x) \
    _Generic((x), float : tn_##name##_of_float, default : tn_##name##_of_double)(x)
#define tn_exp(x) TN_MATH_OF(exp, x)
#define tn_log(x) TN_MATH_OF(log, x)
#define tn_log1p(x) TN_MATH_OF(log1p, x)
#define tn_tanh(x) TN_MATH_OF(tanh, x)
#define tn_sigmoid(x) TN_MATH_OF(sigmoid, x)
#define tn_expm1(x) TN_MATH_OF(expm1, x)
#define tn_erf(x) TN_MATH_OF(erf, x)
#define tn_erfc(x) TN_MATH_OF(erfc, x)

/* The sum of `term`, in double, and the largest `term`, a tn_real, over i = 0 .. n - 1:
 *
 *     return TN_SUM(i, t->n, (double)w[i] * (double)w[i]);
 *
 * in an order that n alone decides and vector instructions can follow: element i goes to lane
 * i % TN_LANES, lanes are folded in halves, and the last n % TN_LANES elements follow. */
#define TN_SUM(i, n, term) TN_IN_LANES(double, 0, TN_PLUS, i, n, term)
#define TN_MAX(i, n, term) TN_IN_LANES(tn_real, -INFINITY, TN_LARGER, i, n, term)
#define TN_PLUS(a, b) ((a) + (b))
#define TN_LARGER(a, b) ((a) > (b) ? (a) : (b))
#define TN_LANES 16
#ifdef __clang__
#define TN_AS_LANES
#else /* sixteen statements would hide from gcc that they are one vector's */
#define TN_AS_LANES _Pragma("GCC unroll 1")
#endif
#define TN_IN_LANES(type, start, join, i, n, term)                                     \
    __extension__({                                                                    \
        const int64_t tn_n = (n), tn_whole = tn_n - tn_n % TN_LANES;                   \
        type tn_all = (type)(start);                                                   \
        if (tn_whole) {                                                                \
            type tn_lane[TN_LANES];                                                    \
            for (int tn_l = 0; tn_l < TN_LANES; tn_l++) tn_lane[tn_l] = (type)(start); \
            for (int64_t tn_i = 0; tn_i < tn_whole; tn_i += TN_LANES)                  \
                TN_AS_LANES for (int64_t i = tn_i; i < tn_i + TN_LANES; i++)           \
                {                                                                      \
                    const type tn_term = (term);                                       \
                    tn_lane[i - tn_i] = join(tn_term, tn_lane[i - tn_i]);              \
                }                                                                      \
            for (int tn_half = TN_LANES / 2; tn_half; tn_half /= 2)                    \
                for (int tn_l = 0; tn_l < tn_half; tn_l++)                             \
                    tn_lane[tn_l] = join(tn_lane[tn_l + tn_half], tn_lane[tn_l]);      \
            tn_all = tn_lane[0];                                                       \
        }                                                                              \
        for (int64_t i = tn_whole; i < tn_n; i++) {                                    \
            const type tn_term = (term);                                               \
            tn_all = join(tn_term, tn_all);                                            \
        }                                                                              \
        tn_all;                                                                        \
    })

#elif defined TN_MATH_BITS /* ---- once for float, once for double -------------------- */

#if TN_MATH_BITS == 32
#define REAL float
#define WORD uint32_t
#define M(name) tn_##name##_of_float
#define FRACTION 23 /* bits behind the leading 1 */
#define BIAS 127
#define HALF_BIAS 63
#define ROUND 0x1.8p23f /* added and taken away: rounds to whole numbers */
#define SMALLEST_NORMAL 0x1p-126f
#define BITS_OF_1 0x3f800000u
#define BITS_OF_ROOT_HALF 0x3f3504f3u
#define LOG2_E 0x1.715476p0f
#define LN2_HIGH 0x1.62e4p-1f /* 15 bits: its product with an exponent is exact */
#define LN2_LOW 0x1.7f7d1cp-20f
#define EXP_IS_0 -104.0f
#define EXPM1_IS_LEAST -18.0f /* -1 from here on */
#define EXP_IS_INFINITE 89.0f
/* exp(r) - 1 - r, rr = r^2, by Chebyshev interpolation where 2 |r| <= ln 2; in pairs, so that what
 * must wait for what is short. (log((1 + s) / (1 - s)) / s - 2) / s^2, z = s^2: Taylor. */
#define EXP_REST(r, rr)                    \
    (rr * (0x1p-1f + r * 0x1.5554dcp-3f) + \
     rr * rr * ((0x1.55551ap-5f + r * 0x1.120b6ep-7f) + rr * 0x1.6d110ap-10f))
#define LOG_REST(z) \
    (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9 + z * (2.0f / 11)))))
#define HALF_OF_THE_BITS 0xfffff000u
#define ERFC_IS_0 10.1f
/* erf(x) / x - 1 in z = x^2, x from 0 to 1, and erfcx(x) (1 + 2 x) in t = (x - 4) / (x + 4),
 * erfcx(x) = exp(x^2) erfc(x): Chebyshev interpolation; the highest power stands first. */
/* clang-format off */
#define ERF_REST(C) \
    C(0x1.4a569p-14f) C(-0x1.a45088p-11f) C(0x1.54127p-8f) C(-0x1.b7fabap-6f) \
    C(0x1.ce2d1p-4f) C(-0x1.81273ep-2f) C(0x1.06eba8p-3f)
#define ERFCX(C) \
    C(-0x1.5655b4p-11f) C(-0x1.32e4aep-10f) C(0x1.4865p-8f) C(-0x1.068f78p-6f) \
    C(0x1.31089p-5f) C(-0x1.0fc552p-4f) C(0x1.7fe012p-4f) C(-0x1.9dda9cp-4f) \
    C(0x1.16edd8p-4f) C(0x1.f7f5fcp-7f) C(-0x1.1df1bp-3f) C(0x1.3ba592p0f)
/* clang-format on */
#else
#define REAL double
#define WORD uint64_t
#define M(name) tn_##name##_of_double
#define FRACTION 52
#define BIAS 1023
#define HALF_BIAS 511
#define ROUND 0x1.8p52
#define SMALLEST_NORMAL 0x1p-1022
#define BITS_OF_1 0x3ff0000000000000u
#define BITS_OF_ROOT_HALF 0x3fe6a09e667f3bcdu
#define LOG2_E 0x1.71547652b82fep0
#define LN2_HIGH 0x1.62e42fefa38p-1 /* 42 bits */
#define LN2_LOW 0x1.ef35793c7673p-45
#define EXP_IS_0 -746.0
#define EXPM1_IS_LEAST -38.0
#define EXP_IS_INFINITE 710.0
#define EXP_REST(r, rr)                                                    \
    (rr * (0x1p-1 + r * 0x1.5555555555557p-3) +                            \
     rr * rr *                                                             \
         (((0x1.5555555555556p-5 + r * 0x1.11111111100dcp-7) +             \
           rr * (0x1.6c16c16c162d4p-10 + r * 0x1.a01a01abe7fe1p-13)) +     \
          rr * rr *                                                        \
              ((0x1.a01a01a6d889cp-16 + r * 0x1.71de0231960ebp-19) +       \
               rr * ((0x1.27e4db646b17ep-22 + r * 0x1.af4de97ca4194p-26) + \
                     rr * 0x1.1f730349868cep-29))))
#define LOG_REST(z)                                     \
    (2.0 / 3 +                                          \
     z * (2.0 / 5 +                                     \
          z * (2.0 / 7 +                                \
               z * (2.0 / 9 +                           \
                    z * (2.0 / 11 +                     \
                         z * (2.0 / 13 +                \
                              z * (2.0 / 15 +           \
                                   z * (2.0 / 17 +      \
                                        z * (2.0 / 19 + \
                                             z * (2.0 / 21 + z * (2.0 / 23)))))))))))
#define HALF_OF_THE_BITS 0xfffffffff8000000u
#define ERFC_IS_0 27.3
/* clang-format off */
#define ERF_REST(C) \
    C(-0x1.ac9585a44fe29p-31) C(0x1.d76af6ca49787p-27) C(-0x1.5c131500d3f88p-23) \
    C(0x1.b981d78881a5dp-20) C(-0x1.f4ca838adb73bp-17) C(0x1.f9a2be4f731a1p-14) \
    C(-0x1.c02db0665e53dp-11) C(0x1.565bccfa44156p-8) C(-0x1.b82ce31203772p-6) \
    C(0x1.ce2f21a040f66p-4) C(-0x1.812746b0379c1p-2) C(0x1.06eba8214db68p-3)
#define ERFCX(C) \
    C(-0x1.0626456b70a63p-29) C(-0x1.df6a3bbd3284ep-27) C(-0x1.0be03255238bap-27) \
    C(0x1.f21c932821bedp-24) C(0x1.0fb74e14bdddap-24) C(-0x1.c0a82ad87a1dcp-21) \
    C(0x1.42c5c198c77c3p-22) C(0x1.7fbba4a402205p-18) C(-0x1.789ff2a44fd81p-17) \
    C(-0x1.996ac6b89d1b4p-16) C(0x1.3be0993db7d2ep-13) C(-0x1.a1de802bc1fefp-13) \
    C(-0x1.8d4a9c34a6822p-11) C(0x1.49c671934a7d6p-8) C(-0x1.0962388529349p-6) \
    C(0x1.3079edf9ddac4p-5) C(-0x1.0fb06dfe3d76bp-4) C(0x1.7fee004df81b2p-4) \
    C(-0x1.9ddb23c3e9eb3p-4) C(0x1.16ecefcfa5f6bp-4) C(0x1.f7f5df66fda1bp-7) \
    C(-0x1.1df1ad154a29bp-3) C(0x1.3ba5916e9fd7fp0)
/* clang-format on */
#endif

TN_INLINE WORD M(bits)(REAL x)
{
    WORD bits;
    memcpy(&bits, &x, sizeof x);
    return bits;
}

TN_INLINE REAL M(value)(WORD bits)
{
    REAL x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^(n + more) from n + more = 1 - BIAS to BIAS, for whole n = raised - ROUND, which stands at the
 * end of the bits of `raised`. */
TN_INLINE REAL M(power)(REAL raised, int more)
{
    return M(value)((M(bits)(raised) << FRACTION) + ((WORD)(BIAS + more) << FRACTION));
}

/* y 2^n for n = raised - ROUND, in two factors, so that only the last product can overflow or
 * underflow. */
TN_INLINE REAL M(times_power)(REAL y, REAL raised)
{
    const REAL half = (raised - ROUND) / 2 + ROUND;
    return y * M(power)(half, 0) * M(power)(raised - half + ROUND, 0);
}

/* exp(x - less) = 2^n (1 + result), |result| <= 0.42, n = raised - ROUND, for a `less` that hardly
 * counts. */
TN_INLINE REAL M(exp_reduced)(REAL x, REAL less, REAL *raised)
{
    *raised = x * LOG2_E + ROUND;
    const REAL n = *raised - ROUND;
    const REAL r = ((x - n * LN2_HIGH) - n * LN2_LOW) - less;
    const REAL rr = r * r;
    return r + EXP_REST(r, rr);
}

/* From EXP_IS_0 to EXP_IS_INFINITE. */
TN_INLINE REAL M(exp_within)(REAL x)
{
    REAL raised;
    const REAL y = 1 + M(exp_reduced)(x, 0, &raised);
    return M(times_power)(y, raised);
}

/* From EXP_IS_0 to 0. The power with HALF_BIAS more, which only the last product takes away. */
TN_INLINE REAL M(exp_below_1)(REAL x)
{
    REAL raised;
    const REAL y = 1 + M(exp_reduced)(x, 0, &raised);
    return y * M(power)(raised, HALF_BIAS) * M(power)(ROUND, -HALF_BIAS);
}

TN_INLINE REAL M(exp)(REAL x)
{
    const REAL y = x < EXP_IS_0 ? EXP_IS_0 : x;
    return M(exp_within)(y > EXP_IS_INFINITE ? EXP_IS_INFINITE : y);
}

/* 2^n - 1 is exact as long as it counts; by halves, so that 2^n does not overflow first. */
TN_INLINE REAL M(expm1)(REAL x)
{
    const REAL y = x < EXPM1_IS_LEAST ? EXPM1_IS_LEAST : x;
    REAL raised;
    const REAL part = M(exp_reduced)(y > EXP_IS_INFINITE ? EXP_IS_INFINITE : y, 0,
                                     &raised);
    const REAL power = M(power)(raised, -1);
    return x * x < SMALLEST_NORMAL ? x : 2 * (power * part + (power - (REAL)0.5));
}

/* log(x) + c for finite x > 0: x = 2^n (1 + f) with 1 + f from sqrt 1/2 to sqrt 2,
 * s = f / (2 + f), and log(1 + f) = log((1 + s) / (1 - s)) = f - (h - s (h + s^2 rest)),
 * h = f^2 / 2. */
TN_INLINE REAL M(log_and)(REAL x, REAL c)
{
    const REAL more = x < SMALLEST_NORMAL ? FRACTION + 2 : 0;
    const REAL y = x < SMALLEST_NORMAL ? x * (REAL)(1ull << (FRACTION + 2)) : x;
    const WORD bits = M(bits)(y) + (BITS_OF_1 - BITS_OF_ROOT_HALF);
    const WORD fraction = bits & (((WORD)1 << FRACTION) - 1);
    const REAL whole = (REAL)(1ull << FRACTION);
    const REAL n = M(value)(bits >> FRACTION | M(bits)(whole)) - (whole + BIAS) - more;
    const REAL f = M(value)(fraction + BITS_OF_ROOT_HALF) - 1;
    const REAL s = f / (2 + f), z = s * s, h = f * f / 2;
    return n * LN2_HIGH - ((h - (s * (h + z * LOG_REST(z)) + (n * LN2_LOW + c))) - f);
}

TN_INLINE REAL M(log)(REAL x)
{
    const REAL y = M(log_and)(x, 0), least = x == 0 ? -(REAL)INFINITY : (REAL)NAN;
    return x > 0 ? (x < (REAL)INFINITY ? y : x) : least;
}

/* 1 + x loses the end of x; log(1 + x + e) = log(1 + x) + e / (1 + x). */
TN_INLINE REAL M(log1p)(REAL x)
{
    const REAL w = 1 + x, e = x < 1 ? x - (w - 1) : 1 - (w - x);
    const REAL y = M(log_and)(w, e / w), least = x == -1 ? -(REAL)INFINITY : (REAL)NAN;
    return x > -1 ? (x < (REAL)INFINITY ? y : x) : least;
}

/* With q = exp(-2 |x|), |tanh(x)| is (1 - q) / (1 + q); near 0, where q is near 1, 2^n is 1 and
 * nothing of 1 - q is lost. */
TN_INLINE REAL M(tanh)(REAL x)
{
    const WORD sign = M(bits)(x) & (WORD)1 << (TN_MATH_BITS - 1);
    const REAL away = -2 * M(value)(M(bits)(x) ^ sign);
    REAL raised;
    const REAL part = M(exp_reduced)(away < -40 ? -40 : away, 0, &raised),
               power = M(power)(raised, 0), rest = (1 - power) - power * part;
    return M(value)(M(bits)(rest / (2 - rest)) | sign);
}

/* With e = exp(-|x|), so that neither side overflows: 1 / (1 + e) to the right, e / (1 + e) to
 * the left. */
TN_INLINE REAL M(sigmoid)(REAL x)
{
    const REAL away = M(value)(M(bits)(x) | (WORD)1 << (TN_MATH_BITS - 1));
    const REAL e = M(exp_below_1)(away < EXP_IS_0 ? EXP_IS_0 : away);
    return (x < 0 ? e : 1) / (1 + e);
}

/* For x >= 0. The square in the exponent in two parts, of which the first is exact. */
TN_INLINE REAL M(erfc_right)(REAL x)
{
    const REAL y = x > ERFC_IS_0 ? ERFC_IS_0 : x, t = (y - 4) / (y + 4);
    const REAL high = M(value)(M(bits)(y) & HALF_OF_THE_BITS);
    REAL raised, p = 0;
    const REAL part = M(exp_reduced)(-high * high, (y - high) * (y + high), &raised);
#define TERM(c) p = p * t + c;
    ERFCX(TERM)
    return M(times_power)((p + p * part) / (1 + 2 * y), raised);
}

/* For |x| <= 1. */
TN_INLINE REAL M(erf_near)(REAL x)
{
    const REAL z = x * x;
    REAL p = 0;
#undef TERM
#define TERM(c) p = p * z + c;
    ERF_REST(TERM)
    return x + x * p;
}

TN_INLINE REAL M(erf)(REAL x)
{
    const WORD sign = M(bits)(x) & (WORD)1 << (TN_MATH_BITS - 1);
    const REAL size = M(value)(M(bits)(x) ^ sign);
    const REAL near = M(erf_near)(size > 1 ? 1 : size), far = 1 - M(erfc_right)(size);
    return M(value)(M(bits)(size > 1 ? far : near) | sign);
}

/* Left of a half as 1 - erf(x), where that loses no digits. */
TN_INLINE REAL M(erfc)(REAL x)
{
    const REAL left = x < -1 ? -1 : x > (REAL)0.5 ? (REAL)0.5 : x;
    const REAL right = M(erfc_right)(x < 0 ? -x : x), near = 1 - M(erf_near)(left);
    return x > (REAL)0.5 ? right : x < -1 ? 2 - right : near;
}

#undef REAL
#undef WORD
#undef M
#undef FRACTION
#undef BIAS
#undef HALF_BIAS
#undef ROUND
#undef SMALLEST_NORMAL
#undef BITS_OF_1
#undef BITS_OF_ROOT_HALF
#undef LOG2_E
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_IS_0
#undef EXP_IS_INFINITE
#undef EXP_REST
#undef LOG_REST
#undef HALF_OF_THE_BITS
#undef ERFC_IS_0
#undef ERF_REST
#undef ERFCX
#undef TERM
#undef EXPM1_IS_LEAST
#endif

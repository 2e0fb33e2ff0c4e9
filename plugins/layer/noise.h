/* noise.h - standard normal numbers in a hot loop. Included once per precision, hence no guard.
 *
 * Box and Muller, "A note on the generation of random normal deviates", 1958: of two uniform numbers
 * two normal ones,
 *
 *     z_2k = r cos a,  z_(2k+1) = r sin a,  r = sqrt(-2 ln u),  a uniform over the circle,
 *
 * u = (31 of bits_2k + 1/2) / 2^31 (so |z| stays below 6.7) and a of bits_(2k+1): two bits are the quarter,
 * the others the angle in it, from -pi/4 to pi/4. One 32-bit word for each number and no function of
 * the C library; tn_random_normal, for initializers, has 52 bits of each. Numbers count as those of
 * mask.h. Sine and cosine: Moshier, "Methods and programs for mathematical functions", 1989. */
#include <tgmath.h>
#include <tenon/math.h>
#include <tenon/random.h>

#ifndef NOISE_ONCE
#define NOISE_ONCE
enum { NOISE_RUN = 256 }; /* numbers drawn at a time, at most; even */
#endif

/* Of an angle from -pi/4 to pi/4. */
TN_INLINE tn_real TN(noise_sin)(tn_real a)
{
    const tn_real s = a * a;
    tn_real sum = (tn_real)1.58962301576546568060e-10;
    sum = sum * s + (tn_real)-2.50507477628578072866e-8;
    sum = sum * s + (tn_real)2.75573136213857245213e-6;
    sum = sum * s + (tn_real)-1.98412698295895385996e-4;
    sum = sum * s + (tn_real)8.33333333332211858878e-3;
    sum = sum * s + (tn_real)-1.66666666666666307295e-1;
    return a + a * s * sum;
}

TN_INLINE tn_real TN(noise_cos)(tn_real a)
{
    const tn_real s = a * a;
    tn_real sum = (tn_real)-1.13585365213876817300e-11;
    sum = sum * s + (tn_real)2.08757008419747316778e-9;
    sum = sum * s + (tn_real)-2.75573141792967388112e-7;
    sum = sum * s + (tn_real)2.48015872888517045348e-5;
    sum = sum * s + (tn_real)-1.38888888888730564116e-3;
    sum = sum * s + (tn_real)4.16666666666665929218e-2;
    return 1 - s / 2 + s * s * sum;
}

/* The pair that two words make. */
TN_INLINE void TN(noise_pair)(uint32_t one, uint32_t two, tn_real *z)
{
    const tn_real u = ((tn_real)(int32_t)(one >> 1) + (tn_real)0.5) * (tn_real)0x1p-31;
    const tn_real r = sqrt(-2 * tn_log(u));
    const tn_real angle = (tn_real)(int32_t)(two << 2) *
                          (tn_real)(0x1p-32 * 1.57079632679489661923);
    const tn_real s = TN(noise_sin)(angle), c = TN(noise_cos)(angle);
    const int32_t odd = two >> 30 & 1, half = (int32_t)two < 0;
    const tn_real across = odd ? s : c, up = odd ? c : s;
    const tn_real left = odd == half ? r : -r, down = half ? -r : r;
    z[0] = left * across;
    z[1] = down * up;
}

/* y = x + deviation z, or times x: x (1 + deviation z). x and y may be the same memory. */
TN_INLINE void TN(noise_add)(tn_key key, double deviation, int times, uint64_t first,
                             int64_t n, const tn_real *x, tn_real *y)
{
    const tn_real d = (tn_real)deviation;
    uint32_t bits[NOISE_RUN] = {0};
    tn_real z[NOISE_RUN];
    for (int64_t at = 0, part; at < n; at += part) {
        const int64_t odd = (int64_t)((first + (uint64_t)at) % 2), left = n - at + odd;
        const int64_t pairs = (left < NOISE_RUN ? left + 1 : NOISE_RUN) / 2;
        part = (left < NOISE_RUN ? left : NOISE_RUN) - odd;
        tn_random_run(key, first + (uint64_t)(at - odd), 2 * pairs, bits);
        for (int64_t k = 0; k < pairs; k++)
            TN(noise_pair)(bits[2 * k], bits[2 * k + 1], z + 2 * k);
        for (int64_t i = 0; i < part; i++)
            y[at + i] = x[at + i] + d * z[odd + i] * (times ? x[at + i] : 1);
    }
}

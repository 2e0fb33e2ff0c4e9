/* choose.h - which kernels, BLIS's and our own, suit a processor, and how to tell which are
 * in use.
 *
 * BLIS 0.9 knows Intel's processors by their features but AMD's by their family's number,
 * and takes `generic` (a fifth of the speed) for any family that is later than itself. For
 * those, and for vendors it does not know, the features decide here. */
#ifndef BACKEND_CHOOSE_H
#define BACKEND_CHOOSE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

typedef enum maker { MAKER_INTEL, MAKER_AMD, MAKER_OTHER } maker;

typedef struct processor {
    maker maker;
    unsigned family;
    int avx512; /* F, DQ, BW and VL, which the skx kernels use */
    int avx2;   /* with FMA */
} processor;

typedef enum kernels { KERNELS_OF_BLIS, KERNELS_SKX, KERNELS_HASWELL } kernels;

/* KERNELS_OF_BLIS: its own choice is right, or nothing better is known. */
static inline kernels choose(const processor *p)
{
    const int known = p->maker == MAKER_INTEL ||
                      (p->maker == MAKER_AMD &&
                       (p->family == 0x15 || p->family == 0x17 || p->family == 0x19));
    if (known) return KERNELS_OF_BLIS;
    return p->avx512 ? KERNELS_SKX : p->avx2 ? KERNELS_HASWELL : KERNELS_OF_BLIS;
}

static inline processor this_processor(void)
{
    processor p = {.maker = MAKER_OTHER};
#ifdef __x86_64__
    unsigned eax, ebx, ecx, edx;
    if (__get_cpuid(0, &eax, &ebx, &ecx, &edx)) {
        if (ebx == signature_INTEL_ebx) p.maker = MAKER_INTEL;
        if (ebx == signature_AMD_ebx) p.maker = MAKER_AMD;
    }
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx))
        p.family = (eax >> 8 & 0xF) + (eax >> 20 & 0xFF);
    p.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    p.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return p;
}

/* ---- our own kernels ------------------------------------------------------------------ */

#define KERNELS_VARIABLE "TENON_KERNELS" /* the user may ask for less than there is */

/* In rising order. */
typedef enum vectors {
    VECTORS_UNKNOWN = -1,
    VECTORS_NONE, /* products by BLIS */
    VECTORS_AVX2,
    VECTORS_AVX512
} vectors;

static inline vectors widest_vectors(const processor *p)
{
    return !p->avx2 ? VECTORS_NONE : p->avx512 ? VECTORS_AVX512 : VECTORS_AVX2;
}

static inline vectors vectors_named(const char *name)
{
    return !strcmp(name, "avx512")     ? VECTORS_AVX512
           : !strcmp(name, "avx2")     ? VECTORS_AVX2
           : !strcmp(name, "baseline") ? VECTORS_NONE
                                       : VECTORS_UNKNOWN;
}

/* wanted: what BLIS was asked for too late; NULL: it does as it should. own: whose kernels
 * make products; NULL: BLIS's. */
static inline void describe_kernels(char *text, size_t size, const char *version,
                                    const char *used, const char *wanted, const char *own,
                                    int32_t threads)
{
    snprintf(text, size, "BLIS %s, %s kernels%s%s%s%s%s%s, %d thread%s", version, used,
             wanted ? " (was running before Tenon could ask for " : "",
             wanted ? wanted : "", wanted ? ")" : "", own ? ", products by Tenon's " : "",
             own ? own : "", own ? " kernels" : "", threads, threads == 1 ? "" : "s");
}

#endif

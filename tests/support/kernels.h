/* kernels.h - whether products are Tenon's own, on this processor and as the environment asks: BLIS's
 * take memory and locks, pack no weights, and round a row by itself otherwise than among others. */
#ifndef TESTS_SUPPORT_KERNELS_H
#define TESTS_SUPPORT_KERNELS_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool has_own_kernels(void)
{
    const char *asked = getenv("TENON_KERNELS");
    return __builtin_cpu_supports("avx2") && (!asked || strcmp(asked, "baseline"));
}

#endif

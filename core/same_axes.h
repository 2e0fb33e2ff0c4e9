/* same_axes.h - shapes that differ at most by axes of one element; for the program `tenon` too. */
#ifndef CORE_SAME_AXES_H
#define CORE_SAME_AXES_H

#include <stdbool.h>

#include "tenon/types.h"

static inline bool tn_same_axes(const tn_shape *a, const tn_shape *b)
{
    int32_t i = 0, k = 0;
    for (;; i++, k++) {
        while (i < a->rank && a->dim[i] == 1) i++;
        while (k < b->rank && b->dim[k] == 1) k++;
        if (i == a->rank || k == b->rank) return i == a->rank && k == b->rank;
        if (a->dim[i] != b->dim[k]) return false;
    }
}

#endif

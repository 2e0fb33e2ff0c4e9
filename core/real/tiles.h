/* tiles.h - running over a rows x width space in the tiles that kernels see. Included by the
 * files of core/real/ only; needs tn_real. */
#ifndef CORE_REAL_TILES_H
#define CORE_REAL_TILES_H

#include "core/real/unit.h"

/* One tile: n elements from element `first` (counted from the space's start) of chunk `chunk`. */
typedef void (*tn_tile_body)(void *data, int64_t first, int64_t n, int64_t chunk,
                             int32_t worker);

/* Elements that are worth a hand-over to other threads and back, about 1 us. */
#define TN_WORTH_THREADS 32768

/* All tiles of the space, chunks in parallel on the backend's threads if there are many. */
void TN(tn_each_tile)(const tn_instance *backend, const tn_space *, tn_tile_body,
                      void *data);

/* Sums of a reduction over a space. Those over columns or the tensor are partial per chunk,
 * [chunks][sums][groups], and joined in a fixed binary tree: the result is in the first. Sums
 * over rows or samples are not: [sums][groups]. */
typedef struct tn_summing {
    const tn_reduction *reduction;
    const void *self;
    const tn_space *space;
    int64_t groups;
    double *partial;
    /* Has the reduction add one tile to acc, one pointer for each sum. */
    void (*add)(void *data, int64_t first, int64_t n, double *const *acc);
    void *data;
} tn_summing;
void TN(tn_sum_tiles)(const tn_instance *backend, const tn_summing *);

/* Adds up n values of each chunk, `stride` apart, into the first chunk's. */
void TN(tn_merge_partials)(int64_t chunks, int64_t n, int64_t stride, tn_real *partial);

#endif

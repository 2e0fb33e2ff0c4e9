/* tiles.h - cutting a rows x width space into the tiles that kernels see. Included by the files
 * of core/real/ only; needs tn_real. */
#ifndef CORE_REAL_TILES_H
#define CORE_REAL_TILES_H

#include "core/real/unit.h"

typedef struct tn_space {
    int64_t rows, width;
    bool by_row; /* a tile is one row; else as many rows as a chunk has */
} tn_space;

/* One tile: n elements from element `first` (counted from the space's start) of chunk `chunk`. */
typedef void (*tn_tile_body)(void *data, int64_t first, int64_t n, int64_t chunk,
                             int32_t worker);

/* The space in which groups of a reduction are whole rows (samples, for TN_OVER_SAMPLE) or whole
 * columns; over 0: no reduction, by_row as asked. */
tn_space TN(tn_space_of)(int32_t over, int64_t rows, int64_t width,
                         int64_t rows_per_sample, bool by_row);
/* Index of the first group that the tile at `first` belongs to. */
int64_t TN(tn_group_of)(int32_t over, const tn_space *, int64_t first);

/* All tiles of the space, chunks in parallel on the backend's threads. */
void TN(tn_each_tile)(const tn_instance *backend, const tn_space *, tn_tile_body,
                      void *data);

/* Where chunk `chunk` keeps sum q, at the tile's group. Sums over columns or the tensor are
 * partial per chunk: [chunks][sums][groups]; sums over rows or samples are not: [sums][groups]. */
double *TN(tn_partial_sum)(const tn_reduction *, const tn_space *, int64_t groups,
                           double *partial, int64_t first, int64_t chunk, int32_t q);
/* Joins the chunks' partial sums in a fixed binary tree; the result is in the first. */
void TN(tn_merge_sums)(const tn_reduction *, const void *self, int64_t chunks,
                       int64_t groups, double *partial);
/* Adds up n values of each chunk, `stride` apart, into the first chunk's. */
void TN(tn_merge_partials)(int64_t chunks, int64_t n, int64_t stride, tn_real *partial);

#endif

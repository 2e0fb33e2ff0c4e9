/* npy_layout.h - where the elements of a sample lie in an array file: together, or in runs, one
 * for each step, where the file has time first, (steps, samples, ...). Either way sizes are given
 * with samples first. */
#ifndef DATASET_NPY_LAYOUT_H
#define DATASET_NPY_LAYOUT_H

#include <stdint.h>

typedef struct npy_layout {
    int64_t samples, runs, width; /* runs of a sample, elements of a run */
} npy_layout;

/* From the file's sizes to those with samples first, or back. */
static inline void npy_swap_axes(int64_t *dim)
{
    const int64_t first = dim[0];
    dim[0] = dim[1];
    dim[1] = first;
}

/* Of `count` elements in all. */
static inline npy_layout npy_layout_of(const int64_t *dim, int64_t count, int time_first)
{
    const int64_t runs = time_first ? dim[1] : 1;
    return (npy_layout){dim[0], runs, count / dim[0] / runs};
}

/* The first element of a run. */
static inline int64_t npy_run(const npy_layout *l, int64_t sample, int64_t run)
{
    return (run * l->samples + sample) * l->width;
}

/* Whose the file's element i is. */
static inline int64_t npy_sample(const npy_layout *l, int64_t i)
{
    return i / l->width % l->samples;
}

#endif

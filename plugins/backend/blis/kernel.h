/* kernel.h - what the loops (loops.c) ask of the kernels (kernel.c), which are compiled
 * once for each instruction set and precision.
 *
 * Invariant: an element of a product is, for each block of the inner dimension (depth_of
 * its length), the chain of fused multiply-adds from zero over rising steps; blocks of a slice
 * are added up in order, and slices in order. How many slices there are depends on the length
 * of the inner dimension alone (slices_of). So an element's bits depend on nothing but its row
 * of A, its column of B, its bias and what was there: not on the instruction set, the tiles,
 * the threads, or whether slices were made at once or one after the other. */
#ifndef BACKEND_BLIS_KERNEL_H
#define BACKEND_BLIS_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#define DEPTH 288       /* most steps of a block of the inner dimension */
#define PANEL_BYTES 128 /* of a row of a panel of B: two of the widest vectors */
#define TALLEST 28      /* most rows of a tile, for any instruction set */
#define FEW 4           /* so few rows have kernels of their own */
#define PACE 16         /* bytes of what is used next for each step, fetched by lines */
#define STRETCHES 18    /* of it for a tile, at most */

/* rows x cols values of the result; cols is a multiple of the kernels' lanes. Strides count elements;
 * one of a_row and a_step is 1; b_next is from one `wide` columns of B to the next. */
typedef struct tn_blis_tile {
    const void *a, *b;
    int64_t a_row, a_step, b_step, b_next; /* a_step, b_step: from one k to the next */
    int64_t b_side; /* multiply_turned: from one column to the next */
    void *out;
    int64_t out_row;
    const void *bias; /* a value for each column; NULL: none */
    int64_t rows, cols, depth;
    bool add; /* to what is there */
    /* Steps go on in runs, the first one of `first`, others of `run` steps. Behind each, A passes over
     * a_skip values. */
    int64_t first, run, a_skip;
    /* Memory that will be used next, PACE bytes for each step: a stretch of it for each run.
     * NULL: none. */
    const void *const *fetch;
} tn_blis_tile;

/* A packed operand holds, for each step, a fixed width of values side by side: into[k *
 * width + j] = from[k * step + j * side]. Places past `count` repeat or are zero. */
typedef struct tn_blis_strip {
    const void *from;
    int64_t step, side, depth, count;
    int64_t ahead; /* elements from what is read now to what will be read next */
    void *into;
} tn_blis_strip;

/* So many products, or blocks of one, of the same shapes, and how far their operands are apart. */
typedef struct tn_blis_several {
    int64_t count, a_next, b_next, out_next;
} tn_blis_several;

/* Memory that will be used next: what is left of the first stretch, the one behind it. */
typedef struct tn_blis_ahead {
    const char *at, *end, *next, *next_end;
} tn_blis_ahead;

typedef struct tn_blis_kernels {
    const char *name;
    int64_t rows;  /* of the tallest tile */
    int64_t tall;  /* of the tallest that is at most `lanes` wide */
    int64_t pitch; /* width of packed A */
    int64_t lanes; /* of a vector */
    int64_t wide; /* of a tile, two vectors, and of packed B: half a panel or all of it */
    void (*multiply)(const tn_blis_tile *);
    /* Any rows, of small products. */
    void (*multiply_small)(const tn_blis_tile *, const tn_blis_several *,
                           tn_blis_ahead *);
    /* For at most FEW rows; without `add` and `bias`. Turned: a_step and b_step are 1, out_row
     * that of a panel. Long: any number of columns. */
    void (*multiply_turned)(const tn_blis_tile *);
    void (*multiply_long)(const tn_blis_tile *);
    void (*pack_a)(const tn_blis_strip *); /* into a width of `pitch` */
    void (*pack_b)(const tn_blis_strip *); /* of `wide` */
} tn_blis_kernels;

extern const tn_blis_kernels tn_blis_avx512_f32, tn_blis_avx512_f64, tn_blis_avx2_f32,
    tn_blis_avx2_f64;

#endif

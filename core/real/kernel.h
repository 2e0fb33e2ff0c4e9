/* kernel.h - what the files of core/real/ that run layers share. */
#ifndef CORE_REAL_KERNEL_H
#define CORE_REAL_KERNEL_H

#include "core/real/tiles.h"

/* A unit in one call. */
typedef struct tn_work {
    tn_unit *unit;
    const tn_pass *pass;
    const tn_layer *layer;
    const tn_shape *shape; /* of the input that the tiles run over */
    int64_t rows, width, rows_per_sample;
    int64_t groups; /* of the reductions */
    tn_space space;
    int32_t over; /* what the reductions go over */
    tn_key key;
    bool statistics;       /* the forward statistics are there */
    bool reads_x, reads_y; /* they are there to be read */
} tn_work;

/* Everything a tile points to. */
typedef struct tn_frame {
    tn_tile tile;
    const void *in[TN_MAX_INPUTS];
    void *gin[TN_MAX_INPUTS];
    const void *param[TN_MAX_OWN], *state[TN_MAX_OWN], *stat[TN_MAX_OWN],
        *back[TN_MAX_OWN];
    void *gparam[TN_MAX_OWN];
} tn_frame;

static inline const tn_real *tn_at(const void *base, int64_t i)
{
    return base ? (const tn_real *)base + i : NULL;
}

static inline tn_real *tn_at_mutable(void *base, int64_t i)
{
    return base ? (tn_real *)base + i : NULL;
}

/* Where a kernel leaves the gradient of input k: what has to be added lies apart at first. */
static inline void *tn_gradient_place(const tn_unit *u, int32_t k)
{
    return u->gx[k] && u->gx_add[k] ? u->gx_spare[k] : u->gx[k];
}

static inline void TN(tn_add_run)(tn_real *restrict into, const tn_real *restrict from,
                                  int64_t n)
{
    for (int64_t i = 0; i < n; i++) into[i] += from[i];
}

/* ---- unit.c --------------------------------------------------------------------------- */

tn_work TN(tn_work_make)(tn_unit *, const tn_pass *, bool back);
/* What the layer is told: that it trains, also where it is to draw as if it did. */
bool TN(tn_trains)(const tn_work *);
/* Elements first .. first + n - 1 of the unit's input, which chunk `chunk` holds. */
void TN(tn_frame_fill)(tn_frame *, const tn_work *, int64_t first, int64_t n,
                       int64_t chunk);
/* The statistics of a reduction; gy NULL: the forward one. */
void TN(tn_reduce)(tn_work *, const tn_reduction *, tn_sums *, const tn_real *gy);
/* Before and after tiles add to gparam. */
void TN(tn_clear_gradients)(const tn_work *);
void TN(tn_join_gradients)(const tn_work *);

tn_layer_facts TN(tn_unit_facts)(const void *vtable);
void TN(tn_unit_commit)(tn_unit *, const tn_pass *);

/* ---- group.c: units of any class, one by one or as groups of tiles -------------------- */

tn_status TN(tn_group_forward)(const tn_group *, const tn_pass *, bool fused, tn_error *);
tn_status TN(tn_group_backward)(const tn_group *, const tn_pass *, bool fused,
                                tn_error *);
/* `count` tiles of n elements, `stride` elements (whole rows) apart, from element `first` on. */
typedef struct tn_tiles {
    int64_t first, n, stride, count, chunk;
} tn_tiles;
/* Those that a kernel cuts rows from `first` on, n elements in all, into. */
tn_tiles TN(tn_tiles_of)(const tn_work *, int64_t first, int64_t n, int64_t chunk);
typedef void (*tn_tile_kernel)(const tn_work *, const tn_tiles *);
void TN(tn_run_forward)(const tn_work *, const tn_tiles *);
void TN(tn_run_backward)(const tn_work *, const tn_tiles *);
/* Tile kernels over one space: all of them on a chunk of rows, then on the next. */
void TN(tn_tiles_forward)(tn_work *, int32_t count);
void TN(tn_tiles_backward)(tn_work *, int32_t count);

/* ---- window.c, whole.c, epilogue.c, fold.c -------------------------------------------- */

void TN(tn_window_forward)(tn_work *);
/* What windows make of `rows` rows of the input from `row` on, whole lines (tn_rows_of_line). */
void TN(tn_window_rows)(const tn_work *, int64_t row, int64_t rows);
/* `count` works, of which all but the first ride on its samples. */
void TN(tn_window_backward)(tn_work *, int32_t count);
/* `count` works, of which all but the first ride on its product. */
tn_status TN(tn_whole_forward)(tn_work *, int32_t count, tn_error *);
tn_status TN(tn_whole_backward)(tn_work *, int32_t count, tn_error *);

/* What rides on the products of a layer that works by them: the kernels behind it (forward) or
 * before it (backward). Its tensors are marked: their `host` is their own address. */
typedef struct tn_riding {
    const tn_work *head;
    tn_work *rider;
    int32_t riders;
    const tn_tensor *to; /* out, or the gradients of all inputs */
    int32_t tensors;
    bool back, carried;
    bool folded;              /* the product has done what the head's fold asks for */
    bool made[TN_MAX_INPUTS]; /* by a product */
    tn_cells cells;
} tn_riding;

/* That of the unit's weight which a matrix says it is; NULL: there is none. */
tn_packed *TN(tn_packed_of)(const tn_unit *, const tn_matrix *);
/* A copy of the right-hand operand of a product, which is a weight; NULL: none. */
const void *TN(tn_packed_weight)(const tn_instance *backend, tn_packed *,
                                 const tn_product *);

/* Makes a product of `head` do what its fold asks for; false: it has another form. Then the other
 * does it to the result. */
bool TN(tn_fold_in)(const tn_work *head, tn_product *);
void TN(tn_fold_behind)(const tn_work *head);

/* A product of a unit: that of `calling`, if it has something riding. */
tn_status TN(tn_ride)(const tn_instance *backend, tn_calling *calling,
                      const tn_product *);
/* Whether a head that says it works by products has made what it was to make. */
tn_status TN(tn_ride_end)(const tn_riding *, tn_error *);

/* into += from */
void TN(tn_add)(const tn_instance *backend, void *into, const void *from, int64_t n);

#endif

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
    tn_space space;
    int64_t rows, width, rows_per_sample;
    int32_t over; /* of the reductions */
    int64_t groups;
    tn_key key;
    bool statistics; /* the forward statistics are there */
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

/* Elements first .. first + n - 1 of the unit's input, which chunk `chunk` holds. */
void TN(tn_frame_fill)(tn_frame *, const tn_work *, int64_t first, int64_t n,
                       int64_t chunk);
/* Before and after tiles add to gparam. */
void TN(tn_clear_gradients)(const tn_work *);
void TN(tn_join_gradients)(const tn_work *);

void TN(tn_window_forward)(tn_work *);
void TN(tn_window_backward)(tn_work *);
tn_status TN(tn_whole_forward)(const tn_work *, tn_error *);
tn_status TN(tn_whole_backward)(const tn_work *, tn_error *);

tn_layer_facts TN(tn_unit_facts)(const void *vtable);
tn_status TN(tn_unit_forward)(tn_unit *, const tn_pass *, tn_error *);
tn_status TN(tn_unit_backward)(tn_unit *, const tn_pass *, tn_error *);
void TN(tn_unit_commit)(tn_unit *, const tn_pass *);
/* into += from */
void TN(tn_add)(const tn_instance *backend, void *into, const void *from, int64_t n);

#endif

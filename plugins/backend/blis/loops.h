/* loops.h - products cut into tasks for the kernels (loops.c, compiled once for each
 * precision). */
#ifndef BACKEND_BLIS_LOOPS_H
#define BACKEND_BLIS_LOOPS_H

#include <stdatomic.h>

#include "kernel.h"

/* Room for packed operands and staged results, kept from call to call and grown when it is
 * too small. One product has it at a time. */
typedef struct tn_blis_room {
    atomic_flag taken;
    _Atomic(void *) at; /* others look at it to see whether theirs is another */
    size_t size;
} tn_blis_room;

/* Whoever runs the loops: kernels, threads and room. */
typedef struct tn_blis_team {
    const tn_blis_kernels *kernels;
    const void *self;
    void (*parallel)(const void *self, int64_t n,
                     void (*body)(void *data, int64_t i, int32_t worker), void *data);
    int32_t threads;
    tn_blis_room *room;
} tn_blis_team;

/* `size` bytes, from the room or, while another thread has that, from the host. NULL: out
 * of memory, and the error is set. */
void *tn_blis_take_room(const tn_blis_team *, tn_call *, size_t size);
void tn_blis_give_room(const tn_blis_team *, tn_call *, void *at);

/* Products have been checked. Whether it is small enough to be made, or each of several is, without a
 * plan; then it has been. */
bool tn_blis_small_f32(const tn_blis_team *, const tn_product *);
bool tn_blis_small_f64(const tn_blis_team *, const tn_product *);

/* One that is not small. */
tn_status tn_blis_product_f32(const tn_blis_team *, tn_call *, const tn_product *);
tn_status tn_blis_product_f64(const tn_blis_team *, tn_call *, const tn_product *);

/* The same by BLIS alone. */
tn_status tn_blis_plain_f32(const tn_blis_team *, tn_call *, const tn_product *);
tn_status tn_blis_plain_f64(const tn_blis_team *, tn_call *, const tn_product *);

/* A packed right-hand operand: by blocks of the inner dimension, in those by panels of columns. */
size_t tn_blis_pack_size_f32(const tn_matrix *);
size_t tn_blis_pack_size_f64(const tn_matrix *);
void tn_blis_pack_f32(const tn_blis_team *, const tn_matrix *, void *packed);
void tn_blis_pack_f64(const tn_blis_team *, const tn_matrix *, void *packed);

#endif

/* feed_order.h - which samples a split has and in which order they come. */
#ifndef CORE_FEED_ORDER_H
#define CORE_FEED_ORDER_H

#include "core/memory.h"
#include "tenon/random.h"

/* A permutation that is drawn little by little. */
typedef struct tn_shuffle {
    int64_t *order;
    int64_t left; /* elements that may still change places; below 2: it is drawn */
    tn_key key;
    uint64_t block;
    int32_t words; /* left of the two 64-bit words of a Philox block */
    uint32_t word[4];
} tn_shuffle;

/* 0 .. n-1 or, with `from`, those numbers, in s->order: to be put in an order that depends on
 * key alone. */
void tn_shuffle_begin(tn_shuffle *, const int64_t *from, int64_t n, tn_key key);
/* The next `steps` of n; more than there are do no harm. */
void tn_shuffle_go_on(tn_shuffle *, int64_t steps);
/* All at once. */
void tn_order_shuffle(int64_t *order, const int64_t *from, int64_t n, tn_key key);

/* Cuts 0 .. n-1 in two, each in ascending order: `part` numbers drawn by key, and the
 * rest. */
tn_status tn_order_split(tn_memory *, int64_t n, int64_t part, tn_key key, int64_t *drawn,
                         int64_t *rest, tn_error *);

#endif

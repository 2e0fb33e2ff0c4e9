/* feed_order.h - which samples a split has and in which order they come. */
#ifndef CORE_FEED_ORDER_H
#define CORE_FEED_ORDER_H

#include "core/memory.h"
#include "tenon/random.h"

/* Puts 0 .. n-1 or, with `from`, those numbers in an order that depends on key alone. */
void tn_order_shuffle(int64_t *order, const int64_t *from, int64_t n, tn_key key);

/* Cuts 0 .. n-1 in two, each in ascending order: `part` numbers drawn by key, and the
 * rest. */
tn_status tn_order_split(tn_memory *, int64_t n, int64_t part, tn_key key, int64_t *drawn,
                         int64_t *rest, tn_error *);

#endif

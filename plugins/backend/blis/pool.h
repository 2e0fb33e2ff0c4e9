/* pool.h - threads that share the work of one caller at a time.
 *
 * The caller works too, and waits only for threads that have begun on its work: one that the
 * system has set aside before, or that wakes too late, is not missed. */
#ifndef BACKEND_BLIS_POOL_H
#define BACKEND_BLIS_POOL_H

#include <stdint.h>

typedef struct tn_blis_pool tn_blis_pool;

/* How many cores this process may use. */
int32_t tn_blis_cores(void);

/* Its threads, one less than `threads`, start with the first work. NULL: out of memory. */
tn_blis_pool *tn_blis_pool_new(int32_t threads);
void tn_blis_pool_free(tn_blis_pool *);

/* body(data, i, worker) once for each i < n, worker < threads. From inside a body, or while
 * another caller has the threads, the caller works alone. */
void tn_blis_pool_run(tn_blis_pool *, int64_t n,
                      void (*body)(void *data, int64_t i, int32_t worker), void *data);

#endif

/* backend.h - the kind that computes: backend.
 * Include it after plugin.h; what follows the first part is declared once per precision. */
#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif
#ifndef TENON_BACKEND_H
#define TENON_BACKEND_H

#define tn_backend TN(tn_backend)

#endif

#ifdef tn_real
#if TN_REAL_BITS == 64 && !defined TENON_BACKEND_H_F64 || \
    TN_REAL_BITS == 32 && !defined TENON_BACKEND_H_F32
#if TN_REAL_BITS == 64
#define TENON_BACKEND_H_F64
#else
#define TENON_BACKEND_H_F32
#endif

/* backend: arithmetic on memory, and the thread pool. */
typedef struct tn_backend {
    TN_HEAD
    /* [setup] `threads` 0: as many as there are cores. */
    tn_status (*open)(void *self, tn_call *, int32_t threads);
    int32_t (*threads)(const void *self);
    const char *(*describe)(const void *self); /* library, version, kernels in use */
    /* Bits do not depend on the number of threads. `worker` < threads(). [step], and within a body,
     * where all runs on that body's thread. */
    void (*parallel)(const void *self, int64_t n,
                     void (*body)(void *data, int64_t i, int32_t worker), void *data);
    /* Also several at once (`count`). Within a body of `parallel`, too, on its thread. [parallel] */
    tn_status (*product)(const void *self, tn_call *, const tn_product *);
    /* Bytes of, and making of, a packed copy of a right-hand operand. 0: does not pack. */
    size_t (*pack_size)(const void *self, const tn_matrix *b);
    void (*pack)(const void *self, const tn_matrix *b, void *packed);
} tn_backend;

#endif
#endif

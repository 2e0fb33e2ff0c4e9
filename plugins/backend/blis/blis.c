/* blis.c - matrix products on all cores, and the pool of threads (pool.c).
 *
 * Invariant: the bits of a result depend on shapes alone. Products run on the kernels of
 * kernel.c where the processor has AVX2 or AVX-512, else on BLIS's. Whatever is cut, is cut
 * by shape; the number of threads only decides who makes which part.
 *
 * BLIS aborts the process on bad arguments: everything is checked before it is called.
 *
 * Source: Van Zee and van de Geijn, "BLIS: a framework for rapidly instantiating BLAS
 * functionality", ACM TOMS 41(3), 2015. */
#include <tenon/plugin.h>

#include <tenon/backend.h>

#include <blis.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "choose.h"
#include "cut.h"
#include "loops.h"
#include "pool.h"

#if TN_REAL_BITS == 64 /* what both precisions share */

#define MAX_THREADS 1024

/* The sub-configuration to ask for; -1: leave it to BLIS, or to the user. */
static int wanted_kernels(void)
{
#if defined BLIS_CONFIG_SKX && defined BLIS_CONFIG_HASWELL
    static const int number[] = {[KERNELS_OF_BLIS] = -1,
                                 [KERNELS_SKX] = BLIS_ARCH_SKX,
                                 [KERNELS_HASWELL] = BLIS_ARCH_HASWELL};
    const processor here = this_processor();
    if (!getenv("BLIS_ARCH_TYPE")) return number[choose(&here)];
#endif
    return -1;
}

static pthread_once_t kernels_once = PTHREAD_ONCE_INIT;
static int kernels_wanted;

/* Once a process, before BLIS starts; too late if the program has used BLIS already. */
static void choose_kernels(void)
{
    kernels_wanted = wanted_kernels();
    if (kernels_wanted >= 0) {
        char number[12];
        snprintf(number, sizeof number, "%d", kernels_wanted);
        setenv("BLIS_ARCH_TYPE", number, 0);
    }
    bli_init();
}

/* What BLIS_ARCH_TYPE allows our kernels: no more than it allows BLIS. */
static vectors allowed_by_blis(void)
{
    if (!getenv("BLIS_ARCH_TYPE")) return VECTORS_AVX512;
    switch (bli_arch_query_id()) {
    case BLIS_ARCH_SKX:
    case BLIS_ARCH_KNL: return VECTORS_AVX512;
    case BLIS_ARCH_HASWELL:
    case BLIS_ARCH_ZEN3:
    case BLIS_ARCH_ZEN2:
    case BLIS_ARCH_ZEN: return VECTORS_AVX2;
    default: return VECTORS_NONE;
    }
}

static const tn_blis_kernels *kernels_of(vectors v, bool wide)
{
#ifdef __x86_64__
    if (v == VECTORS_AVX512) return wide ? &tn_blis_avx512_f64 : &tn_blis_avx512_f32;
    if (v == VECTORS_AVX2) return wide ? &tn_blis_avx2_f64 : &tn_blis_avx2_f32;
#endif
    return NULL;
}

static void describe_blis(char *text, size_t size, const char *own, int32_t threads)
{
    const arch_t used = bli_arch_query_id();
    const bool late = kernels_wanted >= 0 && (int)used != kernels_wanted;
    describe_kernels(text, size, bli_info_get_version_str(), bli_arch_string(used),
                     late ? bli_arch_string((arch_t)kernels_wanted) : NULL, own, threads);
}
#endif

#define OPTIONS(P)
TN_SELF(OPTIONS, int32_t threads; const tn_blis_kernels *kernels; tn_blis_room * room;
        tn_blis_pool * pool; char text[160];)

static tn_status TN(open)(void *me, tn_call *c, int32_t threads)
{
    TN(self) *self = me;
    const char *const asked = getenv(KERNELS_VARIABLE);
    vectors best = asked ? vectors_named(asked) : VECTORS_AVX512;
    if (threads < 0 || threads > MAX_THREADS)
        return tn_fail(c, TN_EINVAL, "threads: expected 0 .. %d, got %d", MAX_THREADS,
                       threads);
    if (best == VECTORS_UNKNOWN)
        return tn_fail(c, TN_EINVAL,
                       KERNELS_VARIABLE ": expected avx512, avx2 or baseline, got '%s'",
                       asked);
    if (!self->room && !(self->room = c->host->alloc(c, sizeof *self->room)))
        return tn_fail(c, TN_ENOMEM, "out of memory");
    *self->room = (tn_blis_room){.taken = ATOMIC_FLAG_INIT};
    self->threads = threads ? threads : (int32_t)least(tn_blis_cores(), MAX_THREADS);
    tn_blis_pool_free(self->pool);
    if (!(self->pool = tn_blis_pool_new(self->threads)))
        return tn_fail(c, TN_ENOMEM, "out of memory");
    pthread_once(&kernels_once, choose_kernels);
    const processor here = this_processor();
    best = (vectors)least(best, least(allowed_by_blis(), widest_vectors(&here)));
    self->kernels = kernels_of(best, sizeof(tn_real) == 8);
    describe_blis(self->text, sizeof self->text,
                  self->kernels ? self->kernels->name : NULL, self->threads);
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    TN(self) *self = me;
    tn_blis_pool_free(self->pool);
    self->pool = NULL;
    if (!self->room) return;
    c->host->release(c, self->room->at);
    c->host->release(c, self->room);
    self->room = NULL;
}

static int32_t TN(threads)(const void *me)
{
    const TN(self) *self = me;
    return self->threads;
}

static const char *TN(describe)(const void *me)
{
    const TN(self) *self = me;
    return self->text;
}

static void TN(parallel)(const void *me, int64_t n,
                         void (*body)(void *data, int64_t i, int32_t worker), void *data)
{
    const TN(self) *self = me;
    tn_blis_pool_run(self->pool, n, body, data);
}

/* ---- products ---------------------------------------------------------------------- */

/* Whether the place of the last element can be reckoned with. */
static bool TN(reachable)(const tn_matrix *m)
{
    int64_t down, right, sum, bytes;
    return !__builtin_mul_overflow(m->rows, m->row_stride, &down) &&
           !__builtin_mul_overflow(m->cols, m->col_stride, &right) &&
           !__builtin_add_overflow(down, right, &sum) &&
           !__builtin_mul_overflow(sum, (int64_t)sizeof(tn_real), &bytes);
}

/* Two elements in one place. */
static bool TN(overlaps)(const tn_matrix *m)
{
    return (m->rows > 1 && !m->row_stride) || (m->cols > 1 && !m->col_stride);
}

static tn_status TN(check)(tn_call *c, const tn_product *p)
{
    const tn_matrix *out = &p->out;
    tn_status status = TN(check_shapes)(c, p);
    if (status != TN_OK) return status;
    if (!TN(reachable)(&p->a) || !TN(reachable)(&p->b) || !TN(reachable)(out))
        return tn_fail(c, TN_ESHAPE, "product: sizes and strides are too large");
    if (!out->rows || !out->cols) return TN_OK;
    status = TN(check_places)(c, p, p->b.packed);
    if (status == TN_OK && out->data && TN(overlaps)(out))
        return tn_fail(c, TN_ESHAPE, "product: elements of the result share a place");
    return status;
}

static tn_blis_team TN(team)(const TN(self) * self)
{
    return (tn_blis_team){.kernels = self->kernels,
                          .self = self,
                          .parallel = TN(parallel),
                          .threads = self->threads,
                          .room = self->room};
}

static tn_status TN(product)(const void *me, tn_call *c, const tn_product *p)
{
    const TN(self) *self = me;
    tn_status status = TN(check)(c, p);
    if (status != TN_OK || !p->out.rows || !p->out.cols) return status;
    const tn_blis_team team = TN(team)(self);
    if (self->kernels && TN(tn_blis_small)(&team, p)) return TN_OK;
    for (int64_t i = 0; i < TN(products)(p) && !status; i++) {
        const tn_product one = TN(one_of)(p, i);
        status = self->kernels ? TN(tn_blis_product)(&team, c, &one)
                               : TN(tn_blis_plain)(&team, c, &one);
    }
    return status;
}

static size_t TN(pack_size)(const void *me, const tn_matrix *b)
{
    const TN(self) *self = me;
    return self->kernels ? TN(tn_blis_pack_size)(b) : 0;
}

static void TN(pack)(const void *me, const tn_matrix *b, void *packed)
{
    const tn_blis_team team = TN(team)(me);
    TN(tn_blis_pack)(&team, b, packed);
}

TN_VTABLE(backend, .destroy = TN(destroy), .open = TN(open), .threads = TN(threads),
          .describe = TN(describe), .parallel = TN(parallel), .product = TN(product),
          .pack_size = TN(pack_size), .pack = TN(pack))
TN_PLUGIN_WITH(
    OPTIONS, backend, blis,
    .summary = "fast products on all cores; bits do not depend on their number",
    .formula = "out[i][j] = sum over k of a[i][k] b[k][j] + bias[j] (+ out[i][j])",
    .reference = "Van Zee and van de Geijn, BLIS: a framework for rapidly "
                 "instantiating BLAS functionality, ACM TOMS 41(3), 2015")

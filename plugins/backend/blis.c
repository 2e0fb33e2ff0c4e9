/* blis.c - matrix products by BLIS, and the thread pool by OpenMP.
 *
 * Invariant: the bits of a result depend on shapes and strides alone. A product is cut
 * into tiles and depth blocks by its shape; one thread makes a tile, adding its depth
 * blocks in order, so that the number of threads only decides who makes which tile.
 *
 * BLIS aborts the process on bad arguments: everything is checked before it is called.
 *
 * Source: Van Zee and van de Geijn, "BLIS: a framework for rapidly instantiating BLAS
 * functionality", ACM TOMS 41(3), 2015. */
#include <tenon/plugin.h>

#include <tenon/backend.h>

#include <blis.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "choose.h"

#if TN_REAL_BITS == 64 /* what both precisions share */

/* Sizes found by measurement (bench/products.c) on two cores with 1 MiB of L2 cache
 * each. */
#define TILE_ROWS 256 /* of the largest tile */
#define TILE_COLS 512
#define DEPTH 512        /* of a block of the inner dimension */
#define TILE_WORK 1e6    /* multiplications that are worth a tile of their own */
#define PACK_WORK 0x1p18 /* from here on B is better packed, also where BLIS would not */
#define TILES 16         /* enough of them: no need to cut finer */
#define MICRO_ROWS 12    /* BLIS's micro-tiles divide these in most configurations */
#define MICRO_COLS 32
#define MAX_THREADS 1024

#define gemm_f32 bli_sgemm_ex
#define gemm_f64 bli_dgemm_ex

/* How a result is cut: tiles of rows x cols, `across` of them side by side. */
typedef struct grid {
    int64_t rows, cols, across, tiles;
} grid;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t parts(int64_t size, int64_t part)
{
    return size / part + (size % part != 0);
}

/* About size / count, in whole micro-tiles. */
static int64_t share(int64_t size, int64_t count, int64_t micro)
{
    return count == 1 ? size : parts(parts(size, count), micro) * micro;
}

/* Halves tiles until there are enough of them, or they are hardly worth a thread's
 * while. */
static grid cut(int64_t rows, int64_t cols, int64_t depth)
{
    int64_t high = least(rows, TILE_ROWS), wide = least(cols, TILE_COLS);
    while (parts(rows, high) * parts(cols, wide) < TILES &&
           (double)high * (double)wide * (double)depth >= 2 * TILE_WORK &&
           (high > MICRO_ROWS || wide > MICRO_COLS))
        if (wide > MICRO_COLS && wide >= high)
            wide = share(wide, 2, MICRO_COLS);
        else
            high = share(high, 2, MICRO_ROWS);
    grid g = {.rows = share(rows, parts(rows, high), MICRO_ROWS),
              .cols = share(cols, parts(cols, wide), MICRO_COLS)};
    g.across = parts(cols, g.cols);
    g.tiles = parts(rows, g.rows) * g.across;
    return g;
}

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

static void describe_blis(char *text, size_t size, int32_t threads)
{
    const arch_t used = bli_arch_query_id();
    const bool late = kernels_wanted >= 0 && (int)used != kernels_wanted;
    describe_kernels(text, size, bli_info_get_version_str(), bli_arch_string(used),
                     late ? bli_arch_string((arch_t)kernels_wanted) : NULL, threads);
}
#endif

/* Room to gather operands and stage results in, per worker. Made when first needed. */
typedef struct TN(room) {
    atomic_flag taken;
    tn_real *at;
} TN(room);
#define ROOM_A ((int64_t)TILE_ROWS * DEPTH)
#define ROOM_B ((int64_t)DEPTH * TILE_COLS)
#define ROOM_OUT ((int64_t)TILE_ROWS * TILE_COLS)

#define OPTIONS(P)
TN_SELF(OPTIONS, int32_t threads; TN(room) * room; char text[160];)

static tn_status TN(open)(void *me, tn_call *c, int32_t threads)
{
    TN(self) *self = me;
    if (threads < 0 || threads > MAX_THREADS)
        return tn_fail(c, TN_EINVAL, "threads: expected 0 .. %d, got %d", MAX_THREADS,
                       threads);
    if (!self->room && !(self->room = c->host->alloc(c, sizeof *self->room)))
        return tn_fail(c, TN_ENOMEM, "out of memory");
    *self->room = (TN(room)){.taken = ATOMIC_FLAG_INIT};
    self->threads = threads ? threads : (int32_t)least(omp_get_num_procs(), MAX_THREADS);
    pthread_once(&kernels_once, choose_kernels);
    describe_blis(self->text, sizeof self->text, self->threads);
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    TN(self) *self = me;
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

/* The team always has the same size: OpenMP keeps its threads only then. Inside a
 * parallel region the loop stays on its thread and goes on under that thread's number. */
static void TN(parallel)(const void *me, int64_t n,
                         void (*body)(void *data, int64_t i, int32_t worker), void *data)
{
    const TN(self) *self = me;
    if (n <= 1 || self->threads == 1 || omp_in_parallel()) {
        const int32_t here = omp_get_thread_num();
        for (int64_t i = 0; i < n; i++) body(data, i, here < self->threads ? here : 0);
        return;
    }
#pragma omp parallel for num_threads(self->threads) schedule(dynamic, 1)
    for (int64_t i = 0; i < n; i++) body(data, i, omp_get_thread_num());
}

/* ---- one tile ---------------------------------------------------------------------- */

typedef struct TN(block) {
    tn_real *at;
    int64_t row_stride, col_stride;
} TN(block);

typedef struct TN(job) {
    const tn_product *p;
    grid grid;
    tn_real *room; /* ROOM_A + ROOM_B + ROOM_OUT for each worker */
    bool gather_a, gather_b, stage;
} TN(job);

static TN(block) TN(part)(const tn_matrix *m, int64_t row, int64_t col)
{
    tn_real *data = m->data;
    return (TN(block)){data + row * m->row_stride + col * m->col_stride, m->row_stride,
                       m->col_stride};
}

static void TN(copy)(TN(block) from, TN(block) to, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            to.at[i * to.row_stride + j * to.col_stride] =
                from.at[i * from.row_stride + j * from.col_stride];
}

/* A block of an operand where it lies, or gathered into `room`. */
static TN(block) TN(operand)(const tn_matrix *m, bool gather, int64_t row, int64_t col,
                             int64_t rows, int64_t cols, tn_real *room)
{
    if (!gather) return TN(part)(m, row, col);
    const TN(block) here = {room, cols, 1};
    if (m->read)
        m->read(m->with, row, col, rows, cols, room, cols);
    else
        TN(copy)(TN(part)(m, row, col), here, rows, cols);
    return here;
}

static void TN(clear)(TN(block) out, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            out.at[i * out.row_stride + j * out.col_stride] = 0;
}

static void TN(multiply)(TN(block) a, TN(block) b, TN(block) out, int64_t rows,
                         int64_t cols, int64_t depth, bool add)
{
    tn_real one = 1, scale = add ? 1 : 0;
    rntm_t alone = BLIS_RNTM_INITIALIZER;
    bli_rntm_set_num_threads(1, &alone);
    bli_rntm_set_pack_b((double)rows * (double)cols * (double)depth >= PACK_WORK, &alone);
    TN(gemm)
    (BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, rows, cols, depth, &one, a.at, a.row_stride,
     a.col_stride, b.at, b.row_stride, b.col_stride, &scale, out.at, out.row_stride,
     out.col_stride, NULL, &alone);
}

static void TN(add_bias)(TN(block) out, const tn_real *bias, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            out.at[i * out.row_stride + j * out.col_stride] += bias[j];
}

static void TN(tile)(void *data, int64_t i, int32_t worker)
{
    const TN(job) *job = data;
    const tn_product *p = job->p;
    tn_real *room = job->room ? job->room + worker * (ROOM_A + ROOM_B + ROOM_OUT) : NULL;
    const int64_t row = i / job->grid.across * job->grid.rows,
                  col = i % job->grid.across * job->grid.cols,
                  rows = least(job->grid.rows, p->out.rows - row),
                  cols = least(job->grid.cols, p->out.cols - col);
    TN(block) out = {room ? room + ROOM_A + ROOM_B : NULL, cols, 1};
    if (!job->stage)
        out = TN(part)(&p->out, row, col);
    else if (p->add)
        TN(copy)(TN(part)(&p->out, row, col), out, rows, cols);

    if (!p->a.cols && !p->add) TN(clear)(out, rows, cols);
    for (int64_t k = 0; k < p->a.cols; k += DEPTH) {
        const int64_t depth = least(DEPTH, p->a.cols - k);
        const TN(block) a = TN(operand)(&p->a, job->gather_a, row, k, rows, depth, room);
        const TN(block) b = TN(operand)(&p->b, job->gather_b, k, col, depth, cols,
                                        room ? room + ROOM_A : NULL);
        TN(multiply)(a, b, out, rows, cols, depth, k > 0 || p->add);
    }
    if (p->bias) TN(add_bias)(out, (const tn_real *)p->bias + col, rows, cols);
    if (p->out.wrote)
        p->out.wrote(p->out.with, row, col, rows, cols, out.at, out.row_stride);
    if (job->stage && p->out.data) TN(copy)(out, TN(part)(&p->out, row, col), rows, cols);
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
    const tn_matrix *a = &p->a, *b = &p->b, *out = &p->out;
    if (a->rows < 0 || a->cols < 0 || b->cols < 0 || a->cols != b->rows ||
        a->rows != out->rows || b->cols != out->cols)
        return tn_fail(
            c, TN_ESHAPE,
            "product: (%lld x %lld) times (%lld x %lld) cannot give (%lld x %lld)",
            (long long)a->rows, (long long)a->cols, (long long)b->rows,
            (long long)b->cols, (long long)out->rows, (long long)out->cols);
    if (!TN(reachable)(a) || !TN(reachable)(b) || !TN(reachable)(out))
        return tn_fail(c, TN_ESHAPE, "product: sizes and strides are too large");
    if (!out->rows || !out->cols) return TN_OK;
    if (a->cols && ((!a->data && !a->read) || (!b->data && !b->read)))
        return tn_fail(c, TN_EINVAL, "product: an operand has neither data nor a reader");
    if (!out->data && (!out->wrote || p->add))
        return tn_fail(c, TN_EINVAL, "product: the result has no place to go");
    if (out->data && TN(overlaps)(out))
        return tn_fail(c, TN_ESHAPE, "product: elements of the result share a place");
    return TN_OK;
}

/* Whether rows, or columns, are contiguous: what BLIS gets as it is. */
static bool TN(by_rows)(const tn_matrix *m)
{
    return m->col_stride == 1 && m->row_stride >= m->cols;
}

static bool TN(plain)(const tn_matrix *m)
{
    return m->data && !m->read &&
           (TN(by_rows)(m) || (m->row_stride == 1 && m->col_stride >= m->rows));
}

/* The instance's room, or one's own while another thread has that. */
static tn_status TN(take_room)(const TN(self) * self, tn_call *c, TN(job) * job)
{
    if (!job->gather_a && !job->gather_b && !job->stage) return TN_OK;
    const size_t bytes = (size_t)self->threads * sizeof(tn_real) *
                         (size_t)(ROOM_A + ROOM_B + ROOM_OUT);
    const bool ours = !atomic_flag_test_and_set(&self->room->taken);
    job->room = ours ? self->room->at : NULL;
    if (job->room || (job->room = c->host->alloc(c, bytes))) {
        if (ours) self->room->at = job->room;
        return TN_OK;
    }
    if (ours) atomic_flag_clear(&self->room->taken);
    return tn_fail(c, TN_ENOMEM, "out of memory: %zu bytes to gather operands in", bytes);
}

static void TN(give_room)(const TN(self) * self, tn_call *c, const TN(job) * job)
{
    if (!job->room) return;
    if (job->room == self->room->at)
        atomic_flag_clear(&self->room->taken);
    else
        c->host->release(c, job->room);
}

static tn_status TN(product)(const void *me, tn_call *c, const tn_product *p)
{
    const TN(self) *self = me;
    const tn_matrix *out = &p->out;
    tn_status status = TN(check)(c, p);
    if (status != TN_OK || !out->rows || !out->cols) return status;
    TN(job)
    job = {.p = p,
           .grid = cut(out->rows, out->cols, p->a.cols),
           .gather_a = !TN(plain)(&p->a),
           .gather_b = !TN(plain)(&p->b),
           .stage = out->wrote ? !out->data || !TN(by_rows)(out) : !TN(plain)(out)};
    status = TN(take_room)(self, c, &job);
    if (status != TN_OK) return status;
    TN(parallel)(self, job.grid.tiles, TN(tile), &job);
    TN(give_room)(self, c, &job);
    return TN_OK;
}

TN_VTABLE(backend, .destroy = TN(destroy), .open = TN(open), .threads = TN(threads),
          .describe = TN(describe), .parallel = TN(parallel), .product = TN(product))
TN_PLUGIN_WITH(
    OPTIONS, backend, blis,
    .summary = "BLIS kernels on all cores; bits do not depend on their number",
    .formula = "out[i][j] = sum over k of a[i][k] b[k][j] + bias[j] (+ out[i][j])",
    .reference = "Van Zee and van de Geijn, BLIS: a framework for rapidly "
                 "instantiating BLAS functionality, ACM TOMS 41(3), 2015")

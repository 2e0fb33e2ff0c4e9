/* plain.c - products by BLIS's own gemm, for processors that kernel.c has nothing for: the
 * result is cut into tiles, and one thread makes a tile, adding its depth blocks in order.
 *
 * Source: Van Zee and van de Geijn, "BLIS: a framework for rapidly instantiating BLAS
 * functionality", ACM TOMS 41(3), 2015. */
#define TN_HOST
#include <tenon/plugin.h>

#include <blis.h>

#include "cut.h"
#include "loops.h"

#if TN_REAL_BITS == 64
#define GEMM bli_dgemm_ex
#else
#define GEMM bli_sgemm_ex
#endif

/* Sizes found by measurement on two cores with 1 MiB of L2 cache each. */
#define TILE_ROWS 256 /* of the largest tile */
#define TILE_COLS 512
#define STEPS 512        /* of a block of the inner dimension */
#define TILE_WORK 1e6    /* multiplications that are worth a tile of their own */
#define PACK_WORK 0x1p18 /* from here on B is better packed, also where BLIS would not */
#define TILES 16         /* enough of them: no need to cut finer */
#define MICRO_ROWS 12    /* BLIS's micro-tiles divide these in most configurations */
#define MICRO_COLS 32
#define ROOM_A ((int64_t)TILE_ROWS * STEPS)
#define ROOM_B ((int64_t)STEPS * TILE_COLS)
#define ROOM_OUT ((int64_t)TILE_ROWS * TILE_COLS)

/* How a result is cut: tiles of rows x cols, `across` of them side by side. */
typedef struct grid {
    int64_t rows, cols, across, tiles;
} grid;

/* About size / count, in whole micro-tiles. */
static int64_t share(int64_t size, int64_t count, int64_t micro)
{
    return count == 1 ? size : parts(parts(size, count), micro) * micro;
}

/* Halves tiles until there are enough of them, or they are hardly worth a thread's
 * while. */
static grid cut_plain(int64_t rows, int64_t cols, int64_t depth)
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

typedef struct block {
    tn_real *at;
    int64_t row_stride, col_stride;
} block;

typedef struct job {
    const tn_product *p;
    grid grid;
    tn_real *room; /* ROOM_A + ROOM_B + ROOM_OUT for each worker */
    bool gather_a, gather_b, stage;
} job;

static block part(const tn_matrix *m, int64_t row, int64_t col)
{
    tn_real *data = m->data;
    return (block){data + row * m->row_stride + col * m->col_stride, m->row_stride,
                   m->col_stride};
}

static void copy(block from, block to, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            to.at[i * to.row_stride + j * to.col_stride] =
                from.at[i * from.row_stride + j * from.col_stride];
}

/* A block of an operand where it lies, or gathered into `room`. */
static block operand(const tn_matrix *m, bool gather, int64_t row, int64_t col,
                     int64_t rows, int64_t cols, tn_real *room)
{
    if (!gather) return part(m, row, col);
    const block here = {room, cols, 1};
    if (m->read)
        m->read(m->with, row, col, rows, cols, room, cols);
    else
        copy(part(m, row, col), here, rows, cols);
    return here;
}

static void clear(block out, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            out.at[i * out.row_stride + j * out.col_stride] = 0;
}

static void multiply(block a, block b, block out, int64_t rows, int64_t cols,
                     int64_t depth, bool add)
{
    tn_real one = 1, scale = add ? 1 : 0;
    rntm_t alone = BLIS_RNTM_INITIALIZER;
    bli_rntm_set_num_threads(1, &alone);
    bli_rntm_set_pack_b((double)rows * (double)cols * (double)depth >= PACK_WORK, &alone);
    GEMM(BLIS_NO_TRANSPOSE, BLIS_NO_TRANSPOSE, rows, cols, depth, &one, a.at,
         a.row_stride, a.col_stride, b.at, b.row_stride, b.col_stride, &scale, out.at,
         out.row_stride, out.col_stride, NULL, &alone);
}

static void add_bias(block out, const tn_real *bias, int64_t rows, int64_t cols)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            out.at[i * out.row_stride + j * out.col_stride] += bias[j];
}

static void run_tile(void *data, int64_t i, int32_t worker)
{
    const job *j = data;
    const tn_product *p = j->p;
    tn_real *room = j->room ? j->room + worker * (ROOM_A + ROOM_B + ROOM_OUT) : NULL;
    const int64_t row = i / j->grid.across * j->grid.rows,
                  col = i % j->grid.across * j->grid.cols,
                  rows = least(j->grid.rows, p->out.rows - row),
                  cols = least(j->grid.cols, p->out.cols - col);
    block out = {room ? room + ROOM_A + ROOM_B : NULL, cols, 1};
    if (!j->stage)
        out = part(&p->out, row, col);
    else if (p->add)
        copy(part(&p->out, row, col), out, rows, cols);

    if (!p->a.cols && !p->add) clear(out, rows, cols);
    for (int64_t k = 0; k < p->a.cols; k += STEPS) {
        const int64_t depth = least(STEPS, p->a.cols - k);
        const block a = operand(&p->a, j->gather_a, row, k, rows, depth, room);
        const block b = operand(&p->b, j->gather_b, k, col, depth, cols,
                                room ? room + ROOM_A : NULL);
        multiply(a, b, out, rows, cols, depth, k > 0 || p->add);
    }
    if (p->bias) add_bias(out, (const tn_real *)p->bias + col, rows, cols);
    if (p->out.wrote)
        p->out.wrote(p->out.with, row, col, rows, cols, out.at, out.row_stride);
    if (j->stage && p->out.data) copy(out, part(&p->out, row, col), rows, cols);
}

/* Whether rows, or columns, are contiguous: what BLIS gets as it is. */
static bool by_rows(const tn_matrix *m)
{
    return m->col_stride == 1 && m->row_stride >= m->cols;
}

static bool plain(const tn_matrix *m)
{
    return m->data && !m->read &&
           (by_rows(m) || (m->row_stride == 1 && m->col_stride >= m->rows));
}

tn_status TN(tn_blis_plain)(const tn_blis_team *team, tn_call *c, const tn_product *p)
{
    const tn_matrix *out = &p->out;
    job j = {.p = p,
             .grid = cut_plain(out->rows, out->cols, p->a.cols),
             .gather_a = !plain(&p->a),
             .gather_b = !plain(&p->b),
             .stage = out->wrote ? !out->data || !by_rows(out) : !plain(out)};
    if (j.gather_a || j.gather_b || j.stage) {
        const size_t size = (size_t)team->threads * sizeof(tn_real) *
                            (size_t)(ROOM_A + ROOM_B + ROOM_OUT);
        if (!(j.room = tn_blis_take_room(team, c, size))) return TN_ENOMEM;
    }
    team->parallel(team->self, j.grid.tiles, run_tile, &j);
    if (j.room) tn_blis_give_room(team, c, j.room);
    return TN_OK;
}

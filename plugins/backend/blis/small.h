/* small.h - products without a plan: what is small enough that planning would take a fifth of the
 * time. A plan would have one task, one strip, one slice and one block of the result, which is
 * what `wrote` is told, so both ways give the same. Included by loops.c, for one precision. */
#ifndef BACKEND_BLIS_SMALL_H
#define BACKEND_BLIS_SMALL_H

#include "plan.h"

#define PARALLEL_WORK 0.4e6 /* multiplications that are worth waking threads for */
#define SMALL_ROOM 4096     /* values of B that are packed on the stack */

/* Whether B lies as the kernels like it, or takes little room packed. */
static bool suits_small(const tn_product *p)
{
    const tn_matrix *b = &p->b;
    return b->packed || b->col_stride == 1 ||
           (p->count <= 1 && b->row_stride == 1 &&
            parts(b->cols, PANEL) * PANEL * b->rows <= SMALL_ROOM);
}

/* The result is one block, and is made in less time than a plan; of several, whatever their size: they
 * are cut by who asks for them. */
static bool is_small_product(const tn_blis_kernels *kernels, const tn_product *p)
{
    const tn_matrix *a = &p->a, *b = &p->b, *out = &p->out;
    const bool lie = !a->read && !b->read && out->data && out->col_stride == 1 &&
                     (a->row_stride == 1 || a->col_stride == 1) && suits_small(p) &&
                     a->cols > 0 && a->cols <= DEPTH && out->cols % kernels->lanes == 0;
    if (!lie || p->count > 1) return lie;
    return a->rows > FEW && a->rows <= STRIP_ROWS && out->cols <= WIDE_PANELS * PANEL &&
           (double)(a->rows * out->cols * a->cols) < PARALLEL_WORK && !better_flipped(p);
}

static void pack_small(const tn_blis_kernels *kernels, const tn_matrix *b, tn_real *room)
{
    for (int64_t col = 0; col < b->cols; col += kernels->wide) {
        const tn_blis_strip s = {.from = (const tn_real *)b->data + col * b->col_stride,
                                 .step = b->row_stride,
                                 .side = b->col_stride,
                                 .depth = b->rows,
                                 .count = least(kernels->wide, b->cols - col),
                                 .into = room + col * b->rows};
        kernels->pack_b(&s);
    }
}

/* B in panels, or NULL: where it lies. */
static void run_panels(const tn_blis_kernels *kernels, const tn_product *p,
                       const tn_real *panels)
{
    const tn_matrix *a = &p->a, *out = &p->out;
    const int64_t wide = kernels->wide;
    const tn_blis_several several = {p->count > 1 ? p->count : 1, p->a_next, p->b_next,
                                     p->out_next};
    tn_blis_ahead ahead = {.at = p->ahead[0].at,
                           .end = (const char *)p->ahead[0].at + p->ahead[0].bytes,
                           .next = p->ahead[1].at,
                           .next_end = (const char *)p->ahead[1].at + p->ahead[1].bytes};
    const tn_blis_tile t = {.a = a->data,
                            .b = panels ? panels : p->b.data,
                            .a_row = a->row_stride,
                            .a_step = a->col_stride,
                            .b_step = panels ? wide : p->b.row_stride,
                            .b_next = panels ? a->cols * wide : wide,
                            .out = out->data,
                            .out_row = out->row_stride,
                            .bias = p->bias,
                            .rows = a->rows,
                            .cols = out->cols,
                            .depth = a->cols,
                            .first = a->cols,
                            .add = p->add};
    kernels->multiply_small(&t, &several, &ahead);
    if (out->wrote)
        out->wrote(out->with, 0, 0, a->rows, out->cols, out->data, out->row_stride);
}

static void run_small(const tn_blis_kernels *kernels, const tn_product *p)
{
    _Alignas(64) tn_real room[SMALL_ROOM];
    const tn_real *panels = p->b.packed;
    if (!panels && p->b.col_stride != 1) pack_small(kernels, &p->b, room), panels = room;
    run_panels(kernels, p, panels);
}

#endif

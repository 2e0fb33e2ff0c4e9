/* unit.c - the arithmetic of shapes that the typed half works by. */
#include "core/real/unit.h"

#define CHUNK_ELEMENTS 8192

int64_t tn_chunk_rows(int64_t width)
{
    int64_t rows = 1;
    while (2 * rows * width <= CHUNK_ELEMENTS) rows *= 2;
    return rows;
}

int64_t tn_chunks(int64_t rows, int64_t width)
{
    const int64_t chunk = tn_chunk_rows(width);
    return (rows + chunk - 1) / chunk;
}

tn_cells tn_cells_of(int64_t rows, int64_t width, int64_t together)
{
    const int64_t cols = width < TN_CELL_COLS ? width : TN_CELL_COLS;
    const int64_t some = tn_chunk_rows(cols) / together;
    tn_cells c = {.rows = (some ? some : 1) * together, .cols = cols};
    c.down = (rows + c.rows - 1) / c.rows;
    c.across = (width + cols - 1) / cols;
    return c;
}

int64_t tn_rows_of_line(const tn_unit *u)
{
    const tn_node *s = u->spec;
    if (u->facts.kernel != TN_WINDOW || u->width > TN_CELL_COLS) return 0;
    const int64_t rows = s->window[0] * (s->axes > 1 ? s->in[0].dim[1] : 1);
    const bool apart = s->before[0] == 0 && s->stride[0] == s->window[0] &&
                       s->out.dim[0] * s->stride[0] == s->in[0].dim[0];
    return apart && rows <= 2 * tn_chunk_rows(u->width) ? rows : 0;
}

int64_t tn_rows_together(const tn_unit *last)
{
    return last->facts.kernel == TN_WINDOW ? tn_rows_of_line(last) : 1;
}

int64_t tn_rows_per_sample(const tn_shape *shape)
{
    int64_t rows = 1;
    for (int32_t i = 0; i + 1 < shape->rank; i++) rows *= shape->dim[i];
    return rows;
}

bool tn_runs_on_tiles(const tn_layer_facts *f)
{
    return !(f->flags & TN_VIEW) &&
           (f->kernel == TN_MAP || f->kernel == TN_ROW || f->kernel == TN_REDUCE);
}

bool tn_runs_by_product(const tn_layer_facts *f)
{
    return f->kernel == TN_WHOLE && (f->flags & TN_BY_PRODUCT);
}

bool tn_gives_by_product(const tn_layer_facts *f)
{
    return tn_runs_by_product(f) && !(f->flags & TN_GIN_APART);
}

/* Windows and whole layers without products are handed both, whatever their flags say. */
static bool reads(const tn_layer_facts *f, uint32_t flag)
{
    return (!tn_runs_on_tiles(f) && !tn_runs_by_product(f)) || (f->flags & flag);
}

bool tn_backward_reads_x(const tn_layer_facts *f)
{
    return reads(f, TN_NEEDS_X);
}

bool tn_backward_reads_y(const tn_layer_facts *f)
{
    return reads(f, TN_NEEDS_Y);
}

int64_t tn_groups(int32_t over, int64_t rows, int64_t width, int64_t rows_per_sample)
{
    switch (over) {
    case TN_OVER_COLUMNS: return width;
    case TN_OVER_ROWS: return rows;
    case TN_OVER_SAMPLE: return rows / rows_per_sample;
    case TN_OVER_TENSOR:
    case TN_OVER_LAYER:
    case TN_OVER_ALL: return 1;
    default: return 0;
    }
}

tn_space tn_space_of(int32_t over, int64_t rows, int64_t width, int64_t rows_per_sample,
                     bool by_row)
{
    if (over == TN_OVER_SAMPLE)
        return (tn_space){rows / rows_per_sample, rows_per_sample * width, true};
    return (tn_space){rows, width,
                      by_row || over == TN_OVER_COLUMNS || over == TN_OVER_ROWS};
}

tn_space tn_unit_space(const tn_unit *u, int64_t samples)
{
    const int32_t over = u->facts.kernel == TN_WINDOW ? TN_OVER_SAMPLE : u->facts.over;
    tn_space s = tn_space_of(over, samples * u->rows_per_sample, u->width,
                             u->rows_per_sample, (u->facts.flags & TN_COLUMNS) != 0);
    if (u->facts.flags & TN_MANY_ROWS) s.by_row = false;
    return s;
}

int64_t tn_space_chunks(const tn_space *space)
{
    return tn_chunks(space->rows, space->width);
}

bool tn_shared_groups(int32_t over)
{
    return over != TN_OVER_ROWS && over != TN_OVER_SAMPLE;
}

bool tn_over_several(int32_t over)
{
    return over == TN_OVER_ALL || over == TN_OVER_LAYER;
}

int64_t tn_group_of(int32_t over, const tn_space *space, int64_t first)
{
    return tn_shared_groups(over) ? 0 : first / space->width;
}

int64_t tn_sum_room(int32_t over, const tn_space *space, int64_t groups, int32_t sums)
{
    return groups * sums * (tn_shared_groups(over) ? tn_space_chunks(space) : 1);
}

tn_tensor tn_tensor_over(const tn_shape *shape, int64_t samples, int32_t real,
                         const void *data)
{
    tn_tensor t = {.struct_size = sizeof t,
                   .dtype = real ? TN_F64 : TN_F32,
                   .data = (void *)(uintptr_t)data};
    if (samples >= 0) t.dim[t.rank++] = samples;
    for (int32_t i = 0; i < shape->rank; i++) t.dim[t.rank++] = shape->dim[i];
    int64_t stride = 1;
    for (int32_t i = t.rank; i-- > 0; stride *= t.dim[i]) t.stride[i] = stride;
    return t;
}

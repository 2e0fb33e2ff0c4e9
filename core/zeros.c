/* zeros.c - what of a model is exactly zero, and what it would take to keep the rest. */
#include "core/model.h"

static bool zero_at(const tn_tensor *t, int64_t i)
{
    return t->dtype == TN_F64 ? ((const double *)t->data)[i] == 0
                              : ((const float *)t->data)[i] == 0;
}

static int64_t zeros_of_row(const tn_tensor *t, int64_t row, int64_t columns)
{
    int64_t zeros = 0;
    for (int64_t c = 0; c < columns; c++) zeros += zero_at(t, row * columns + c);
    return zeros;
}

/* Of an input: all weights that units give it, in a convolution its `taps` in each. */
static bool zero_input(const tn_tensor *t, const tn_zeros *z, int64_t taps, int64_t input)
{
    for (int64_t row = 0; row < z->rows; row++)
        for (int64_t tap = 0; tap < taps; tap++)
            if (!zero_at(t, (row * z->columns + input) * taps + tap)) return false;
    return true;
}

static void count(const tn_tensor *t, int64_t rows, int64_t taps, tn_zeros *z)
{
    const int64_t columns = z->values / rows;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t zeros = zeros_of_row(t, r, columns);
        z->zeros += zeros;
        z->zero_rows += z->rows && zeros == columns;
    }
    for (int64_t c = 0; c < z->columns; c++) z->zero_columns += zero_input(t, z, taps, c);
}

static void measure(size_t bytes, int64_t rows, int64_t columns, tn_zeros *z)
{
    const size_t values = (size_t)z->values, kept = (size_t)(z->values - z->zeros);
    const size_t starts = ((size_t)rows + 1) * sizeof(uint32_t);
    z->dense = values * bytes;
    z->bitmap = kept * bytes + (values + 7) / 8;
    z->index32 = kept * (bytes + sizeof(uint32_t)) + starts;
    z->index16 = columns > UINT16_MAX + 1 ? z->index32
                                          : kept * (bytes + sizeof(uint16_t)) + starts;
}

tn_status tn_model_zeros(const tn_model *m, int32_t i, tn_zeros *z)
{
    if (i < 0 || i >= m->graph->params) return TN_ENOTFOUND;
    const tn_graph_param *p = &m->graph->param[i];
    const tn_tensor *t = &p->value;
    const bool weight = p->spec.role == TN_WEIGHT && t->rank > 1;
    const int64_t rows = weight ? t->dim[0] : 1, columns = tn_count(t) / rows;
    *z = (tn_zeros){.name = p->name, .values = tn_count(t)};
    if (weight) z->rows = rows, z->columns = t->dim[1];
    count(t, rows, weight ? columns / t->dim[1] : 1, z);
    measure(tn_dtype_size(t->dtype), rows, columns, z);
    return TN_OK;
}

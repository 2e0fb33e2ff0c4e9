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

int64_t tn_rows_per_sample(const tn_shape *shape)
{
    int64_t rows = 1;
    for (int32_t i = 0; i + 1 < shape->rank; i++) rows *= shape->dim[i];
    return rows;
}

int64_t tn_groups(int32_t over, int64_t rows, int64_t width, int64_t rows_per_sample)
{
    switch (over) {
    case TN_OVER_COLUMNS: return width;
    case TN_OVER_ROWS: return rows;
    case TN_OVER_SAMPLE: return rows / rows_per_sample;
    case TN_OVER_TENSOR:
    case TN_OVER_ALL: return 1;
    default: return 0;
    }
}

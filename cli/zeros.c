/* zeros.c - how sparse a model is: `tenon info MODEL`. */
#include <stdlib.h>

#include "cli/cli.h"

/* Parameters that have zeros, and what all parameters come to. */
typedef struct sparsity {
    tn_zeros *row, all;
    int32_t rows;
} sparsity;

static void add(tn_zeros *to, const tn_zeros *z)
{
    to->values += z->values, to->zeros += z->zeros;
    to->dense += z->dense, to->bitmap += z->bitmap;
    to->index16 += z->index16, to->index32 += z->index32;
}

static int look(const tn_model *model, sparsity *s, tn_error *error)
{
    tn_zeros z;
    *s = (sparsity){.row = calloc((size_t)tn_model_tensors(model) + 1, sizeof *s->row)};
    if (!s->row) return cli_fail(error, TN_ENOMEM, "out of memory");
    for (int32_t i = 0; tn_model_zeros(model, i, &z) == TN_OK; i++) {
        add(&s->all, &z);
        if (z.zeros) s->row[s->rows++] = z;
    }
    return CLI_DONE;
}

static void share(char *to, size_t size, int64_t part, int64_t all)
{
    snprintf(to, size, "%lld (%.2f %%)", (long long)part,
             100 * (double)part / (double)all);
}

static void cell(const void *with, int32_t row, int32_t column, char *to, size_t size)
{
    static const char *const head[] = {"parameter", "values", "zeros", "zero units",
                                       "unused inputs"};
    const tn_zeros *z = row < 0 ? NULL : &((const sparsity *)with)->row[row];
    if (!z)
        snprintf(to, size, "%s", head[column]);
    else if (column == 0)
        snprintf(to, size, "%s", z->name);
    else if (column == 1)
        snprintf(to, size, "%lld", (long long)z->values);
    else if (column == 2)
        share(to, size, z->zeros, z->values);
    else if (!z->rows)
        snprintf(to, size, "-");
    else
        snprintf(to, size, "%lld of %lld",
                 (long long)(column == 3 ? z->zero_rows : z->zero_columns),
                 (long long)(column == 3 ? z->rows : z->columns));
}

int cli_zeros_table(const tn_model *model, tn_error *error)
{
    char text[80];
    sparsity s;
    if (look(model, &s, error)) return CLI_ERROR;
    if (s.rows) {
        printf("\n");
        cli_table(s.rows, 5, 1U << 1 | 1U << 2 | 1U << 3 | 1U << 4, cell, &s);
        share(text, sizeof text, s.all.zeros, s.all.values);
        printf("%s of all parameters are exactly zero: %zu bytes, without the zeros %zu "
               "(bitmap), %zu (16-bit indices) or %zu (32-bit indices)\n",
               text, s.all.dense, s.all.bitmap, s.all.index16, s.all.index32);
    } else
        printf("none of them is exactly zero: %zu bytes\n", s.all.dense);
    free(s.row);
    return CLI_DONE;
}

static json_object *bytes_of(const tn_zeros *z)
{
    json_object *bytes = json_object_new_object();
    cli_json_int(bytes, "dense", (int64_t)z->dense);
    cli_json_int(bytes, "bitmap", (int64_t)z->bitmap);
    cli_json_int(bytes, "index16", (int64_t)z->index16);
    cli_json_int(bytes, "index32", (int64_t)z->index32);
    return bytes;
}

static json_object *row_of(const tn_zeros *z)
{
    json_object *row = json_object_new_object();
    cli_json_text(row, "parameter", z->name);
    cli_json_int(row, "values", z->values);
    cli_json_int(row, "zeros", z->zeros);
    if (z->rows) {
        cli_json_int(row, "units", z->rows);
        cli_json_int(row, "zero_units", z->zero_rows);
        cli_json_int(row, "inputs", z->columns);
        cli_json_int(row, "unused_inputs", z->zero_columns);
    }
    return row;
}

int cli_zeros_json(json_object *object, const tn_model *model, tn_error *error)
{
    sparsity s;
    if (look(model, &s, error)) return CLI_ERROR;
    json_object *list = json_object_new_array();
    for (int32_t i = 0; i < s.rows; i++) json_object_array_add(list, row_of(&s.row[i]));
    cli_json_int(object, "zeros", s.all.zeros);
    json_object_object_add(object, "bytes", bytes_of(&s.all));
    json_object_object_add(object, "with_zeros", list);
    free(s.row);
    return CLI_DONE;
}

/* table_cells.h - the cells of a text file of separated values, one after the other. */
#ifndef DATASET_TABLE_CELLS_H
#define DATASET_TABLE_CELLS_H

#include <math.h>
#include <stdlib.h>

#include "bytes.h"

typedef struct cell {
    const char *text; /* without quotes and the blanks around */
    size_t size;
    int last; /* of its row */
} cell;

typedef struct table {
    tn_call *c;
    file_bytes file;
    char delimiter;
    int header;
    double most; /* magnitude of the largest number there is room for */
    int64_t rows, cols;
    cell *name; /* of each column, their text behind them; NULL: there is no header */
    int64_t first, count; /* the columns taken */
    double *value;        /* rows x count */
    int64_t *place;       /* of each column in a row of value; NULL: as they stand */
    size_t at;            /* of the reader in the file */
    int64_t row;          /* of the reader, from 1 */
} table;

static int is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static cell trimmed(const char *text, size_t size, int last)
{
    while (size && is_blank(text[0])) text++, size--;
    while (size && is_blank(text[size - 1])) size--;
    if (size >= 2 && text[0] == '"' && text[size - 1] == '"') text++, size -= 2;
    return (cell){text, size, last};
}

static cell next_cell(table *t)
{
    const char *text = (const char *)t->file.at;
    const size_t first = t->at, size = t->file.size;
    int quoted = 0;
    size_t end = first;
    for (; end < size && text[end] != '\n'; end++) {
        if (text[end] == '"') quoted = !quoted;
        if (text[end] == t->delimiter && !quoted) break;
    }
    const int last = end == size || text[end] == '\n';
    t->at = end < size ? end + 1 : end;
    return trimmed(text + first, end - first, last);
}

static void to_first_row(table *t)
{
    static const unsigned char mark[3] = {0xef, 0xbb, 0xbf}; /* UTF-8's byte order mark */
    t->at = t->file.size >= sizeof mark && !memcmp(t->file.at, mark, sizeof mark) ? 3 : 0;
    t->row = 1;
}

/* To the first row of data. */
static void rewind_table(table *t)
{
    to_first_row(t);
    if (!t->header) return;
    while (!next_cell(t).last) {
    }
    t->row++;
}

static int at_end(const table *t)
{
    for (size_t i = t->at; i < t->file.size; i++)
        if (!is_blank((char)t->file.at[i]) && t->file.at[i] != '\n') return 0;
    return 1;
}

/* Of a row; 0: its line is empty. */
static int64_t count_cells(table *t)
{
    cell what = next_cell(t);
    if (what.last && !what.size) return 0;
    int64_t cells = 1;
    for (; !what.last; cells++) what = next_cell(t);
    return cells;
}

/* A decimal number and nothing else: strtod would also take 0x1, inf and nan. */
static int parse_number(cell what, double *value)
{
    char text[128], *end;
    if (what.size == 0 || what.size >= sizeof text) return 0;
    memcpy(text, what.text, what.size);
    text[what.size] = 0;
    if (strspn(text, "0123456789+-.eE") != what.size) return 0;
    *value = strtod(text, &end);
    return end == text + what.size && isfinite(*value);
}

#endif

/* table.h - a rectangle of numbers from a text file of separated values (RFC 4180 without
 * line breaks inside cells).
 *
 * Invariant: every row has the same number of cells and every cell is a finite decimal
 * number; what is not so is an error with file:row:column, both counted from 1. The first
 * pass counts, so that the second can fill one block of the right size. */
#ifndef DATASET_TABLE_H
#define DATASET_TABLE_H

#include <locale.h>

#include "table_wrong.h"

static tn_status count_rows(table *t)
{
    char hint[TABLE_HINT];
    for (rewind_table(t); !at_end(t); t->row++) {
        const int64_t cells = count_cells(t);
        if (cells == 0) return empty_line(t);
        if (t->cols == 0) t->cols = cells; /* without a header */
        if (cells != t->cols)
            return tn_fail(
                t->c, TN_EDATA, "%s:%lld:%lld: this row has %lld cells, expected %lld%s",
                t->file.path, (long long)t->row,
                (long long)(cells < t->cols ? cells : t->cols + 1), (long long)cells,
                (long long)t->cols, t->cols == 1 ? one_column_hint(t, hint) : "");
        t->rows++;
    }
    if (t->rows) return TN_OK;
    return tn_fail(t->c, TN_EDATA, "%s: there are no rows of data", t->file.path);
}

/* They outlive the file's text. */
static tn_status take_names(table *t)
{
    to_first_row(t);
    const size_t first = t->at;
    t->cols = count_cells(t);
    if (t->cols == 0) return empty_line(t);
    const size_t cells = (size_t)t->cols * sizeof *t->name, size = t->at - first;
    t->name = take_memory(t->c, t->file.path, cells + size);
    if (!t->name) return TN_ENOMEM;
    char *text = (char *)t->name + cells;
    memcpy(text, t->file.at + first, size);
    t->at = first;
    for (int64_t col = 0; col < t->cols; col++) {
        const cell what = next_cell(t);
        const size_t from = (size_t)(what.text - (const char *)t->file.at) - first;
        t->name[col] = (cell){text + from, what.size, what.last};
    }
    return TN_OK;
}

/* A first row of numbers is a sample that would be lost. */
static tn_status read_header(table *t)
{
    double value;
    const tn_status status = take_names(t);
    if (status != TN_OK) return status;
    for (int64_t col = 0; col < t->cols; col++)
        if (!parse_number(t->name[col], &value)) return TN_OK;
    return tn_fail(t->c, TN_EDATA,
                   "%s:1:1: the first row holds numbers: write header: false if it is "
                   "data, or words for names if it names the columns",
                   t->file.path);
}

static tn_status parse_rows(table *t)
{
    double *value = t->value;
    rewind_table(t);
    for (int64_t row = 0; row < t->rows; row++, t->row++, value += t->count)
        for (int64_t col = 0; col < t->cols; col++) {
            const cell what = next_cell(t);
            if (col < t->first || col >= t->first + t->count) continue;
            const int64_t at = t->place ? t->place[col] : col - t->first;
            if (!parse_number(what, &value[at])) return wrong_cell(t, col, what);
            if (fabs(value[at]) > t->most) return too_large(t, col, what);
        }
    return TN_OK;
}

/* A program may have set a locale in which 0.5 is written 0,5. */
static tn_status in_c_locale(table *t, tn_status (*work)(table *))
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0) return tn_fail(t->c, TN_ENOMEM, "no memory for a locale");
    const locale_t before = uselocale(plain);
    const tn_status status = work(t);
    uselocale(before);
    freelocale(plain);
    return status;
}

static tn_status check_text(const table *t)
{
    const file_bytes *file = &t->file;
    if (memchr(file->at, 0, file->size))
        return tn_fail(t->c, TN_EDATA,
                       "%s: holds zero bytes, which no table in UTF-8 does; was it saved "
                       "as UTF-16?",
                       file->path);
    const unsigned char *end = memchr(file->at, '\r', file->size);
    if (end && end + 1 < file->at + file->size && !memchr(file->at, '\n', file->size))
        return tn_fail(t->c, TN_EDATA,
                       "%s: its lines end in CR alone, as once on the Macintosh; save it "
                       "with LF or CR LF",
                       file->path);
    return TN_OK;
}

/* t: c, delimiter, header and most are set, the rest is zero. Close it in any case. */
static tn_status table_open(table *t, const char *path)
{
    tn_status status = read_file(t->c, path, &t->file);
    if (status == TN_OK) status = check_text(t);
    if (status == TN_OK && t->header) status = in_c_locale(t, read_header);
    if (status == TN_OK) status = count_rows(t);
    return status;
}

/* The values of `count` columns, which stay until table_close; the text does not. */
static tn_status table_take(table *t, int64_t first, int64_t count)
{
    /* No overflow: a cell takes at least a byte of the file. */
    t->value = take_memory(t->c, t->file.path,
                           (size_t)t->rows * (size_t)count * sizeof *t->value);
    if (!t->value) return TN_ENOMEM;
    t->first = first, t->count = count;
    const tn_status status = in_c_locale(t, parse_rows);
    drop_file(t->c, &t->file);
    return status;
}

static void table_close(tn_call *c, table *t)
{
    void *const blocks[] = {t->value, t->name, t->place};
    drop_file(c, &t->file);
    for (int i = 0; i < 3; i++)
        if (blocks[i]) c->host->release(c, blocks[i]);
    t->value = NULL, t->name = NULL, t->place = NULL;
}

static tn_status table_check_delimiter(tn_call *c, const char *delimiter)
{
    if (strlen(delimiter) == 1 && !strchr("\"\n\r", delimiter[0])) return TN_OK;
    return tn_fail(c, TN_EINVAL, "delimiter: expected one character, got '%s'",
                   delimiter);
}

#endif

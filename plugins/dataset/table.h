/* table.h - a rectangle of numbers from a text file of separated values (RFC 4180 without
 * line breaks inside cells).
 *
 * Invariant: every row has the same number of cells and every cell is a finite decimal
 * number; what is not so is an error with file:row:column, both counted from 1. The first
 * pass counts, so that the second can fill one block of the right size. */
#ifndef DATASET_TABLE_H
#define DATASET_TABLE_H

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "bytes.h"

typedef struct table {
    tn_call *c;
    file_bytes file;
    char delimiter;
    int header;
    int64_t rows, cols;
    int64_t first, count; /* the columns taken */
    double *value;        /* rows x count */
    size_t at;            /* of the reader in the file */
    int64_t row;          /* of the reader, from 1 */
} table;

typedef struct cell {
    const char *text; /* without quotes and the blanks around */
    size_t size;
    int last; /* of its row */
} cell;

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

static int64_t count_cells(table *t)
{
    int64_t cells = 1;
    while (!next_cell(t).last) cells++;
    return cells;
}

static tn_status count_rows(table *t)
{
    for (rewind_table(t); !at_end(t); t->row++) {
        const int64_t cells = count_cells(t);
        if (t->cols == 0) t->cols = cells;
        if (cells != t->cols)
            return tn_fail(t->c, TN_EDATA,
                           "%s:%lld:%lld: this row has %lld cells, expected %lld",
                           t->file.path, (long long)t->row,
                           (long long)(cells < t->cols ? cells : t->cols + 1),
                           (long long)cells, (long long)t->cols);
        t->rows++;
    }
    if (t->rows) return TN_OK;
    return tn_fail(t->c, TN_EDATA, "%s: there are no rows of data", t->file.path);
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

/* Begins with a letter, of UTF-8 any but ASCII's other characters, and is not one of the words for
 * numbers that are not finite. */
static int is_word(cell what)
{
    static const char *const numbers[] = {"nan", "inf", "infinity"};
    const unsigned char first = what.size ? (unsigned char)what.text[0] : 0;
    for (int i = 0; i < 3; i++)
        if (what.size == strlen(numbers[i]) &&
            !strncasecmp(what.text, numbers[i], what.size))
            return 0;
    return (first | 32) >= 'a' && ((first | 32) <= 'z' || first >= 0x80);
}

static tn_status wrong_cell(table *t, int64_t col, cell what)
{
    const int shown = what.size < 40 ? (int)what.size : 40;
    const int names = t->row == 1 && !t->header;
    return tn_fail(
        t->c, TN_EDATA, "%s:%lld:%lld: expected a finite number, found '%.*s'%s",
        t->file.path, (long long)t->row, (long long)(col + 1), shown, what.text,
        names           ? "; if the first row holds names, set header: true"
        : is_word(what) ? "; words, such as names of classes, have to be numbered"
                        : "");
}

/* A first row of numbers is a sample that would be lost. */
static tn_status check_header(table *t)
{
    double value;
    to_first_row(t);
    for (cell what = {NULL, 0, 0}; !what.last;) {
        what = next_cell(t);
        if (!parse_number(what, &value)) return TN_OK;
    }
    return tn_fail(t->c, TN_EDATA,
                   "%s:1:1: the first row holds numbers: write header: false if it is "
                   "data, or words for names if it names the columns",
                   t->file.path);
}

static tn_status parse_rows(table *t)
{
    double *value = t->value;
    rewind_table(t);
    for (int64_t row = 0; row < t->rows; row++, t->row++)
        for (int64_t col = 0; col < t->cols; col++) {
            const cell what = next_cell(t);
            if (col < t->first || col >= t->first + t->count) continue;
            if (!parse_number(what, value++)) return wrong_cell(t, col, what);
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

/* t: c, delimiter and header are set, the rest is zero. Close it in any case. */
static tn_status table_open(table *t, const char *path)
{
    tn_status status = read_file(t->c, path, &t->file);
    if (status == TN_OK && t->file.size && memchr(t->file.at, 0, t->file.size))
        status = tn_fail(
            t->c, TN_EDATA,
            "%s: holds zero bytes, which no table in UTF-8 does; was it saved "
            "as UTF-16?",
            path);
    if (status == TN_OK && t->header) status = in_c_locale(t, check_header);
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
    drop_file(c, &t->file);
    if (t->value) c->host->release(c, t->value);
    t->value = NULL;
}

/* Column by name (when there is a header) or by number from 1; -1: none. */
static int64_t find_column(table *t, const char *name)
{
    if (t->header) {
        to_first_row(t);
        for (int64_t col = 0;; col++) {
            const cell what = next_cell(t);
            if (what.size == strlen(name) && !memcmp(what.text, name, what.size))
                return col;
            if (what.last) break;
        }
    }
    char *end;
    const long number = strtol(name, &end, 10);
    return *name && !*end && number >= 1 && number <= t->cols ? number - 1 : -1;
}

/* The column that the option `option` names; NULL: the last. Before table_take. */
static tn_status table_column(table *t, const char *option, const char *name,
                              int64_t *column)
{
    *column = name ? find_column(t, name) : t->cols - 1;
    if (*column >= 0) return TN_OK;
    return tn_fail(t->c, TN_EINVAL,
                   "%s: %s has no column '%s'; give a name of its header or 1 to %lld",
                   option, t->file.path, name, (long long)t->cols);
}

static tn_status table_check_delimiter(tn_call *c, const char *delimiter)
{
    if (strlen(delimiter) == 1 && !strchr("\"\n\r", delimiter[0])) return TN_OK;
    return tn_fail(c, TN_EINVAL, "delimiter: expected one character, got '%s'",
                   delimiter);
}

#endif

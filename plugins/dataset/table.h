/* table.h - a rectangle of numbers from a text file of separated values (RFC 4180 without
 * line breaks inside cells).
 *
 * Invariant: every row has the same number of cells and every cell is a finite decimal
 * number; what is not so is an error with file:row:column, both counted from 1. The first
 * pass counts, so that the second can fill one block of the right size. */
#ifndef DATASET_TABLE_H
#define DATASET_TABLE_H

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

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

/* What seems to part cells in that text instead of the delimiter; 0: nothing does. */
static char other_delimiter(const table *t, const char *text, size_t size)
{
    for (const char *other = ";\t|,"; *other; other++)
        if (*other != t->delimiter && memchr(text, *other, size)) return *other;
    return 0;
}

#define TABLE_HINT 80

static const char *delimiter_hint(char other, char hint[TABLE_HINT])
{
    const char text[] = {other, 0}, *shown = other == '\t' ? "\\t" : text;
    snprintf(hint, TABLE_HINT, "; cells seem to be parted by '%s': set delimiter: \"%s\"",
             shown, shown);
    return hint;
}

/* For a table that has one column, and should not; empty: no other delimiter is in sight. */
static const char *one_column_hint(const table *t, char hint[TABLE_HINT])
{
    const char *text = (const char *)t->file.at;
    const char *end = memchr(text, '\n', t->file.size);
    const char other = other_delimiter(t, text,
                                       end ? (size_t)(end - text) : t->file.size);
    return other ? delimiter_hint(other, hint) : "";
}

/* In the middle of a table it may be a value that is missing. */
static tn_status empty_line(const table *t)
{
    return tn_fail(t->c, TN_EDATA, "%s:%lld:1: an empty line; remove it", t->file.path,
                   (long long)t->row);
}

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

static const char *cell_hint(const table *t, cell what, char hint[TABLE_HINT])
{
    const char other = other_delimiter(t, what.text, what.size);
    if (other == ',') return "; write a decimal comma as a point";
    if (other) return delimiter_hint(other, hint);
    if (t->row == 1 && !t->header)
        return "; if the first row holds names, set header: true";
    return is_word(what) ? "; words, such as names of classes, have to be numbered" : "";
}

static tn_status wrong_cell(const table *t, int64_t col, cell what)
{
    const int shown = what.size < 40 ? (int)what.size : 40;
    char hint[TABLE_HINT];
    return tn_fail(t->c, TN_EDATA,
                   "%s:%lld:%lld: expected a finite number, found '%.*s'%s", t->file.path,
                   (long long)t->row, (long long)(col + 1), shown, what.text,
                   cell_hint(t, what, hint));
}

static tn_status too_large(const table *t, int64_t col, cell what)
{
    return tn_fail(t->c, TN_EDATA,
                   "%s:%lld:%lld: '%.*s' is beyond %.3g, the largest float; scale the "
                   "column, or set precision: double",
                   t->file.path, (long long)t->row, (long long)(col + 1), (int)what.size,
                   what.text, t->most);
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

/* The first column of that name from number `from` on; -1: none. */
static int64_t find_name(const table *t, const char *name, size_t size, int64_t from)
{
    for (int64_t col = from; t->name && col < t->cols; col++)
        if (t->name[col].size == size && !memcmp(t->name[col].text, name, size))
            return col;
    return -1;
}

/* Column by name or by number from 1; -1: none. */
static int64_t find_column(const table *t, const char *name)
{
    char *end;
    const int64_t col = find_name(t, name, strlen(name), 0);
    const long number = strtol(name, &end, 10);
    if (col >= 0) return col;
    return *name && !*end && number >= 1 && number <= t->cols ? number - 1 : -1;
}

/* The column that the option `option` names; NULL: the last. */
static tn_status table_column(table *t, const char *option, const char *name,
                              int64_t *column)
{
    *column = name ? find_column(t, name) : t->cols - 1;
    if (*column < 0)
        return tn_fail(
            t->c, TN_EINVAL,
            "%s: %s has no column '%s'; give a name of its header or 1 to %lld", option,
            t->file.path, name, (long long)t->cols);
    const int64_t twin = name ? find_name(t, name, strlen(name), *column + 1) : -1;
    if (twin < 0) return TN_OK;
    return tn_fail(t->c, TN_EINVAL,
                   "%s: '%s' is the name of columns %lld and %lld of %s; give the number "
                   "of the one that is meant",
                   option, name, (long long)*column + 1, (long long)twin + 1,
                   t->file.path);
}

static int same_names(const table *t, const table *other)
{
    int same = t->cols == other->cols;
    for (int64_t col = 0; same && col < t->cols; col++)
        same = t->name[col].size == other->name[col].size &&
               !memcmp(t->name[col].text, other->name[col].text, t->name[col].size);
    return same;
}

/* Columns in another order than those of `first` are put in the order of those, by name. Both have
 * equally many. Before table_take. */
TN_UNUSED static tn_status table_follow(table *t, const table *first)
{
    if (!t->name || same_names(t, first)) return TN_OK;
    t->place = take_memory(t->c, t->file.path, (size_t)t->cols * sizeof *t->place);
    if (!t->place) return TN_ENOMEM;
    for (int64_t col = 0; col < t->cols; col++) {
        const cell name = t->name[col];
        const int shown = name.size < 40 ? (int)name.size : 40;
        t->place[col] = find_name(first, name.text, name.size, 0);
        if (t->place[col] < 0)
            return tn_fail(t->c, TN_ESHAPE,
                           "%s:1:%lld: there is a column '%.*s' here, but none of that "
                           "name in %s; give both files the same names",
                           t->file.path, (long long)col + 1, shown, name.text,
                           first->file.path);
        if (find_name(t, name.text, name.size, col + 1) >= 0)
            return tn_fail(
                t->c, TN_ESHAPE,
                "%s:1:%lld: '%.*s' is the name of several columns, which stand "
                "in another order than in %s; give each its own",
                t->file.path, (long long)col + 1, shown, name.text, first->file.path);
    }
    return TN_OK;
}

/* The column of the file that stands at `column` now. */
TN_UNUSED static int64_t table_source(const table *t, int64_t column)
{
    int64_t col = 0;
    if (!t->place) return column;
    while (t->place[col] != column) col++;
    return col;
}

static tn_status table_check_delimiter(tn_call *c, const char *delimiter)
{
    if (strlen(delimiter) == 1 && !strchr("\"\n\r", delimiter[0])) return TN_OK;
    return tn_fail(c, TN_EINVAL, "delimiter: expected one character, got '%s'",
                   delimiter);
}

#endif

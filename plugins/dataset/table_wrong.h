/* table_wrong.h - what is wrong in a table, where, and what to do about it. */
#ifndef DATASET_TABLE_WRONG_H
#define DATASET_TABLE_WRONG_H

#include <stdio.h>
#include <strings.h>

#include "table_cells.h"

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

#endif

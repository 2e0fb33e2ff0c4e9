/* table_columns.h - columns of a table (table.h) by name, or by number from 1. */
#ifndef DATASET_TABLE_COLUMNS_H
#define DATASET_TABLE_COLUMNS_H

#include "table.h"

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

#endif

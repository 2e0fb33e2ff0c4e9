/* option_table.h - option tables: are they sane, what do they allow, what does the host
 * add. */
#ifndef CORE_OPTION_TABLE_H
#define CORE_OPTION_TABLE_H

#include "core/env.h"
#include "core/pool.h"

/* [a-z][a-z0-9_]*, at most 63 characters: names of kinds, plugins and options. */
bool tn_name_legal(const char *);

/* The options that the host adds to every plugin of a kind; *count 0: none. */
const tn_option *tn_host_options(const char *kind, int32_t *count);
/* Index of the option called name, or -1. */
int32_t tn_option_find(const tn_option *, int32_t count, const char *name);
/* Index of the positional option, or -1. */
int32_t tn_option_positional(const tn_option *, int32_t count);

/* Names legal, unique and not the host's, docs there, defaults inside their ranges, enum
 * defaults among the choices, default texts well-formed, at most one positional. The
 * message says "option 'p': ..."; the caller says whose. */
tn_status tn_option_table_check(tn_memory *, const char *kind, const tn_option *,
                                int32_t count, tn_error *);

/* "int", "number", "schedule or number", "one of a, b", "layer", ... */
void tn_option_type_text(const tn_option *, char *text, size_t size);
/* "[0, 1)"; "" where there is no range. */
void tn_option_range_text(const tn_option *, char *text, size_t size);
/* "0.5", "required", "-" (unset). */
void tn_option_default_text(const tn_option *, char *text, size_t size);

/* Whether a number is inside the option's range. */
bool tn_option_allows_int(const tn_option *, int64_t);
bool tn_option_allows_real(const tn_option *, double);
/* Choice i of an ENUM ("a|b|c") and its length; NULL: there are not as many. */
const char *tn_option_choice(const tn_option *, int32_t i, int32_t *length);

#endif

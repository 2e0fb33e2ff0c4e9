/* npy_header.h - what the header of a NumPy array file (.npy, versions 1 to 3) says:
 * little-endian floats of 16, 32 and 64 bits, integers of 8 to 64 and unsigned ones of 8 to 32
 * bits, or bool, in C order. For the data set and for the program `tenon` alike.
 *
 * Format: NumPy Enhancement Proposal 1 and numpy.lib.format: "\x93NUMPY", two version
 * bytes, the header's length (16 bits in version 1, else 32), a Python dictionary literal
 * with exactly the keys descr, fortran_order and shape, then the elements. The file must
 * have exactly the size its header promises, so nothing is allocated beyond the file
 * itself. */
#ifndef DATASET_NPY_HEADER_H
#define DATASET_NPY_HEADER_H

#include <stdio.h>
#include <string.h>

#include "npy_element.h"
#include "tenon/types.h"

#define NPY_MAGIC "\x93NUMPY"

typedef struct npy_header {
    npy_type type;
    int32_t rank;                    /* 1 or more */
    int64_t dim[TN_MAX_RANK], count; /* of elements, 1 or more */
    size_t start;                    /* where they begin in the file, maybe unaligned */
    char why[200];                   /* what is wrong, without the file's name */
} npy_header;

/* What is left of the header's text. */
typedef struct npy_text {
    const char *at, *end;
} npy_text;

#define NPY_WRONG(h, status, ...) \
    (snprintf((h)->why, sizeof(h)->why, __VA_ARGS__), status)

static inline void npy_skip_blanks(npy_text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n')) t->at++;
}

static inline int npy_accept(npy_text *t, const char *word)
{
    const size_t size = strlen(word);
    npy_skip_blanks(t);
    if ((size_t)(t->end - t->at) < size || memcmp(t->at, word, size)) return 0;
    t->at += size;
    return 1;
}

static inline int npy_accept_size(npy_text *t, int64_t *size)
{
    npy_skip_blanks(t);
    const char *first = t->at;
    *size = 0;
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (__builtin_mul_overflow(*size, 10, size) ||
            __builtin_add_overflow(*size, *t->at - '0', size))
            return 0;
    return t->at > first;
}

static inline tn_status npy_damaged(npy_header *h)
{
    return NPY_WRONG(h, TN_EDATA, "the .npy header is damaged");
}

/* Whole numbers stay such: as floats they would no longer be labels. */
static inline const char *npy_advice(const char *shown)
{
    const char kind = strlen(shown) > 2 ? shown[2] : 0; /* '>i4' */
    if (kind == 'i' || kind == 'u') return "array.astype('<i8') is";
    if (kind == 'f') return "array.astype('<f4') is";
    return "array.astype('<f4') is for values, array.astype('<i8') for labels";
}

static inline tn_status npy_parse_type(npy_text *t, npy_header *h)
{
    for (h->type = 0; h->type < NPY_TYPES; h->type++)
        if (npy_accept(t, npy_known(h->type)->name)) return TN_OK;
    npy_skip_blanks(t);
    char shown[24] = "";
    size_t size = 0;
    for (; size + 1 < sizeof shown && t->at + size < t->end; size++) {
        const char letter = t->at[size];
        shown[size] = letter;
        if (letter < ' ' || letter > '~') shown[size] = '?';
        if (size && letter == '\'') break; /* the text's end */
    }
    return NPY_WRONG(
        h, TN_ENOTSUP,
        "element type %s; expected bool, integers but uint64, or floats, little-endian, "
        "as %s",
        shown, npy_advice(shown));
}

static inline tn_status npy_parse_order(npy_text *t, npy_header *h)
{
    if (npy_accept(t, "False")) return TN_OK;
    if (npy_accept(t, "True"))
        return NPY_WRONG(h, TN_ENOTSUP,
                         "the array is in Fortran order; save "
                         "numpy.ascontiguousarray(it)");
    return npy_damaged(h);
}

static inline tn_status npy_parse_shape(npy_text *t, npy_header *h)
{
    h->count = 1;
    if (!npy_accept(t, "(")) return npy_damaged(h);
    while (!npy_accept(t, ")")) {
        if (h->rank == TN_MAX_RANK)
            return NPY_WRONG(h, TN_ENOTSUP, "more than %d axes", TN_MAX_RANK);
        int64_t size;
        if (!npy_accept_size(t, &size)) return npy_damaged(h);
        if (size == 0)
            return NPY_WRONG(h, TN_EDATA, "axis %d of the array has size 0", h->rank + 1);
        if (__builtin_mul_overflow(h->count, size, &h->count))
            return NPY_WRONG(h, TN_EDATA, "the sizes in the .npy header overflow");
        h->dim[h->rank++] = size;
        if (npy_accept(t, ",")) continue;
        if (!npy_accept(t, ")")) return npy_damaged(h);
        break;
    }
    if (h->rank) return TN_OK;
    return NPY_WRONG(h, TN_ESHAPE, "a single number; expected an array of samples");
}

static inline tn_status npy_parse_dictionary(npy_text *t, npy_header *h)
{
    int seen[3] = {0, 0, 0};
    if (!npy_accept(t, "{")) return npy_damaged(h);
    while (!npy_accept(t, "}")) {
        tn_status status;
        if (npy_accept(t, "'descr':") && !seen[0]++)
            status = npy_parse_type(t, h);
        else if (npy_accept(t, "'fortran_order':") && !seen[1]++)
            status = npy_parse_order(t, h);
        else if (npy_accept(t, "'shape':") && !seen[2]++)
            status = npy_parse_shape(t, h);
        else
            status = npy_damaged(h);
        if (status != TN_OK) return status;
        if (npy_accept(t, ",")) continue;
        if (!npy_accept(t, "}")) return npy_damaged(h);
        break;
    }
    npy_skip_blanks(t);
    return seen[0] && seen[1] && seen[2] && t->at == t->end ? TN_OK : npy_damaged(h);
}

/* The header's text within the file. */
static inline tn_status npy_find(const unsigned char *at, size_t size, npy_header *h,
                                 npy_text *t)
{
    if (size >= 4 && !memcmp(at, "PK\3\4", 4))
        return NPY_WRONG(h, TN_EDATA,
                         "is an archive (.npz), not a .npy file; save each array with "
                         "numpy.save");
    if (size < 10 || memcmp(at, NPY_MAGIC, sizeof NPY_MAGIC - 1))
        return NPY_WRONG(h, TN_EDATA,
                         "is not a .npy file (wrong first bytes or truncated)");
    if (at[6] < 1 || at[6] > 3)
        return NPY_WRONG(h, TN_ENOTSUP, ".npy version %d; expected 1 to 3", at[6]);
    const size_t before = at[6] == 1 ? 10 : 12;
    if (size < before)
        return NPY_WRONG(h, TN_EDATA, "truncated: the file ends inside the .npy header");
    size_t length = at[8] | (size_t)at[9] << 8;
    if (at[6] > 1) length |= (size_t)at[10] << 16 | (size_t)at[11] << 24;
    if (length > size - before)
        return NPY_WRONG(h, TN_EDATA,
                         "truncated: the .npy header has %zu bytes, the file only %zu",
                         length, size - before);
    h->start = before + length;
    *t = (npy_text){(const char *)at + before, (const char *)at + h->start};
    return TN_OK;
}

/* Of a whole file. Not TN_OK: h->why says what is wrong. */
static inline tn_status npy_parse(const unsigned char *at, size_t size, npy_header *h)
{
    npy_text text = {NULL, NULL};
    *h = (npy_header){.rank = 0};
    tn_status status = npy_find(at, size, h, &text);
    if (status == TN_OK) status = npy_parse_dictionary(&text, h);
    if (status != TN_OK) return status;
    const size_t found = size - h->start, each = npy_known(h->type)->size;
    if (found % each == 0 && found / each == (size_t)h->count) return TN_OK;
    return NPY_WRONG(
        h, TN_EDATA,
        "%s: the header promises %lld elements of %zu bytes, found %zu bytes",
        found / each < (size_t)h->count ? "truncated" : "trailing garbage",
        (long long)h->count, each, found);
}

#endif

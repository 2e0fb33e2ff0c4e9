/* array.h - reads one NumPy array file (.npy, versions 1 to 3): little-endian float,
 * double, 32- and 64-bit integers or unsigned bytes, in C order.
 *
 * Format: NumPy Enhancement Proposal 1 and numpy.lib.format: "\x93NUMPY", two version
 * bytes, the header's length (16 bits in version 1, else 32), a Python dictionary literal
 * with exactly the keys descr, fortran_order and shape, then the elements. The file must
 * have exactly the size its header promises, so nothing is allocated beyond the file
 * itself. */
#ifndef DATASET_ARRAY_H
#define DATASET_ARRAY_H

#include "bytes.h"

typedef struct npy_array {
    file_bytes file;
    tn_dtype dtype;
    int32_t rank;
    int64_t dim[TN_MAX_RANK], count; /* of elements */
    const unsigned char *at; /* the elements; points into the file, maybe unaligned */
} npy_array;

/* What is left of the header's text. */
typedef struct npy_text {
    const char *at, *end;
} npy_text;

static void skip_blanks(npy_text *t)
{
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\n')) t->at++;
}

static int accept(npy_text *t, const char *word)
{
    const size_t size = strlen(word);
    skip_blanks(t);
    if ((size_t)(t->end - t->at) < size || memcmp(t->at, word, size)) return 0;
    t->at += size;
    return 1;
}

static int accept_size(npy_text *t, int64_t *size)
{
    skip_blanks(t);
    const char *first = t->at;
    *size = 0;
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++)
        if (__builtin_mul_overflow(*size, 10, size) ||
            __builtin_add_overflow(*size, *t->at - '0', size))
            return 0;
    return t->at > first;
}

static tn_status parse_dtype(tn_call *c, npy_text *t, npy_array *array)
{
    static const struct {
        const char *name;
        tn_dtype dtype;
    } known[] = {{"'<f4'", TN_F32},
                 {"'<f8'", TN_F64},
                 {"'<i4'", TN_I32},
                 {"'<i8'", TN_I64},
                 {"'|u1'", TN_U8}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (accept(t, known[i].name)) {
            array->dtype = known[i].dtype;
            return TN_OK;
        }
    skip_blanks(t);
    const int shown = t->end - t->at < 12 ? (int)(t->end - t->at) : 12;
    return tn_fail(c, TN_ENOTSUP,
                   "%s: element type %.*s; expected '<f4', '<f8', '<i4', '<i8' or '|u1'",
                   array->file.path, shown, t->at);
}

static tn_status wrong_header(tn_call *c, const npy_array *array)
{
    return tn_fail(c, TN_EDATA, "%s: the .npy header is damaged", array->file.path);
}

static tn_status parse_order(tn_call *c, npy_text *t, const npy_array *array)
{
    if (accept(t, "False")) return TN_OK;
    if (accept(t, "True"))
        return tn_fail(
            c, TN_ENOTSUP,
            "%s: the array is in Fortran order; save numpy.ascontiguousarray(it)",
            array->file.path);
    return wrong_header(c, array);
}

static tn_status parse_shape(tn_call *c, npy_text *t, npy_array *array)
{
    array->count = 1;
    if (!accept(t, "(")) return wrong_header(c, array);
    while (!accept(t, ")")) {
        if (array->rank == TN_MAX_RANK)
            return tn_fail(c, TN_ENOTSUP, "%s: more than %d axes", array->file.path,
                           TN_MAX_RANK);
        int64_t size;
        if (!accept_size(t, &size)) return wrong_header(c, array);
        if (size == 0)
            return tn_fail(c, TN_EDATA, "%s: axis %d of the array has size 0",
                           array->file.path, array->rank + 1);
        if (__builtin_mul_overflow(array->count, size, &array->count))
            return tn_fail(c, TN_EDATA, "%s: the sizes in the .npy header overflow",
                           array->file.path);
        array->dim[array->rank++] = size;
        if (accept(t, ",")) continue;
        if (!accept(t, ")")) return wrong_header(c, array);
        break;
    }
    if (array->rank) return TN_OK;
    return tn_fail(c, TN_ESHAPE, "%s: a single number; expected an array of samples",
                   array->file.path);
}

static tn_status parse_header(tn_call *c, npy_text *t, npy_array *array)
{
    int seen[3] = {0, 0, 0};
    if (!accept(t, "{")) return wrong_header(c, array);
    while (!accept(t, "}")) {
        tn_status status;
        if (accept(t, "'descr':") && !seen[0]++)
            status = parse_dtype(c, t, array);
        else if (accept(t, "'fortran_order':") && !seen[1]++)
            status = parse_order(c, t, array);
        else if (accept(t, "'shape':") && !seen[2]++)
            status = parse_shape(c, t, array);
        else
            status = wrong_header(c, array);
        if (status != TN_OK) return status;
        if (accept(t, ",")) continue;
        if (!accept(t, "}")) return wrong_header(c, array);
        break;
    }
    skip_blanks(t);
    return seen[0] && seen[1] && seen[2] && t->at == t->end ? TN_OK
                                                            : wrong_header(c, array);
}

/* The header's text within the file. */
static tn_status find_header(tn_call *c, const npy_array *array, npy_text *t)
{
    const unsigned char *at = array->file.at;
    const size_t size = array->file.size;
    if (size < 10 || memcmp(at, "\x93NUMPY", 6))
        return tn_fail(c, TN_EDATA,
                       "%s: is not a .npy file (wrong first bytes or truncated)",
                       array->file.path);
    if (at[6] < 1 || at[6] > 3)
        return tn_fail(c, TN_ENOTSUP, "%s: .npy version %d; expected 1 to 3",
                       array->file.path, at[6]);
    const size_t before = at[6] == 1 ? 10 : 12;
    if (size < before)
        return tn_fail(c, TN_EDATA, "%s: truncated: the file ends inside the .npy header",
                       array->file.path);
    size_t length = at[8] | (size_t)at[9] << 8;
    if (at[6] > 1) length |= (size_t)at[10] << 16 | (size_t)at[11] << 24;
    if (length > size - before)
        return tn_fail(c, TN_EDATA,
                       "%s: truncated: the .npy header has %zu bytes, the file only %zu",
                       array->file.path, length, size - before);
    *t = (npy_text){(const char *)at + before, (const char *)at + before + length};
    return TN_OK;
}

/* array->file belongs to the caller (drop_file), also after a failure. */
static tn_status npy_read(tn_call *c, const char *path, npy_array *array)
{
    npy_text text = {NULL, NULL};
    tn_status status = read_file(c, path, &array->file);
    if (status == TN_OK) status = find_header(c, array, &text);
    if (status == TN_OK) status = parse_header(c, &text, array);
    if (status != TN_OK) return status;
    array->at = (const unsigned char *)text.end;
    const size_t found = array->file.size - (size_t)(array->at - array->file.at);
    const size_t size = tn_dtype_size((int32_t)array->dtype);
    if (found % size == 0 && found / size == (size_t)array->count) return TN_OK;
    return tn_fail(
        c, TN_EDATA,
        "%s: %s: the header promises %lld elements of %zu bytes, found %zu bytes", path,
        found / size < (size_t)array->count ? "truncated" : "trailing garbage",
        (long long)array->count, size, found);
}

static int npy_is_whole(const npy_array *array)
{
    return array->dtype != TN_F32 && array->dtype != TN_F64;
}

static int64_t npy_label(const npy_array *array, int64_t i)
{
    int64_t wide;
    int32_t narrow;
    if (array->dtype == TN_U8) return array->at[i];
    if (array->dtype == TN_I32) {
        memcpy(&narrow, array->at + (size_t)i * sizeof narrow, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, array->at + (size_t)i * sizeof wide, sizeof wide);
    return wide;
}

static double npy_number(const npy_array *array, int64_t i)
{
    float single;
    double number;
    if (npy_is_whole(array)) return (double)npy_label(array, i);
    if (array->dtype == TN_F32) {
        memcpy(&single, array->at + (size_t)i * sizeof single, sizeof single);
        return (double)single;
    }
    memcpy(&number, array->at + (size_t)i * sizeof number, sizeof number);
    return number;
}

#endif

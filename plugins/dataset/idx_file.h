/* idx_file.h - reads one IDX file of bytes, plain or compressed with gzip.
 *
 * The format (LeCun, Cortes, Burges, "The MNIST database of handwritten digits"): two
 * zero bytes, the element type (8: unsigned byte), the rank, one big-endian 32-bit size
 * per axis, then the elements. gzip is RFC 1952.
 *
 * A plain file must have exactly the size that its header promises. One in gzip is expanded as a
 * whole before its header is looked at, whatever it holds: what bounds the memory is that deflate
 * expands at most 1032 : 1 (zlib, "Technical Details"), so 1032 times the file's size, and
 * --max-memory. */
#ifndef DATASET_IDX_FILE_H
#define DATASET_IDX_FILE_H

#include <libdeflate.h>

#include "bytes.h"

#define IDX_U8 8
#define DEFLATE_RATIO 1032
#define GZIP_SMALLEST 18 /* a header of 10 bytes, CRC and size */
#define GZIP_MODULUS ((size_t)1 << 32)

typedef struct idx_array {
    int32_t rank;
    int64_t dim[TN_MAX_RANK], bytes;
    const unsigned char *at; /* the elements */
    unsigned char *block;    /* what they lie in */
} idx_array;

typedef struct idx_stream {
    tn_call *c;
    file_bytes file; /* what it contains, once it is decompressed */
    size_t used;     /* bytes of it that have been read */
    int packed;
} idx_stream;

/* ---- gzip ----------------------------------------------------------------------------- */

/* How long the data was, modulo 2^32, ends the file; unless that was cut off or has more behind
 * it. */
static size_t told_size(const file_bytes *packed)
{
    const unsigned char *end = packed->at + packed->size - 4;
    return end[0] | (size_t)end[1] << 8 | (size_t)end[2] << 16 | (size_t)end[3] << 24;
}

static tn_status unpacked(idx_stream *s, size_t used)
{
    const size_t left = s->file.size - used;
    if (left == 0) return TN_OK;
    return tn_fail(s->c, TN_EDATA, "%s: trailing garbage: %zu bytes after the gzip data",
                   s->file.path, left);
}

/* Takes the place of the file's bytes with `out`, if all of them fit there. */
static tn_status unpack_into(idx_stream *s, struct libdeflate_decompressor *d,
                             file_bytes *out, int *fits)
{
    size_t used, size;
    const enum libdeflate_result result = libdeflate_gzip_decompress_ex(
        d, s->file.at, s->file.size, out->at, out->size, &used, &size);
    *fits = result != LIBDEFLATE_INSUFFICIENT_SPACE;
    if (!*fits) return TN_OK;
    if (result != LIBDEFLATE_SUCCESS)
        return tn_fail(s->c, TN_EDATA, "%s: the gzip data is damaged or truncated",
                       s->file.path);
    out->size = size;
    return unpacked(s, used);
}

/* Tries the sizes that a complete file can have, and no others. */
static tn_status unpack_by(idx_stream *s, struct libdeflate_decompressor *d,
                           file_bytes *out)
{
    const size_t told = told_size(&s->file), most = s->file.size * DEFLATE_RATIO;
    tn_status status = TN_OK;
    int fits = 0;
    for (size_t size = told; !fits && size <= most; size += GZIP_MODULUS) {
        drop_file(s->c, out);
        out->size = size ? size : 1;
        out->at = take_memory(s->c, out->path, out->size);
        if (!out->at) return TN_ENOMEM;
        status = unpack_into(s, d, out, &fits);
    }
    if (fits) return status;
    return tn_fail(
        s->c, TN_EDATA,
        "%s: the gzip data is truncated, or there is trailing garbage: it does "
        "not have the %zu bytes (modulo 2^32) that the file's end tells",
        s->file.path, told);
}

static tn_status unpack(idx_stream *s)
{
    file_bytes out = {.path = s->file.path};
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    const tn_status status = d ? unpack_by(s, d, &out)
                               : tn_fail(s->c, TN_ENOMEM, "%s: no memory to decompress",
                                         s->file.path);
    libdeflate_free_decompressor(d);
    drop_file(s->c, status == TN_OK ? &s->file : &out);
    if (status == TN_OK) s->file = out;
    return status;
}

static tn_status unpack_if_packed(idx_stream *s)
{
    s->packed = s->file.size >= 2 && s->file.at[0] == 0x1f && s->file.at[1] == 0x8b;
    if (!s->packed) return TN_OK;
    if (s->file.size < GZIP_SMALLEST)
        return tn_fail(s->c, TN_EDATA, "%s: truncated: %zu bytes of gzip data",
                       s->file.path, s->file.size);
    return unpack(s);
}

/* ---- IDX ------------------------------------------------------------------------------ */

static tn_status take_header(idx_stream *s, unsigned char *out, size_t size)
{
    if (s->file.size - s->used < size)
        return tn_fail(s->c, TN_EDATA,
                       "%s: truncated: the file ends inside the IDX header%s",
                       s->file.path, s->packed ? " (after decompression)" : "");
    memcpy(out, s->file.at + s->used, size);
    s->used += size;
    return TN_OK;
}

static tn_status read_magic(idx_stream *s, idx_array *array)
{
    unsigned char magic[4];
    const tn_status status = take_header(s, magic, sizeof magic);
    if (status != TN_OK) return status;
    if (magic[0] || magic[1])
        return tn_fail(
            s->c, TN_EDATA,
            "%s: is not an IDX file: expected it to start with 00 00 08, found "
            "%02x %02x %02x",
            s->file.path, magic[0], magic[1], magic[2]);
    if (magic[2] != IDX_U8)
        return tn_fail(s->c, TN_ENOTSUP,
                       "%s: IDX element type %02x; only unsigned bytes (08) can be read",
                       s->file.path, magic[2]);
    if (magic[3] < 1 || magic[3] > TN_MAX_RANK)
        return tn_fail(s->c, TN_EDATA, "%s: IDX rank %d, expected 1 to %d", s->file.path,
                       magic[3], TN_MAX_RANK);
    array->rank = magic[3];
    return TN_OK;
}

static tn_status read_sizes(idx_stream *s, idx_array *array)
{
    array->bytes = 1;
    for (int32_t i = 0; i < array->rank; i++) {
        unsigned char size[4];
        const tn_status status = take_header(s, size, sizeof size);
        if (status != TN_OK) return status;
        array->dim[i] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
        if (array->dim[i] == 0)
            return tn_fail(s->c, TN_EDATA, "%s: axis %d of the IDX array has size 0",
                           s->file.path, i + 1);
        if (__builtin_mul_overflow(array->bytes, array->dim[i], &array->bytes))
            return tn_fail(s->c, TN_EDATA, "%s: the sizes in the IDX header overflow",
                           s->file.path);
    }
    return TN_OK;
}

/* The array takes over what the file contains. */
static tn_status take_elements(idx_stream *s, idx_array *array)
{
    const size_t promised = (size_t)array->bytes, found = s->file.size - s->used;
    if (found != promised)
        return tn_fail(s->c, TN_EDATA,
                       "%s: %s: the header promises %zu bytes of data, found %zu",
                       s->file.path, found < promised ? "truncated" : "trailing garbage",
                       promised, found);
    array->block = s->file.at;
    array->at = s->file.at + s->used;
    s->file.at = NULL;
    return TN_OK;
}

/* array->block belongs to the caller. */
static tn_status idx_read(tn_call *c, const char *path, idx_array *array)
{
    idx_stream stream = {.c = c};
    tn_status status = read_file(c, path, &stream.file);
    if (status == TN_OK) status = unpack_if_packed(&stream);
    if (status == TN_OK) status = read_magic(&stream, array);
    if (status == TN_OK) status = read_sizes(&stream, array);
    if (status == TN_OK) status = take_elements(&stream, array);
    drop_file(c, &stream.file);
    return status;
}

#endif

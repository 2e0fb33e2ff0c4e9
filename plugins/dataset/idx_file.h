/* idx_file.h - reads one IDX file of bytes, plain or compressed with gzip.
 *
 * The format (LeCun, Cortes, Burges, "The MNIST database of handwritten digits"): two
 * zero bytes, the element type (8: unsigned byte), the rank, one big-endian 32-bit size
 * per axis, then the elements. gzip is RFC 1952.
 *
 * Invariant: what is allocated never exceeds what the file can hold. A plain file must
 * have exactly the size its header promises; deflate expands at most 1032 : 1 (zlib,
 * "Technical Details"), so a small compressed file that promises gigabytes is refused
 * unread. */
#ifndef DATASET_IDX_FILE_H
#define DATASET_IDX_FILE_H

#include <zlib.h>

#include "bytes.h"

#define IDX_U8 8
#define DEFLATE_RATIO 1032
#define INFLATE_CHUNK ((size_t)1 << 30) /* zlib counts in unsigned int */

typedef struct idx_array {
    int32_t rank;
    int64_t dim[TN_MAX_RANK], bytes;
    const unsigned char *at; /* the elements */
    unsigned char *block;    /* what they lie in: the file, if it is a plain one */
} idx_array;

typedef struct idx_stream {
    tn_call *c;
    file_bytes file;
    size_t used; /* bytes of the file given out or to zlib */
    int packed, ended;
    z_stream z;
} idx_stream;

static void *zlib_alloc(void *call, unsigned int count, unsigned int size)
{
    tn_call *c = call;
    return c->host->alloc(c, (size_t)count * size);
}

static void zlib_release(void *call, void *block)
{
    tn_call *c = call;
    c->host->release(c, block);
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

static tn_status unpack(idx_stream *s, unsigned char *out, size_t size, size_t *got)
{
    while (*got < size && !s->ended) {
        if (s->z.avail_in == 0) {
            const size_t chunk = at_most(s->file.size - s->used, INFLATE_CHUNK);
            if (chunk == 0) break;
            s->z.next_in = s->file.at + s->used;
            s->z.avail_in = (unsigned int)chunk;
            s->used += chunk;
        }
        const size_t room = at_most(size - *got, INFLATE_CHUNK);
        s->z.next_out = out + *got;
        s->z.avail_out = (unsigned int)room;
        const int result = inflate(&s->z, Z_NO_FLUSH);
        *got += room - s->z.avail_out;
        s->ended = result == Z_STREAM_END;
        if (result == Z_MEM_ERROR)
            return tn_fail(s->c, TN_ENOMEM, "%s: no memory to decompress", s->file.path);
        if (result != Z_OK && result != Z_BUF_ERROR && !s->ended)
            return tn_fail(s->c, TN_EDATA, "%s: the gzip data is damaged (%s)",
                           s->file.path, s->z.msg ? s->z.msg : "no details");
    }
    return TN_OK;
}

/* Up to `size` bytes; *got tells how many there were. */
static tn_status take(idx_stream *s, unsigned char *out, size_t size, size_t *got)
{
    *got = 0;
    if (s->packed) return unpack(s, out, size, got);
    *got = at_most(size, s->file.size - s->used);
    if (*got) memcpy(out, s->file.at + s->used, *got);
    s->used += *got;
    return TN_OK;
}

static tn_status take_header(idx_stream *s, unsigned char *out, size_t size)
{
    size_t got;
    const tn_status status = take(s, out, size, &got);
    if (status != TN_OK || got == size) return status;
    return tn_fail(s->c, TN_EDATA, "%s: truncated: the file ends inside the IDX header%s",
                   s->file.path, s->packed ? " (after decompression)" : "");
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

/* Whether the file can hold what its header promises. */
static tn_status check_promise(const idx_stream *s, const idx_array *array)
{
    const size_t promised = (size_t)array->bytes, found = s->file.size - s->used;
    if (s->packed && promised / DEFLATE_RATIO <= s->file.size) return TN_OK;
    if (s->packed)
        return tn_fail(
            s->c, TN_EDATA,
            "%s: the header promises %zu bytes, more than a gzip file of %zu bytes "
            "can hold",
            s->file.path, promised, s->file.size);
    if (found == promised) return TN_OK;
    return tn_fail(s->c, TN_EDATA,
                   "%s: %s: the header promises %zu bytes of data, found %zu",
                   s->file.path, found < promised ? "truncated" : "trailing garbage",
                   promised, found);
}

/* That a gzip file ends where its data does; this also checks its CRC. */
static tn_status check_end(idx_stream *s, const idx_array *array)
{
    unsigned char extra;
    size_t got;
    const tn_status status = take(s, &extra, 1, &got);
    if (status != TN_OK) return status;
    if (got)
        return tn_fail(
            s->c, TN_EDATA,
            "%s: trailing garbage: more data than the %lld bytes that the header "
            "promises",
            s->file.path, (long long)array->bytes);
    if (!s->ended)
        return tn_fail(s->c, TN_EDATA,
                       "%s: truncated: the end of the gzip data is missing",
                       s->file.path);
    const size_t left = s->file.size - s->used + s->z.avail_in;
    if (left == 0) return TN_OK;
    return tn_fail(s->c, TN_EDATA, "%s: trailing garbage: %zu bytes after the gzip data",
                   s->file.path, left);
}

static tn_status read_elements(idx_stream *s, idx_array *array)
{
    tn_status status = check_promise(s, array);
    if (status != TN_OK) return status;
    if (!s->packed) {
        array->block = s->file.at;
        array->at = s->file.at + s->used;
        s->file.at = NULL; /* the array's from here on */
        return TN_OK;
    }
    array->block = take_memory(s->c, s->file.path, (size_t)array->bytes);
    if (!array->block) return TN_ENOMEM;
    array->at = array->block;
    size_t got;
    status = take(s, array->block, (size_t)array->bytes, &got);
    if (status != TN_OK) return status;
    if (got < (size_t)array->bytes)
        return tn_fail(s->c, TN_EDATA,
                       "%s: truncated: the header promises %lld bytes of data, found %zu",
                       s->file.path, (long long)array->bytes, got);
    return check_end(s, array);
}

static tn_status read_stream(idx_stream *s, idx_array *array)
{
    s->packed = s->file.size >= 2 && s->file.at[0] == 0x1f && s->file.at[1] == 0x8b;
    if (s->packed) {
        s->z.zalloc = zlib_alloc, s->z.zfree = zlib_release, s->z.opaque = s->c;
        if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)
            return tn_fail(s->c, TN_ENOMEM, "%s: no memory to decompress", s->file.path);
    }
    tn_status status = read_magic(s, array);
    if (status == TN_OK) status = read_sizes(s, array);
    if (status == TN_OK) status = read_elements(s, array);
    if (s->packed) inflateEnd(&s->z);
    return status;
}

/* array->block belongs to the caller, also after a failure. */
static tn_status idx_read(tn_call *c, const char *path, idx_array *array)
{
    idx_stream stream = {.c = c};
    tn_status status = read_file(c, path, &stream.file);
    if (status == TN_OK) status = read_stream(&stream, array);
    drop_file(c, &stream.file);
    return status;
}

#endif

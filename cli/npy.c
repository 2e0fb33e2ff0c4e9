/* npy.c - see npy.h. Format: numpy.lib.format, "NPY format" (magic, version, little-endian
 * length of the header, a Python dict literal of descr, fortran_order and shape, raw values).
 *
 * Invariant: nothing is taken from a file before its size has been checked against it. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/npy.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are read as they stand in memory: little-endian only"
#endif

#define MAGIC "\x93NUMPY"
enum { MAGIC_SIZE = 6 };

/* ---- reading ------------------------------------------------------------------------- */

static int read_open(FILE *file, const char *path, size_t limit, unsigned char **bytes,
                     size_t *size, tn_error *error)
{
    struct stat about;
    if (fstat(fileno(file), &about))
        return cli_fail(error, TN_EIO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return cli_fail(error, TN_EIO, "%s: not a regular file", path);
    *size = (size_t)about.st_size;
    if (limit && *size > limit / 2) /* once as it is, once as float */
        return cli_fail(error, TN_ENOMEM, "%s: %zu bytes do not fit --max-memory", path,
                        *size);
    *bytes = malloc(*size + 1);
    if (!*bytes)
        return cli_fail(error, TN_ENOMEM, "%s: no memory for %zu bytes", path, *size);
    if (fread(*bytes, 1, *size, file) != *size)
        return cli_fail(error, TN_EIO, "%s: cannot be read to its end", path);
    (*bytes)[*size] = 0;
    return CLI_DONE;
}

/* The value of `key` in the header's dict: the text after "'key':". */
static const char *value_of(const char *header, const char *key)
{
    char quoted[32];
    for (const char *quote = "'"; quote; quote = *quote == '\'' ? "\"" : NULL) {
        snprintf(quoted, sizeof quoted, "%c%s%c", *quote, key, *quote);
        const char *at = strstr(header, quoted);
        if (!at) continue;
        at += strlen(quoted);
        at += strspn(at, " ");
        if (*at != ':') return NULL;
        return at + 1 + strspn(at + 1, " ");
    }
    return NULL;
}

static int take_type(const char *text, const char *path, cli_npy *npy, tn_error *error)
{
    static const struct {
        const char *descr;
        int32_t dtype;
    } known[] = {{"<f4", TN_F32},
                 {"<f8", TN_F64},
                 {"<i4", TN_I32},
                 {"<i8", TN_I64},
                 {"|u1", TN_U8}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (*text && strncmp(text + 1, known[i].descr, 3) == 0 && text[4] == *text) {
            npy->dtype = known[i].dtype;
            return CLI_DONE;
        }
    }
    return cli_fail(error, TN_EDATA,
                    "%s: values of type %.8s; float32, float64, int32, int64 "
                    "and uint8 (little-endian) can be read",
                    path, text);
}

static int take_shape(const char *text, const char *path, cli_npy *npy, tn_error *error)
{
    npy->count = 1;
    if (*text++ != '(')
        return cli_fail(error, TN_EDATA, "%s: header without shape", path);
    for (;;) {
        text += strspn(text, ", ");
        if (*text == ')') return CLI_DONE;
        char *end;
        errno = 0;
        const long long n = strtoll(text, &end, 10);
        if (end == text || errno || n < 0)
            return cli_fail(error, TN_EDATA, "%s: damaged shape in the header", path);
        if (npy->shape.rank == TN_MAX_RANK)
            return cli_fail(error, TN_ENOTSUP, "%s: more than %d axes", path,
                            TN_MAX_RANK);
        if (__builtin_mul_overflow(npy->count, (int64_t)n, &npy->count))
            return cli_fail(error, TN_EDATA, "%s: the header's shape is too large", path);
        npy->shape.dim[npy->shape.rank++] = n;
        text = end;
    }
}

static int take_header(const char *header, const char *path, cli_npy *npy,
                       tn_error *error)
{
    const char *type = value_of(header, "descr"),
               *order = value_of(header, "fortran_order"),
               *shape = value_of(header, "shape");
    if (!type || !order || !shape)
        return cli_fail(error, TN_EDATA, "%s: damaged .npy header", path);
    if (take_type(type, path, npy, error) || take_shape(shape, path, npy, error))
        return CLI_ERROR;
    if (strncmp(order, "False", 5) != 0 && npy->shape.rank > 1)
        return cli_fail(error, TN_ENOTSUP,
                        "%s: in Fortran order; save it with "
                        "numpy.ascontiguousarray",
                        path);
    return CLI_DONE;
}

static int take_file(unsigned char *bytes, size_t size, const char *path, cli_npy *npy,
                     tn_error *error)
{
    if (size < 12 || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return cli_fail(error, TN_EDATA, "%s: not an .npy file", path);
    const bool old = bytes[6] == 1;
    const size_t start = old ? 10 : 12;
    size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (!old) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (bytes[6] < 1 || bytes[6] > 3)
        return cli_fail(error, TN_ENOTSUP, "%s: .npy version %d; 1 to 3 can be read",
                        path, bytes[6]);
    if (length > size - start)
        return cli_fail(error, TN_EDATA, "%s: truncated header", path);
    char *header = strndup((const char *)bytes + start, length);
    if (!header) return cli_fail(error, TN_ENOMEM, "out of memory");
    const int status = take_header(header, path, npy, error);
    free(header);
    if (status) return status;
    int64_t need = INT64_MAX;
    const int64_t have = (int64_t)(size - start - length);
    if (__builtin_mul_overflow(npy->count, (int64_t)tn_dtype_size(npy->dtype), &need) ||
        need != have)
        return cli_fail(error, TN_EDATA,
                        "%s: %s: the header's shape does not fit %" PRId64
                        " bytes of values",
                        path, need > have ? "truncated" : "too long", have);
    npy->values = bytes + start + length;
    return CLI_DONE;
}

int cli_npy_read(const char *path, size_t limit, cli_npy *npy, tn_error *error)
{
    *npy = (cli_npy){0};
    FILE *file = fopen(path, "rbe");
    if (!file) return cli_fail(error, TN_EIO, "%s: %s", path, strerror(errno));
    unsigned char *bytes = NULL;
    size_t size = 0;
    int status = read_open(file, path, limit, &bytes, &size, error);
    fclose(file);
    npy->file = bytes;
    if (!status) status = take_file(bytes, size, path, npy, error);
    if (status) cli_npy_free(npy);
    return status;
}

void cli_npy_free(cli_npy *npy)
{
    free(npy->file);
    *npy = (cli_npy){0};
}

/* ---- values -------------------------------------------------------------------------- */

#define VALUE(TYPE)                                                           \
    {                                                                         \
        TYPE value;                                                           \
        memcpy(&value, npy->values + (size_t)i * sizeof value, sizeof value); \
        return (double)value;                                                 \
    }

/* int64 beyond 2^53 are rounded, as in any conversion to float. */
static double real_at(const cli_npy *npy, int64_t i)
{
    switch (npy->dtype) {
    case TN_F32: VALUE(float)
    case TN_F64: VALUE(double)
    case TN_I32: VALUE(int32_t)
    case TN_I64: VALUE(int64_t)
    default: return npy->values[i];
    }
}

float *cli_npy_floats(const cli_npy *npy, const char *path, tn_error *error)
{
    float *out = malloc(((size_t)npy->count + 1) * sizeof *out);
    if (!out) cli_fail(error, TN_ENOMEM, "%s: out of memory", path);
    for (int64_t i = 0; out && i < npy->count; i++) {
        out[i] = (float)real_at(npy, i);
        if (isfinite(out[i])) continue;
        cli_fail(error, TN_ENUMERIC, "%s: value %" PRId64 " is not a finite float32",
                 path, i);
        free(out);
        return NULL;
    }
    return out;
}

int32_t *cli_npy_labels(const cli_npy *npy, const char *path, tn_error *error)
{
    int32_t *out = malloc(((size_t)npy->count + 1) * sizeof *out);
    if (!out) cli_fail(error, TN_ENOMEM, "%s: out of memory", path);
    for (int64_t i = 0; out && i < npy->count; i++) {
        const double value = real_at(npy, i);
        out[i] = value >= 0 && value <= INT32_MAX ? (int32_t)value : -1;
        if (out[i] >= 0) continue;
        cli_fail(error, TN_EDATA, "%s: value %" PRId64 " (%.0f) is no label", path, i,
                 value);
        free(out);
        return NULL;
    }
    return out;
}

/* ---- writing ------------------------------------------------------------------------- */

/* Magic, version 1.0, and a header that ends on a multiple of 64 bytes. */
static bool put_header(FILE *file, const tn_shape *shape)
{
    char dict[512], dims[256] = "";
    size_t used = 0;
    for (int32_t i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(dims + used, sizeof dims - used, "%" PRId64 ", ",
                                 shape->dim[i]);
    if (used && shape->rank > 1) dims[used - 2] = 0; /* "(3, 4)", but "(3, )" */
    const int length = snprintf(
        dict, sizeof dict, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }",
        dims);
    const size_t total = (10 + (size_t)length + 1 + 63) / 64 * 64 - 10;
    const unsigned char start[] = {1, 0, (unsigned char)(total & 255),
                                   (unsigned char)(total >> 8)};
    return fwrite(MAGIC, 1, MAGIC_SIZE, file) == MAGIC_SIZE &&
           fwrite(start, 1, sizeof start, file) == sizeof start &&
           fprintf(file, "%-*s\n", (int)total - 1, dict) == (int)total;
}

static bool put_file(FILE *file, const tn_shape *shape, const float *values)
{
    const size_t count = (size_t)tn_shape_count(shape);
    return put_header(file, shape) &&
           fwrite(values, sizeof *values, count, file) == count && fflush(file) == 0;
}

/* Straight to what is no regular file (a pipe, a device), else beside it and then in its place. */
int cli_npy_write(const char *path, const tn_shape *shape, const float *values,
                  tn_error *error)
{
    char beside[4200];
    struct stat about;
    const bool direct = stat(path, &about) == 0 && !S_ISREG(about.st_mode);
    snprintf(beside, sizeof beside, "%s.%ld.part", path, (long)getpid());
    const char *const target = direct ? path : beside;
    FILE *file = fopen(target, "wbe");
    if (!file) return cli_fail(error, TN_EIO, "%s: %s", path, strerror(errno));
    errno = 0;
    bool done = put_file(file, shape, values) && (direct || fsync(fileno(file)) == 0);
    int why = errno;
    if (fclose(file) && done) done = false, why = errno;
    if (done && !direct && rename(beside, path)) done = false, why = errno;
    if (done) return CLI_DONE;
    if (!direct) remove(beside);
    return cli_fail(error, TN_EIO, "%s: cannot be written: %s", path, strerror(why));
}

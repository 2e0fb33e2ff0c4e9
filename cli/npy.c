/* npy.c - see npy.h. The format, and how it is read: plugins/dataset/npy_header.h.
 *
 * Invariant: nothing is taken from a file before its size has been checked against it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/npy.h"
#include "plugins/dataset/npy_header.h"
#include "plugins/dataset/npy_layout.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are read as they stand in memory: little-endian only"
#endif

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

static int take_file(unsigned char *bytes, size_t size, const char *path, cli_npy *npy,
                     tn_error *error)
{
    npy_header header;
    const tn_status status = npy_parse(bytes, size, &header);
    if (status) return cli_fail(error, status, "%s: %s", path, header.why);
    npy->type = (int32_t)header.type;
    npy->whole = npy_type_is_whole(header.type);
    npy->shape.rank = header.rank;
    memcpy(npy->shape.dim, header.dim, sizeof npy->shape.dim);
    npy->count = header.count;
    npy->values = bytes + header.start;
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

int cli_npy_turn(cli_npy *npy, const char *path, tn_error *error)
{
    if (npy->shape.rank < 2)
        return cli_fail(error, TN_ESHAPE,
                        "%s has one axis, but with --time-first it has to hold (steps, "
                        "samples, ...)",
                        path);
    npy->time_first = true;
    npy_swap_axes(npy->shape.dim);
    return CLI_DONE;
}

tn_shape cli_npy_file_shape(const cli_npy *npy)
{
    tn_shape shape = npy->shape;
    if (npy->time_first) npy_swap_axes(shape.dim);
    return shape;
}

/* ---- values -------------------------------------------------------------------------- */

static double real_at(const cli_npy *npy, int64_t i)
{
    return npy_real_at((npy_type)npy->type, npy->values, i);
}

static npy_layout layout_of(const cli_npy *npy)
{
    return npy_layout_of(npy->shape.dim, npy->count, npy->time_first);
}

/* Where element i, counted with samples first, lies in the file. */
static int64_t place_of(const npy_layout *l, int64_t i)
{
    if (l->runs == 1) return i;
    const int64_t run = i / l->width;
    return npy_run(l, run / l->runs, run % l->runs) + i % l->width;
}

/* "[3, 0, 17]", in the file */
static const char *index_of(const cli_npy *npy, int64_t at, char *text, size_t size)
{
    int64_t index[TN_MAX_RANK];
    size_t used = 0;
    const tn_shape shape = cli_npy_file_shape(npy);
    for (int32_t i = shape.rank; i-- > 0; at /= shape.dim[i])
        index[i] = at % shape.dim[i];
    text[0] = 0;
    for (int32_t i = 0; i < shape.rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%" PRId64, i ? ", " : "[",
                                 index[i]);
    if (used < size) snprintf(text + used, size - used, "]");
    return text;
}

float *cli_npy_floats(const cli_npy *npy, const char *path, tn_error *error)
{
    const npy_layout l = layout_of(npy);
    float *out = malloc(((size_t)npy->count + 1) * sizeof *out);
    char index[200];
    if (!out) cli_fail(error, TN_ENOMEM, "%s: out of memory", path);
    for (int64_t i = 0; out && i < npy->count; i++) {
        const int64_t at = place_of(&l, i);
        out[i] = (float)real_at(npy, at);
        if (isfinite(out[i])) continue;
        cli_fail(error, TN_ENUMERIC,
                 "%s: the value at %s is %g, not a finite float32 (the %s index is "
                 "the sample)",
                 path, index_of(npy, at, index, sizeof index), real_at(npy, at),
                 npy->time_first ? "second" : "first");
        free(out);
        return NULL;
    }
    return out;
}

int32_t *cli_npy_labels(const cli_npy *npy, const char *path, tn_error *error)
{
    const npy_layout l = layout_of(npy);
    int32_t *out = malloc(((size_t)npy->count + 1) * sizeof *out);
    if (!out) cli_fail(error, TN_ENOMEM, "%s: out of memory", path);
    for (int64_t i = 0; out && i < npy->count; i++) {
        const int64_t at = place_of(&l, i);
        const double value = real_at(npy, at);
        out[i] = value >= 0 && value <= INT32_MAX ? (int32_t)value : -1;
        if (out[i] >= 0) continue;
        cli_fail(error, TN_EDATA, "%s: value %" PRId64 " (%.0f) is no label", path, at,
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
    const size_t magic = sizeof NPY_MAGIC - 1;
    const size_t total = (10 + (size_t)length + 1 + 63) / 64 * 64 - 10;
    const unsigned char start[] = {1, 0, (unsigned char)(total & 255),
                                   (unsigned char)(total >> 8)};
    return fwrite(NPY_MAGIC, 1, magic, file) == magic &&
           fwrite(start, 1, sizeof start, file) == sizeof start &&
           fprintf(file, "%-*s\n", (int)total - 1, dict) == (int)total;
}

static bool put_file(FILE *file, const tn_shape *shape, const float *values)
{
    const size_t count = (size_t)tn_shape_count(shape);
    return put_header(file, shape) &&
           fwrite(values, sizeof *values, count, file) == count && fflush(file) == 0;
}

/* Where a link leads; the path itself where there is none. NULL: a link to nothing. */
static const char *target_of(const char *path, char real[PATH_MAX])
{
    struct stat about;
    if (lstat(path, &about) || !S_ISLNK(about.st_mode)) return path;
    return realpath(path, real);
}

/* A file beside it that is always new. */
static FILE *open_beside(const char *beside)
{
    unlink(beside);
    const int descriptor = open(
        beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return descriptor < 0 ? NULL : fdopen(descriptor, "wb");
}

static int write_beside(const char *path, const char *beside, const tn_shape *shape,
                        const float *values, tn_error *error)
{
    FILE *file = open_beside(beside);
    if (!file) return cli_fail(error, TN_EIO, "%s: %s", path, strerror(errno));
    errno = 0;
    bool done = put_file(file, shape, values) && fsync(fileno(file)) == 0;
    int why = errno;
    if (fclose(file) && done) done = false, why = errno;
    if (done && rename(beside, path)) done = false, why = errno;
    if (done) return CLI_DONE;
    remove(beside);
    return cli_fail(error, TN_EIO, "%s: cannot be written: %s", path, strerror(why));
}

static int write_straight(const char *path, const tn_shape *shape, const float *values,
                          tn_error *error)
{
    FILE *file = fopen(path, "wbe");
    if (!file) return cli_fail(error, TN_EIO, "%s: %s", path, strerror(errno));
    errno = 0;
    bool done = put_file(file, shape, values);
    int why = errno;
    if (fclose(file) && done) done = false, why = errno;
    if (done) return CLI_DONE;
    return cli_fail(error, TN_EIO, "%s: cannot be written: %s", path, strerror(why));
}

/* Straight to what is no regular file (a pipe, a device), else beside it and then in its place;
 * through a link, which stays one. */
int cli_npy_write(const char *path, const tn_shape *shape, const float *values,
                  tn_error *error)
{
    char real[PATH_MAX], beside[PATH_MAX + 8];
    struct stat about;
    const char *target = target_of(path, real);
    if (!target)
        return cli_fail(error, TN_EIO, "%s: a link that leads nowhere: %s", path,
                        strerror(errno));
    if (stat(target, &about) == 0 && !S_ISREG(about.st_mode))
        return write_straight(target, shape, values, error);
    const char *slash = strrchr(target, '/');
    const char *name = slash ? slash + 1 : target;
    if (snprintf(beside, sizeof beside, "%.*s.%s.tmp", (int)(name - target), target,
                 name) >= (int)sizeof beside)
        return cli_fail(error, TN_EIO, "%s: %s", path, strerror(ENAMETOOLONG));
    return write_beside(target, beside, shape, values, error);
}

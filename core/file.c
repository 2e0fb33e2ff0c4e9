/* file.c - whole files, read once and written atomically and durably.
 *
 * Writing: bytes go to a new file in the same folder; fsync, rename, fsync of the
 * folder. rename is atomic (POSIX), so a reader finds the old file or the new one,
 * after a power cut too. A writer that fails has already removed its temporary file;
 * one that was killed leaves it, and the next to write the same file replaces it, for
 * its name is always the same. */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *cause(int error, char *text, size_t size)
{
    switch (error) {
    case ENOENT: return "no such file or folder";
    case EACCES:
    case EPERM: return "no permission";
    case EISDIR: return "is a folder";
    case ENOTDIR: return "part of the path is a file, not a folder";
    case ENOSPC: return "disk full; free some space or choose another folder";
    case EDQUOT: return "disk quota used up; free some space or choose another folder";
    case EFBIG: return "larger than the system allows a file to be";
    case EROFS: return "the file system is read-only; choose another folder";
    case ENAMETOOLONG: return "the path is too long";
    default: return strerror_r(error, text, size);
    }
}

static tn_status io_error(const char *path, int error, tn_error *e)
{
    char text[128];
    return tn_error_set(e, TN_EIO, "%s: %s", path, cause(error, text, sizeof text));
}

static tn_status check_readable(const char *path, const struct stat *s, size_t limit,
                                tn_error *e)
{
    if (S_ISDIR(s->st_mode))
        return tn_error_set(e, TN_EIO, "%s: is a folder, not a file", path);
    if (!S_ISREG(s->st_mode))
        return tn_error_set(e, TN_EIO, "%s: is not a regular file", path);
    if (limit && (uint64_t)s->st_size > limit)
        return tn_error_set(e, TN_EDATA,
                            "%s: has %lld bytes, more than the %zu allowed here", path,
                            (long long)s->st_size, limit);
    return TN_OK;
}

static tn_status read_all(int descriptor, const char *path, char *bytes, size_t size,
                          tn_error *e)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t n = read(descriptor, bytes + done, size - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return io_error(path, errno, e);
        if (n == 0)
            return tn_error_set(e, TN_EIO,
                                "%s: became shorter while it was read; try again", path);
        done += (size_t)n;
    }
    return TN_OK;
}

static tn_status read_open(tn_memory *m, int descriptor, const char *path, size_t limit,
                           void **bytes, size_t *size, tn_error *e)
{
    struct stat s;
    if (fstat(descriptor, &s)) return io_error(path, errno, e);
    tn_status status = check_readable(path, &s, limit, e);
    if (status) return status;
    /* One more byte, always 0: a text file can be used as a C string. */
    char *block = tn_memory_get(m, (size_t)s.st_size + 1, e);
    if (!block) return tn_error_in(e, "%s", path), TN_ENOMEM;
    status = read_all(descriptor, path, block, (size_t)s.st_size, e);
    if (status) return tn_memory_put(m, block), status;
    *bytes = block;
    *size = (size_t)s.st_size;
    return TN_OK;
}

tn_status tn_file_read(tn_memory *m, const char *path, size_t limit, void **bytes,
                       size_t *size, tn_error *e)
{
    /* O_NONBLOCK: a named pipe without a writer must not block. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && errno == ENOENT)
        return tn_error_set(e, TN_EIO, "%s: no such file", path);
    if (descriptor < 0) return io_error(path, errno, e);
    const tn_status status = read_open(m, descriptor, path, limit, bytes, size, e);
    close(descriptor);
    return status;
}

/* ---- writing --------------------------------------------------------------------- */

/* Replacing a device or a pipe by a file would do harm, and a folder cannot be
 * replaced. */
static tn_status check_target(const char *path, mode_t *mode, tn_error *e)
{
    struct stat s;
    *mode = 0;
    if (stat(path, &s)) return TN_OK;
    if (S_ISDIR(s.st_mode))
        return tn_error_set(e, TN_EIO, "%s: is a folder, not a file", path);
    if (!S_ISREG(s.st_mode))
        return tn_error_set(e, TN_EIO,
                            "%s: is there and is not a regular file; choose another "
                            "name",
                            path);
    *mode = s.st_mode & 0777;
    return TN_OK;
}

/* A link is written through: what it points at is replaced, not the link. */
static tn_status find_target(tn_file_writer *w, const char *path, tn_error *e)
{
    struct stat s;
    if (!lstat(path, &s) && S_ISLNK(s.st_mode)) {
        if (realpath(path, w->path)) return TN_OK;
        const int error = errno;
        w->path[0] = 0;
        if (error != ENOENT) return io_error(path, error, e);
        return tn_error_set(e, TN_EIO,
                            "%s: is a link to a file that is not there; remove the link, "
                            "or make the file",
                            path);
    }
    memcpy(w->path, path, strlen(path) + 1);
    return TN_OK;
}

/* .NAME.tmp beside NAME, always a new file. */
static int open_temporary(tn_file_writer *w)
{
    const char *slash = strrchr(w->path, '/');
    const char *name = slash ? slash + 1 : w->path;
    snprintf(w->temporary, sizeof w->temporary, "%.*s.%s.tmp", (int)(name - w->path),
             w->path, name);
    if (unlink(w->temporary) && errno != ENOENT) return -1;
    return open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
}

/* False once another writer of the same file has put its own in the place. */
static bool owns_temporary(const tn_file_writer *w)
{
    struct stat mine, there;
    return !fstat(w->descriptor, &mine) && !lstat(w->temporary, &there) &&
           mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

tn_status tn_file_open(tn_file_writer *w, const char *path, tn_error *e)
{
    w->descriptor = -1;
    w->path[0] = w->temporary[0] = 0;
    if (strlen(path) >= sizeof w->path) return io_error(path, ENAMETOOLONG, e);
    mode_t mode;
    tn_status status = check_target(path, &mode, e);
    if (!status) status = find_target(w, path, e);
    if (status) return status;
    w->descriptor = open_temporary(w);
    if (w->descriptor < 0) {
        const int error = errno;
        w->temporary[0] = 0;
        if (error == ENOENT)
            return tn_error_set(e, TN_EIO, "%s: there is no such folder to write to",
                                path);
        return io_error(path, error, e);
    }
    if (mode && fchmod(w->descriptor, mode)) {
        const int error = errno;
        tn_file_abandon(w);
        return io_error(path, error, e);
    }
    return TN_OK;
}

static tn_status give_up(tn_file_writer *w, int error, tn_error *e)
{
    char text[128];
    tn_file_abandon(w);
    return tn_error_set(e, TN_EIO, "%s: not written: %s", w->path,
                        cause(error, text, sizeof text));
}

static tn_status not_open(const tn_file_writer *w, tn_error *e)
{
    return tn_error_set(e, TN_EIO, "%s: not written: the file is not open", w->path);
}

tn_status tn_file_put(tn_file_writer *w, const void *bytes, size_t size, tn_error *e)
{
    if (w->descriptor < 0) return not_open(w, e);
    const char *from = bytes;
    while (size) {
        const ssize_t n = write(w->descriptor, from, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return give_up(w, errno, e);
        from += n;
        size -= (size_t)n;
    }
    return TN_OK;
}

/* A rename is durable once its folder is on disk. Some file systems cannot sync
 * folders. */
static int sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    const size_t length = slash ? (size_t)(slash - path) + (slash == path) : 1;
    memcpy(folder, slash ? path : ".", length);
    folder[length] = 0;
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == EACCES ? 0 : errno; /* write and search suffice to rename */
    const int error = fsync(descriptor) ? errno : 0;
    close(descriptor);
    return error == EINVAL || error == ENOTSUP ? 0 : error;
}

tn_status tn_file_commit(tn_file_writer *w, tn_error *e)
{
    if (w->descriptor < 0) return not_open(w, e);
    if (fsync(w->descriptor)) return give_up(w, errno, e);
    if (!owns_temporary(w)) {
        tn_file_abandon(w);
        return tn_error_set(e, TN_EIO, "%s: not written: someone else is writing it too",
                            w->path);
    }
    if (rename(w->temporary, w->path)) return give_up(w, errno, e);
    w->temporary[0] = 0;
    tn_file_abandon(w);
    const int error = sync_folder(w->path);
    if (!error) return TN_OK;
    char text[128];
    return tn_error_set(e, TN_EIO,
                        "%s: written, but its folder could not be synced, so it may "
                        "not outlast a power cut: %s",
                        w->path, cause(error, text, sizeof text));
}

void tn_file_abandon(tn_file_writer *w)
{
    if (w->descriptor >= 0) {
        if (w->temporary[0] && owns_temporary(w)) unlink(w->temporary);
        close(w->descriptor);
    }
    w->descriptor = -1;
    w->temporary[0] = 0;
}

/* ---- folders --------------------------------------------------------------------- */

static int make_one(const char *path)
{
    struct stat s;
    if (!mkdir(path, 0777)) return 0;
    const int error = errno;
    if (stat(path, &s)) return error;
    return S_ISDIR(s.st_mode) ? 0 : ENOTDIR;
}

tn_status tn_folder_make(const char *path, tn_error *e)
{
    char part[4096];
    const size_t length = strlen(path);
    if (length >= sizeof part) return io_error(path, ENAMETOOLONG, e);
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] != '/' && part[i]) continue;
        const char keep = part[i];
        part[i] = 0;
        const int error = make_one(part);
        if (error) return io_error(part, error, e);
        part[i] = keep;
    }
    return TN_OK;
}

tn_status tn_folder_lock(const char *path, int *descriptor, tn_error *e)
{
    *descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*descriptor < 0 || !flock(*descriptor, LOCK_EX | LOCK_NB)) return TN_OK;
    const bool taken = errno == EWOULDBLOCK;
    close(*descriptor);
    *descriptor = -1;
    return taken ? tn_error_set(e, TN_EIO, "%s: is in use by another process", path)
                 : TN_OK;
}

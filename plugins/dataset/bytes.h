/* bytes.h - a whole file in one block of host memory. What a header inside it promises is
 * always compared with `size` before anything else is allocated. */
#ifndef DATASET_BYTES_H
#define DATASET_BYTES_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct file_bytes {
    const char *path;
    unsigned char *at;
    size_t size;
} file_bytes;

TN_UNUSED static void *take_memory(tn_call *c, const char *path, size_t size)
{
    void *block = c->host->alloc(c, size);
    if (!block) tn_fail(c, TN_ENOMEM, "%s: no memory for %zu bytes", path, size);
    return block;
}

static tn_status fill_from(tn_call *c, int descriptor, file_bytes *file)
{
    size_t got = 0;
    while (got < file->size) {
        const ssize_t n = read(descriptor, file->at + got, file->size - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tn_fail(c, TN_EIO, "%s: %s", file->path, strerror(errno));
        if (n == 0)
            return tn_fail(c, TN_EIO, "%s: became shorter while it was read", file->path);
        got += (size_t)n;
    }
    return TN_OK;
}

static tn_status read_descriptor(tn_call *c, int descriptor, file_bytes *file)
{
    struct stat about;
    if (fstat(descriptor, &about) != 0)
        return tn_fail(c, TN_EIO, "%s: %s", file->path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return tn_fail(c, TN_EIO, "%s: is not a regular file", file->path);
    if (about.st_size == 0)
        return tn_fail(c, TN_EDATA, "%s: the file is empty", file->path);
    file->size = (size_t)about.st_size;
    file->at = take_memory(c, file->path, file->size);
    if (!file->at) return TN_ENOMEM;
    return fill_from(c, descriptor, file);
}

/* Of a file that is not there: where it was looked for, which is not where the config lies, and that
 * nothing is a shell's. */
static tn_status not_opened(tn_call *c, const char *path)
{
    const int why = errno;
    char folder[4096];
    if (why == ENOENT && (path[0] == '~' || strchr(path, '$')))
        return tn_fail(c, TN_EIO,
                       "%s: %s; ~ and $ are not replaced, write the folder out", path,
                       strerror(why));
    if (why == ENOENT && path[0] != '/' && getcwd(folder, sizeof folder))
        return tn_fail(c, TN_EIO,
                       "%s: %s in the folder that the program was started in, %s", path,
                       strerror(why), folder);
    return tn_fail(c, TN_EIO, "%s: %s", path, strerror(why));
}

/* On failure file->at may be set; drop_file frees it in any case. */
TN_UNUSED static tn_status read_file(tn_call *c, const char *path, file_bytes *file)
{
    *file = (file_bytes){.path = path};
    /* Not blocking: opening a pipe must not hang. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) return not_opened(c, path);
    const tn_status status = read_descriptor(c, descriptor, file);
    close(descriptor);
    return status;
}

TN_UNUSED static void drop_file(tn_call *c, file_bytes *file)
{
    if (file->at) c->host->release(c, file->at);
    file->at = NULL;
}

#endif

/* shared_object.c - see shared_object.h. Format: System V Application Binary Interface, chapters 4 (ELF header) and
 * 5 (program header). What the linker itself refuses with a message is left to it. */
#include "core/shared_object.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if UINTPTR_MAX > UINT32_MAX
#define CLASS ELFCLASS64
#else
#define CLASS ELFCLASS32
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ORDER ELFDATA2LSB
#else
#define ORDER ELFDATA2MSB
#endif

static bool read_at(int file, void *to, size_t size, uint64_t from)
{
    ssize_t got;
    do got = pread(file, to, size, (off_t)from);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

static bool for_this_machine(const ElfW(Ehdr) * h)
{
    return !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == CLASS &&
           h->e_ident[EI_DATA] == ORDER && h->e_phentsize == sizeof(ElfW(Phdr));
}

/* Every segment lies within the file. */
static bool is_whole(int file, const ElfW(Ehdr) * h, uint64_t size)
{
    ElfW(Phdr) segment;
    if (h->e_phoff > size) return false;
    for (uint64_t i = 0; i < h->e_phnum; i++) {
        if (!read_at(file, &segment, sizeof segment, h->e_phoff + i * sizeof segment))
            return false;
        if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
            return false;
    }
    return true;
}

static tn_status check(int file, const char *path, tn_error *e)
{
    ElfW(Ehdr) header;
    struct stat about;
    if (fstat(file, &about) || !read_at(file, &header, sizeof header, 0) ||
        !for_this_machine(&header))
        return tn_error_set(e, TN_EABI,
                            "%s: cannot be loaded: it is no shared object for this "
                            "machine, or damaged or cut off",
                            path);
    if (is_whole(file, &header, (uint64_t)about.st_size)) return TN_OK;
    return tn_error_set(e, TN_EABI,
                        "%s: cannot be loaded: damaged or cut off; compile or copy it "
                        "again",
                        path);
}

tn_status tn_shared_object_check(const char *path, tn_error *e)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return tn_error_set(e, TN_EABI, "%s: cannot be loaded: %s", path,
                            strerror(errno));
    const tn_status status = check(file, path, e);
    close(file);
    return status;
}

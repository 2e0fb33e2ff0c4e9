/* disk.h - folders of a test's own, and a disk that is really full. */
#ifndef TESTS_SUPPORT_DISK_H
#define TESTS_SUPPORT_DISK_H

#include <stdbool.h>
#include <stddef.h>

/* A new empty folder below $TMPDIR; it and what is in it go when the process ends. */
const char *test_folder(void);
/* "FOLDER/NAME" in one of eight turning buffers. */
const char *test_path(const char *folder, const char *name);
void test_write(const char *path, const void *bytes, size_t size);
/* Bytes of the file in a static buffer with a zero behind them; NULL: not there. */
const char *test_read(const char *path, size_t *size);
/* Entries of a folder but for "." and "..". */
int test_entries(const char *folder);
/* Mounts a file system of `bytes` over the folder, seen by this process alone; false
 * where the system does not allow it. */
bool test_small_disk(const char *folder, size_t bytes);

#endif

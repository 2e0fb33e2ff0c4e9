/* file.h - whole files, read once and written atomically and durably. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include "core/memory.h"

/* The whole file in one block; messages name path and cause. Refuses what is not a
 * regular file, and files larger than limit bytes (0: no limit). */
tn_status tn_file_read(tn_memory *, const char *path, size_t limit, void **bytes,
                       size_t *size, tn_error *);

/* Writes to a temporary file beside path; commit makes it durable (fsync, rename,
 * fsync of the folder). Until then, and after any failure, what was at path stays as
 * it was. */
typedef struct tn_file_writer {
    char path[4096], temporary[4128];
    int descriptor;
} tn_file_writer;

tn_status tn_file_open(tn_file_writer *, const char *path, tn_error *);
tn_status tn_file_put(tn_file_writer *, const void *bytes, size_t size, tn_error *);
tn_status tn_file_commit(tn_file_writer *, tn_error *);
void tn_file_abandon(tn_file_writer *); /* after open; harmless after commit */

/* Makes a folder and its parents. */
tn_status tn_folder_make(const char *path, tn_error *);

/* Locks a folder until the descriptor is closed or the process ends, however it does. TN_EIO: the
 * lock is taken. *descriptor is -1 and the status TN_OK where there is no folder or the file
 * system has no locks. */
tn_status tn_folder_lock(const char *path, int *descriptor, tn_error *);

#endif

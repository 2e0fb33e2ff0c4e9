/* shared_object.h - is a file whole enough to be given to the dynamic linker? */
#ifndef CORE_SHARED_OBJECT_H
#define CORE_SHARED_OBJECT_H

#include "core/error.h"

/* The linker maps a shared object by what its headers promise; where the file has been cut off, a
 * touch of the missing pages is a SIGBUS. TN_EABI with a message that names the file. */
tn_status tn_shared_object_check(const char *path, tn_error *);

#endif

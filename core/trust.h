/* trust.h - whether a file may be loaded as code. */
#ifndef CORE_TRUST_H
#define CORE_TRUST_H

#include <limits.h>

#include "core/error.h"

/* Follows folder/name (name: "layer/dense.so") as the system would, link by link, and
 * accepts it if nobody but root and the user could put another file there: file and
 * folders belong to one of the two and are not writable by group or others, from `folder`
 * down; so are all folders on the way of a link that leads elsewhere (of those, sticky
 * ones like /tmp are accepted for entries that belong to one of the two). `real` is the
 * file without links. TN_ENOTFOUND, with no message, if there is no such file. */
tn_status tn_trust_file(const char *folder, const char *name, char real[PATH_MAX],
                        tn_error *);

#endif

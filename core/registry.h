/* registry.h - finds, checks and loads plugins. A name becomes a file KIND/NAME.so in the first
 * folder of the search path that has it; nothing is ever unloaded.
 *
 * A file is refused if it or a folder above it, up to and including the search folder, may be
 * written by others than its owner and root, or if it is owned by somebody else than root or
 * the user. Names match [a-z][a-z0-9_]* (at most 63 characters). */
#ifndef CORE_REGISTRY_H
#define CORE_REGISTRY_H

#include "core/env.h"

/* extra: folders of the command line ("a:b"), may be NULL. */
tn_registry *tn_registry_new(tn_env *, const char *extra, tn_error *);
void tn_registry_free(tn_registry *);

/* The entry, copied into the host's own zero-padded structs (vtables too). Not found: every
 * place looked at, and near names. */
tn_status tn_registry_find(tn_registry *, const char *kind, const char *name,
                           const tn_entry **, tn_error *);
/* File that an entry came from. */
const char *tn_registry_file(tn_registry *, const tn_entry *);
const char *tn_registry_path_text(tn_registry *); /* folders, one a line */

/* Loads everything there is; each() sees entries sorted by kind, name. */
tn_status tn_registry_each(tn_registry *,
                           int (*each)(void *, const tn_entry *, const char *file),
                           void *, tn_error *);

#endif

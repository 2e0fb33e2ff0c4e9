/* adopt.h - takes in what a plugin says of itself: checked, and copied into the host's
 * own structs, where a slot that the plugin does not have is NULL. */
#ifndef CORE_ADOPT_H
#define CORE_ADOPT_H

#include "core/env.h"

typedef struct tn_adopted {
    tn_entry entry; /* points at what follows */
    tn_impl impl[2];
    void *vtable[2];
    tn_option *options;
    char *file;
    struct tn_adopted *next;
} tn_adopted;

/* The entry kind/name of `plugin`, a descriptor with major version TN_ABI_MAJOR. Messages
 * start with the file. */
tn_status tn_adopt(tn_memory *, const tn_plugin *plugin, const char *file,
                   const char *kind, const char *name, tn_adopted **, tn_error *);
void tn_adopted_free(tn_memory *, tn_adopted *);

#endif

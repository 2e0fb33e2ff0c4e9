/* search.h - the folders where plugins are looked for, in order; the first hit wins. */
#ifndef CORE_SEARCH_H
#define CORE_SEARCH_H

#include "core/memory.h"

typedef struct tn_search {
    int32_t count;
    char **folder;   /* absolute */
    int32_t builtin; /* index of the folder with Tenon's own plugins */
    char *text;      /* the folders, one a line */
} tn_search;

/* extra ("a:b", may be NULL), then TENON_PLUGIN_PATH, $XDG_DATA_HOME/tenon/plugins (or
 * ~/.local/share/tenon/plugins), and Tenon's own folder, by default beside the library.
 * Relative entries are made absolute here and now, empty ones are left out; a privileged
 * process (setuid, file capabilities) does not look at its environment. */
tn_status tn_search_make(tn_memory *, const char *extra, bool privileged, tn_search *,
                         tn_error *);
void tn_search_free(tn_memory *, tn_search *);

#endif

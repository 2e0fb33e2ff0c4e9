/* kinds.h - what the core knows of each kind of plugin without knowing its type: the size
 * of its vtable and which slots it cannot do without. */
#ifndef CORE_KINDS_H
#define CORE_KINDS_H

#include "core/instance.h"

/* How every vtable begins. */
typedef struct tn_head {
    TN_HEAD
} tn_head;

typedef struct tn_kind {
    const char *name;
    size_t size; /* of the host's vtable */
    /* The first slot that is missing, as text, or NULL. Gets the host's copy. */
    const char *(*missing)(const void *vtable);
} tn_kind;

/* NULL: there is no such kind. */
const tn_kind *tn_kind_find(const char *name, int32_t real);
/* "an" before optimizer, observer, initializer. */
static inline const char *tn_kind_article(const char *kind)
{
    return kind[0] == 'o' || kind[0] == 'i' ? "an" : "a";
}
#define TN_KIND_COUNT 15
/* By number, sorted by name. */
const tn_kind *tn_kind_at(int32_t i, int32_t real);

/* The calls of a backend that untyped code makes. */
tn_status tn_backend_open(const tn_instance *, tn_calling *, int32_t threads);
const char *tn_backend_text(const tn_instance *);

/* The typed halves (real/kinds.c). */
typedef struct tn_kind_table {
    tn_kind kind[TN_KIND_COUNT];
    tn_status (*open)(const tn_instance *, tn_calling *, int32_t threads);
    const char *(*describe)(const tn_instance *);
} tn_kind_table;
extern const tn_kind_table tn_kind_table_f32, tn_kind_table_f64;

#endif

/* kinds.c - see kinds.h. */
#include "core/kinds.h"

#include <string.h>

static const tn_kind_table *table(int32_t real)
{
    return real ? &tn_kind_table_f64 : &tn_kind_table_f32;
}

const tn_kind *tn_kind_at(int32_t i, int32_t real)
{
    return &table(real)->kind[i];
}

const tn_kind *tn_kind_find(const char *name, int32_t real)
{
    for (int32_t i = 0; i < TN_KIND_COUNT; i++)
        if (!strcmp(tn_kind_at(i, real)->name, name)) return tn_kind_at(i, real);
    return NULL;
}

tn_status tn_backend_open(const tn_instance *backend, tn_calling *calling,
                          int32_t threads)
{
    return table(backend->real)->open(backend, calling, threads);
}

const char *tn_backend_text(const tn_instance *backend)
{
    return table(backend->real)->describe(backend);
}

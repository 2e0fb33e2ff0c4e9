/* packed.c - weights as the backend packs them, or who makes their products prepares them, for
 * inference: one copy for all plans of a graph.
 *
 * A weight is packed when it is asked for the second time unchanged: one that changes with every
 * batch would be packed for nothing. The copy is used in products of the layout that it was made
 * for; which is used changes no bit. Of a weight that is scaled as it is read (fold.c), the copy is
 * of the scaled one. */
#include "core/real/kernel.h"

#include <string.h>

static void layout_of(const tn_product *p, int64_t layout[6])
{
    const tn_matrix *m = &p->b;
    layout[0] = m->rows, layout[1] = m->cols;
    layout[2] = m->row_stride, layout[3] = m->col_stride;
    layout[4] = (int64_t)(intptr_t)m->read, layout[5] = (int64_t)(intptr_t)p->maker;
}

static bool same_layout(const tn_packed *packed, const tn_product *p)
{
    int64_t layout[6];
    layout_of(p, layout);
    return !memcmp(layout, packed->layout, sizeof layout);
}

static size_t size_of(const tn_instance *backend, const tn_product *p)
{
    const tn_backend *b = backend->vtable;
    return p->maker ? p->maker->prepared_size(&p->b) : b->pack_size(backend->self, &p->b);
}

static void fill(const tn_instance *backend, const tn_product *p, void *at)
{
    const tn_backend *b = backend->vtable;
    if (p->maker)
        p->maker->prepare(&p->b, at);
    else
        b->pack(backend->self, &p->b, at);
}

static bool take_room(const tn_instance *backend, tn_packed *packed, const tn_product *p)
{
    const size_t size = packed->at ? 0 : size_of(backend, p);
    if (size) packed->at = tn_memory_get(&packed->graph->env->memory, size, NULL);
    if (size && packed->at) layout_of(p, packed->layout);
    return packed->at && same_layout(packed, p);
}

/* Under the graph's lock. */
static void pack(const tn_instance *backend, tn_packed *packed, const tn_product *p,
                 unsigned long long version)
{
    const bool again = packed->seen == version;
    packed->seen = version;
    if (!again) return;
    const bool fits = take_room(backend, packed, p);
    if (fits) fill(backend, p, packed->at);
    /* also where there is no copy to make, so that nobody comes here for it again */
    if (fits || !packed->at) atomic_store(&packed->of, version);
}

tn_packed *TN(tn_packed_of)(const tn_unit *u, const tn_matrix *m)
{
    for (int32_t i = 0; m->host && i < u->params; i++)
        if (m->host == u->whole->io.param[i]) return u->param[i].packed;
    return NULL;
}

const void *TN(tn_packed_weight)(const tn_instance *backend, tn_packed *packed,
                                 const tn_product *p)
{
    const tn_backend *b = backend->vtable;
    const unsigned long long version = atomic_load(&packed->graph->version);
    if (!b->pack || atomic_load(&packed->graph->handed_out)) return NULL;
    if (atomic_load(&packed->of) != version) {
        pthread_mutex_lock(&packed->graph->packing);
        if (atomic_load(&packed->of) != version) pack(backend, packed, p, version);
        pthread_mutex_unlock(&packed->graph->packing);
    }
    return atomic_load(&packed->of) == version && same_layout(packed, p) ? packed->at
                                                                         : NULL;
}

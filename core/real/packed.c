/* packed.c - weights as the backend packs them, for inference: one copy for all plans of a graph.
 *
 * A weight is packed when it is asked for the second time unchanged: one that changes with every
 * batch would be packed for nothing. The copy is used in products of the layout that it was made
 * for; which is used changes no bit. Of a weight that is scaled as it is read (fold.c), the copy is
 * of the scaled one. */
#include "core/real/kernel.h"

#include <string.h>

static void layout_of(const tn_matrix *m, int64_t layout[5])
{
    layout[0] = m->rows, layout[1] = m->cols;
    layout[2] = m->row_stride, layout[3] = m->col_stride;
    layout[4] = (int64_t)(intptr_t)m->read;
}

static bool same_layout(const tn_packed *p, const tn_matrix *m)
{
    int64_t layout[5];
    layout_of(m, layout);
    return !memcmp(layout, p->layout, sizeof layout);
}

static bool take_room(const tn_backend *b, const void *self, tn_packed *p,
                      const tn_matrix *m)
{
    const size_t size = p->at ? 0 : b->pack_size(self, m);
    if (size) p->at = tn_memory_get(&p->graph->env->memory, size, NULL);
    if (size && p->at) layout_of(m, p->layout);
    return p->at && same_layout(p, m);
}

/* Under the graph's lock. */
static void pack(const tn_instance *backend, tn_packed *p, const tn_matrix *m,
                 unsigned long long version)
{
    const tn_backend *b = backend->vtable;
    const bool again = p->seen == version;
    p->seen = version;
    if (!again) return;
    const bool fits = take_room(b, backend->self, p, m);
    if (fits) b->pack(backend->self, m, p->at);
    /* also where there is no copy to make, so that nobody comes here for it again */
    if (fits || !p->at) atomic_store(&p->of, version);
}

const void *TN(tn_packed_weight)(const tn_instance *backend, tn_packed *p,
                                 const tn_matrix *m)
{
    const tn_backend *b = backend->vtable;
    const unsigned long long version = atomic_load(&p->graph->version);
    if (!b->pack || atomic_load(&p->graph->handed_out)) return NULL;
    if (atomic_load(&p->of) != version) {
        pthread_mutex_lock(&p->graph->packing);
        if (atomic_load(&p->of) != version) pack(backend, p, m, version);
        pthread_mutex_unlock(&p->graph->packing);
    }
    return atomic_load(&p->of) == version && same_layout(p, m) ? p->at : NULL;
}

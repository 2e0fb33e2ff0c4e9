/* room.c - see loops.h. */
#define TN_HOST
#include <tenon/plugin.h>

#include "loops.h"

void *tn_blis_take_room(const tn_blis_team *team, tn_call *c, size_t size)
{
    tn_blis_room *room = team->room;
    const bool ours = !atomic_flag_test_and_set(&room->taken);
    if (ours && room->size >= size) return atomic_load(&room->at);
    if (ours) {
        c->host->release(c, atomic_exchange(&room->at, NULL));
        room->size = 0;
    }
    void *at = c->host->alloc(c, size);
    if (ours) {
        atomic_store(&room->at, at);
        room->size = at ? size : 0;
        if (!at) atomic_flag_clear(&room->taken);
    }
    if (!at) tn_fail(c, TN_ENOMEM, "out of memory: %zu bytes to pack operands in", size);
    return at;
}

void tn_blis_give_room(const tn_blis_team *team, tn_call *c, void *at)
{
    if (at == atomic_load(&team->room->at))
        atomic_flag_clear(&team->room->taken);
    else
        c->host->release(c, at);
}

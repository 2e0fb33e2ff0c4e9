/* dial.c - values that change while training runs: every SCHEDULABLE option is a dial,
 * turned by a schedule or standing still. Children are turned first, so that a schedule
 * around another sees the inner one's new values. */
#include "core/instance.h"

#include <string.h>

static double dial_value(const tn_dial_state *dial, const tn_clock *clock)
{
    const tn_instance *s = dial->schedule;
    if (!s) return dial->constant;
    const tn_schedule *vtable = s->vtable;
    return vtable->value(s->self, s->now, clock, s->numbers);
}

void tn_instance_tick(tn_instance *i, const tn_clock *clock)
{
    for (int32_t k = 0; k < i->children; k++) tn_instance_tick(i->child[k], clock);
    for (int32_t k = 0; k < i->dials; k++) i->now[k] = dial_value(&i->dial[k], clock);
}

void tn_instance_epoch(tn_instance *i, const tn_clock *clock)
{
    for (int32_t k = 0; k < i->children; k++) tn_instance_epoch(i->child[k], clock);
    if (strcmp(i->entry->kind, "schedule")) return;
    const tn_schedule *vtable = i->vtable;
    if (vtable->epoch_end) vtable->epoch_end(i->self, clock, i->numbers);
}

void tn_instance_walk(tn_instance *i, void (*visit)(void *, tn_instance *), void *data)
{
    visit(data, i);
    for (int32_t k = 0; k < i->children; k++) tn_instance_walk(i->child[k], visit, data);
}

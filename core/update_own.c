/* update_own.c - learning rates and decays that `parameters` gives to some: see update_state.h.
 *
 * An own decay is the optimizer's option weight_decay with another value: whoever updates such a
 * parameter sees dials that differ from the optimizer's in that one place. So it works with every
 * optimizer that has the option, and none knows of it. */
#include "core/update_state.h"

#include <string.h>

static const char decay_option[] = "weight_decay";

static tn_status no_decay(const tn_updater *u, const tn_cfg *where, tn_error *e)
{
    return tn_cfg_error(
        where, e, TN_ENOTSUP,
        "parameters: weight_decay: optimizer/%s has no option of that name "
        "that could be another for some; leave it out, or use another "
        "optimizer",
        u->chain[0]->entry->name);
}

/* Room for the dials of those optimizers that have a decay. */
static tn_status make_copies(tn_updater *u, tn_own_dial *d, tn_error *e)
{
    bool any = false;
    for (int32_t i = 0; i < u->length; i++) {
        const tn_instance *o = u->chain[i];
        const int32_t dial = tn_instance_dial(o, decay_option);
        d->now[i] = o->now;
        if (dial < 0) continue;
        d->copy[i] = tn_memory_array(&u->graph->env->memory, (size_t)o->dials,
                                     sizeof(double), e);
        if (!d->copy[i]) return TN_ENOMEM;
        d->now[i] = d->copy[i];
        d->dial.option = o->dial[dial].option;
        any = true;
    }
    return any ? TN_OK : no_decay(u, d->dial.where, e);
}

/* That of the config's value, which may be the rule of several parameters. */
static tn_status find(tn_updater *u, const tn_cfg *where, bool decay, tn_own_dial **out,
                      tn_error *e)
{
    for (int32_t i = 0; i < u->owns; i++)
        if (u->own[i].dial.where == where) return *out = &u->own[i], TN_OK;
    const tn_instance *inner = u->chain[0];
    tn_own_dial *d = *out = &u->own[u->owns++];
    *d = (tn_own_dial){.dial = inner->dial[inner->host.lr_dial], .decay = decay};
    d->dial.where = where, d->dial.schedule = NULL;
    const tn_status status = tn_instance_make(u->graph->env, "schedule", where,
                                              u->graph->real, &d->dial.schedule, e);
    return status || !decay ? status : make_copies(u, d, e);
}

static tn_status give(tn_updater *u, tn_part *part, tn_error *e)
{
    const tn_rule *rule = &u->graph->param[part->number].rule;
    tn_own_dial *d;
    tn_status status = TN_OK;
    if (rule->lr) {
        status = find(u, rule->lr, false, &d, e);
        part->rate = &d->value;
    }
    if (!status && rule->weight_decay) {
        status = find(u, rule->weight_decay, true, &d, e);
        part->now = d->now;
        part->decays = true;
    }
    return status;
}

tn_status tn_updater_make_own(tn_updater *u, tn_error *e)
{
    size_t most = 0;
    tn_status status = TN_OK;
    for (int32_t i = 0; i < u->parts; i++) {
        const tn_rule *rule = &u->graph->param[u->part[i].number].rule;
        most += (size_t)(rule->lr != NULL) + (size_t)(rule->weight_decay != NULL);
    }
    if (!most) return TN_OK;
    u->own = tn_memory_array(&u->graph->env->memory, most, sizeof *u->own, e);
    if (!u->own) return TN_ENOMEM;
    for (int32_t i = 0; !status && i < u->parts; i++) status = give(u, &u->part[i], e);
    return status;
}

void tn_updater_free_own(tn_updater *u)
{
    tn_memory *m = &u->graph->env->memory;
    for (int32_t i = 0; i < u->owns; i++) {
        tn_instance_free(u->own[i].dial.schedule);
        for (int32_t k = 0; k < u->length; k++) tn_memory_put(m, u->own[i].copy[k]);
    }
    tn_memory_put(m, u->own);
}

/* After the optimizers', of which decays keep a copy. */
void tn_updater_tick_own(tn_updater *u, const tn_clock *clock)
{
    for (int32_t i = 0; i < u->owns; i++) {
        tn_own_dial *d = &u->own[i];
        tn_instance_tick(d->dial.schedule, clock);
        d->value = tn_schedule_value(d->dial.schedule, clock);
        for (int32_t k = 0; d->decay && k < u->length; k++) {
            const tn_instance *o = u->chain[k];
            if (!d->copy[k]) continue;
            memcpy(d->copy[k], o->now, (size_t)o->dials * sizeof(double));
            d->copy[k][tn_instance_dial(o, decay_option)] = d->value;
        }
    }
}

tn_status tn_updater_check_own(const tn_updater *u, const tn_clock *clock, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < u->owns; i++)
        status = tn_dial_check(&u->own[i].dial, "parameters", u->own[i].value, clock, e);
    return status;
}

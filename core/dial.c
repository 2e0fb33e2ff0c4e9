/* dial.c - values that change while training runs: every SCHEDULABLE option is a dial,
 * turned by a schedule or standing still. Children are turned first, so that a schedule
 * around another sees the inner one's new values. */
#include "core/instance.h"

#include <math.h>
#include <string.h>

#include "core/option_table.h"

/* Dials stand in the order of the options that are schedulable (option.c reads them so). */
int32_t tn_instance_dial(const tn_instance *i, const char *option)
{
    int32_t dial = 0;
    for (uint32_t k = 0; k < i->entry->option_count; k++) {
        const tn_option *o = &i->entry->options[k];
        if (o->type != TN_T_SCHEDULABLE) continue;
        if (!strcmp(o->name, option)) return dial;
        dial++;
    }
    return -1;
}

const tn_clock tn_clock_start = {
    .steps = INT64_C(1) << 50, .epochs = 0x1p30, .monitored = NAN};

double tn_schedule_value(const tn_instance *s, const tn_clock *clock)
{
    const tn_schedule *vtable = s->vtable;
    return vtable->value(s->self, s->now, clock, s->numbers);
}

static double dial_value(const tn_dial_state *dial, const tn_clock *clock)
{
    return dial->schedule ? tn_schedule_value(dial->schedule, clock) : dial->constant;
}

void tn_instance_tick(tn_instance *i, const tn_clock *clock)
{
    for (int32_t k = 0; k < i->children; k++) tn_instance_tick(i->child[k], clock);
    for (int32_t k = 0; k < i->dials; k++) i->now[k] = dial_value(&i->dial[k], clock);
}

/* Before the run its last update is looked at, too: what a schedule makes of the number monitored then
 * is not known yet. */
static bool is_unknown(double value, const tn_clock *clock)
{
    return isnan(value) && isnan(clock->monitored) && clock->epoch >= 1;
}

tn_status tn_dial_check(const tn_dial_state *dial, const char *whose, double value,
                        const tn_clock *clock, tn_error *e)
{
    const tn_option *o = &dial->option;
    char range[80];
    if (!dial->schedule || tn_option_allows_real(o, value) || is_unknown(value, clock))
        return TN_OK;
    tn_option_range_text(o, range, sizeof range);
    return tn_cfg_error(dial->where, e, TN_EINVAL,
                        "%s: option '%s' = %.6g at step %lld (schedule %s) is outside %s",
                        whose, o->name, isnan(value) ? NAN : value, /* of no sign */
                        (long long)clock->step + 1, dial->schedule->entry->name, range);
}

tn_status tn_instance_check_dials(const tn_instance *i, const tn_clock *clock,
                                  tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t k = 0; !status && k < i->dials; k++)
        status = tn_dial_check(&i->dial[k], i->entry->name, i->now[k], clock, e);
    return status;
}

void tn_instance_epoch(tn_instance *i, const tn_clock *clock, const tn_event *event)
{
    for (int32_t k = 0; k < i->children; k++)
        tn_instance_epoch(i->child[k], clock, event);
    if (strcmp(i->entry->kind, "schedule")) return;
    const tn_schedule *vtable = i->vtable;
    if (vtable->epoch_end) vtable->epoch_end(i->self, clock, event, i->numbers);
}

void tn_instance_walk(tn_instance *i, void (*visit)(void *, tn_instance *), void *data)
{
    visit(data, i);
    for (int32_t k = 0; k < i->children; k++) tn_instance_walk(i->child[k], visit, data);
}

/* value.h - the value that an observer or a schedule watches: by its name, and whether it has become
 * better. */
#ifndef PLUGINS_VALUE_H
#define PLUGINS_VALUE_H

#include <string.h>

#include <tenon/training.h>

#define VALUE_MODES "auto|min|max"
enum { VALUE_AUTO, VALUE_MIN, VALUE_MAX };

static const tn_named_value *find_value(const tn_event *event, const char *name)
{
    for (int32_t i = 0; i < event->values; i++)
        if (!strcmp(event->value[i].name, name)) return &event->value[i];
    return NULL;
}

/* "loss, accuracy" */
static void list_values(const tn_event *event, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int32_t i = 0; i < event->values && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 event->value[i].name);
}

/* Whether the run has the value that `option` names, and in mode auto knows what is better. */
static tn_status require_value(tn_call *c, const tn_event *event, const char *option,
                               const char *name, int32_t mode)
{
    char names[300];
    const tn_named_value *value = find_value(event, name);
    if (value && (mode != VALUE_AUTO || value->better != TN_BETTER_UNKNOWN)) return TN_OK;
    if (value)
        return tn_fail(
            c, TN_EINVAL,
            "%s: it is not known whether '%.60s' should be small or large; say "
            "mode: min or mode: max",
            option, name);
    list_values(event, names, sizeof names);
    return tn_fail(
        c, TN_ENOTFOUND, "%s: this run has no value '%.60s'; it has %s%s", option, name,
        names,
        strncmp(name, "val_", 4) || strstr(names, "val_")
            ? ""
            : " (values with val_ need a validation split: data option validation)");
}

static int prefers_larger(const tn_named_value *v, int32_t mode)
{
    return mode == VALUE_AUTO ? v->better == TN_BETTER_LARGER : mode == VALUE_MAX;
}

/* NaN never is. */
static int is_beyond(const tn_named_value *v, double bar, int32_t mode)
{
    return prefers_larger(v, mode) ? v->value > bar : v->value < bar;
}

/* By more than `delta`. */
TN_UNUSED static int is_better(const tn_named_value *v, double than, int32_t mode,
                               double delta)
{
    return is_beyond(v, prefers_larger(v, mode) ? than + delta : than - delta, mode);
}

#endif

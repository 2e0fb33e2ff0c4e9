/* value.h - the value that an observer watches: by its name, and whether it has become better. */
#ifndef OBSERVER_VALUE_H
#define OBSERVER_VALUE_H

#include <string.h>

#include <tenon/training.h>

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

/* Whether the run has the value that `option` names. */
static tn_status require_value(tn_call *c, const tn_event *event, const char *option,
                               const char *name)
{
    char names[300];
    if (find_value(event, name)) return TN_OK;
    list_values(event, names, sizeof names);
    return tn_fail(
        c, TN_ENOTFOUND, "%s: this run has no value '%.60s'; it has %s%s", option, name,
        names,
        strncmp(name, "val_", 4)
            ? ""
            : " (values with val_ need a validation split: data option validation)");
}

/* By more than `delta`; mode 0: smaller is better, 1: larger. NaN is never better. */
static int is_better(double value, double than, int32_t mode, double delta)
{
    return mode ? value > than + delta : value < than - delta;
}

#endif

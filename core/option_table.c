/* option_table.c - names, ranges, choices and host options: see option_table.h. */
#include "core/option_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

bool tn_name_legal(const char *name)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz";
    static const char any[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    const size_t size = strnlen(name, 64);
    return size > 0 && size < 64 && memchr(first, *name, sizeof first - 1) &&
           strspn(name, any) == size;
}

/* ---- options that the host adds ---------------------------------------------------- */

#define NODE_OPTIONS(P)                                                         \
    P(STR, name, TN_OPTIONAL, 0, 0, 0,                                          \
      "name of the node; by default that of the plugin")                        \
    P(STR, inputs, TN_OPTIONAL, 0, 0, 0,                                        \
      "names of the nodes it reads, one or a list; by default the node before") \
    P(PLUGIN, init, TN_OPTIONAL, 0, "initializer", 0,                           \
      "of its weights, or auto; by default the block's, then the model's")      \
    P(PLUGIN, regularizer, TN_OPTIONAL, 0, "regularizer", 0,                    \
      "of its weights, one or a list, or none; by default the block's, then "   \
      "the model's")                                                            \
    P(PLUGIN, parametrization, TN_OPTIONAL, 0, "parametrization", 0,            \
      "what makes its weights from the trained values, or none; by default "    \
      "the block's")

/* The default of lr is the optimizer's own: entry.learning_rate. */
#define OPTIMIZER_OPTIONS(P) P(SCHEDULABLE, lr, 0, 0, 0, INFINITY, "learning rate")

#define DATASET_OPTIONS(P)                                                               \
    P(REAL, validation, TN_BELOW, 0, 0, 1,                                               \
      "fraction of the training set kept for validation")                                \
    P(INT, batch, 0, 32, 1, INT32_MAX, "samples in a step; of streams: all of them")     \
    P(BOOL, shuffle, 0, 1, 0, 0,                                                         \
      "whether every epoch has its own order; streams keep theirs")                      \
    P(BOOL, drop_last, 0, 0, 0, 0, "whether to leave out a last batch that is not full") \
    P(PLUGINS, transforms, 0, "[]", "transform", 0, "what is done to batches, in order")

/* What `name` of a layer and of a metric may be, says option_host.c. */
#define METRIC_OPTIONS(P)              \
    P(STR, name, TN_OPTIONAL, 0, 0, 0, \
      "what its values are called; by default the name of the plugin")

static const tn_option metric_options[] = {METRIC_OPTIONS(TN_ROW)};
static const tn_option node_options[] = {NODE_OPTIONS(TN_ROW)};
static const tn_option optimizer_options[] = {OPTIMIZER_OPTIONS(TN_ROW)};
static const tn_option dataset_options[] = {DATASET_OPTIONS(TN_ROW)};

#define COUNT(array) ((int32_t)(sizeof(array) / sizeof *(array)))

const tn_option *tn_host_options(const char *kind, int32_t *count)
{
    if (!strcmp(kind, "layer") || !strcmp(kind, "block"))
        return *count = COUNT(node_options), node_options;
    if (!strcmp(kind, "optimizer"))
        return *count = COUNT(optimizer_options), optimizer_options;
    if (!strcmp(kind, "metric")) return *count = COUNT(metric_options), metric_options;
    if (!strcmp(kind, "dataset")) return *count = COUNT(dataset_options), dataset_options;
    return *count = 0, NULL;
}

int32_t tn_option_find(const tn_option *option, int32_t count, const char *name)
{
    for (int32_t i = 0; i < count; i++)
        if (!strcmp(option[i].name, name)) return i;
    return -1;
}

int32_t tn_option_positional(const tn_option *option, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (option[i].flags & TN_POSITIONAL) return i;
    return -1;
}

/* ---- ranges and choices ------------------------------------------------------------ */

bool tn_option_allows_int(const tn_option *o, int64_t value)
{
    const bool above = o->flags & TN_ABOVE ? value > o->lo.i : value >= o->lo.i;
    const bool below = o->flags & TN_BELOW ? value < o->hi.i : value <= o->hi.i;
    return above && below && value != TN_UNSET_INT;
}

/* False for NaN and infinities, too. */
bool tn_option_allows_real(const tn_option *o, double value)
{
    const bool above = o->flags & TN_ABOVE ? value > o->lo.d : value >= o->lo.d;
    const bool below = o->flags & TN_BELOW ? value < o->hi.d : value <= o->hi.d;
    return above && below && isfinite(value);
}

const char *tn_option_choice(const tn_option *o, int32_t i, int32_t *length)
{
    const char *start = o->lo.s;
    for (; i > 0; i--) {
        start += strcspn(start, "|");
        if (!*start) return NULL;
        start++;
    }
    *length = (int32_t)strcspn(start, "|");
    return start;
}

/* ---- texts ------------------------------------------------------------------------- */

static void bound_text(const tn_option *o, tn_value bound, char *text, size_t size)
{
    if (o->type != TN_T_INT)
        snprintf(text, size, "%.10g", bound.d);
    else if (bound.i == INT64_MIN)
        snprintf(text, size, "-inf");
    else if (bound.i == INT64_MAX)
        snprintf(text, size, "inf");
    else
        snprintf(text, size, "%" PRId64, bound.i);
}

void tn_option_range_text(const tn_option *o, char *text, size_t size)
{
    char lo[32], hi[32];
    *text = 0;
    if (o->type != TN_T_INT && o->type != TN_T_REAL && o->type != TN_T_SCHEDULABLE)
        return;
    bound_text(o, o->lo, lo, sizeof lo);
    bound_text(o, o->hi, hi, sizeof hi);
    const bool from = o->flags & TN_ABOVE || !strcmp(lo, "-inf");
    const bool to = o->flags & TN_BELOW || !strcmp(hi, "inf");
    snprintf(text, size, "%c%s, %s%c", from ? '(' : '[', lo, hi, to ? ')' : ']');
}

static void choices_text(const tn_option *o, char *text, size_t size)
{
    int32_t length;
    size_t used = (size_t)snprintf(text, size, "one of ");
    for (int32_t i = 0; used < size; i++) {
        const char *choice = tn_option_choice(o, i, &length);
        if (!choice) return;
        used += (size_t)snprintf(text + used, size - used, "%s%.*s", i ? ", " : "",
                                 length, choice);
    }
}

void tn_option_type_text(const tn_option *o, char *text, size_t size)
{
    static const char *const plain[] = {[TN_T_BOOL] = "true or false",
                                        [TN_T_INT] = "whole number",
                                        [TN_T_REAL] = "number",
                                        [TN_T_SCHEDULABLE] = "number or schedule",
                                        [TN_T_STR] = "text",
                                        [TN_T_INTS] = "list of whole numbers",
                                        [TN_T_REALS] = "list of numbers",
                                        [TN_T_STRS] = "list of texts",
                                        [TN_T_GRAPH] = "list of layers",
                                        [TN_T_GRAPHS] = "list of lists of layers"};
    if (o->type == TN_T_ENUM)
        choices_text(o, text, size);
    else if (o->type == TN_T_PLUGIN)
        snprintf(text, size, "%s", o->lo.s);
    else if (o->type == TN_T_PLUGINS)
        snprintf(text, size, "list of %ss", o->lo.s);
    else
        snprintf(text, size, "%s", plain[o->type]);
}

void tn_option_default_text(const tn_option *o, char *text, size_t size)
{
    int32_t length = 0;
    if (o->flags & TN_REQUIRED)
        snprintf(text, size, "required");
    else if (o->flags & TN_OPTIONAL)
        snprintf(text, size, "-");
    else if (o->type == TN_T_BOOL)
        snprintf(text, size, "%s", o->def.i ? "true" : "false");
    else if (o->type == TN_T_INT)
        snprintf(text, size, "%" PRId64, o->def.i);
    else if (o->type == TN_T_REAL || o->type == TN_T_SCHEDULABLE)
        snprintf(text, size, "%.10g", o->def.d);
    else if (o->type == TN_T_ENUM) {
        const char *choice = tn_option_choice(o, (int32_t)o->def.i, &length);
        snprintf(text, size, "%.*s", length, choice);
    } else
        snprintf(text, size, "%s", *o->def.s ? o->def.s : "\"\"");
}

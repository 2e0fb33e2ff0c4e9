/* torch_layout.c - what a model file says of PyTorch's layout, so that a script can convert it
 * without knowing layers (scripts/torch-state):
 *
 *     {"lstm.bias": {"sum": [["bias_ih_l0", 28, 0, 0, 28], ["bias_hh_l0", 28, 0, 0, 28]]},
 *      "dense.weight": {"axis": 1, "channels": 16}}
 *
 * `sum` lists name, rows, from, to and count of tn_torch_part; `axis` stands in the order (position,
 * channel) here and (channel, position) there. */
#include <stdio.h>
#include <string.h>

#include "core/model.h"

#define ROOM 4096 /* for one entry */

typedef struct page {
    tn_memory *memory;
    char *text;
    size_t used, room;
    tn_error *error;
} page;

static bool add(page *p, const char *text)
{
    const size_t size = strlen(text);
    if (p->used + size + 1 > p->room) {
        const size_t room = 2 * p->room + size + 1;
        char *grown = p->text ? tn_memory_grow(p->memory, p->text, room, p->error)
                              : tn_memory_get(p->memory, room, p->error);
        if (!grown) return false;
        p->text = grown, p->room = room;
    }
    memcpy(p->text + p->used, text, size + 1);
    p->used += size;
    return true;
}

/* A text in quotes, as JSON has it: six bytes at most for one. */
static const char *quoted(const char *text, char out[6 * 128 + 3])
{
    char *to = out;
    *to++ = '"';
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == '"' || byte == '\\')
            to += sprintf(to, "\\u%04x", byte);
        else
            *to++ = *text;
    }
    *to++ = '"', *to = 0;
    return out;
}

static bool add_entry(page *p, const char *name, const tn_graph_param *param,
                      int32_t axis, int64_t channels)
{
    char entry[ROOM], quote[6 * 128 + 3];
    int used = snprintf(entry, ROOM, "%s%s: {", p->used ? ", " : "{",
                        quoted(name, quote));
    const int sum = param && *param->torch[0];
    for (int32_t i = 0; sum && i < TN_MAX_TORCH && *param->torch[i]; i++) {
        const tn_torch_part *part = &param->spec.torch[i];
        used += snprintf(entry + used, (size_t)(ROOM - used),
                         "%s[%s, %lld, %lld, %lld, %lld]", i ? ", " : "\"sum\": [",
                         quoted(param->torch[i], quote), (long long)part->rows,
                         (long long)part->from, (long long)part->to,
                         (long long)part->count);
    }
    if (sum) used += snprintf(entry + used, (size_t)(ROOM - used), "]");
    if (channels > 0)
        used += snprintf(entry + used, (size_t)(ROOM - used),
                         "%s\"axis\": %d, \"channels\": %lld", sum ? ", " : "", (int)axis,
                         (long long)channels);
    snprintf(entry + used, (size_t)(ROOM - used), "}");
    return (!sum && channels <= 0) || add(p, entry);
}

static int64_t channels_of(const tn_graph *g, const int64_t *channels, int32_t node,
                           int32_t axis)
{
    return axis < 0 ? 0 : channels[g->node[node].input[0]];
}

char *tn_torch_layout(const tn_graph *g, tn_error *e)
{
    page p = {.memory = &g->env->memory, .error = e};
    int64_t *channels = tn_memory_array(p.memory, (size_t)g->nodes, sizeof *channels, e);
    bool fits = channels != NULL;
    if (fits) tn_graph_channels(g, channels);
    for (int32_t i = 0; fits && i < g->params; i++) {
        const tn_graph_param *q = &g->param[i];
        const int32_t axis = tn_graph_feature_axis(q);
        fits = add_entry(&p, q->name, q, axis, channels_of(g, channels, q->node, axis));
    }
    for (int32_t i = 0; fits && i < g->states; i++) {
        const tn_graph_state *q = &g->state[i];
        const int32_t axis = tn_graph_state_axis(g, q);
        fits = add_entry(&p, q->name, NULL, axis,
                         channels_of(g, channels, q->node, axis));
    }
    if (p.used) fits = fits && add(&p, "}");
    tn_memory_put(p.memory, channels);
    if (fits) return p.text;
    tn_memory_put(p.memory, p.text);
    return NULL;
}

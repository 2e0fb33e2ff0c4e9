/* torch_layout.c - PyTorch's layout of parameters: reading it, and what a model file says of it, so
 * that a script can convert it without knowing layers (scripts/torch-state):
 *
 *     {"lstm.bias": {"sum": [["bias_ih_l0", 28, 0, 0, 28], ["bias_hh_l0", 28, 0, 0, 28]]},
 *      "dense.weight": {"axis": 1, "channels": 16},
 *      "conv2d.weight.g": {"rank": 4}}
 *
 * `sum` lists name, rows, from, to and count of tn_torch_part; `axis` stands in the order (position,
 * channel) here and (channel, position) there; up to `rank` axes of one element follow there. */
#include <stdio.h>
#include <string.h>

#include "core/torch_layout.h"

/* ---- values ----------------------------------------------------------------------------- */

static double value_at(const tn_tensor *t, int64_t i)
{
    double wide;
    float narrow;
    if (t->dtype == TN_F64) {
        memcpy(&wide, (const char *)t->data + i * (int64_t)sizeof wide, sizeof wide);
        return wide;
    }
    memcpy(&narrow, (const char *)t->data + i * (int64_t)sizeof narrow, sizeof narrow);
    return (double)narrow;
}

static void add_at(const tn_tensor *t, int64_t i, double value)
{
    if (t->dtype == TN_F64)
        ((double *)t->data)[i] += value;
    else
        ((float *)t->data)[i] += (float)value;
}

/* Where element i of ours, (position, channel) along the axis, stands there. */
static int64_t there(const tn_tensor *value, int32_t axis, int64_t channels, int64_t i)
{
    int64_t behind = 1;
    for (int32_t k = axis + 1; k < value->rank; k++) behind *= value->dim[k];
    const int64_t n = value->dim[axis], at = i / behind % n;
    const int64_t to = at % channels * (n / channels) + at / channels;
    return i + (to - at) * behind;
}

void tn_torch_add(const tn_tensor *into, int32_t axis, int64_t channels,
                  const tn_torch_part *part, const tn_tensor *from)
{
    const int64_t row = tn_count(into) / (into->rank ? into->dim[0] : 1);
    const int64_t shift = (part->from - part->to) * row, first = part->to * row;
    for (int64_t i = first; i < first + part->count * row; i++) {
        const int64_t at = channels ? there(into, axis, channels, i) : i;
        add_at(into, i, value_at(from, at + shift));
    }
}

/* ---- the text --------------------------------------------------------------------------- */

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

/* rank: 0 where it is the same there. */
static bool add_entry(page *p, const char *name, const tn_graph_param *param,
                      int32_t axis, int64_t channels, int32_t rank)
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
    if (rank)
        used += snprintf(entry + used, (size_t)(ROOM - used), "%s\"rank\": %d",
                         sum || channels > 0 ? ", " : "", (int)rank);
    snprintf(entry + used, (size_t)(ROOM - used), "}");
    return (!sum && channels <= 0 && !rank) || add(p, entry);
}

/* A parametrization's vector has the rank of its weight there. */
static int32_t rank_of(const tn_graph *g, const tn_graph_param *q)
{
    return q->owner >= 0 && q->value.rank == 1 ? g->param[q->owner].value.rank : 0;
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
        fits = add_entry(&p, q->name, q, axis, channels_of(g, channels, q->node, axis),
                         rank_of(g, q));
    }
    for (int32_t i = 0; fits && i < g->states; i++) {
        const tn_graph_state *q = &g->state[i];
        const int32_t axis = tn_graph_state_axis(g, q);
        fits = add_entry(&p, q->name, NULL, axis, channels_of(g, channels, q->node, axis),
                         0);
    }
    if (p.used) fits = fits && add(&p, "}");
    tn_memory_put(p.memory, channels);
    if (fits) return p.text;
    tn_memory_put(p.memory, p.text);
    return NULL;
}

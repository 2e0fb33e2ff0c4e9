/* graph_name.c - the names of nodes and blocks and the prefixes of blocks, each taken once.
 *
 * They stand in a hash table with linear probing, at most half full. A stem that is taken
 * remembers which number to try behind it next, so that n equal layers get their names in O(n). */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "core/graph_build.h"

struct tn_graph_name {
    char text[TN_NODE_NAME]; /* "": a free place */
    int32_t node;            /* that it stands for: of a block its output; -1: a prefix */
    int32_t twins;           /* stem_2 to stem_(twins + 1) have been tried */
};

/* Where the name stands, or would. */
static tn_graph_name *place_of(tn_graph_name *table, int32_t room, const char *text)
{
    uint32_t at = (uint32_t)tn_graph_hash(text);
    for (;; at++) {
        tn_graph_name *place = &table[at & (uint32_t)(room - 1)];
        if (!*place->text || !strcmp(place->text, text)) return place;
    }
}

static tn_status make_room(tn_graph *g, tn_error *e)
{
    const int32_t room = g->name_room ? 2 * g->name_room : 64;
    if (2 * (g->names + 1) <= g->name_room) return TN_OK;
    tn_graph_name *table = tn_memory_array(&g->env->memory, (size_t)room, sizeof *table,
                                           e);
    if (!table) return TN_ENOMEM;
    for (int32_t i = 0; i < g->name_room; i++)
        if (*g->name[i].text) *place_of(table, room, g->name[i].text) = g->name[i];
    tn_memory_put(&g->env->memory, g->name);
    g->name = table, g->name_room = room;
    return TN_OK;
}

int32_t tn_graph_find(const tn_graph *g, const char *name)
{
    const tn_graph_name *place = place_of(g->name, g->name_room, name);
    return *place->text ? place->node : -1;
}

const char *tn_graph_nearest(const tn_graph *g, const char *name)
{
    const char *names[10000];
    const int32_t most = sizeof names / sizeof *names;
    int32_t count = 0;
    for (int32_t i = 0; i < g->name_room && count < most; i++)
        if (*g->name[i].text && g->name[i].node >= 0) names[count++] = g->name[i].text;
    return tn_nearest(name, names, count);
}

bool tn_name_within(const char *name, const char *stem)
{
    const size_t length = strlen(stem);
    return !length ||
           (!strncmp(name, stem, length) && (!name[length] || name[length] == '.'));
}

bool tn_name_fits(const char *name, const char *pattern)
{
    char part[1024];
    const char *dot = strchr(name, '.');
    bool fits = tn_name_within(name, pattern) || !fnmatch(pattern, name, 0);
    for (; !fits && dot && dot - name < (int)sizeof part; dot = strchr(dot + 1, '.')) {
        snprintf(part, sizeof part, "%.*s", (int)(dot - name), name);
        fits = !fnmatch(pattern, part, 0);
    }
    return fits;
}

const char *tn_graph_meant(const tn_graph *g, const char *word)
{
    const char *names[512];
    int32_t count = 0;
    for (int32_t i = g->inputs; i < g->nodes && count < 256; i++)
        if (g->node[i].params || g->node[i].states) names[count++] = g->node[i].name;
    for (int32_t i = 0; i < g->params && count < 512; i++)
        names[count++] = g->param[i].name;
    return tn_nearest(word, names, count);
}

tn_status tn_graph_take_name(tn_graph *g, const char *stem, const char *tail,
                             int32_t node, char name[TN_NODE_NAME], tn_error *e)
{
    const tn_status status = make_room(g, e);
    if (status) return status;
    snprintf(name, TN_NODE_NAME, "%s%s", stem, tail);
    tn_graph_name *first = place_of(g->name, g->name_room, name), *place = first;
    while (*place->text) {
        snprintf(name, TN_NODE_NAME, "%s_%d%s", stem, ++first->twins + 1, tail);
        place = place_of(g->name, g->name_room, name);
    }
    snprintf(place->text, sizeof place->text, "%s", name);
    place->node = node;
    g->names++;
    return TN_OK;
}

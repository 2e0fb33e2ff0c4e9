/* config_read.c - from YAML text to a tree.
 *
 * libfyaml turns the text into events; this file turns events into nodes, so that the
 * limits hold while the tree grows and not after. Invariant of the reader:
 * open[0..depth-1] are the lists and maps being filled, outermost first, and only
 * complete nodes have anchors. The text is checked to be UTF-8 without control
 * characters first, because libfyaml reads on past both. */
#include <ctype.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_tree.h"
#include "tenon/utf8.h"

typedef struct anchor {
    const char *name;
    const tn_cfg *node; /* NULL: still being filled */
} anchor;

typedef struct level {
    tn_cfg *node;
    const char *key; /* of the map's entry whose value comes next */
    int32_t line, column;
    int32_t anchor; /* that this node completes; -1: none */
} level;

typedef struct reader {
    tn_tree *tree;
    const char *file;
    bool places; /* false: the text is no file, and messages name no line */
    struct fy_diag *diag;
    struct fy_parser *parser;
    int32_t line, column; /* of the newest event that has a place */
    tn_cfg *root;
    int32_t documents, depth, anchors;
    level open[TN_CFG_DEPTH];
    anchor anchor[TN_CFG_ANCHORS];
} reader;

__attribute__((format(printf, 3, 4))) static tn_status fail(const reader *r, tn_error *e,
                                                            const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const tn_cfg here = {.file = r->file, .line = r->line, .column = r->column};
    return tn_cfg_error(&here, e, TN_EINVAL, "%s", text);
}

/* Puts the place in front of an error from the tree. */
static tn_status fail_here(const reader *r, tn_error *e)
{
    if (r->places) return tn_error_in(e, "%s:%d:%d", r->file, r->line, r->column);
    return tn_error_in(e, "%s", r->file);
}

static void move_to(reader *r, int32_t line, int32_t column)
{
    r->line = r->places ? line : 0;
    r->column = r->places ? column : 0;
}

/* ---- the text -------------------------------------------------------------------- */

static tn_status check_text(reader *r, const char *text, size_t size, tn_error *e)
{
    if (size > TN_CFG_BYTES)
        return tn_error_set(e, TN_EINVAL,
                            "%s: has %zu bytes, more than the %d a config may have",
                            r->file, size, TN_CFG_BYTES);
    int32_t line = 1, column = 1;
    for (size_t at = 0; at < size;) {
        uint32_t code;
        const size_t length = tn_utf8_next(text + at, size - at, &code);
        move_to(r, line, column);
        if (!length)
            return fail(r, e, "byte 0x%02x is not UTF-8; save the file as UTF-8",
                        (unsigned char)text[at]);
        if (tn_utf8_control(code) && code != '\t' && code != '\n' && code != '\r')
            return fail(r, e, "control character U+%04X; remove it", (unsigned)code);
        column++;
        if (code == '\n') line++, column = 1;
        at += length;
    }
    return TN_OK;
}

/* ---- nodes ----------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const tn_cfg *p = *(tn_cfg *const *)a, *q = *(tn_cfg *const *)b;
    const int order = strcmp(p->key, q->key);
    if (order) return order;
    return p->line != q->line ? (p->line > q->line) - (p->line < q->line)
                              : (p->column > q->column) - (p->column < q->column);
}

static tn_status repeated(const tn_cfg *first, const tn_cfg *second, tn_error *e)
{
    if (!second->line)
        return tn_cfg_error(second, e, TN_EINVAL, "'%s' is there twice; keep one",
                            second->key);
    return tn_cfg_error(second, e, TN_EINVAL,
                        "'%s' is here for the second time, the first is at "
                        "line %d, column %d; keep one",
                        second->key, first->line, first->column);
}

static tn_status check_keys(reader *r, const tn_cfg *map, tn_error *e)
{
    if (map->count < 2) return TN_OK;
    const size_t bytes = (size_t)map->count * sizeof *map->item;
    tn_cfg **sorted = tn_memory_get(r->tree->arena.memory, bytes, e);
    if (!sorted) return TN_ENOMEM;
    memcpy(sorted, map->item, bytes);
    qsort(sorted, (size_t)map->count, sizeof *sorted, by_key);
    tn_status status = TN_OK;
    for (int32_t i = 1; i < map->count && !status; i++) {
        const tn_cfg *first = sorted[i - 1], *second = sorted[i];
        if (!strcmp(first->key, second->key)) status = repeated(first, second, e);
    }
    tn_memory_put(r->tree->arena.memory, sorted);
    return status;
}

static tn_status take_key(reader *r, level *top, const tn_cfg *node, tn_error *e)
{
    if (node->type != TN_CFG_SCALAR)
        return fail(r, e, "a key must be a text, not a list or map");
    if (!*node->text) return fail(r, e, "a key is missing before ':'");
    if (strlen(node->text) > TN_CFG_KEY)
        return fail(r, e, "a key may have %d bytes, this one has more", TN_CFG_KEY);
    if (!node->quoted && strchr(node->text, ':'))
        return fail(r, e, "'%.60s': a space is missing behind ':'", node->text);
    top->key = node->text;
    top->line = node->line;
    top->column = node->column;
    return TN_OK;
}

/* Puts a node where it belongs: the root, a list's item, a map's key or its value. */
static tn_status place(reader *r, tn_cfg *node, tn_error *e)
{
    if (!r->depth) return r->root = node, TN_OK;
    level *top = &r->open[r->depth - 1];
    if (top->node->type == TN_CFG_MAP) {
        if (!top->key) return take_key(r, top, node, e);
        node->key = top->key;
        node->line = top->line;
        node->column = top->column;
        top->key = NULL;
    }
    return tn_tree_append(r->tree, top->node, node, e);
}

static tn_cfg *make(reader *r, tn_cfg_type type, tn_error *e)
{
    tn_cfg *node = tn_tree_node(r->tree, type, r->file, e);
    if (!node) return (void)fail_here(r, e), NULL;
    node->line = r->line;
    node->column = r->column;
    return node;
}

/* ---- events ---------------------------------------------------------------------- */

/* Number of the anchor an event defines, -1 if none, -2 on error. */
static int32_t take_anchor(reader *r, struct fy_event *event, tn_error *e)
{
    struct fy_token *token = fy_event_get_anchor_token(event);
    if (!token) return -1;
    size_t size = 0;
    const char *name = fy_token_get_text(token, &size);
    if (r->anchors == TN_CFG_ANCHORS) {
        fail(r, e, "more than %d anchors (&name)", TN_CFG_ANCHORS);
        return -2;
    }
    name = name ? tn_tree_text(r->tree, name, size, e) : NULL;
    if (!name) return -2;
    r->anchor[r->anchors] = (anchor){name, NULL};
    return r->anchors++;
}

/* A number, true, null or a name is printable ASCII on one line and begins like one;
 * all else is text, in quotes or not. (libfyaml lets through a few plain scalars that
 * YAML does not.) */
static bool is_text(struct fy_token *token, const char *text, size_t size)
{
    if (token && fy_token_scalar_style(token) != FYSS_PLAIN) return true;
    if (!size) return false;
    const size_t first = text[0] == '-' && size > 1;
    if (!isalnum((unsigned char)text[first]) && !strchr("_./~+", text[first]))
        return true;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] > 0x7E) return true;
        if (text[i] == ':' && (i + 1 == size || text[i + 1] == ' ')) return true;
        if (text[i] == '#' && i && text[i - 1] == ' ') return true;
    }
    return text[size - 1] == ' ';
}

static tn_status scalar(reader *r, struct fy_event *event, tn_error *e)
{
    const int32_t name = take_anchor(r, event, e);
    if (name == -2) return TN_EINVAL;
    tn_cfg *node = make(r, TN_CFG_SCALAR, e);
    if (!node) return TN_EINVAL;
    struct fy_token *token = fy_event_get_token(event);
    size_t size = 0;
    const char *text = token ? fy_token_get_text(token, &size) : "";
    if (!text || memchr(text, 0, size))
        return fail(r, e, "a text may not hold the character \\0");
    node->text = tn_tree_text(r->tree, text, size, e);
    if (!node->text) return TN_ENOMEM;
    node->quoted = is_text(token, text, size);
    if (name >= 0) r->anchor[name].node = node;
    return place(r, node, e);
}

static tn_status begin(reader *r, struct fy_event *event, tn_cfg_type type, tn_error *e)
{
    const int32_t name = take_anchor(r, event, e);
    if (name == -2) return TN_EINVAL;
    if (r->depth == TN_CFG_DEPTH)
        return fail(r, e, "lists and maps are nested more than %d deep", TN_CFG_DEPTH);
    tn_cfg *node = make(r, type, e);
    if (!node) return TN_EINVAL;
    const tn_status status = place(r, node, e);
    if (status) return status;
    r->open[r->depth++] = (level){.node = node, .anchor = name};
    return TN_OK;
}

static tn_status end(reader *r, tn_error *e)
{
    const level *top = &r->open[--r->depth];
    if (top->anchor >= 0) r->anchor[top->anchor].node = top->node;
    return top->node->type == TN_CFG_MAP ? check_keys(r, top->node, e) : TN_OK;
}

static tn_status alias(reader *r, struct fy_event *event, tn_error *e)
{
    size_t size = 0;
    const char *name = fy_token_get_text(fy_event_get_token(event), &size);
    const int length = name ? (int)size : 0;
    int32_t i = r->anchors - 1; /* the newest of that name counts */
    while (i >= 0 &&
           (strlen(r->anchor[i].name) != size || memcmp(r->anchor[i].name, name, size)))
        i--;
    if (i < 0)
        return fail(r, e, "*%.*s: there is no &%.*s before this", length, name, length,
                    name);
    if (!r->anchor[i].node)
        return fail(r, e, "*%.*s stands inside its own &%.*s", length, name, length,
                    name);
    if (r->depth + tn_tree_depth(r->anchor[i].node) > TN_CFG_DEPTH)
        return fail(r, e, "lists and maps are nested more than %d deep", TN_CFG_DEPTH);
    tn_cfg *copy = tn_tree_copy(r->tree, r->anchor[i].node, e);
    if (!copy) return fail_here(r, e);
    copy->key = NULL;
    copy->line = r->line;
    copy->column = r->column;
    return place(r, copy, e);
}

static void find_place(reader *r, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (!mark) return;
    struct fy_token *token = fy_event_get_token(event);
    const enum fy_scalar_style style = event->type == FYET_SCALAR && token
                                           ? fy_token_scalar_style(token)
                                           : FYSS_PLAIN;
    /* libfyaml's mark stands behind the quote or the '*'. */
    const bool behind = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED ||
                        event->type == FYET_ALIAS;
    move_to(r, mark->line + 1, mark->column + (behind ? 0 : 1));
}

static tn_status take(reader *r, struct fy_event *event, tn_error *e)
{
    find_place(r, event);
    const bool starts = event->type == FYET_SCALAR ||
                        event->type == FYET_SEQUENCE_START ||
                        event->type == FYET_MAPPING_START;
    if (starts && fy_event_get_tag_token(event))
        return fail(r, e, "tags (!name) are not supported; put a text in quotes");
    switch (event->type) {
    case FYET_DOCUMENT_START:
        if (!r->documents++) return TN_OK;
        return fail(r, e, "a second document begins here; there may be only one");
    case FYET_SCALAR: return scalar(r, event, e);
    case FYET_SEQUENCE_START: return begin(r, event, TN_CFG_LIST, e);
    case FYET_MAPPING_START: return begin(r, event, TN_CFG_MAP, e);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END: return end(r, e);
    case FYET_ALIAS: return alias(r, event, e);
    default: return TN_OK;
    }
}

/* ---- the parser ------------------------------------------------------------------ */

static tn_status open_parser(reader *r, const char *text, size_t size, tn_error *e)
{
    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    r->diag = fy_diag_create(&quiet);
    if (r->diag) {
        fy_diag_set_collect_errors(r->diag, true);
        const struct fy_parse_cfg cfg = {
            .flags = FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE, .diag = r->diag};
        r->parser = fy_parser_create(&cfg);
    }
    if (!r->parser || fy_parser_set_string(r->parser, text, size))
        return tn_error_set(e, TN_ENOMEM, "%s: out of memory", r->file);
    return TN_OK;
}

static tn_status syntax_error(reader *r, tn_error *e)
{
    void *step = NULL;
    const struct fy_diag_error *found = fy_diag_errors_iterate(r->diag, &step);
    if (!found) return fail(r, e, "not valid YAML from here on");
    move_to(r, found->line, found->column);
    return fail(r, e, "not valid YAML: %s%s", found->msg,
                strstr(found->msg, "multiline plain key")
                    ? "; is a space missing behind ':', or a line indented too far?"
                    : "");
}

static tn_status read_events(reader *r, tn_error *e)
{
    struct fy_event *event;
    while ((event = fy_parser_parse(r->parser))) {
        const tn_status status = take(r, event, e);
        fy_parser_event_free(r->parser, event);
        if (status) return status;
    }
    return fy_parser_get_stream_error(r->parser) ? syntax_error(r, e) : TN_OK;
}

static tn_status read_text(reader *r, const char *text, size_t size, tn_error *e)
{
    tn_status status = check_text(r, text, size, e);
    if (!status) status = open_parser(r, text, size, e);
    move_to(r, 1, 1);
    if (!status) status = read_events(r, e);
    if (!status && !r->root) r->root = make(r, TN_CFG_SCALAR, e);
    fy_parser_destroy(r->parser);
    if (r->diag) fy_diag_destroy(r->diag);
    return status;
}

tn_cfg *tn_tree_parse(tn_tree *t, const char *text, size_t size, const char *file,
                      bool places, tn_error *e)
{
    reader *r = tn_memory_get(t->arena.memory, sizeof *r, e);
    if (!r) return NULL;
    r->tree = t;
    r->places = places;
    r->file = tn_tree_text(t, file, strlen(file), e);
    const tn_status status = r->file ? read_text(r, text, size, e) : TN_ENOMEM;
    tn_cfg *root = status ? NULL : r->root;
    tn_memory_put(t->arena.memory, r);
    return root;
}

/* config_text.c - a tree as YAML in block style, such that reading the text gives the
 * tree again.
 *
 * Unquoted scalars are printable ASCII on one line that any reader takes for a plain
 * scalar (config.c sees to that), so they can stand as they are; all other texts go
 * into double quotes. Keys are short enough (TN_CFG_KEY) to stay below YAML's 1024
 * characters when every one is escaped. */
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "tenon/utf8.h"

typedef struct writer {
    tn_memory *memory;
    char *text;
    size_t used, size;
    tn_error *error;
    tn_status status;
} writer;

static void put(writer *w, const char *bytes, size_t size)
{
    if (w->status) return;
    if (w->size - w->used <= size) {
        const size_t grown = 2 * w->size + size + 256;
        char *text = tn_memory_grow(w->memory, w->text, grown, w->error);
        if (!text) {
            w->status = TN_ENOMEM;
            return;
        }
        w->text = text;
        w->size = grown;
    }
    memcpy(w->text + w->used, bytes, size);
    w->used += size;
}

static void put_text(writer *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_indent(writer *w, int32_t indent)
{
    for (int32_t i = 0; i < indent; i++) put(w, " ", 1);
}

/* Line breaks of other standards, and the byte order mark, which readers may take for
 * more than a character. */
static bool needs_escape(uint32_t code)
{
    return tn_utf8_control(code) || code == 0x2028 || code == 0x2029 || code == 0xFEFF ||
           code == 0xFFFE || code == 0xFFFF;
}

static void put_quoted(writer *w, const char *text)
{
    const size_t size = strlen(text);
    put(w, "\"", 1);
    for (size_t at = 0; at < size;) {
        uint32_t code = 0;
        const size_t length = tn_utf8_next(text + at, size - at, &code);
        char escape[8] = "";
        if (code == '"' || code == '\\')
            snprintf(escape, sizeof escape, "\\%c", (char)code);
        else if (!length || needs_escape(code))
            snprintf(escape, sizeof escape, "\\u%04X",
                     (unsigned)(length ? code : 0xFFFD) & 0xFFFF);
        put(w, *escape ? escape : text + at, *escape ? strlen(escape) : length);
        at += length ? length : 1;
    }
    put(w, "\"", 1);
}

/* Whether a key is a plain word that nobody can misread. */
static bool is_word(const char *key)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return (*key < '0' || *key > '9') && !key[strspn(key, letters)];
}

static void put_node(writer *w, const tn_cfg *cfg, int32_t indent);

static void put_entry(writer *w, const tn_cfg *entry, int32_t indent)
{
    if (is_word(entry->key))
        put_text(w, entry->key);
    else
        put_quoted(w, entry->key);
    put(w, ":", 1);
    if (entry->type == TN_CFG_SCALAR || !entry->count) {
        put(w, " ", 1);
    } else {
        put(w, "\n", 1);
        put_indent(w, indent + 2);
    }
    put_node(w, entry, indent + 2);
}

/* The cursor stands at column `indent`; every node ends its last line. */
static void put_node(writer *w, const tn_cfg *cfg, int32_t indent)
{
    if (cfg->type == TN_CFG_SCALAR || !cfg->count) {
        if (cfg->type == TN_CFG_LIST)
            put_text(w, "[]");
        else if (cfg->type == TN_CFG_MAP)
            put_text(w, "{}");
        else if (cfg->quoted)
            put_quoted(w, cfg->text);
        else
            put_text(w, cfg->text);
        put(w, "\n", 1);
        return;
    }
    for (int32_t i = 0; i < cfg->count; i++) {
        if (i) put_indent(w, indent);
        if (cfg->type == TN_CFG_MAP) {
            put_entry(w, cfg->item[i], indent);
            continue;
        }
        put_text(w, "- ");
        put_node(w, cfg->item[i], indent + 2);
    }
}

char *tn_config_text(tn_memory *m, const tn_cfg *cfg, tn_error *e)
{
    writer w = {.memory = m, .error = e};
    put_node(&w, cfg, 0);
    put(&w, "", 1);
    if (!w.status) return w.text;
    tn_memory_put(m, w.text);
    return NULL;
}

/* json_header.h - a header in JSON, by json-c: read from a stranger, and written.
 *
 * json-c takes more than JSON: comments, single quotes, a name twice (of which it drops the first
 * value), an escaped NUL (at which it cuts the name). All of that is refused here. */
#ifndef FORMAT_JSON_HEADER_H
#define FORMAT_JSON_HEADER_H

#include <json-c/json.h>
#include <json-c/json_object_iterator.h>
#include <string.h>

#define MAX_DEPTH 8

#define EACH_MEMBER(object, at)                                               \
    for (struct json_object_iterator at = json_object_iter_begin(object),     \
                                     at##_end = json_object_iter_end(object); \
         !json_object_iter_equal(&at, &at##_end); json_object_iter_next(&at))

/* What json-c does not tell of a text that it has accepted. */
typedef struct tn_scan {
    int64_t keys; /* json-c quietly drops earlier values of a key */
    int nul;      /* an escaped NUL character, at which json-c cuts keys */
    int odd;      /* comments or single quotes, which are no JSON */
} tn_scan;

static tn_scan scan_text(const char *text, size_t size)
{
    tn_scan scan = {0};
    int quoted = 0;
    for (size_t i = 0; i < size; i++) {
        if (quoted && text[i] == '\\') {
            scan.nul |= size - i >= 6 && !memcmp(text + i, "\\u0000", 6);
            i++;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted) {
            scan.keys += text[i] == ':';
            scan.odd |= text[i] == '\'' || text[i] == '/';
        }
    }
    return scan;
}

static int64_t count_parsed_keys(struct json_object *o)
{
    int64_t n = 0;
    if (json_object_is_type(o, json_type_array))
        for (size_t i = 0; i < json_object_array_length(o); i++)
            n += count_parsed_keys(json_object_array_get_idx(o, i));
    if (json_object_is_type(o, json_type_object)) {
        n = json_object_object_length(o);
        EACH_MEMBER(o, at)
        n += count_parsed_keys(json_object_iter_peek_value(&at));
    }
    return n;
}

/* The header as an object, for the caller to put back. */
static tn_status parse_header(tn_call *c, const char *text, size_t size,
                              struct json_object **out)
{
    struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    if (!tokener) return tn_fail(c, TN_ENOMEM, "out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
                                        JSON_TOKENER_ALLOW_TRAILING_CHARS |
                                        JSON_TOKENER_VALIDATE_UTF8);
    *out = json_tokener_parse_ex(tokener, text, (int)size);
    const enum json_tokener_error error = json_tokener_get_error(tokener);
    const size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (error != json_tokener_success)
        return tn_fail(c, TN_EDATA, "damaged header at byte %zu: %s", 8 + end,
                       json_tokener_error_desc(error));
    if (!json_object_is_type(*out, json_type_object))
        return tn_fail(c, TN_EDATA, "damaged header: not a JSON object");
    for (size_t i = end; i < size; i++)
        if (text[i] != ' ')
            return tn_fail(c, TN_EDATA, "damaged header: text after its end at byte %zu",
                           8 + i);
    const tn_scan scan = scan_text(text, end);
    if (scan.odd)
        return tn_fail(c, TN_EDATA, "damaged header: a comment or single quotes");
    if (scan.keys != count_parsed_keys(*out))
        return tn_fail(c, TN_EDATA, "damaged header: a name stands in it twice");
    return scan.nul ? tn_fail(c, TN_EDATA, "damaged header: a NUL character in a text")
                    : TN_OK;
}

/* A whole number >= 0; anything else gives -1. */
static int64_t whole(struct json_object *o)
{
    return json_object_is_type(o, json_type_int) ? json_object_get_int64(o) : -1;
}

/* Adds `value`, which it takes over, to a map or (key NULL) a list; 0: out of memory. */
static int attach(struct json_object *to, const char *key, struct json_object *value)
{
    if (to && value &&
        !(key ? json_object_object_add(to, key, value)
              : json_object_array_add(to, value)))
        return 1;
    json_object_put(value);
    return 0;
}

#endif

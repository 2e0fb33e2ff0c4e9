/* safetensors.c - the safetensors file format.
 *
 *     8 bytes: length of the header, little endian | header: JSON, padded with spaces | data
 *     header: {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3],
 *              "data_offsets": [begin, end]}, ...}, offsets counted from the end of the header
 *
 * Invariant of a valid file: the tensors, sorted by offset, cover the data exactly, without
 * overlap and without holes; no name stands twice. Nothing in a file is trusted: every number is
 * checked before it is used. Source: huggingface/safetensors, README "Format". */
#include <tenon/plugin.h>

#include <tenon/data.h>

#include <json-c/json.h>
#include <json-c/json_object_iterator.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifndef SAFETENSORS_ONCE
#define SAFETENSORS_ONCE

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "data is copied as it is, which needs a little-endian machine"
#endif

#define MAX_HEADER 100000000 /* bytes; the format's own limit */
#define MAX_DEPTH 8

#define EACH_MEMBER(object, at)                                               \
    for (struct json_object_iterator at = json_object_iter_begin(object),     \
                                     at##_end = json_object_iter_end(object); \
         !json_object_iter_equal(&at, &at##_end); json_object_iter_next(&at))

static const char *const dtype_names[] = {NULL, "F32", "F64", "I32", "I64", "U8"};

static int32_t dtype_of(const char *name)
{
    for (int32_t i = TN_F32; i <= TN_U8; i++)
        if (!strcmp(name, dtype_names[i])) return i;
    return 0;
}

/* ---- reading ----------------------------------------------------------------------- */

/* What json-c does not tell of a text that it has accepted. */
typedef struct tn_scan {
    int64_t keys; /* json-c quietly drops earlier values of a key */
    bool nul;     /* an escaped NUL character, at which json-c cuts keys */
    bool odd;     /* comments or single quotes, which are no JSON */
} tn_scan;

static tn_scan scan_text(const char *text, size_t size)
{
    tn_scan scan = {0};
    bool quoted = false;
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

static char *copy_text(tn_call *c, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = c->host->alloc(c, size);
    return copy ? memcpy(copy, text, size) : NULL;
}

static tn_status parse_metadata(tn_call *c, struct json_object *from, tn_archive *a)
{
    if (!json_object_is_type(from, json_type_object))
        return tn_fail(c, TN_EDATA, "__metadata__ is not an object");
    a->text = c->host->alloc(c,
                             (size_t)json_object_object_length(from) * sizeof *a->text);
    if (!a->text) return TN_ENOMEM;
    EACH_MEMBER(from, at)
    {
        const char *key = json_object_iter_peek_name(&at);
        struct json_object *value = json_object_iter_peek_value(&at);
        if (!json_object_is_type(value, json_type_string))
            return tn_fail(c, TN_EDATA, "__metadata__: '%.80s' is not a text", key);
        tn_text_pair *pair = &a->text[a->texts++];
        pair->key = copy_text(c, key);
        pair->value = copy_text(c, json_object_get_string(value));
        if (!pair->key || !pair->value) return TN_ENOMEM;
    }
    return TN_OK;
}

/* A whole number >= 0; anything else gives -1. */
static int64_t whole(struct json_object *o)
{
    return json_object_is_type(o, json_type_int) ? json_object_get_int64(o) : -1;
}

static tn_status parse_shape(tn_call *c, const char *name, struct json_object *from,
                             tn_tensor *t, int64_t *bytes)
{
    if (!json_object_is_type(from, json_type_array))
        return tn_fail(c, TN_EDATA, "tensor '%.80s': shape is not a list", name);
    if (json_object_array_length(from) > TN_MAX_RANK)
        return tn_fail(c, TN_ENOTSUP, "tensor '%.80s' has more than %d axes", name,
                       TN_MAX_RANK);
    t->rank = (int32_t)json_object_array_length(from);
    *bytes = (int64_t)tn_dtype_size(t->dtype);
    for (int32_t i = 0; i < t->rank; i++) {
        t->dim[i] = whole(json_object_array_get_idx(from, (size_t)i));
        if (t->dim[i] < 0 || __builtin_mul_overflow(*bytes, t->dim[i], bytes))
            return tn_fail(c, TN_EDATA, "tensor '%.80s': impossible shape", name);
    }
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        t->stride[i] = stride;
        if (__builtin_mul_overflow(stride, t->dim[i] > 0 ? t->dim[i] : 1, &stride))
            return tn_fail(c, TN_EDATA, "tensor '%.80s': impossible shape", name);
    }
    return TN_OK;
}

static tn_status parse_tensor(tn_call *c, const char *name, struct json_object *from,
                              const char *data, int64_t size, tn_tensor *t)
{
    struct json_object *dtype, *shape, *offsets;
    if (!json_object_is_type(from, json_type_object) ||
        json_object_object_length(from) != 3 ||
        !json_object_object_get_ex(from, "dtype", &dtype) ||
        !json_object_object_get_ex(from, "shape", &shape) ||
        !json_object_object_get_ex(from, "data_offsets", &offsets) ||
        !json_object_is_type(dtype, json_type_string))
        return tn_fail(c, TN_EDATA,
                       "tensor '%.80s': expected dtype, shape and data_offsets", name);
    t->struct_size = sizeof *t;
    t->dtype = dtype_of(json_object_get_string(dtype));
    if (!t->dtype)
        return tn_fail(c, TN_ENOTSUP,
                       "tensor '%.80s' has dtype %.20s; F32, F64, I32, I64 and "
                       "U8 can be read",
                       name, json_object_get_string(dtype));
    int64_t bytes = 0;
    const tn_status status = parse_shape(c, name, shape, t, &bytes);
    if (status) return status;
    if (!json_object_is_type(offsets, json_type_array) ||
        json_object_array_length(offsets) != 2)
        return tn_fail(c, TN_EDATA, "tensor '%.80s': data_offsets are not two numbers",
                       name);
    const int64_t begin = whole(json_object_array_get_idx(offsets, 0));
    const int64_t end = whole(json_object_array_get_idx(offsets, 1));
    if (begin < 0 || end < begin || end > size)
        return tn_fail(c, TN_EDATA,
                       "tensor '%.80s': data_offsets %lld, %lld are outside the "
                       "%lld bytes of data",
                       name, (long long)begin, (long long)end, (long long)size);
    if (end - begin != bytes)
        return tn_fail(c, TN_EDATA,
                       "tensor '%.80s': its shape takes %lld bytes, its "
                       "data_offsets %lld",
                       name, (long long)bytes, (long long)(end - begin));
    t->data = (void *)(data + begin);
    return TN_OK;
}

typedef struct tn_extent {
    const char *begin, *end, *name;
} tn_extent;

static int by_place(const void *a, const void *b)
{
    const tn_extent *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    return (p->end > q->end) - (p->end < q->end);
}

static int64_t tensor_bytes(const tn_tensor *t)
{
    return tn_count(t) * (int64_t)tn_dtype_size(t->dtype);
}

/* The tensors cover the data exactly. */
static tn_status check_cover(tn_call *c, const tn_archive *a, const char *data,
                             int64_t size)
{
    tn_extent *extent = c->host->alloc(c, (size_t)a->tensors * sizeof *extent);
    if (!extent) return TN_ENOMEM;
    for (int64_t i = 0; i < a->tensors; i++) {
        const tn_tensor *t = &a->tensor[i].tensor;
        extent[i].begin = t->data;
        extent[i].end = extent[i].begin + tensor_bytes(t);
        extent[i].name = a->tensor[i].name;
    }
    qsort(extent, (size_t)a->tensors, sizeof *extent, by_place);
    tn_status status = TN_OK;
    const char *covered = data;
    for (int64_t i = 0; !status && i < a->tensors; i++) {
        if (extent[i].begin != covered)
            status = tn_fail(c, TN_EDATA, "tensor '%.80s' %s", extent[i].name,
                             extent[i].begin < covered ? "overlaps another"
                                                       : "leaves a hole before it");
        covered = extent[i].end;
    }
    if (!status && covered != data + size)
        status = tn_fail(c, TN_EDATA, "%lld bytes of data belong to no tensor",
                         (long long)(data + size - covered));
    c->host->release(c, extent);
    return status;
}

static tn_status fill_archive(tn_call *c, struct json_object *header, const char *data,
                              int64_t size, tn_archive *a)
{
    a->tensor = c->host->alloc(c, (size_t)json_object_object_length(header) *
                                      sizeof *a->tensor);
    if (!a->tensor) return TN_ENOMEM;
    EACH_MEMBER(header, at)
    {
        const char *key = json_object_iter_peek_name(&at);
        struct json_object *value = json_object_iter_peek_value(&at);
        tn_status status = TN_OK;
        if (!strcmp(key, "__metadata__")) {
            status = parse_metadata(c, value, a);
        } else {
            tn_named_tensor *named = &a->tensor[a->tensors++];
            named->name = copy_text(c, key);
            status = named->name ? parse_tensor(c, key, value, data, size, &named->tensor)
                                 : TN_ENOMEM;
        }
        if (status) return status;
    }
    return check_cover(c, a, data, size);
}

/* What PyTorch's torch.save writes: a zip file or, in old versions, a bare pickle. */
static int is_pickle(const void *bytes)
{
    return !memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "\x80\2", 2);
}

static tn_status wrong_start(tn_call *c, const void *bytes, const char *what)
{
    return is_pickle(bytes)
               ? tn_fail(c, TN_EDATA,
                         "a pickle of PyTorch's (.pt, .pth), not a safetensors file; "
                         "convert it: scripts/torch-state convert IN.pt OUT.safetensors")
               : tn_fail(c, TN_EDATA, "not a safetensors file%s", what);
}

static tn_status parse(const void *self, tn_call *c, const void *bytes, size_t size,
                       tn_archive *a)
{
    if (size < 8)
        return tn_fail(c, TN_EDATA, "not a safetensors file: only %zu bytes", size);
    uint64_t length;
    memcpy(&length, bytes, 8);
    if (length > size - 8 || length > MAX_HEADER) {
        char what[120];
        snprintf(what, sizeof what,
                 ", or cut off: a header of %llu bytes in a file of %zu",
                 (unsigned long long)length, size);
        return wrong_start(c, bytes, what);
    }
    const char *text = (const char *)bytes + 8;
    if (!length || *text != '{')
        return wrong_start(c, bytes, ": its header does not start with {");
    struct json_object *header = NULL;
    tn_status status = parse_header(c, text, (size_t)length, &header);
    if (!status)
        status = fill_archive(c, header, text + length, (int64_t)(size - 8 - length), a);
    json_object_put(header);
    return status;
}

/* ---- writing ----------------------------------------------------------------------- */

typedef struct tn_emission {
    const tn_archive *archive;
    int64_t *order; /* wide elements first, so that all are aligned */
    struct json_object *header;
} tn_emission;

static void choose_order(const tn_archive *a, int64_t *order)
{
    static const size_t sizes[] = {8, 4, 1};
    int64_t n = 0;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int64_t i = 0; i < a->tensors; i++)
            if (tn_dtype_size(a->tensor[i].tensor.dtype) == sizes[s]) order[n++] = i;
}

static bool is_contiguous(const tn_tensor *t)
{
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] != 1 && t->stride[i] != stride) return false;
        stride *= t->dim[i];
    }
    return true;
}

/* Adds `value`, which it takes over, to a map or (key NULL) a list; false: out of memory. */
static bool attach(struct json_object *to, const char *key, struct json_object *value)
{
    if (to && value &&
        !(key ? json_object_object_add(to, key, value)
              : json_object_array_add(to, value)))
        return true;
    json_object_put(value);
    return false;
}

static bool describe_tensor(struct json_object *header, const tn_named_tensor *n,
                            int64_t begin)
{
    const tn_tensor *t = &n->tensor;
    struct json_object *entry = json_object_new_object();
    if (!attach(header, n->name, entry)) return false;
    struct json_object *shape = json_object_new_array(),
                       *offsets = json_object_new_array();
    bool ok = attach(entry, "dtype", json_object_new_string(dtype_names[t->dtype]));
    ok &= attach(entry, "shape", shape);
    for (int32_t i = 0; ok && i < t->rank; i++)
        ok = attach(shape, NULL, json_object_new_int64(t->dim[i]));
    return attach(entry, "data_offsets", offsets) && ok &&
           attach(offsets, NULL, json_object_new_int64(begin)) &&
           attach(offsets, NULL, json_object_new_int64(begin + tensor_bytes(t)));
}

static bool describe(tn_emission *m)
{
    const tn_archive *a = m->archive;
    m->header = json_object_new_object();
    if (!m->header) return false;
    struct json_object *metadata = a->texts ? json_object_new_object() : NULL;
    if (a->texts && !attach(m->header, "__metadata__", metadata)) return false;
    for (int64_t i = 0; i < a->texts; i++)
        if (!attach(metadata, a->text[i].key, json_object_new_string(a->text[i].value)))
            return false;
    int64_t begin = 0;
    for (int64_t i = 0; i < a->tensors; i++) {
        const tn_named_tensor *n = &a->tensor[m->order[i]];
        if (!describe_tensor(m->header, n, begin)) return false;
        begin += tensor_bytes(&n->tensor);
    }
    return true;
}

static tn_status put_header(tn_call *c, const tn_emission *m,
                            tn_status (*put)(void *, const void *, size_t), void *to)
{
    static const char spaces[] = "        ";
    size_t length = 0;
    const char *text = json_object_to_json_string_length(
        m->header, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    if (!text) return tn_fail(c, TN_ENOMEM, "out of memory");
    const size_t padding = (8 - length % 8) % 8;
    if (length + padding > MAX_HEADER)
        return tn_fail(c, TN_ENOTSUP, "names and texts take more than %d bytes",
                       MAX_HEADER);
    const uint64_t total = length + padding;
    tn_status status = put(to, &total, 8);
    if (!status) status = put(to, text, length);
    return status || !padding ? status : put(to, spaces, padding);
}

static tn_status emit(const void *self, tn_call *c, const tn_archive *a,
                      tn_status (*put)(void *to, const void *bytes, size_t size),
                      void *to)
{
    for (int64_t i = 0; i < a->tensors; i++)
        if (!is_contiguous(&a->tensor[i].tensor))
            return tn_fail(c, TN_ENOTSUP, "tensor '%.80s' is not contiguous",
                           a->tensor[i].name);
    tn_emission m = {.archive = a};
    m.order = c->host->alloc(c, (size_t)a->tensors * sizeof *m.order);
    if (!m.order) return TN_ENOMEM;
    choose_order(a, m.order);
    tn_status status = describe(&m) ? put_header(c, &m, put, to)
                                    : tn_fail(c, TN_ENOMEM, "out of memory");
    for (int64_t i = 0; !status && i < a->tensors; i++) {
        const tn_tensor *t = &a->tensor[m.order[i]].tensor;
        const int64_t bytes = tensor_bytes(t);
        if (bytes) status = put(to, t->data, (size_t)bytes);
    }
    json_object_put(m.header);
    c->host->release(c, m.order);
    return status;
}
#endif

TN_VTABLE(format, .parse = parse, .emit = emit)
TN_PLUGIN(
    format, safetensors, .summary = "named tensors and texts in one file",
    .formula =
        "header length (8 bytes), JSON header, data; offsets cover the data exactly",
    .reference = "Hugging Face, safetensors, README, section Format")

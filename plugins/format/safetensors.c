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

#include <stdlib.h>
#include <string.h>

#include "entries.h"

#ifndef SAFETENSORS_ONCE
#define SAFETENSORS_ONCE

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "data is copied as it is, which needs a little-endian machine"
#endif

#define MAX_HEADER 100000000 /* bytes; the format's own limit */

/* ---- reading ----------------------------------------------------------------------- */

typedef struct tn_extent {
    const char *begin, *end, *name;
} tn_extent;

static int by_place(const void *a, const void *b)
{
    const tn_extent *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    return (p->end > q->end) - (p->end < q->end);
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

static int is_contiguous(const tn_tensor *t)
{
    int64_t stride = 1;
    for (int32_t i = t->rank - 1; i >= 0; i--) {
        if (t->dim[i] != 1 && t->stride[i] != stride) return 0;
        stride *= t->dim[i];
    }
    return 1;
}

static int describe(tn_emission *m)
{
    const tn_archive *a = m->archive;
    m->header = json_object_new_object();
    if (!m->header || !describe_texts(m->header, a)) return 0;
    int64_t begin = 0;
    for (int64_t i = 0; i < a->tensors; i++) {
        const tn_named_tensor *n = &a->tensor[m->order[i]];
        if (!describe_tensor(m->header, n, begin)) return 0;
        begin += tensor_bytes(&n->tensor);
    }
    return 1;
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

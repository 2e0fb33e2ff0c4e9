/* entries.h - what the header of a safetensors file says: its texts and its tensors, read and
 * written. */
#ifndef FORMAT_ENTRIES_H
#define FORMAT_ENTRIES_H

#include <tenon/data.h>

#include "json_header.h"

/* ---- texts -------------------------------------------------------------------------- */

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

static int describe_texts(struct json_object *header, const tn_archive *a)
{
    struct json_object *metadata = a->texts ? json_object_new_object() : NULL;
    int ok = !a->texts || attach(header, "__metadata__", metadata);
    for (int64_t i = 0; ok && i < a->texts; i++)
        ok = attach(metadata, a->text[i].key, json_object_new_string(a->text[i].value));
    return ok;
}

/* ---- tensors ------------------------------------------------------------------------ */

static const char *const dtype_names[] = {NULL, "F32", "F64", "I32", "I64", "U8"};

static int32_t dtype_of(const char *name)
{
    for (int32_t i = TN_F32; i <= TN_U8; i++)
        if (!strcmp(name, dtype_names[i])) return i;
    return 0;
}

static int64_t tensor_bytes(const tn_tensor *t)
{
    return tn_count(t) * (int64_t)tn_dtype_size(t->dtype);
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

static int describe_tensor(struct json_object *header, const tn_named_tensor *n,
                           int64_t begin)
{
    const tn_tensor *t = &n->tensor;
    struct json_object *entry = json_object_new_object();
    if (!attach(header, n->name, entry)) return 0;
    struct json_object *shape = json_object_new_array(),
                       *offsets = json_object_new_array();
    int ok = attach(entry, "dtype", json_object_new_string(dtype_names[t->dtype]));
    ok &= attach(entry, "shape", shape);
    for (int32_t i = 0; ok && i < t->rank; i++)
        ok = attach(shape, NULL, json_object_new_int64(t->dim[i]));
    return attach(entry, "data_offsets", offsets) && ok &&
           attach(offsets, NULL, json_object_new_int64(begin)) &&
           attach(offsets, NULL, json_object_new_int64(begin + tensor_bytes(t)));
}

#endif

/* archive.c - model files and checkpoints: an archive of texts and tensors, through the format
 * plugin and the atomic writer of file.h. */
#include <string.h>

#include "core/file.h"
#include "core/model.h"

#define FORMAT "safetensors"

typedef struct sink {
    tn_file_writer writer;
    tn_error *error;
} sink;

static tn_status put(void *to, const void *bytes, size_t size)
{
    sink *s = to;
    return tn_file_put(&s->writer, bytes, size, s->error);
}

tn_status tn_archive_write(tn_env *env, const char *path, const tn_archive *a,
                           tn_error *e)
{
    tn_instance *format;
    tn_calling calling;
    sink to = {.error = e};
    tn_status status = tn_instance_named(env, "format", FORMAT, NULL, 0, &format, e);
    if (status) return status;
    status = tn_file_open(&to.writer, path, e);
    if (!status) {
        const tn_format *f = format->vtable;
        tn_call *call = tn_call_make(&calling, env, format, 0, e);
        status = tn_call_end(&calling, f->emit(format->self, call, a, put, &to));
        if (!status) status = tn_file_commit(&to.writer, e);
        tn_file_abandon(&to.writer);
    }
    tn_instance_free(format);
    return status;
}

tn_status tn_archive_read(tn_env *env, const char *path, tn_archive *a, void **bytes,
                          tn_error *e)
{
    tn_instance *format;
    tn_calling calling;
    size_t size;
    memset(a, 0, sizeof *a);
    *bytes = NULL;
    tn_status status = tn_instance_named(env, "format", FORMAT, NULL, 0, &format, e);
    if (status) return status;
    status = tn_file_read(&env->memory, path, 0, bytes, &size, e);
    if (!status) {
        const tn_format *f = format->vtable;
        tn_call *call = tn_call_make(&calling, env, format, 0, e);
        status = tn_call_end(&calling, f->parse(format->self, call, *bytes, size, a));
        if (status) tn_error_in(e, "%s", path);
    }
    tn_instance_free(format);
    if (!status) return TN_OK;
    tn_archive_free(env, a, *bytes);
    *bytes = NULL;
    return status;
}

void tn_archive_free(tn_env *env, tn_archive *a, void *bytes)
{
    tn_memory *m = &env->memory;
    for (int64_t i = 0; i < a->texts; i++) {
        tn_memory_put(m, (void *)(uintptr_t)a->text[i].key);
        tn_memory_put(m, (void *)(uintptr_t)a->text[i].value);
    }
    for (int64_t i = 0; i < a->tensors; i++)
        tn_memory_put(m, (void *)(uintptr_t)a->tensor[i].name);
    tn_memory_put(m, a->text);
    tn_memory_put(m, a->tensor);
    tn_memory_put(m, bytes);
    memset(a, 0, sizeof *a);
}

const char *tn_archive_text(const tn_archive *a, const char *key)
{
    for (int64_t i = 0; i < a->texts; i++)
        if (!strcmp(a->text[i].key, key)) return a->text[i].value;
    return NULL;
}

static void shape_of(const tn_tensor *t, char *text, size_t size)
{
    tn_shape shape = {.rank = t->rank};
    memcpy(shape.dim, t->dim, sizeof shape.dim);
    tn_shape_text(&shape, text, size);
}

static const char *dtype_name(int32_t dtype)
{
    static const char *const names[] = {"?", "F32", "F64", "I32", "I64", "U8"};
    return names[dtype >= TN_F32 && dtype <= TN_U8 ? dtype : 0];
}

const tn_named_tensor *tn_archive_find(const tn_archive *a, const char *name,
                                       int64_t *from)
{
    for (int64_t n = 0; n < a->tensors; n++) {
        const int64_t i = (*from + n) % a->tensors;
        if (strcmp(a->tensor[i].name, name)) continue;
        *from = i + 1;
        return &a->tensor[i];
    }
    return NULL;
}

tn_status tn_archive_take(const tn_archive *a, const char *name, const tn_tensor *into,
                          int64_t *from, tn_error *e)
{
    char have[128], want[128];
    const tn_named_tensor *found = tn_archive_find(a, name, from);
    if (!found) return tn_error_set(e, TN_EDATA, "there is no tensor '%s' in it", name);
    const tn_tensor *t = &found->tensor;
    if (t->dtype != into->dtype)
        return tn_error_set(e, TN_EDATA, "tensor '%s' is %s, but its config makes it %s",
                            name, dtype_name(t->dtype), dtype_name(into->dtype));
    bool same = t->rank == into->rank;
    for (int32_t i = 0; same && i < t->rank; i++) same = t->dim[i] == into->dim[i];
    if (!same) {
        shape_of(t, have, sizeof have);
        shape_of(into, want, sizeof want);
        return tn_error_set(e, TN_ESHAPE,
                            "tensor '%s' has shape %s, but its config makes it %s", name,
                            have, want);
    }
    const int64_t count = tn_count(t);
    if (count) memcpy(into->data, t->data, (size_t)count * tn_dtype_size(t->dtype));
    return TN_OK;
}

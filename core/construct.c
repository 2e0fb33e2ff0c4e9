/* construct.c - calls a plugin's constructor, whose C prototype follows from its option
 * table: tn_status construct(self, options in order). libffi makes the call; it cannot
 * see a mismatch of the two, which is why both come from one list in the plugin
 * (TN_SELF). */
#include <ffi.h>
#include <pthread.h>

#include "core/option.h"

static ffi_type *dial_members[] = {&ffi_type_sint32, &ffi_type_sint32, NULL};
static ffi_type dial_type = {.type = FFI_TYPE_STRUCT, .elements = dial_members};

static ffi_type *type_of(int32_t type)
{
    switch (type) {
    case TN_T_BOOL:
    case TN_T_ENUM: return &ffi_type_sint32;
    case TN_T_INT: return &ffi_type_sint64;
    case TN_T_REAL: return &ffi_type_double;
    case TN_T_SCHEDULABLE: return &dial_type;
    default: return &ffi_type_pointer;
    }
}

/* libffi fills in the size of struct types when it prepares a call, so one thread at a
 * time. */
static bool prepare(ffi_cif *cif, uint32_t count, ffi_type **types)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&lock);
    const ffi_status status = ffi_prep_cif(cif, FFI_DEFAULT_ABI, count, &ffi_type_sint32,
                                           types);
    pthread_mutex_unlock(&lock);
    return status == FFI_OK;
}

tn_status tn_instance_construct(tn_instance *i, const tn_argument *argument, tn_error *e)
{
    const tn_entry *entry = i->entry;
    const uint32_t count = entry->option_count + 1;
    ffi_cif cif;
    ffi_type *types[count];
    void *values[count];
    types[0] = &ffi_type_pointer, values[0] = &i->self;
    for (uint32_t k = 1; k < count; k++) {
        types[k] = type_of(entry->options[k - 1].type);
        values[k] = (void *)&argument[k - 1];
    }
    if (!prepare(&cif, count, types))
        return tn_error_set(e, TN_EABI, "%s/%s: libffi cannot call its constructor",
                            entry->kind, entry->name);
    ffi_arg result = 0; /* libffi widens small results */
    ffi_call(&cif, FFI_FN(i->impl->construct), &result, values);
    if ((int32_t)result == TN_OK) return TN_OK;
    return tn_error_set(e, (tn_status)(int32_t)result, "%s/%s: its constructor failed",
                        entry->kind, entry->name);
}

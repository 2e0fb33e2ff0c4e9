/* adopt.c - see adopt.h.
 *
 * Invariant: nothing of a plugin's structs is read past the size that it states, and
 * nothing of the host's copies past the host's size; so either side may be the newer
 * one. */
#include "core/adopt.h"

#include <math.h>
#include <string.h>

#include "core/kinds.h"
#include "core/option_table.h"

#define MAX_ENTRIES 256
#define MAX_OPTIONS 256
#define MAX_SELF (1u << 20)
#define MAX_NUMBERS (1 << 20)

/* Messages about one entry. */
typedef struct adoption {
    tn_memory *memory;
    const char *file, *kind, *name;
    tn_error *error;
} adoption;

__attribute__((format(printf, 2, 3))) static tn_status reject(const adoption *a,
                                                              const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return tn_error_set(a->error, TN_EABI, "%s: %s/%s: %s", a->file, a->kind, a->name,
                        text);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- the descriptor ---------------------------------------------------------------- */

static tn_status check_plugin(const adoption *a, const tn_plugin *p)
{
    if (p->struct_size < sizeof *p || !p->entry_count || p->entry_count > MAX_ENTRIES ||
        !p->entries)
        return reject(a, "the descriptor is damaged (struct_size %u, %u entries)",
                      p->struct_size, p->entry_count);
    if (p->abi_major != TN_ABI_MAJOR)
        return reject(a,
                      "is built for version %u of the plugin interface, this Tenon has "
                      "version %d; compile it again",
                      p->abi_major, TN_ABI_MAJOR);
    if (p->abi_minor_required > TN_ABI_MINOR)
        return reject(
            a,
            "needs version %u.%u of the plugin interface, this Tenon has %d.%d; use "
            "a newer Tenon",
            p->abi_major, p->abi_minor_required, TN_ABI_MAJOR, TN_ABI_MINOR);
    return TN_OK;
}

/* The copy of the entry that was asked for. */
static tn_status find_entry(const adoption *a, const tn_plugin *p, tn_entry *entry)
{
    const size_t needed = offsetof(tn_entry, gain);
    for (uint32_t i = 0; i < p->entry_count; i++) {
        const tn_entry *from = p->entries[i];
        if (!from || from->struct_size < needed || !from->kind || !from->name)
            return reject(a, "entry %u of the descriptor is damaged", i);
        if (strcmp(from->kind, a->kind) || strcmp(from->name, a->name)) continue;
        *entry = (tn_entry){0};
        memcpy(entry, from, smaller(from->struct_size, sizeof *entry));
        entry->struct_size = sizeof *entry;
        return TN_OK;
    }
    return reject(a, "the file holds %.63s/%.63s instead; rename one of the two",
                  p->entries[0]->kind, p->entries[0]->name);
}

static bool blank(const char *text)
{
    return !text || !text[strspn(text, " \t\n")];
}

static tn_status check_metadata(const adoption *a, const tn_entry *entry)
{
    const struct {
        const char *field, *text;
    } all[] = {{"summary", entry->summary},
               {"formula", entry->formula},
               {"reference", entry->reference},
               {"version", entry->version},
               {"licence", entry->licence}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (blank(all[i].text)) return reject(a, "its .%s is empty", all[i].field);
    if (entry->kink_count < 0 || entry->kink_count > 4)
        return reject(a, "its .kink_count is %d, not 0 to 4", entry->kink_count);
    if (!isfinite(entry->gain) || entry->gain < 0)
        return reject(a, "its .gain is not a finite number from 0 up");
    if (!isfinite(entry->learning_rate) || entry->learning_rate < 0)
        return reject(a, "its .learning_rate is not a finite number from 0 up");
    if (entry->better < TN_BETTER_UNKNOWN || entry->better > TN_BETTER_LARGER)
        return reject(a, "its .better is %d, none of tn_better", entry->better);
    if (entry->initializer && !tn_name_legal(entry->initializer))
        return reject(a, "its .initializer is not a legal name");
    return TN_OK;
}

/* ---- options ----------------------------------------------------------------------- */

static tn_status copy_options(const adoption *a, tn_adopted *to)
{
    tn_entry *entry = &to->entry;
    const uint32_t count = entry->option_count, stride = entry->option_stride;
    if (!count) {
        entry->options = NULL;
        return TN_OK;
    }
    if (!entry->options || count > MAX_OPTIONS || stride < sizeof(tn_option) ||
        stride % _Alignof(tn_option))
        return reject(a, "its option table is damaged (%u options of %u bytes)", count,
                      stride);
    to->options = tn_memory_array(a->memory, count, sizeof *to->options, a->error);
    if (!to->options) return TN_ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        memcpy(&to->options[i], (const char *)entry->options + (size_t)i * stride,
               sizeof *to->options);
    entry->options = to->options;
    entry->option_stride = sizeof *to->options;
    const tn_status status = tn_option_table_check(a->memory, entry->kind, to->options,
                                                   (int32_t)count, a->error);
    if (status && a->error) tn_error_in(a->error, "%s: %s/%s", a->file, a->kind, a->name);
    return status;
}

/* ---- implementations --------------------------------------------------------------- */

static const char *precision(int32_t real)
{
    return real ? "double" : "float";
}

static tn_status check_impl(const adoption *a, const tn_entry *entry, const tn_impl *impl,
                            int32_t real)
{
    const uint32_t size = real ? sizeof(double) : sizeof(float);
    if (impl->real_size != size)
        return reject(a, "its %s half is built for numbers of %u bytes, not %u",
                      precision(real), impl->real_size, size);
    if (!impl->vtable || impl->vtable_size < sizeof(tn_head) ||
        *(const uint32_t *)impl->vtable < sizeof(tn_head))
        return reject(
            a, "its %s half has no vtable, or one without struct_size; use TN_VTABLE",
            precision(real));
    if (impl->self_size > MAX_SELF)
        return reject(a, "its instance is %u bytes large, more than %u", impl->self_size,
                      MAX_SELF);
    if (!impl->construct != !impl->self_size || (entry->option_count && !impl->construct))
        return reject(
            a,
            "its %s half has options, a constructor or an instance, but not all "
            "three; use TN_SELF and TN_PLUGIN_WITH",
            precision(real));
    return TN_OK;
}

static tn_status copy_vtable(const adoption *a, tn_adopted *to, int32_t real)
{
    const tn_kind *kind = tn_kind_find(a->kind, real);
    const tn_impl *impl = to->entry.impl[real];
    const uint32_t stated = *(const uint32_t *)impl->vtable;
    to->vtable[real] = tn_memory_get(a->memory, kind->size, a->error);
    if (!to->vtable[real]) return TN_ENOMEM;
    memcpy(to->vtable[real], impl->vtable,
           smaller(smaller(stated, impl->vtable_size), kind->size));
    tn_head *head = to->vtable[real];
    head->struct_size = (uint32_t)kind->size;
    to->impl[real].vtable = head;
    if (head->numbers < 0 || head->numbers > MAX_NUMBERS)
        return reject(a, "its .numbers is %d, not 0 to %d", head->numbers, MAX_NUMBERS);
    const char *missing = kind->missing(head);
    if (!missing) return TN_OK;
    return reject(a, "the required slot .%s is missing or not valid in its %s half",
                  missing, precision(real));
}

static tn_status copy_impl(const adoption *a, tn_adopted *to, int32_t real)
{
    const tn_impl *from = to->entry.impl[real];
    if (!from) return TN_OK;
    if (from->struct_size < sizeof *from)
        return reject(a, "its %s half is damaged (struct_size %u)", precision(real),
                      from->struct_size);
    memcpy(&to->impl[real], from, sizeof *from);
    to->impl[real].struct_size = sizeof *from;
    to->entry.impl[real] = &to->impl[real];
    const tn_status status = check_impl(a, &to->entry, &to->impl[real], real);
    return status ? status : copy_vtable(a, to, real);
}

tn_status tn_adopt(tn_memory *m, const tn_plugin *plugin, const char *file,
                   const char *kind, const char *name, tn_adopted **out, tn_error *e)
{
    const adoption a = {m, file, kind, name, e};
    tn_status status = check_plugin(&a, plugin);
    if (status) return status;
    tn_adopted *to = tn_memory_get(m, sizeof *to, e);
    if (!to) return TN_ENOMEM;
    status = find_entry(&a, plugin, &to->entry);
    if (!status) status = check_metadata(&a, &to->entry);
    if (!status) status = copy_options(&a, to);
    if (!status && !to->entry.impl[0] && !to->entry.impl[1])
        status = reject(&a, "it has no implementation");
    for (int32_t real = 0; !status && real < 2; real++) status = copy_impl(&a, to, real);
    if (!status && !(to->file = tn_memory_text(m, file, e))) status = TN_ENOMEM;
    if (status)
        tn_adopted_free(m, to);
    else
        *out = to;
    return status;
}

void tn_adopted_free(tn_memory *m, tn_adopted *a)
{
    if (!a) return;
    tn_memory_put(m, a->vtable[0]);
    tn_memory_put(m, a->vtable[1]);
    tn_memory_put(m, a->options);
    tn_memory_put(m, a->file);
    tn_memory_put(m, a);
}

/* feed.c - from a dataset to batches.
 *
 * Invariant: a batch is a function of (dataset, options, seed, split, epoch, number)
 * alone, and making one allocates nothing. Rules that resuming rests on:
 *   validation  floor(fraction * n) training samples: the first of a permutation of
 *               (seed); both parts are kept in file order
 *   epoch       a permutation of the remaining training samples, of (seed, epoch)
 *   transforms  number i of the chain draws from (seed, i, split, epoch, batch);
 *               evaluation uses epoch 0 */
#include "core/feed.h"

#include <math.h>
#include <string.h>

#include "core/feed_state.h"

tn_key tn_feed_key(const tn_feed *f, uint64_t purpose, uint64_t a, uint64_t b)
{
    return tn_key_derive(tn_key_derive(f->key, 0x66656564 /* "feed" */, purpose), a, b);
}

static tn_status open_dataset(tn_feed *f, tn_error *e)
{
    tn_status status = tn_instance_make(f->env, "dataset", &f->section, f->real,
                                        &f->dataset, e);
    if (status) return status;
    const tn_dataset *vtable = f->dataset->vtable;
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, f->env, f->dataset, f->real, e);
    status = tn_call_end(&calling, vtable->open(f->dataset->self, call, &f->info));
    if (status) return tn_feed_blame(f->dataset, status, e);
    for (int32_t i = 0; i < TN_SPLITS; i++) f->source[i] = i;
    return tn_feed_check_info(f->dataset, &f->info, e);
}

/* Cuts the validation set off the training set. */
static tn_status split(tn_feed *f, tn_error *e)
{
    const int64_t n = f->info.count[TN_TRAIN],
                  part = (int64_t)floor(f->validation * (double)n);
    tn_memory *memory = &f->env->memory;
    if (f->validation <= 0) return TN_OK;
    if (f->info.count[TN_VALIDATION])
        return tn_cfg_error(f->dataset->where, e, TN_EINVAL,
                            "validation: the dataset %s has a validation set of its own; "
                            "leave out this share of the training set, or that",
                            f->dataset->entry->name);
    if (part < 1 || part >= n)
        return tn_cfg_error(
            f->dataset->where, e, TN_EINVAL,
            "validation: %g of %lld samples leaves one of the two sets empty",
            f->validation, (long long)n);
    f->member[TN_VALIDATION] = tn_memory_array(memory, (size_t)part, sizeof(int64_t), e);
    if (!f->member[TN_VALIDATION]) return TN_ENOMEM;
    f->member[TN_TRAIN] = tn_memory_array(memory, (size_t)(n - part), sizeof(int64_t), e);
    if (!f->member[TN_TRAIN]) return TN_ENOMEM;
    f->source[TN_VALIDATION] = TN_TRAIN;
    f->info.count[TN_VALIDATION] = part;
    f->info.count[TN_TRAIN] = n - part;
    return tn_order_split(memory, n, part, tn_feed_key(f, TN_FEED_SPLIT, 0, 0),
                          f->member[TN_VALIDATION], f->member[TN_TRAIN], e);
}

/* The batch asked for, but no more than there are samples in any split. */
static int64_t largest_batch(const tn_feed *f)
{
    int64_t most = 0;
    for (int32_t i = 0; i < TN_SPLITS; i++)
        if (f->info.count[i] > most) most = f->info.count[i];
    return f->batch < most ? f->batch : most;
}

static tn_status prepare(tn_feed *f, const tn_cfg *root, tn_error *e)
{
    tn_status status = tn_feed_options(f, root, e);
    if (!status) status = open_dataset(f, e);
    if (!status) status = tn_feed_settle(f, e);
    if (!status) status = split(f, e);
    if (status) return status;
    const int64_t n = f->info.count[TN_TRAIN];
    if (f->drop_last && n < f->batch)
        return tn_cfg_error(
            f->dataset->where, e, TN_EINVAL,
            "batch: %lld is more than the %lld training samples, and drop_last "
            "leaves nothing",
            (long long)f->batch, (long long)n);
    f->batch = largest_batch(f);
    f->order[0].order = tn_memory_array(&f->env->memory, (size_t)n, sizeof(int64_t), e);
    if (!f->order[0].order) return TN_ENOMEM;
    status = tn_feed_chains_new(f, e);
    return status ? status : tn_feed_slot_new(f, &f->slot[0], e);
}

tn_status tn_feed_new(tn_env *env, const tn_cfg *root, int32_t real, uint64_t seed,
                      tn_feed **out, tn_error *e)
{
    *out = NULL;
    tn_feed *f = tn_memory_get(&env->memory, sizeof *f, e);
    if (!f) return TN_ENOMEM;
    f->env = env;
    f->real = real;
    f->order_epoch[0] = f->order_epoch[1] = -1;
    f->key = (tn_key){{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const tn_status status = prepare(f, root, e);
    if (status)
        tn_feed_free(f);
    else
        *out = f;
    return status;
}

static void free_chain(tn_memory *memory, tn_feed_chain *chain)
{
    for (int32_t i = 0; i < chain->stages; i++) {
        tn_instance_free(chain->stage[i].transform);
        tn_feed_buffers_free(memory, &chain->stage[i].out);
    }
    tn_memory_put(memory, chain->stage);
}

void tn_feed_free(tn_feed *f)
{
    if (!f) return;
    tn_memory *memory = &f->env->memory;
    tn_feed_stop(f);
    for (int32_t i = 0; i < 2; i++) {
        free_chain(memory, &f->chain[i]);
        tn_memory_put(memory, f->order[i].order);
    }
    for (int32_t i = 0; i < TN_SPLITS; i++) tn_memory_put(memory, f->member[i]);
    for (int32_t i = 0; i < TN_FEED_SLOTS; i++) tn_feed_slot_free(memory, &f->slot[i]);
    tn_feed_buffers_free(memory, &f->read);
    if (f->dataset) tn_instance_free(f->dataset);
    tn_memory_put(memory, f->option);
    tn_memory_put(memory, f);
}

const tn_data_info *tn_feed_info(const tn_feed *f, bool training)
{
    const tn_feed_chain *chain = &f->chain[training];
    return chain->stages ? &chain->stage[chain->stages - 1].after : &f->info;
}

void tn_feed_text(const tn_feed *f, char text[TN_FEED_TEXT])
{
    const int64_t *count = f->info.count;
    char shape[TN_MAX_RANK * 24];
    int used = snprintf(text, TN_FEED_TEXT,
                        "%lld training and %lld validation samples of",
                        (long long)count[TN_TRAIN], (long long)count[TN_VALIDATION]);
    for (int32_t i = 0; i < f->info.fields && used < TN_FEED_TEXT; i++) {
        const tn_field_spec *spec = &f->info.field[i];
        tn_shape_text(&spec->shape, shape, sizeof shape);
        if (spec->classes)
            snprintf(shape, sizeof shape, "(%d classes)", (int)spec->classes);
        used += snprintf(text + used, (size_t)(TN_FEED_TEXT - used), "%s %s %s",
                         i ? "," : "", spec->name, shape);
    }
}

int64_t tn_feed_batch_size(const tn_feed *f)
{
    return f->batch;
}

int64_t tn_feed_batches(const tn_feed *f, int32_t which)
{
    const int64_t n = f->info.count[which], full = n / f->batch;
    if (which == TN_TRAIN && f->drop_last) return full;
    return full + (n % f->batch != 0);
}

const char *tn_feed_breaks(const tn_feed *f)
{
    if (f->shuffle)
        return f->shuffles_unsaid ? "shuffle: true, the default" : "shuffle: true";
    return f->validation > 0 ? "validation, which draws samples" : NULL;
}

int32_t tn_feed_find(const tn_data_info *info, const char *name)
{
    for (int32_t i = 0; i < info->fields; i++)
        if (!strcmp(info->field[i].name, name)) return i;
    return -1;
}

tn_status tn_feed_batch(tn_feed *f, int32_t which, int64_t epoch, int64_t batch,
                        tn_batch *out, tn_error *e)
{
    if (which < 0 || which >= TN_SPLITS || batch < 0 ||
        batch >= tn_feed_batches(f, which))
        return tn_error_set(e, TN_EINVAL, "data: there is no batch %lld in split %d",
                            (long long)batch, which);
    const int use = which == TN_TRAIN;
    const tn_feed_place place = {which, use ? epoch : 0, batch, 0};
    const tn_feed_slot *slot = &f->slot[0];
    if (f->ahead) {
        slot = tn_ahead_take(f, &place);
        if (slot->status && e) *e = slot->error;
        if (slot->status) return slot->status;
    } else {
        f->slot[0].place = place;
        const tn_status status = tn_feed_make(f, &f->slot[0], false, e);
        if (status) return status;
    }
    out->samples = slot->samples;
    out->fields = tn_feed_info(f, use)->fields;
    memcpy(out->field, slot->field[use], sizeof out->field);
    return TN_OK;
}

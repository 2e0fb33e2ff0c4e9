/* feed_setup.c - from the section `data:` to a dataset, its transforms and their buffers.
 *
 * The host's own options (validation, batch, shuffle, drop_last, transforms) stand among
 * the dataset's; they are taken out before the rest goes to the plugin. */
#include <string.h>

#include "core/feed_state.h"
#include "core/option_table.h"

enum { UNSAID = -1 };

/* The table that `tenon describe` prints says which options these are. */
static const tn_option *host_option(const char *name)
{
    int32_t count;
    const tn_option *options = tn_host_options("dataset", &count);
    const int32_t i = tn_option_find(options, count, name);
    return i < 0 ? NULL : &options[i];
}

static tn_status read_options(tn_feed *f, const tn_cfg *map, tn_error *e)
{
    const tn_cfg *validation = tn_cfg_get(map, "validation"),
                 *batch = tn_cfg_get(map, "batch");
    const tn_cfg *shuffle = tn_cfg_get(map, "shuffle");
    const tn_cfg *drop_last = tn_cfg_get(map, "drop_last");
    f->transforms = tn_cfg_get(map, "transforms");
    tn_status status = TN_OK;
    if (validation) status = tn_cfg_real(validation, &f->validation, e);
    if (!status && !(f->validation >= 0 && f->validation < 1))
        status = tn_cfg_error(
            validation, e, TN_EINVAL,
            "validation: expected a fraction of the training set, at least 0 "
            "and below 1, got %g",
            f->validation);
    if (!status && batch)
        status = tn_cfg_int(batch, 1, host_option("batch")->hi.i, &f->batch, e);
    if (!status && shuffle) status = tn_cfg_bool(shuffle, &f->shuffle, e);
    if (!status && drop_last) status = tn_cfg_bool(drop_last, &f->drop_last, e);
    if (!status && f->transforms && f->transforms->type != TN_CFG_LIST)
        status = tn_cfg_error(f->transforms, e, TN_EINVAL,
                              "transforms: expected a list, e.g. [{normalise: {}}]");
    return status;
}

/* A copy of the section whose options are the plugin's alone. */
static tn_status strip_options(tn_feed *f, const tn_cfg *section, tn_error *e)
{
    const tn_cfg *map = section->item[0];
    f->option = tn_memory_array(&f->env->memory, (size_t)map->count, sizeof *f->option,
                                e);
    if (!f->option) return TN_ENOMEM;
    f->section = *section, f->options = *map;
    f->section.item = f->section_item;
    f->section_item[0] = &f->options;
    f->options.item = f->option;
    f->options.count = 0;
    for (int32_t i = 0; i < map->count; i++)
        if (!host_option(map->item[i]->key)) f->option[f->options.count++] = map->item[i];
    return TN_OK;
}

tn_status tn_feed_options(tn_feed *f, const tn_cfg *root, tn_error *e)
{
    const tn_cfg *section = tn_cfg_get(root, "data");
    f->batch = 0, f->shuffle = UNSAID;
    if (!section)
        return tn_cfg_error(
            root, e, TN_EINVAL,
            "data: missing; name a dataset, e.g. data: {csv: {path: x.csv}}");
    f->section = *section;
    const bool map = section->type == TN_CFG_MAP;
    if (section->type == TN_CFG_LIST || (map && section->count != 1))
        return tn_cfg_error(section, e, TN_EINVAL,
                            "data: expected one dataset, e.g. {csv: {path: x.csv}}");
    if (!map || section->item[0]->type != TN_CFG_MAP) return TN_OK;
    const tn_status status = read_options(f, section->item[0], e);
    return status ? status : strip_options(f, section, e);
}

/* Samples that go on from batch to batch are not mixed. */
tn_status tn_feed_settle(tn_feed *f, tn_error *e)
{
    const int64_t streams = f->info.streams;
    if (!f->batch) f->batch = streams ? streams : host_option("batch")->def.i;
    f->shuffles_unsaid = f->shuffle == UNSAID;
    if (f->shuffles_unsaid) f->shuffle = !streams;
    if (!streams || (!f->shuffle && f->validation <= 0)) return TN_OK;
    return tn_cfg_error(
        f->dataset->where, e, TN_EINVAL,
        "%s: the training samples are %lld streams, which go on from batch "
        "to batch; leave out %s",
        f->dataset->entry->name, (long long)streams,
        f->shuffle ? "shuffle: true" : "validation");
}

tn_status tn_feed_blame(const tn_instance *instance, tn_status status, tn_error *e)
{
    return tn_cfg_error(instance->where, e, status, "%s: %s", instance->entry->name,
                        e ? e->text : "");
}

static tn_status wrong_field(const tn_instance *from, int32_t i, const char *what,
                             tn_error *e)
{
    return tn_cfg_error(from->where, e, TN_EINVAL, "%s: field %d has %s",
                        from->entry->name, i, what);
}

static tn_status check_field(const tn_instance *from, const tn_data_info *info, int32_t i,
                             tn_error *e)
{
    const tn_field_spec *spec = &info->field[i];
    int64_t size;
    if (!spec->name[0] || !memchr(spec->name, 0, sizeof spec->name))
        return wrong_field(from, i, "no proper name", e);
    if (tn_feed_find(info, spec->name) != i)
        return wrong_field(from, i, "the name of another field", e);
    if (!tn_shape_size(&spec->shape, &size))
        return wrong_field(from, i, "an impossible shape", e);
    return spec->classes < 0 ? wrong_field(from, i, "a negative number of classes", e)
                             : TN_OK;
}

tn_status tn_feed_check_info(const tn_instance *from, const tn_data_info *info,
                             tn_error *e)
{
    if (info->fields < 1 || info->fields > TN_MAX_FIELDS)
        return tn_cfg_error(from->where, e, TN_EINVAL, "%s: %d fields, expected 1 to %d",
                            from->entry->name, info->fields, TN_MAX_FIELDS);
    for (int32_t i = 0; i < info->fields; i++) {
        const tn_status status = check_field(from, info, i, e);
        if (status) return status;
    }
    for (int32_t i = 0; i < TN_SPLITS; i++)
        if (info->count[i] < 0 || (i == TN_TRAIN && info->count[i] == 0))
            return tn_cfg_error(from->where, e, TN_EDATA,
                                "%s: there are no training samples", from->entry->name);
    return TN_OK;
}

/* Bytes of a field of a batch. */
static tn_status field_bytes(const tn_feed *f, const tn_field_spec *spec, int64_t *bytes,
                             tn_error *e)
{
    const int64_t size = spec->real && f->real ? sizeof(double) : sizeof(float);
    int64_t values;
    *bytes = 0;
    if (tn_size_mul(f->batch, tn_shape_count(&spec->shape), &values) &&
        tn_size_mul(values, size, bytes))
        return TN_OK;
    return tn_error_set(e, TN_ENOMEM, "field %s: a batch of %lld samples is too large",
                        spec->name, (long long)f->batch);
}

static tn_field field_in(const tn_field_spec *spec, void *block)
{
    return (tn_field){.width = tn_shape_count(&spec->shape),
                      .real = spec->real ? block : NULL,
                      .label = spec->real ? NULL : block};
}

tn_status tn_feed_buffers_new(tn_feed *f, const tn_data_info *info,
                              tn_feed_buffers *buffers, tn_error *e)
{
    for (int32_t i = 0; i < info->fields; i++) {
        int64_t bytes;
        const tn_status status = field_bytes(f, &info->field[i], &bytes, e);
        if (status) return status;
        buffers->block[i] = tn_memory_get(&f->env->memory, (size_t)bytes, e);
        if (!buffers->block[i]) return TN_ENOMEM;
        buffers->field[i] = field_in(&info->field[i], buffers->block[i]);
        f->bytes += bytes;
    }
    return TN_OK;
}

void tn_feed_buffers_free(tn_memory *memory, tn_feed_buffers *buffers)
{
    for (int32_t i = 0; i < TN_MAX_FIELDS; i++) tn_memory_put(memory, buffers->block[i]);
}

tn_status tn_feed_slot_new(tn_feed *f, tn_feed_slot *slot, tn_error *e)
{
    for (int32_t i = 0; i < TN_MAX_FIELDS; i++) {
        int64_t most = -1;
        for (int use = 0; use < 2; use++) {
            const tn_data_info *info = tn_feed_info(f, use);
            int64_t bytes;
            if (i >= info->fields) continue;
            const tn_status status = field_bytes(f, &info->field[i], &bytes, e);
            if (status) return status;
            if (bytes > most) most = bytes;
        }
        if (most < 0) break;
        slot->block[i] = tn_memory_get(&f->env->memory, (size_t)most, e);
        if (!slot->block[i]) return TN_ENOMEM;
        for (int use = 0; use < 2; use++)
            if (i < tn_feed_info(f, use)->fields)
                slot->field[use][i] = field_in(&tn_feed_info(f, use)->field[i],
                                               slot->block[i]);
        if (slot == f->slot) f->bytes += most;
    }
    return TN_OK;
}

void tn_feed_slot_free(tn_memory *memory, tn_feed_slot *slot)
{
    for (int32_t i = 0; i < TN_MAX_FIELDS; i++) {
        tn_memory_put(memory, slot->block[i]);
        slot->block[i] = NULL;
    }
}

static tn_status add_stage(tn_feed *f, tn_feed_chain *chain, bool training,
                           const tn_data_info *before, const tn_cfg *cfg, tn_error *e)
{
    tn_instance *made;
    tn_status status = tn_instance_make(f->env, "transform", cfg, f->real, &made, e);
    if (status) return status;
    const tn_transform *vtable = made->vtable;
    if (!training && !vtable->always) {
        tn_instance_free(made);
        return TN_OK;
    }
    if (chain->stages) {
        tn_feed_stage *last = &chain->stage[chain->stages - 1];
        status = tn_feed_buffers_new(f, &last->after, &last->out, e);
    }
    tn_feed_stage *stage = &chain->stage[chain->stages++];
    stage->transform = made;
    if (status) return status;
    stage->after = *before;
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, f->env, made, f->real, e);
    if (vtable->infer)
        status = tn_call_end(&calling, vtable->infer(made->self, call, &stage->after));
    if (status) return tn_feed_blame(made, status, e);
    memcpy(stage->after.count, f->info.count, sizeof f->info.count);
    return tn_feed_check_info(made, &stage->after, e);
}

static tn_status chain_new(tn_feed *f, bool training, tn_error *e)
{
    tn_feed_chain *chain = &f->chain[training];
    const int32_t count = f->transforms ? f->transforms->count : 0;
    chain->stage = tn_memory_array(&f->env->memory, (size_t)count, sizeof *chain->stage,
                                   e);
    if (!chain->stage) return TN_ENOMEM;
    for (int32_t i = 0; i < count; i++) {
        const tn_data_info *before = chain->stages
                                         ? &chain->stage[chain->stages - 1].after
                                         : &f->info;
        const tn_status status = add_stage(f, chain, training, before,
                                           f->transforms->item[i], e);
        if (status) return status;
    }
    return TN_OK;
}

tn_status tn_feed_chains_new(tn_feed *f, tn_error *e)
{
    tn_status status = chain_new(f, false, e);
    if (!status) status = chain_new(f, true, e);
    if (status || !(f->chain[0].stages || f->chain[1].stages)) return status;
    return tn_feed_buffers_new(f, &f->info, &f->read, e);
}

/* inputs.c - see inputs.h. */
#include "core/inputs.h"

#include <stdio.h>
#include <string.h>

static const char *const read_by_losses[] = {"target", "weight", "length"};

tn_inputs tn_inputs_one(const tn_shape *shape)
{
    return (tn_inputs){1, {{"input", *shape}}};
}

const char *tn_inputs_names(const tn_inputs *in, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int32_t i = 0; i < in->count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "",
                                 in->of[i].name);
    return text;
}

bool tn_inputs_read_by_losses(const char *name)
{
    bool is = false;
    for (size_t i = 0; i < sizeof read_by_losses / sizeof *read_by_losses; i++)
        is = is || !strcmp(name, read_by_losses[i]);
    return is;
}

const char *tn_inputs_meant(const char *name)
{
    return tn_nearest(name, read_by_losses,
                      sizeof read_by_losses / sizeof *read_by_losses);
}

/* ---- the config ---------------------------------------------------------------------- */

static tn_status read_shape(const tn_cfg *cfg, tn_shape *shape, tn_error *e)
{
    int64_t size;
    if (cfg->type != TN_CFG_LIST || cfg->count < 1 || cfg->count > TN_MAX_SAMPLE_RANK)
        return tn_cfg_error(cfg, e, TN_EINVAL,
                            "input: expected the shape of a sample, a list of 1 "
                            "to %d numbers, e.g. [28, 28, 1]",
                            TN_MAX_SAMPLE_RANK);
    shape->rank = cfg->count;
    for (int32_t i = 0; i < cfg->count; i++) {
        const tn_status status = tn_cfg_int(cfg->item[i], 1, INT32_MAX, &shape->dim[i],
                                            e);
        if (status) return status;
    }
    return tn_shape_size(shape, &size)
               ? TN_OK
               : tn_cfg_error(cfg, e, TN_ESHAPE, "input: more values than there can be");
}

/* Names stand in `inputs:` of layers and before '=' on command lines. */
static tn_status take_name(const char *name, tn_input_spec *in, tn_error *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"
                                  "0123456789";
    const size_t size = strlen(name), most = sizeof in->name - 1;
    if (!size || size > most || strspn(name, letters) != size)
        return tn_error_set(
            e, TN_EINVAL,
            "input: '%.60s' is no name; expected 1 to %d letters, digits, "
            "'_' and '-'",
            name, (int)most);
    if (!strcmp(name, "target"))
        return tn_error_set(
            e, TN_EINVAL,
            "input: 'target' is what losses read; give the input another name");
    memcpy(in->name, name, size + 1);
    return TN_OK;
}

tn_status tn_inputs_read(const tn_cfg *root, tn_inputs *in, tn_error *e)
{
    const tn_cfg *cfg = tn_cfg_get(root, "input");
    *in = (tn_inputs){0};
    if (!cfg) return TN_OK;
    if (cfg->type != TN_CFG_MAP) {
        *in = tn_inputs_one(&(tn_shape){0});
        return read_shape(cfg, &in->of[0].shape, e);
    }
    if (cfg->count < 1 || cfg->count > TN_MOST_INPUTS)
        return tn_cfg_error(cfg, e, TN_EINVAL,
                            "input: expected 1 to %d names, each with the shape of a "
                            "sample, e.g. {image: [28, 28, 1], extra: [7]}",
                            TN_MOST_INPUTS);
    tn_status status = TN_OK;
    for (; !status && in->count < cfg->count; in->count++) {
        const tn_cfg *one = cfg->item[in->count];
        status = take_name(one->key, &in->of[in->count], e);
        if (status) return tn_cfg_in(one, e), status;
        status = read_shape(one, &in->of[in->count].shape, e);
    }
    return status;
}

static size_t put_shape(char *text, size_t size, const tn_shape *shape)
{
    size_t used = 0;
    for (int32_t i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i ? ", " : "[",
                                 (long long)shape->dim[i]);
    return used + (size_t)snprintf(text + used, size - used, "]");
}

tn_status tn_inputs_write(tn_config *config, const tn_inputs *in, tn_error *e)
{
    char text[TN_MOST_INPUTS * 300];
    const bool one = in->count == 1 && !strcmp(in->of[0].name, "input");
    size_t used = (size_t)snprintf(text, sizeof text, "input=%s", one ? "" : "{");
    for (int32_t i = 0; i < in->count; i++) {
        if (!one)
            used += (size_t)snprintf(text + used, sizeof text - used,
                                     "%s\"%s\": ", i ? ", " : "", in->of[i].name);
        used += put_shape(text + used, sizeof text - used, &in->of[i].shape);
    }
    if (!one) snprintf(text + used, sizeof text - used, "}");
    return tn_config_set(config, text, e);
}

/* ---- the data ------------------------------------------------------------------------ */

tn_status tn_inputs_of_data(const tn_data_info *info, tn_inputs *in, tn_error *e)
{
    const int32_t input = tn_feed_find(info, "input");
    *in = (tn_inputs){0};
    for (int32_t i = 0; i < info->fields && in->count < TN_MOST_INPUTS; i++) {
        const tn_field_spec *f = &info->field[i];
        if (input >= 0 ? i != input : tn_inputs_read_by_losses(f->name)) continue;
        if (!f->real) continue;
        tn_input_spec *one = &in->of[in->count++];
        const tn_status status = take_name(f->name, one, e);
        if (status) return status;
        one->shape = f->shape;
    }
    if (in->count) return TN_OK;
    return tn_error_set(e, TN_EINVAL,
                        "the data has no field 'input' of numbers, nor another one");
}

static tn_status check_one(const tn_input_spec *in, const tn_data_info *info, tn_error *e)
{
    const int32_t field = tn_feed_find(info, in->name);
    char of[64] = "", got[128], takes[128];
    if (field < 0 || !info->field[field].real)
        return tn_error_set(e, TN_EINVAL, "the data has no field '%s' of numbers",
                            in->name);
    const tn_shape *have = &info->field[field].shape;
    if (tn_shape_same(have, &in->shape)) return TN_OK;
    if (strcmp(in->name, "input")) snprintf(of, sizeof of, " for '%s'", in->name);
    tn_shape_text(have, got, sizeof got);
    tn_shape_text(&in->shape, takes, sizeof takes);
    return tn_error_set(e, TN_ESHAPE,
                        "samples of the data have shape %s%s, the model takes %s", got,
                        of, takes);
}

tn_status tn_inputs_check(const tn_inputs *in, const tn_data_info *info, tn_error *e)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < in->count; i++)
        status = check_one(&in->of[i], info, e);
    return status;
}

void tn_inputs_find(const tn_inputs *in, const tn_data_info *info,
                    int32_t field[TN_MOST_INPUTS])
{
    for (int32_t i = 0; i < in->count; i++) field[i] = tn_feed_find(info, in->of[i].name);
}

void tn_inputs_take(const tn_inputs *in, const int32_t *field, const tn_batch *batch,
                    const void *x[TN_MOST_INPUTS])
{
    for (int32_t i = 0; i < in->count; i++) x[i] = batch->field[field[i]].real;
}

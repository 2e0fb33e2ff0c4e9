/* init_from.c - first weights from a file: the config's section `init_from`.
 *
 * The layers say how PyTorch holds their parameters (tn_param_spec.torch, .feature_axis), the graph
 * where features of a flattened image stand in another order (graph_order.c), and the config's
 * `names` what the layers are called in the file. Nothing of the file is left out, and nothing of
 * the model, unless the config says so. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/init_state.h"
#include "core/same_axes.h"
#include "core/torch_layout.h"

/* ---- the section ----------------------------------------------------------------------- */

static tn_status check_list(const tn_cfg *list, const char *key, tn_error *e)
{
    bool good = !list || list->type == TN_CFG_LIST;
    for (int32_t i = 0; good && list && i < list->count; i++)
        good = list->item[i]->type == TN_CFG_SCALAR;
    return good ? TN_OK
                : tn_cfg_error(list, e, TN_EINVAL,
                               "init_from: %s: expected a list of names, which may have "
                               "* in them",
                               key);
}

/* Sets *second where the word is the second one; NULL leaves it. */
static tn_status read_choice(const tn_init_source *s, const char *key,
                             const char *const word[2], bool *second)
{
    const tn_cfg *given = tn_cfg_get(s->cfg, key);
    if (!given) return TN_OK;
    const char *text = given->type == TN_CFG_SCALAR ? given->text : "";
    *second = !strcmp(text, word[1]);
    if (*second || !strcmp(text, word[0])) return TN_OK;
    return tn_cfg_error(given, s->error, TN_EINVAL,
                        "init_from: %s: expected %s or %s, got '%.60s'", key, word[0],
                        word[1], text);
}

/* The folder of a run stands for the model in it. */
static void find_in_folder(tn_init_source *s)
{
    struct stat about;
    if (stat(s->path, &about) || !S_ISDIR(about.st_mode)) return;
    const int length = snprintf(s->in_folder, sizeof s->in_folder, "%s/model.safetensors",
                                s->path);
    if (length < (int)sizeof s->in_folder) s->path = s->in_folder;
}

/* A scalar is the path. */
static tn_status read_section(tn_init_source *s)
{
    static const char *const keys[] = {"path",  "layout", "flatten", "names",
                                       "fresh", "ignore", NULL};
    const tn_cfg *path = s->cfg->type == TN_CFG_MAP ? tn_cfg_get(s->cfg, "path") : s->cfg;
    tn_status status = s->cfg->type == TN_CFG_MAP ? tn_cfg_only(s->cfg, keys, s->error)
                                                  : TN_OK;
    if (status) return status;
    if (!path || path->type != TN_CFG_SCALAR || !*path->text)
        return tn_cfg_error(s->cfg, s->error, TN_EINVAL,
                            "init_from: expected a safetensors file: init_from: "
                            "weights.safetensors, or {path: ..., names: {...}}");
    s->path = path->text;
    find_in_folder(s);
    s->names = tn_cfg_get(s->cfg, "names");
    s->fresh = tn_cfg_get(s->cfg, "fresh");
    s->ignore = tn_cfg_get(s->cfg, "ignore");
    if (s->names && s->names->type != TN_CFG_MAP)
        return tn_cfg_error(s->names, s->error, TN_EINVAL,
                            "init_from: names: expected layers with what the file calls "
                            "them, e.g. {conv2d: features.0}");
    status = check_list(s->fresh, "fresh", s->error);
    return status ? status : check_list(s->ignore, "ignore", s->error);
}

/* What a file is that does not say: Tenon's have a version, all others are taken for PyTorch's. */
static tn_status read_layout(tn_init_source *s)
{
    static const char *const layout[2] = {"tenon", "torch"}, *const flatten[2] = {
                                                                 "channels_last",
                                                                 "channels_first"};
    s->torch = !tn_archive_text(&s->archive, TN_KEY_VERSION);
    tn_status status = read_choice(s, "layout", layout, &s->torch);
    s->channels_first = s->torch;
    return status ? status : read_choice(s, "flatten", flatten, &s->channels_first);
}

/* ---- tensors ---------------------------------------------------------------------------- */

static tn_status no_such_tensor(const tn_init_source *s, const tn_init_target *t,
                                const char *name)
{
    const char *names[256];
    int32_t count = 0;
    for (; count < s->archive.tensors && count < 256; count++)
        names[count] = s->archive.tensor[count].name;
    const char *near = tn_nearest(name, names, count);
    return tn_cfg_error(
        s->cfg, s->error, TN_EDATA,
        "init_from: %s has no tensor '%s' for %s%s%s%s; say in names what "
        "the layer is called there, or list %s in fresh to draw it",
        s->path, name, t->name, near ? " (it has '" : "", near ? near : "",
        near ? "')" : "", t->name);
}

static tn_shape shape_of(const tn_tensor *t)
{
    tn_shape shape = {.rank = t->rank};
    memcpy(shape.dim, t->dim, sizeof shape.dim);
    return shape;
}

static tn_status check_tensor(const tn_init_source *s, const tn_init_target *t,
                              int32_t part, const tn_named_tensor *from)
{
    char have[128], want[128];
    tn_shape is = shape_of(&from->tensor), needed = shape_of(t->value);
    needed.dim[0] = t->part[part].rows;
    if (from->tensor.dtype != TN_F32 && from->tensor.dtype != TN_F64)
        return tn_cfg_error(s->cfg, s->error, TN_EDATA,
                            "init_from: tensor '%s' of %s holds whole numbers, but %s is "
                            "read from F32 or F64",
                            from->name, s->path, t->name);
    if (tn_same_axes(&is, &needed)) return TN_OK;
    tn_shape_text(&is, have, sizeof have);
    tn_shape_text(&needed, want, sizeof want);
    return tn_cfg_error(s->cfg, s->error, TN_ESHAPE,
                        "init_from: tensor '%s' of %s has shape %s, but %s needs %s; "
                        "change the layer, name another tensor, or list %s in fresh to "
                        "draw it",
                        from->name, s->path, have, t->name, want, t->name);
}

static int64_t rows_of(const tn_tensor *t)
{
    return t->rank ? t->dim[0] : 1;
}

/* The channels of an axis whose order is another one there; 0: it is the same. */
static tn_status find_order(const tn_init_source *s, const tn_init_target *t,
                            int64_t *channels)
{
    *channels = 0;
    if (!s->channels_first || t->axis < 0) return TN_OK;
    *channels = s->channels[s->graph->node[t->node].input[0]];
    if (*channels >= 0) return TN_OK;
    return tn_cfg_error(s->cfg, s->error, TN_ENOTSUP,
                        "init_from: the features that %s reads come from a flattened "
                        "image by a way that leaves their order open; bring the file's "
                        "tensors into the order of this model and say flatten: "
                        "channels_last",
                        t->name);
}

static tn_status take(const tn_init_source *s, const tn_init_target *t)
{
    char name[TN_INIT_NAME];
    int64_t channels;
    tn_status status = find_order(s, t, &channels);
    for (int32_t i = 0; !status && i < t->parts; i++) {
        int64_t first = 0;
        status = tn_init_name(s, t, i, name);
        if (status) return status;
        const tn_named_tensor *from = tn_archive_find(&s->archive, name, &first);
        if (!from) return no_such_tensor(s, t, name);
        s->used[from - s->archive.tensor] = true;
        status = check_tensor(s, t, i, from);
        if (!status)
            tn_torch_add(t->value, t->axis, channels, &t->part[i], &from->tensor);
    }
    return status;
}

/* ---- all of them ------------------------------------------------------------------------ */

static tn_init_target of_param(const tn_init_source *s, const tn_graph_param *p)
{
    tn_init_target t = {p->name, &p->value, tn_graph_feature_axis(p), p->node, 1, {{0}}};
    t.part[0].rows = t.part[0].count = rows_of(&p->value);
    for (int32_t i = 0; s->torch && i < TN_MAX_TORCH && *p->torch[i]; i++) {
        t.part[i] = p->spec.torch[i];
        t.part[i].name = p->torch[i];
        t.parts = i + 1;
    }
    return t;
}

static tn_status take_params(const tn_init_source *s)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < s->graph->params; i++) {
        tn_graph_param *p = &s->graph->param[i];
        if (tn_init_listed(s->fresh, p->name)) continue;
        const tn_init_target t = of_param(s, p);
        status = take(s, &t);
        p->given = true;
        snprintf(p->init_text, sizeof p->init_text, "init_from");
    }
    return status;
}

static tn_status take_states(const tn_init_source *s)
{
    tn_status status = TN_OK;
    for (int32_t i = 0; !status && i < s->graph->states; i++) {
        tn_graph_state *q = &s->graph->state[i];
        if (tn_init_listed(s->fresh, q->name)) continue;
        tn_init_target t = {q->name, &q->value, tn_graph_state_axis(s->graph, q),
                            q->node, 1,         {{0}}};
        t.part[0].rows = t.part[0].count = rows_of(&q->value);
        q->given = true;
        memset(q->value.data, 0,
               (size_t)tn_count(&q->value) * tn_dtype_size(q->value.dtype));
        status = take(s, &t);
    }
    return status;
}

static tn_status check_unused(const tn_init_source *s)
{
    const char *first = NULL;
    int64_t count = 0;
    for (int64_t i = 0; i < s->archive.tensors; i++) {
        const char *name = s->archive.tensor[i].name;
        if (s->used[i] || tn_init_listed(s->ignore, name)) continue;
        if (!count++) first = name;
    }
    if (!count) return TN_OK;
    char others[40] = "";
    if (count > 1)
        snprintf(others, sizeof others, " (and %lld more)", (long long)count - 1);
    return tn_cfg_error(s->cfg, s->error, TN_EDATA,
                        "init_from: no layer reads tensor '%.200s'%s of %s; say in names "
                        "which layer it is of, or list it in ignore",
                        first, others, s->path);
}

static tn_status read_file(tn_init_source *s)
{
    tn_memory *m = &s->env->memory;
    tn_status status = read_layout(s);
    if (status) return status;
    s->used = tn_memory_array(m, (size_t)s->archive.tensors + 1, sizeof *s->used,
                              s->error);
    s->applied = tn_memory_array(m, s->names ? (size_t)s->names->count + 1 : 1,
                                 sizeof *s->applied, s->error);
    s->channels = tn_memory_array(m, (size_t)s->graph->nodes, sizeof *s->channels,
                                  s->error);
    if (!s->used || !s->applied || !s->channels) return TN_ENOMEM;
    tn_graph_channels(s->graph, s->channels);
    status = tn_init_check_fresh(s);
    if (!status) status = take_params(s);
    if (!status) status = take_states(s);
    if (!status) status = tn_init_check_names(s);
    return status ? status : check_unused(s);
}

tn_status tn_init_from(tn_graph *g, const tn_cfg *root, tn_error *e)
{
    tn_init_source s = {
        .env = g->env, .graph = g, .cfg = tn_cfg_get(root, "init_from"), .error = e};
    if (!s.cfg || tn_cfg_null(s.cfg)) return TN_OK;
    tn_status status = read_section(&s);
    if (status) return status;
    status = tn_archive_read(g->env, s.path, &s.archive, &s.bytes, e);
    if (status) {
        tn_cfg_in(s.cfg, e);
        return status;
    }
    status = read_file(&s);
    tn_memory_put(&g->env->memory, s.used);
    tn_memory_put(&g->env->memory, s.applied);
    tn_memory_put(&g->env->memory, s.channels);
    tn_archive_free(g->env, &s.archive, s.bytes);
    return status;
}

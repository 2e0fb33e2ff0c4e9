/* model.c - making a model from a config, and looking into it. */
#include "core/model.h"

#include <stdio.h>
#include <string.h>

#include "core/predict.h"

/* ---- settings ------------------------------------------------------------------------ */

static const char *const root_keys[] = {
    "seed",    "precision", "data",    "input",     "classes",    "model",
    "init",    "init_from", "loss",    "optimizer", "gradient",   "regularizer",
    "metrics", "train",     "observe", "memory",    "parameters", NULL};

tn_status tn_model_settings(const tn_cfg *root, uint64_t *seed, int32_t *real,
                            tn_error *e)
{
    const tn_cfg *precision = tn_cfg_get(root, "precision"),
                 *given = tn_cfg_get(root, "seed");
    int64_t number = 0;
    tn_status status = tn_cfg_only(root, root_keys, e);
    if (!status && given) status = tn_cfg_int(given, 0, INT64_MAX, &number, e);
    if (status) return status;
    *seed = (uint64_t)number;
    *real = 0;
    if (!precision || !strcmp(precision->text, "float")) return TN_OK;
    *real = 1;
    if (!strcmp(precision->text, "double")) return TN_OK;
    return tn_cfg_error(precision, e, TN_EINVAL,
                        "precision: expected float or double, got '%s'", precision->text);
}

/* `memory:`, which is for training. */
static tn_status read_memory(tn_model *m, tn_error *e)
{
    const tn_cfg *memory = tn_cfg_get(m->config->root, "memory");
    if (!memory || !strcmp(memory->text, "normal")) return TN_OK;
    m->low = !strcmp(memory->text, "low");
    if (m->low) return TN_OK;
    return tn_cfg_error(memory, e, TN_EINVAL,
                        "memory: expected normal or low, got '%.60s'", memory->text);
}

/* ---- making -------------------------------------------------------------------------- */

/* One output tells two classes apart. */
static bool names_fit(const tn_model *m, int64_t names)
{
    const int64_t width = tn_shape_width(tn_graph_output(m->graph));
    return names == width || (width == 1 && names == 2);
}

static tn_status read_classes(tn_model *m, tn_error *e)
{
    const tn_cfg *list = tn_cfg_get(m->config->root, "classes");
    const int64_t width = tn_shape_width(tn_graph_output(m->graph));
    if (!list) return TN_OK;
    if (list->type != TN_CFG_LIST || !names_fit(m, list->count))
        return tn_cfg_error(list, e, TN_EINVAL,
                            width > 1 ? "classes: expected a list of %lld names, one for "
                                        "each output"
                                      : "classes: expected a list of 2 names, of the "
                                        "classes 0 and 1 that %lld output tells apart",
                            (long long)width);
    m->class_count = list->count;
    m->classes = tn_memory_array(&m->env->memory, (size_t)list->count, sizeof *m->classes,
                                 e);
    if (!m->classes) return TN_ENOMEM;
    for (int32_t i = 0; i < list->count; i++) {
        if (list->item[i]->type != TN_CFG_SCALAR)
            return tn_cfg_error(list->item[i], e, TN_EINVAL, "classes: expected a name");
        m->classes[i] = list->item[i]->text;
    }
    return TN_OK;
}

/* A name in double quotes, as YAML takes any text; four bytes at most for one. */
static char *quote(char *to, const char *name)
{
    *to++ = '"';
    for (; *name; name++) {
        const unsigned char byte = (unsigned char)*name;
        if (byte < 0x20 || byte == 0x7F) {
            to += sprintf(to, "\\x%02X", byte);
            continue;
        }
        if (byte == '"' || byte == '\\') *to++ = '\\';
        *to++ = *name;
    }
    *to++ = '"';
    return to;
}

tn_status tn_model_name_classes(tn_model *m, const char *const *names, int32_t count,
                                tn_error *e)
{
    size_t room = sizeof "classes=[]";
    if (m->classes || !names || !names_fit(m, count)) return TN_OK;
    for (int32_t i = 0; i < count; i++) room += 4 * strlen(names[i]) + sizeof "\"\",";
    char *text = tn_memory_get(&m->env->memory, room, e);
    if (!text) return TN_ENOMEM;
    char *to = text + snprintf(text, room, "classes=[");
    for (int32_t i = 0; i < count; i++) {
        if (i) *to++ = ',';
        to = quote(to, names[i]);
    }
    *to = ']';
    tn_status status = tn_config_set(m->config, text, e);
    if (!status) status = read_classes(m, e);
    tn_memory_put(&m->env->memory, text);
    return status;
}

static tn_status first_weights(tn_model *m, tn_error *e)
{
    tn_status status = tn_graph_check_read(m->graph, m->config->root, e);
    if (!status) status = tn_init_from(m->graph, m->config->root, e);
    return status ? status : tn_graph_draw(m->graph, e);
}

static tn_status fill(tn_model *m, const tn_inputs *in, int64_t most, bool fresh,
                      tn_error *e)
{
    uint64_t seed;
    int32_t real;
    if (pthread_mutex_init(&m->lock, NULL))
        return tn_error_set(e, TN_ENOMEM, "no mutex to be had");
    m->has_lock = true;
    tn_status status = tn_model_settings(m->config->root, &seed, &real, e);
    if (!status) status = read_memory(m, e);
    if (!status) status = tn_inputs_write(m->config, in, e);
    if (!status)
        status = tn_graph_build(m->env, m->config->root, in, real, seed, most, &m->graph,
                                e);
    if (!status && fresh) status = first_weights(m, e);
    if (status) return status;
    m->chunk = tn_predict_chunk(m->graph);
    tn_graph_tick(m->graph, &tn_clock_start);
    return read_classes(m, e);
}

tn_status tn_model_make(tn_env *env, tn_config *config, const tn_inputs *in, int64_t most,
                        bool fresh, tn_model **out, tn_error *e)
{
    *out = NULL;
    tn_model *m = tn_memory_get(&env->memory, sizeof *m, e);
    if (!m) {
        tn_config_free(config);
        return TN_ENOMEM;
    }
    m->env = env;
    m->config = config;
    const tn_status status = fill(m, in, most, fresh, e);
    if (status)
        tn_model_free(m);
    else
        *out = m;
    return status;
}

/* Those of the config, of which a single one may be given another shape. */
static tn_status choose_inputs(const tn_config *config, const tn_shape *input,
                               tn_inputs *in, tn_error *e)
{
    const tn_status status = tn_inputs_read(config->root, in, e);
    if (status) return status;
    if (!input && !in->count)
        return tn_cfg_error(
            config->root, e, TN_EINVAL,
            "no input: section; give the input's shape, e.g. input: [784]");
    if (!input) return TN_OK;
    if (in->count > 1)
        return tn_error_set(e, TN_EINVAL,
                            "the config has %d inputs; their shapes are those under "
                            "input:, give NULL",
                            in->count);
    if (input->rank < 1 || input->rank > TN_MAX_SAMPLE_RANK)
        return tn_error_set(e, TN_ESHAPE, "an input has 1 to %d axes, not %d",
                            TN_MAX_SAMPLE_RANK, input->rank);
    if (in->count)
        in->of[0].shape = *input;
    else
        *in = tn_inputs_one(input);
    return TN_OK;
}

tn_model *tn_model_new(tn_env *env, const tn_config *config, const tn_shape *input,
                       tn_error *e)
{
    tn_model *m = NULL;
    tn_inputs in;
    if (choose_inputs(config, input, &in, e)) return NULL;
    tn_config *own = tn_config_copy(env, config, e);
    return own && !tn_model_make(env, own, &in, INT64_MAX, true, &m, e) ? m : NULL;
}

void tn_model_free(tn_model *m)
{
    if (!m) return;
    tn_predict_free(m);
    if (m->has_lock) pthread_mutex_destroy(&m->lock);
    tn_graph_free(m->graph);
    tn_memory_put(&m->env->memory, m->classes);
    tn_memory_put(&m->env->memory, m->score);
    tn_config_free(m->config);
    tn_memory_put(&m->env->memory, m);
}

/* ---- looking into it ------------------------------------------------------------------ */

const tn_shape *tn_model_input(const tn_model *m)
{
    return &m->graph->node[0].spec.out;
}

int32_t tn_model_inputs(const tn_model *m)
{
    return m->graph->inputs;
}

const char *tn_model_input_name(const tn_model *m, int32_t i)
{
    return i < 0 || i >= m->graph->inputs ? NULL : m->graph->node[i].name;
}

const tn_shape *tn_model_input_shape(const tn_model *m, int32_t i)
{
    return i < 0 || i >= m->graph->inputs ? NULL : &m->graph->node[i].spec.out;
}

const tn_shape *tn_model_output(const tn_model *m)
{
    return tn_graph_output(m->graph);
}

uint64_t tn_model_seed(const tn_model *m)
{
    return m->graph->seed;
}

int32_t tn_model_precision(const tn_model *m)
{
    return m->graph->real ? TN_F64 : TN_F32;
}

const char *const *tn_model_classes(const tn_model *m)
{
    return m->classes;
}

int32_t tn_model_class_count(const tn_model *m)
{
    return m->class_count;
}

int32_t tn_model_layers(const tn_model *m)
{
    return m->graph->nodes - m->graph->inputs;
}

static void add_size(const tn_graph_param *p, tn_layer_info *to)
{
    const int64_t n = tn_count(&p->value);
    to->parameters += n;
    if (p->rule.frozen) to->frozen += n;
}

tn_layer_info tn_model_layer(const tn_model *m, int32_t i)
{
    tn_layer_info info = {.name = "",
                          .plugin = "",
                          .initializer = "-",
                          .regularizer = "-",
                          .parametrization = "-",
                          .training = "-"};
    if (i < 0 || i >= tn_model_layers(m)) return info;
    const tn_graph_node *node = &m->graph->node[m->graph->inputs + i];
    info.name = node->name;
    info.plugin = node->layer->entry->name;
    info.output = node->spec.out;
    if (*node->rules) info.training = node->rules;
    for (int32_t k = 0; k < node->params; k++) {
        const tn_graph_param *p = &m->graph->param[node->first_param + k];
        add_size(p, &info);
        if (k == 0) info.initializer = p->init_text;
        if (p->regularizer) info.regularizer = p->regularizer_text;
        if (p->parametrization) info.parametrization = p->parametrization->entry->name;
        for (int32_t own = 0; own < p->own; own++)
            add_size(&m->graph->param[p->first_own + own], &info);
    }
    return info;
}

bool tn_model_part(const tn_model *m, int32_t i, const char **name, tn_tensor *t)
{
    const tn_graph *g = m->graph;
    if (i < 0 || i >= g->params + g->states) return false;
    *name = i < g->params ? g->param[i].name : g->state[i - g->params].name;
    *t = i < g->params ? g->param[i].value : g->state[i - g->params].value;
    return true;
}

int32_t tn_model_tensors(const tn_model *m)
{
    return m->graph->params + m->graph->states;
}

tn_status tn_model_tensor(const tn_model *m, int32_t i, const char **name, tn_tensor *t)
{
    const char *unused;
    atomic_store(&m->graph->handed_out, true);
    return tn_model_part(m, i, name ? name : &unused, t) ? TN_OK : TN_ENOTFOUND;
}

tn_status tn_model_find(const tn_model *m, const char *name, tn_tensor *t, tn_error *e)
{
    const char *found;
    atomic_store(&m->graph->handed_out, true);
    for (int32_t i = 0; tn_model_part(m, i, &found, t); i++)
        if (!strcmp(found, name)) return TN_OK;
    return tn_error_set(e, TN_ENOTFOUND, "the model has no tensor '%s'", name);
}

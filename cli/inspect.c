/* inspect.c - what there is: `tenon plugins`, `tenon describe`, `tenon info`. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/nearest.h"

/* ---- plugins ------------------------------------------------------------------------- */

enum { MOST_PLUGINS = 1000 };

typedef struct listing {
    const char *kind; /* NULL: all */
    bool json;
    int32_t shown, kinds;
    const char *known[MOST_PLUGINS]; /* kinds, as often as they have plugins */
} listing;

static void print_plugin(const tn_plugin_info *plugin)
{
    char name[160], line[1200], clean[1200];
    snprintf(name, sizeof name, "%s/%s", plugin->kind, plugin->name);
    snprintf(line, sizeof line, "%-32s %-7s %s  [%s]", name, plugin->version,
             plugin->summary, plugin->file);
    puts(cli_clean(clean, sizeof clean, line, false));
    cli_flush(); /* line by line, so that why one is lost is known */
}

static void emit_plugin(const tn_plugin_info *plugin)
{
    json_object *event = cli_event("plugin");
    cli_json_text(event, "kind", plugin->kind);
    cli_json_text(event, "name", plugin->name);
    cli_json_text(event, "version", plugin->version);
    cli_json_text(event, "summary", plugin->summary);
    cli_json_text(event, "file", plugin->file);
    cli_emit(event);
}

static int show_plugin(void *data, const tn_plugin_info *plugin)
{
    listing *l = data;
    if (l->kinds < MOST_PLUGINS) l->known[l->kinds++] = plugin->kind;
    if (l->kind && strcmp(l->kind, plugin->kind)) return 0;
    l->shown++;
    if (l->json)
        emit_plugin(plugin);
    else
        print_plugin(plugin);
    return 0;
}

int cli_plugins(const cli_options *o, tn_error *error)
{
    listing l = {.kind = o->operands ? o->operand[0] : NULL, .json = o->json};
    tn_env *env = cli_env(o, error);
    int status = CLI_ERROR;
    if (env && !tn_plugins_list(env, show_plugin, &l, error)) status = CLI_DONE;
    if (!status && l.kind && !l.shown) {
        const char *near = tn_nearest(l.kind, l.known, l.kinds);
        status = cli_fail(error, TN_ENOTFOUND,
                          "no plugins of kind '%s'%s%s; tenon plugins lists all, each as "
                          "KIND/NAME",
                          l.kind, near ? "; the nearest kind is " : "", near ? near : "");
    }
    tn_env_free(env);
    return status;
}

/* ---- describe ------------------------------------------------------------------------ */

/* A name that stands for a plugin without saying its kind. */
typedef struct lookup {
    const char *name;
    char found[256],
        all[800]; /* KIND/NAME: the last one that has the name, all that have */
    int32_t matches, names;
    const char *known[MOST_PLUGINS];
} lookup;

static int look(void *data, const tn_plugin_info *plugin)
{
    lookup *l = data;
    if (l->names < MOST_PLUGINS) l->known[l->names++] = plugin->name;
    if (strcmp(l->name, plugin->name)) return 0;
    snprintf(l->found, sizeof l->found, "%s/%s", plugin->kind, plugin->name);
    const size_t used = strlen(l->all);
    snprintf(l->all + used, sizeof l->all - used, "%s%s", l->matches++ ? ", " : "",
             l->found);
    return 0;
}

static int find_plugin(const lookup *l, tn_error *error)
{
    if (l->matches == 1) return CLI_DONE;
    if (l->matches)
        return cli_fail(error, TN_EINVAL,
                        "several plugins are called '%s'; say which: %s", l->name,
                        l->all);
    const char *near = tn_nearest(l->name, l->known, l->names);
    return cli_fail(error, TN_ENOTFOUND,
                    "no plugin is called '%s'%s%s; tenon plugins lists all", l->name,
                    near ? "; the nearest name is " : "", near ? near : "");
}

static int show_page(const cli_options *o, const char *name, const char *page,
                     tn_error *error)
{
    if (o->json) {
        json_object *event = cli_event("describe");
        cli_json_text(event, "plugin", name);
        cli_json_text(event, "page", page);
        cli_emit(event);
        return CLI_DONE;
    }
    const size_t size = strlen(page) + 1;
    char *clean = malloc(size);
    if (!clean) return cli_fail(error, TN_ENOMEM, "out of memory");
    fputs(cli_clean(clean, size, page, true), stdout);
    free(clean);
    return CLI_DONE;
}

/* Of a plugin, or of an option where no plugin has the name. */
static char *page_of(tn_env *env, lookup *l, tn_error *error)
{
    if (strchr(l->name, '/')) {
        snprintf(l->found, sizeof l->found, "%s", l->name);
        return tn_plugin_describe(env, l->name, error);
    }
    if (tn_plugins_list(env, look, l, error)) return NULL;
    char *page = l->matches ? NULL : tn_option_describe(env, l->name, NULL);
    if (page) snprintf(l->found, sizeof l->found, "%s", l->name);
    if (page || find_plugin(l, error)) return page;
    return tn_plugin_describe(env, l->found, error);
}

static int describe(const cli_options *o, tn_env *env, tn_error *error)
{
    lookup l = {.name = o->operand[0]};
    char *page = page_of(env, &l, error);
    if (!page) return CLI_ERROR;
    const int status = show_page(o, l.found, page, error);
    tn_text_free(env, page);
    return status;
}

int cli_describe(const cli_options *o, tn_error *error)
{
    tn_env *env = cli_env(o, error);
    const int status = env ? describe(o, env, error) : CLI_ERROR;
    tn_env_free(env);
    return status;
}

/* ---- info ---------------------------------------------------------------------------- */

static void print_info(const tn_env_info *info)
{
    char clean[8192];
    printf("tenon     %s, plugin interface %d.%d\n", tn_version(), (int)info->abi_major,
           (int)info->abi_minor);
    printf("processor %s\n", cli_clean(clean, sizeof clean, info->cpu, false));
    printf("backend   %s\n", cli_clean(clean, sizeof clean, info->backend, false));
    printf("threads   %d\n", (int)info->threads);
    printf("plugins are searched in\n");
    cli_clean(clean, sizeof clean, info->search_path, true);
    char *rest = NULL;
    for (char *line = strtok_r(clean, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        printf("          %s\n", line);
}

static json_object *info_event(const tn_env_info *info)
{
    json_object *event = cli_event("info");
    cli_json_text(event, "version", tn_version());
    cli_json_int(event, "abi_major", info->abi_major);
    cli_json_int(event, "abi_minor", info->abi_minor);
    cli_json_text(event, "cpu", info->cpu);
    cli_json_text(event, "backend", info->backend);
    cli_json_int(event, "threads", info->threads);
    cli_json_text(event, "search_path", info->search_path);
    return event;
}

static const char *precision_of(const tn_model *model)
{
    return tn_model_precision(model) == TN_F64 ? "double" : "float";
}

static int64_t classes_of(const tn_model *model)
{
    if (!tn_model_classes(model)) return 0;
    return tn_shape_width(tn_model_output(model));
}

static void print_classes(const tn_model *model)
{
    const char *const *name = tn_model_classes(model);
    char clean[256];
    printf("classes   ");
    for (int64_t i = 0; i < classes_of(model); i++)
        printf("%s%s", i ? ", " : "", cli_clean(clean, sizeof clean, name[i], false));
    puts(name ? "" : "without names");
}

#define EXAMPLE_BATCH 64

/* batch: 0 where there is no data, which says how large it is. */
static void print_memory(const tn_model *model, int64_t batch)
{
    static const char *const what[] = {"predict", "train"};
    printf("batch     ");
    if (batch)
        printf("%lld samples (of the data section: by default 32, or all streams, and no "
               "more "
               "than there are)\n",
               (long long)batch);
    else
        printf("%lld samples (an example: there is no data section to say it)\n",
               (long long)(batch = EXAMPLE_BATCH));
    for (int training = 1; training >= 0; training--) {
        tn_memory_use use;
        if (tn_model_memory(model, batch, training, &use, NULL)) continue;
        printf("memory    %.2f MiB of values to %s batches of %lld (the least possible: "
               "%.2f, without sharing: %.2f",
               (double)use.values / 0x1p20, what[training], (long long)batch,
               (double)use.least / 0x1p20, (double)use.apart / 0x1p20);
        if (use.values != use.normal)
            printf(", with memory: normal: %.2f", (double)use.normal / 0x1p20);
        printf(")\n");
    }
}

static void print_inputs(const tn_model *model)
{
    char text[200];
    const int32_t count = tn_model_inputs(model);
    printf(count > 1 ? "inputs    " : "input     ");
    for (int32_t i = 0; i < count; i++)
        printf("%s%s%s%s", i ? ", " : "", count > 1 ? tn_model_input_name(model, i) : "",
               count > 1 ? " " : "",
               cli_shape(text, sizeof text, tn_model_input_shape(model, i)));
    printf("\n");
}

/* A shape, or of several inputs an object with the shape of each. */
static void add_inputs(json_object *event, const tn_model *model)
{
    if (tn_model_inputs(model) == 1) {
        cli_json_shape(event, "input", tn_model_input(model));
        return;
    }
    json_object *inputs = json_object_new_object();
    for (int32_t i = 0; i < tn_model_inputs(model); i++)
        cli_json_shape(inputs, tn_model_input_name(model, i),
                       tn_model_input_shape(model, i));
    json_object_object_add(event, "input", inputs);
}

static void print_model(const char *path, const tn_model *model, int64_t batch)
{
    char text[4200];
    printf("\nmodel     %s\n", cli_clean(text, sizeof text, path, false));
    printf("seed      %llu\n", (unsigned long long)tn_model_seed(model));
    printf("precision %s\n", precision_of(model));
    print_inputs(model);
    print_classes(model);
    print_memory(model, batch);
    printf("\n");
    cli_model_table(model);
}

static void add_model(json_object *event, const char *path, const tn_model *model)
{
    const char *const *name = tn_model_classes(model);
    json_object *classes = name ? json_object_new_array() : NULL;
    for (int64_t i = 0; i < classes_of(model); i++)
        json_object_array_add(classes, cli_json_clean(name[i]));
    cli_json_text(event, "model", path);
    cli_json_int(event, "seed", (int64_t)tn_model_seed(model));
    cli_json_text(event, "precision", precision_of(model));
    add_inputs(event, model);
    json_object_object_add(event, "classes", classes);
    cli_model_json(event, model);
}

/* model: NULL if none was named. batch: as of print_memory. `trained`: its parameters are not those
 * that a config begins with. */
static int show_info(const cli_options *o, tn_env *env, const tn_model *model,
                     int64_t batch, bool trained, tn_error *error)
{
    tn_env_info info = {0};
    int status = CLI_DONE;
    if (tn_env_info_get(env, &info, error)) return CLI_ERROR;
    if (o->json) {
        json_object *event = info_event(&info);
        if (model) add_model(event, o->operand[0], model);
        if (trained) status = cli_zeros_json(event, model, error);
        if (status)
            json_object_put(event);
        else
            cli_emit(event);
        return status;
    }
    print_info(&info);
    if (model) print_model(o->operand[0], model, batch);
    return trained ? cli_zeros_table(model, error) : CLI_DONE;
}

static int info_of_model(const cli_options *o, tn_env *env, tn_error *error)
{
    char path[4200];
    if (o->sets)
        return cli_fail(error, TN_EINVAL, "--set changes a config, but %s is none",
                        o->operand[0]);
    if (cli_model_path(o, o->operand[0], path, error)) return CLI_ERROR;
    tn_model *model = tn_model_load(env, path, error);
    const int status = model ? show_info(o, env, model, 0, true, error) : CLI_ERROR;
    tn_model_free(model);
    return status;
}

/* A trainer that is never run, for its network: the shape of the input comes with the data. */
static int info_of_config(const cli_options *o, tn_env *env, tn_error *error)
{
    const tn_train_options options = {0};
    int status = CLI_ERROR;
    tn_config *config = tn_config_load(env, o->operand[0], o->set, o->sets, error);
    tn_trainer *trainer = config ? tn_trainer_new(env, config, &options, error) : NULL;
    if (trainer)
        status = show_info(o, env, tn_trainer_model(trainer), tn_trainer_batch(trainer),
                           false, error);
    tn_trainer_free(trainer);
    tn_config_free(config);
    return status;
}

static int info(const cli_options *o, tn_env *env, tn_error *error)
{
    if (!o->operands) return show_info(o, env, NULL, 0, false, error);
    const cli_place place = cli_place_of(o->operand[0]);
    if (place == CLI_ARCHIVE || place == CLI_FOLDER) return info_of_model(o, env, error);
    return info_of_config(o, env, error);
}

int cli_info(const cli_options *o, tn_error *error)
{
    tn_env *env = cli_env(o, error);
    const int status = env ? info(o, env, error) : CLI_ERROR;
    tn_env_free(env);
    return status;
}

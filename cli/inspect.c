/* inspect.c - what there is: `tenon plugins`, `tenon describe`, `tenon info`. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static int print_plugin(void *data, const tn_plugin_info *plugin)
{
    char name[160], line[1200], clean[1200];
    (void)data;
    snprintf(name, sizeof name, "%s/%s", plugin->kind, plugin->name);
    snprintf(line, sizeof line, "%-32s %-7s %s  [%s]", name, plugin->version,
             plugin->summary, plugin->file);
    puts(cli_clean(clean, sizeof clean, line, false));
    return 0;
}

static int emit_plugin(void *data, const tn_plugin_info *plugin)
{
    json_object *event = cli_event("plugin");
    (void)data;
    cli_json_text(event, "kind", plugin->kind);
    cli_json_text(event, "name", plugin->name);
    cli_json_text(event, "version", plugin->version);
    cli_json_text(event, "summary", plugin->summary);
    cli_json_text(event, "file", plugin->file);
    cli_emit(event);
    return 0;
}

int cli_plugins(const cli_options *o, tn_error *error)
{
    tn_env *env = cli_env(o, error);
    if (!env) return CLI_ERROR;
    const tn_status status = tn_plugins_list(env, o->json ? emit_plugin : print_plugin,
                                             NULL, error);
    tn_env_free(env);
    return status ? CLI_ERROR : CLI_DONE;
}

static int describe(const cli_options *o, tn_env *env, tn_error *error)
{
    char *page = tn_plugin_describe(env, o->operand[0], error);
    if (!page) return CLI_ERROR;
    const size_t size = strlen(page) + 2;
    char *clean = malloc(size);
    if (clean) fputs(cli_clean(clean, size, page, true), stdout);
    const bool done = clean != NULL;
    free(clean);
    tn_text_free(env, page);
    return done ? CLI_DONE : cli_fail(error, TN_ENOMEM, "out of memory");
}

int cli_describe(const cli_options *o, tn_error *error)
{
    tn_env *env = cli_env(o, error);
    const int status = env ? describe(o, env, error) : CLI_ERROR;
    tn_env_free(env);
    return status;
}

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

static int show_info(const cli_options *o, tn_env *env, tn_trainer *trainer,
                     tn_error *error)
{
    tn_env_info info = {0};
    if (tn_env_info_get(env, &info, error)) return CLI_ERROR;
    if (o->json) {
        json_object *event = info_event(&info);
        if (trainer) cli_model_json(event, tn_trainer_model(trainer));
        cli_emit(event);
        return CLI_DONE;
    }
    print_info(&info);
    if (trainer) {
        printf("\n");
        cli_model_table(tn_trainer_model(trainer));
    }
    return CLI_DONE;
}

/* A trainer that is never run, for its network: the shape of the input comes with the data. */
static tn_trainer *network_of(const cli_options *o, tn_env *env, tn_config **config,
                              tn_error *error)
{
    const tn_train_options options = {0};
    *config = tn_config_load(env, o->operand[0], o->set, o->sets, error);
    return *config ? tn_trainer_new(env, *config, &options, error) : NULL;
}

int cli_info(const cli_options *o, tn_error *error)
{
    tn_env *env = cli_env(o, error);
    if (!env) return CLI_ERROR;
    tn_config *config = NULL;
    tn_trainer *trainer = o->operands ? network_of(o, env, &config, error) : NULL;
    int status = CLI_ERROR;
    if (!o->operands || trainer) status = show_info(o, env, trainer, error);
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
    return status;
}

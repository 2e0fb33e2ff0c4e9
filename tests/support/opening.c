/* opening.c - see opening.h. */
#include "opening.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

tn_env *open_env(const char *backend, int32_t threads)
{
    char path[8192];
    tn_error e = {0};
    const char *plugins = getenv("TENON_TEST_PLUGINS"),
               *toys = getenv("TENON_TEST_CORE_TOYS");
    cr_assert(plugins && toys, "TENON_TEST_PLUGINS and TENON_TEST_CORE_TOYS are not set");
    snprintf(path, sizeof path, "%s:%s", plugins, toys);
    const tn_env_options options = {.plugin_path = path,
                                    .backend = backend,
                                    .threads = threads,
                                    .foreign = getenv("TENON_TEST_FOREIGN")};
    tn_env *env = tn_env_new(&options, &e);
    cr_assert_not_null(env, "%s", e.text);
    return env;
}

tn_graph *open_graph(tn_env *env, const char *model, const tn_shape *input, int32_t real,
                     tn_config **config)
{
    char text[1024];
    tn_error e = {0};
    tn_graph *graph;
    snprintf(text, sizeof text, "model: %s\n", model);
    *config = tn_config_parse(env, text, "test.yaml", NULL, 0, &e);
    cr_assert_not_null(*config, "%s", e.text);
    cr_assert_eq(
        tn_graph_new(env, (*config)->root, input, real, 7, INT64_MAX, &graph, &e), TN_OK,
        "%s", e.text);
    return graph;
}

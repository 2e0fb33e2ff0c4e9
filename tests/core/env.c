/* env.c - environments: backends, information, attached data, pages and lists of
 * plugins. */
#include "core/env.h"

#include "support/plugin_folder.h"

Test(env, comes_and_goes)
{
    tn_error e = {0};
    tn_env *env = tn_env_new(NULL, &e);
    cr_assert_not_null(env, "%s", e.text);
    cr_assert_str_eq(env->backend_name, "blis");
    tn_env_free(env);
    tn_env_free(NULL);
    const tn_env_options wrong = {.threads = -1}, tight = {.max_memory = 8};
    cr_assert_null(tn_env_new(&wrong, &e));
    cr_assert_has(e.text, "threads: -1");
    cr_assert_null(tn_env_new(&tight, &e));
    cr_assert_eq(e.status, TN_ENOMEM);
    cr_assert_null(tn_env_new(&wrong, NULL));
    cr_assert_str_not_empty(tn_version());
}

Test(env, a_backend_is_made_once_for_each_precision)
{
    tn_env *env = new_env(NULL);
    const tn_instance *one, *other;
    tn_error e = {0};
    cr_assert_eq(tn_env_backend(env, 0, &one, &e), TN_OK, "%s", e.text);
    cr_assert_eq(tn_env_backend(env, 0, &other, &e), TN_OK);
    cr_assert_eq(one, other);
    cr_assert_eq(tn_env_backend(env, 1, &other, &e), TN_OK);
    cr_assert_neq(one, other);
    cr_assert_eq(other->impl->real_size, 8);
    tn_env_free(env);
}

Test(env, a_backend_that_is_not_there)
{
    const tn_env_options options = {.backend = "refrence"};
    tn_error e = {0};
    tn_env_info info;
    tn_env *env = tn_env_new(&options, &e);
    cr_assert_eq(tn_env_info_get(env, &info, &e), TN_ENOTFOUND);
    cr_assert_has(e.text, "there is no backend 'refrence'; did you mean 'reference'?");
    tn_env_free(env);
}

Test(env, information)
{
    const char *folder = test_folder();
    tn_env *env = new_env(folder);
    tn_env_info info;
    tn_error e = {0};
    cr_assert_eq(tn_env_info_get(env, &info, &e), TN_OK, "%s", e.text);
    cr_assert_eq(info.abi_major, TN_ABI_MAJOR);
    cr_assert_geq(info.threads, 1);
    cr_assert_str_not_empty(info.cpu);
    cr_assert_str_not_empty(info.backend);
    cr_assert_has(info.search_path, folder);
    cr_assert(info.memory_used > 0 && info.memory_peak >= info.memory_used);
    cr_assert_gt(info.allocations, 0);
    tn_env_free(env);
}

Test(env, messages_are_clean_and_may_go_nowhere)
{
    tn_env *env = new_env(NULL);
    *logged = 0;
    tn_env_log(env, TN_LOG_WARNING, "a\x1b[31m%s", "b\n");
    cr_assert_str_eq(logged, "2 a?[31mb?\n");
    env->log = NULL;
    tn_env_log(env, TN_LOG_WARNING, "silence");
    cr_assert_null(strstr(logged, "silence"));
    tn_env_free(env);
}

/* ---- data in memory ---------------------------------------------------------------- */

static const float values[4] = {1, 2, 3, 4};
static const int32_t labels[2] = {0, 1};

static tn_memory_data rows(void)
{
    return (tn_memory_data){.samples = 2,
                            .input = {1, {2}},
                            .classes = 2,
                            .inputs = values,
                            .labels = labels};
}

static const tn_memory_data *look_up(tn_env *env, const char *name)
{
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, env, NULL, 0, NULL);
    const tn_memory_service *service = call->host->service(call, TN_MEMORY_SERVICE);
    cr_assert_eq(service->struct_size, sizeof *service);
    return service->find(call, name);
}

Test(env, attached_data_is_found_by_name)
{
    tn_env *env = new_env(NULL);
    tn_error e = {0};
    tn_memory_data data = rows();
    cr_assert_eq(tn_env_attach(env, "one", &data, &e), TN_OK, "%s", e.text);
    data.samples = 1;
    cr_assert_eq(tn_env_attach(env, "two", &data, &e), TN_OK);
    cr_assert_eq(look_up(env, "one")->samples, 2);
    cr_assert_eq(look_up(env, "two")->samples, 1);
    const tn_memory_data *before = look_up(env, "one");
    cr_assert_null(look_up(env, "three"));
    cr_assert_eq(tn_env_attach(env, "one", &data, &e),
                 TN_OK); /* other data, the same name */
    cr_assert_eq(look_up(env, "one")->samples, 1);
    cr_assert_eq(before->samples, 2, "who reads it already must not see it change");
    tn_env_free(env);
}

Test(env, data_that_cannot_be)
{
    tn_env *env = new_env(NULL);
    tn_error e = {0};
    tn_memory_data d[8];
    for (int i = 0; i < 8; i++) d[i] = rows();
    d[0].samples = 0;
    d[1].input.rank = 0;
    d[2].input.dim[0] = -1;
    d[3].inputs = NULL;
    d[4].targets = values;
    d[5].labels = NULL;
    d[6].target = (tn_shape){1, {3}};
    d[7].classes = -1;
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(tn_env_attach(env, "bad", &d[i], &e), TN_EINVAL, "%d", i);
        cr_assert_has(e.text, "data 'bad': ");
    }
    const tn_memory_data good = rows();
    cr_assert_eq(tn_env_attach(env, "", &good, &e), TN_EINVAL);
    cr_assert_null(look_up(env, "bad"));
    tn_env_free(env);
}

/* ---- pages ------------------------------------------------------------------------- */

Test(env, the_page_of_a_plugin)
{
    const char *folder = test_folder();
    const char *file = put_plugin(folder, "fitting", "every_type", "layer", "every_type");
    tn_env *env = new_env(folder);
    tn_error e = {0};
    char *page = tn_plugin_describe(env, "layer/every_type", &e);
    cr_assert_not_null(page, "%s", e.text);
    static const char *const parts[] = {
        "layer/every_type 0.1\n",
        "the identity, with many options",
        "y = x",
        "none: a test",
        "Apache-2.0",
        "count *",
        "[-5, 10]",
        "(0, 1)",
        "one of red, green, blue",
        "green",
        "number or schedule",
        "list of regularizers",
        "list of texts",
        "list of layers",
        "list of lists of layers",
        "a truth",
        "`every_type: VALUE` is short for `every_type: {count: VALUE}`",
        "Options of every layer:",
        "parametrization"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert_has(page, parts[i]);
    cr_assert_has(page, file);
    tn_text_free(env, page);
    page = tn_plugin_describe(env, "layer/dense", &e);
    cr_assert_has(page, "required");
    tn_text_free(env, page);
    page = tn_plugin_describe(env, "optimizer/adam", &e);
    cr_assert_has(page, "learning rate");
    tn_text_free(env, page);
    tn_env_free(env);
}

Test(env, pages_that_are_not_there)
{
    tn_env *env = new_env(NULL);
    tn_error e = {0};
    cr_assert_null(tn_option_describe(env, "dense", &e));
    cr_assert_not_null(strstr(e.text, "no plugin has an option 'dense'"), "%s", e.text);
    cr_assert_null(tn_plugin_describe(env, "dense", &e));
    cr_assert_has(e.text, "KIND/NAME");
    cr_assert_null(tn_plugin_describe(env, "layer/dens", &e));
    cr_assert_has(e.text, "did you mean 'dense'?");
    cr_assert_null(tn_plugin_describe(env, "lair/dense", &e));
    cr_assert_has(e.text, "no kind of plugin called 'lair'");
    tn_env_free(env);
}

static int see(void *data, const tn_plugin_info *info)
{
    int *dense = data;
    cr_assert(*info->kind && *info->name && *info->version && *info->summary &&
              *info->file);
    *dense += !strcmp(info->kind, "layer") && !strcmp(info->name, "dense");
    return 0;
}

Test(env, the_list_of_plugins)
{
    tn_env *env = new_env(NULL);
    tn_error e = {0};
    int dense = 0;
    *logged = 0;
    cr_assert_eq(tn_plugins_list(env, see, &dense, &e), TN_OK, "%s", e.text);
    cr_assert_eq(dense, 1);
    cr_assert_str_empty(logged); /* all of Tenon's own load */
    tn_env_free(env);
}

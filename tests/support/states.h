/* states.h - state_dicts of PyTorch's and the same networks as Tenon's:
 * tests/reference/make_state_fixtures.py. */
#ifndef TESTS_SUPPORT_STATES_H
#define TESTS_SUPPORT_STATES_H

#include <criterion/criterion.h>

#include "core/model.h"
#include "tests/support/running.h"

TN_UNUSED static const char *states_reference(const char *name, const char *end)
{
    static char text[4][4096];
    static int turn;
    const char *source = getenv("TENON_TEST_DATA");
    cr_assert(source, "TENON_TEST_DATA must name the folder tests");
    snprintf(text[++turn % 4], 4096, "%s/reference/%s%s", source, name, end);
    return text[turn % 4];
}

/* The model of state-NAME.yaml, with further settings; NULL if it is refused. */
TN_UNUSED static tn_model *states_model(tn_env *env, const char *name, const char *file,
                                        bool real, const char *const *sets, int32_t count,
                                        tn_error *e)
{
    char path[4200], yaml[100];
    const char *all[16] = {real ? "precision=double" : "precision=float", path};
    snprintf(path, sizeof path, "init_from.path=%s", file);
    snprintf(yaml, sizeof yaml, "state-%s", name);
    for (int32_t i = 0; i < count; i++) all[i + 2] = sets[i];
    tn_config *config = tn_config_load(env, states_reference(yaml, ".yaml"), all,
                                       count + 2, e);
    cr_assert_not_null(config, "%s", e->text);
    tn_model *m = tn_model_new(env, config, NULL, e);
    tn_config_free(config);
    return m ? kept(m) : NULL;
}

TN_UNUSED static const char *states_file(const char *name)
{
    char text[100];
    snprintf(text, sizeof text, "state-%s", name);
    return states_reference(text, ".safetensors");
}

TN_UNUSED static const char *states_saved(const tn_model *m)
{
    static char path[300];
    tn_error e = {0};
    snprintf(path, sizeof path, "%s", test_path(test_folder(), "model.safetensors"));
    cr_assert_eq(tn_model_save(m, path, &e), TN_OK, "%s", e.text);
    return path;
}

#endif

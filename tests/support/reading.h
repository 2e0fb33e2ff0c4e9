/* reading.h - configs from texts, for suites of the config's tree. `memory` counts
 * what they hold, so that done() sees leaks. */
#ifndef TESTS_SUPPORT_READING_H
#define TESTS_SUPPORT_READING_H

#include <criterion/criterion.h>
#include <string.h>

#include "core/config_tree.h"

static tn_memory memory;

static inline tn_config *read_text(const char *text, tn_error *e)
{
    return tn_config_read(&memory, text, strlen(text), "net.yaml", e);
}

static inline tn_config *read_good(const char *text)
{
    tn_error e = {0};
    tn_config *config = read_text(text, &e);
    cr_assert_not_null(config, "%s", e.text);
    return config;
}

static inline void done(tn_config *config)
{
    tn_config_free(config);
    cr_assert_eq(memory.used, 0);
}

#endif

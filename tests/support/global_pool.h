/* global_pool.h - what the suites of global_avg_pool and global_max_pool share. */
#ifndef TESTS_SUPPORT_GLOBAL_POOL_H
#define TESTS_SUPPORT_GLOBAL_POOL_H

#include <stdio.h>

#include "tests/support/check.h"

/* [{dense: units}, NAME, {dense: out}] */
static const char *global_pool_net(const char *name, int64_t units, int out)
{
    static char model[100];
    snprintf(model, sizeof model, "[{dense: %d}, %s, {dense: %d}]", (int)units, name,
             out);
    return model;
}

static void global_pool_gradients(const char *name)
{
    for (uint32_t seed = 1; seed <= 40; seed++)
        check_gradients(global_pool_net(name, check_draw(seed, 0, 1, 5), 2), NULL, 0,
                        check_draw_shape(seed, 2, 4, 4), check_draw(seed, 1, 1, 3), true);
}

/* More channels than are worked on at a time. */
static void global_pool_many_channels(const char *name)
{
    check_precisions(global_pool_net(name, 700, 2), NULL, 0, check_shape(3, 3, 4, 2), 3,
                     1e-4);
}

static tn_shape global_pool_draw(const char *name, uint32_t seed,
                                 char layers[CHECK_LAYERS])
{
    snprintf(layers, CHECK_LAYERS, "%s", name);
    return check_draw_rows(seed, 2, 4, 6, check_draw(seed, 0, 1, 40));
}

static void global_pool_independence(const char *name)
{
    check_independence(global_pool_net(name, 16, 3), check_shape(3, 20, 10, 2), 20);
}

static void global_pool_refuses(const char *name)
{
    char model[100];
    snprintf(model, sizeof model, "[%s]", name);
    check_refuses(model, check_shape(1, 6, 0, 0), "needs axes before the channels");
    check_refuses(model, check_shape(1, 6, 0, 0), "got (6)");
}

#endif

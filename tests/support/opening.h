/* opening.h - the environment and the graph that a test begins with. Whoever opens frees; any failure
 * ends the test through Criterion. */
#ifndef TESTS_SUPPORT_OPENING_H
#define TESTS_SUPPORT_OPENING_H

#include "core/graph.h"

/* Finds the build's plugins and the tests' toys. backend NULL, threads 0: the defaults. */
tn_env *open_env(const char *backend, int32_t threads);

/* Of the list `model`; *config lives as long as the graph. */
tn_graph *open_graph(tn_env *, const char *model, const tn_shape *input, int32_t real,
                     tn_config **config);

#endif

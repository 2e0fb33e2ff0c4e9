/* norms.h - what the suites of norms share: a layer with options, and what it takes, at random. */
#ifndef TESTS_SUPPORT_NORMS_H
#define TESTS_SUPPORT_NORMS_H

#include <stdio.h>

#include "tests/support/check.h"

static tn_shape norm_draw(const char *name, int32_t least_rank, uint32_t seed,
                          char layers[CHECK_LAYERS])
{
    snprintf(layers, CHECK_LAYERS, "{%s: {eps: %g, affine: %s}}", name,
             seed % 3 ? 1e-5 : 0.1, seed % 2 ? "true" : "false");
    return check_draw_rows(seed, least_rank, 4, 6, check_draw(seed, 0, 1, 40));
}

#endif

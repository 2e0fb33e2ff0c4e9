/* blocks.h - a net with a block against the same net spelled out: parameters in the same order have
 * the same numbers, so output and gradients must have the same bits. */
#ifndef TESTS_SUPPORT_BLOCKS_H
#define TESTS_SUPPORT_BLOCKS_H

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"
#include "tests/support/note.h"

TN_UNUSED static void blocks_same(const char *model, const char *spelled_out, tn_shape in)
{
    check_net *a = check_net_new(model, NULL, 0, in, 3, 1, 1),
              *b = check_net_new(spelled_out, NULL, 0, in, 3, 1, 1);
    cr_assert_eq(a->graph->params, b->graph->params, "%s", model);
    cr_assert_eq(a->outputs, b->outputs, "%s", model);
    cr_assert_eq(check_net_loss(a, true), check_net_loss(b, true), "%s", model);
    for (int32_t k = 0; k < a->graph->params; k++) {
        const tn_tensor g = tn_plan_gradient(a->plan, k),
                        h = tn_plan_gradient(b->plan, k);
        cr_assert_eq(tn_count(&g), tn_count(&h));
        cr_assert(!memcmp(g.data, h.data, sizeof(double) * (size_t)tn_count(&g)),
                  "%s: gradient of %s", model, a->graph->param[k].name);
    }
    cr_assert(!memcmp(check_net_output(a), check_net_output(b),
                      sizeof(double) * (size_t)(3 * a->outputs)),
              "%s: output", model);
    note_error(NULL, NOTE_VALUES, 1, 0);
}

#endif

/* older - not broken: built when a layer's vtable ended before `commit`. What lies behind
 * the size that it states is not the host's to read. */
#include <tenon/plugin.h>

#include "good.h"

static void TN(garbage)(const void *self, const tn_tile *t, int64_t members,
                        void *const *state)
{
}

static const tn_layer TN(vtable) = {
    .struct_size = offsetof(tn_layer, commit), GOOD_SLOTS, .commit = TN(garbage)};
TN_PLUGIN(layer, older, GOOD_TEXTS)

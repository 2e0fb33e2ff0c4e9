/* newer - not broken: its structs are longer than the host's, as those of a later
 * Tenon. */
#include <tenon/plugin.h>

#include "good.h"

typedef struct TN(longer) {
    tn_layer layer;
    void *later[4];
} TN(longer);

static const TN(longer) TN(vtable) = {
    .layer = {.struct_size = sizeof(TN(longer)), GOOD_SLOTS}, .later = {(void *)1}};
TN_PLUGIN(layer, newer, GOOD_TEXTS)

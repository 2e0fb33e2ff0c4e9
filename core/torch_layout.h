/* torch_layout.h - how PyTorch holds parameters and states (tn_param_spec.torch, .feature_axis). */
#ifndef CORE_TORCH_LAYOUT_H
#define CORE_TORCH_LAYOUT_H

#include "core/graph.h"

/* Adds a part, of F32 or F64 and at any alignment. `channels`: those of an axis that stands in the
 * order (position, channel) here and (channel, position) there; 0: orders are the same. */
void tn_torch_add(const tn_tensor *into, int32_t axis, int64_t channels,
                  const tn_torch_part *, const tn_tensor *from);
/* What differs, as JSON; NULL without an error: nothing does. The caller puts the text back to
 * memory. */
char *tn_torch_layout(const tn_graph *, tn_error *);

#endif

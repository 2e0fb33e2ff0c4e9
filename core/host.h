/* host.h - what the table of host functions calls in the rest of the core. */
#ifndef CORE_HOST_H
#define CORE_HOST_H

#include "core/env.h"

/* graph: setup is set while infer runs */
tn_status tn_graph_declare_param(tn_calling *, const tn_param_spec *);
tn_status tn_graph_declare_state(tn_calling *, const char *name, const tn_shape *,
                                 double fill);
/* plan: plan is set while a whole-class slot runs */
tn_status tn_plan_product(tn_calling *, const tn_product *);
tn_status tn_plan_column_sums(tn_calling *, const tn_tensor *m, tn_tensor *out);

#endif

/* judge_bind.h - binds what a judge is made of to the data and the network. */
#ifndef CORE_JUDGE_BIND_H
#define CORE_JUDGE_BIND_H

#include "core/judge.h"

/* The loss, and the field "weight". */
tn_status tn_judge_bind_loss(tn_judge *, const tn_graph *, const tn_data_info *,
                             tn_error *);
/* A metric, of which it takes the size; its sums stand behind those there are. */
tn_status tn_judge_bind_metric(tn_judge *, tn_criterion *metric, const tn_graph *,
                               const tn_data_info *, tn_error *);

#endif

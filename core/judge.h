/* judge.h - the loss and the metrics of a run: which fields they read, and what their sums over
 * the rows of a split come to.
 *
 * Sums are doubles in one array: [0] weighted loss, [1] weights and, where there are metrics, [2]
 * rows seen by them, then the sums of each, then what each keeps of rows, with room for all of the
 * split. So what a part
 * of an epoch has come to can be kept, and gone on from. */
#ifndef CORE_JUDGE_H
#define CORE_JUDGE_H

#include "core/feed.h"
#include "core/plan.h"

enum { TN_JUDGE_ROWS = 2, TN_JUDGE_SUMS };

typedef struct tn_criterion {
    tn_instance *instance;
    int32_t fields, field[TN_MAX_FIELDS]; /* numbers of the fields it reads */
    /* of a metric */
    tn_metric_size size;
    int64_t first_sum, first_kept;
} tn_criterion;

/* A number that a judge comes to: "loss", "accuracy", "recall[3]". */
typedef struct tn_judged {
    char name[64];
    int32_t row, column; /* of a table; -1: it is none of one */
    int32_t better;      /* tn_better */
    double value;
} tn_judged;

typedef struct tn_judge {
    tn_env *env;
    int32_t real;
    tn_criterion loss;
    int32_t given; /* field that weighs samples or rows; -1: there is none */
    int32_t metrics;
    tn_criterion *metric;
    int64_t rows, rows_per_sample; /* rows: of the split */
    int64_t sums;
    int32_t values;
    tn_judged *value; /* [0]: the loss */
    double *cell;     /* room for a table */
} tn_judge;

/* From `loss:` and `metrics:` of the root, for batches of a split with the fields of `info`. Without
 * metrics: accuracy, when the target is a label. A field "weight" that is no input of the network
 * weighs the loss. */
tn_status tn_judge_new(const tn_graph *, const tn_cfg *root, const tn_data_info *info,
                       int32_t split, tn_judge **, tn_error *);
void tn_judge_free(tn_judge *);
void tn_judge_walk(const tn_judge *, void (*visit)(void *, tn_instance *), void *);

/* Adds the forward just made to sums. With `gradient`, prepares backward; `scale` as in
 * tn_plan_loss. */
tn_status tn_judge_add(const tn_judge *, tn_plan *, const tn_pass *,
                       const tn_field *field, double scale, bool gradient, double *sums,
                       tn_error *);
/* That something of a split has been weighed; else it has no mean. */
tn_status tn_judge_weighed(const tn_judge *, const double *sums, int32_t split,
                           tn_error *);
/* The loss alone; NAN: nothing has been weighed. */
double tn_judge_loss(const double *sums);
/* Sets j->value; metrics may put what they keep in another order. */
void tn_judge_read(tn_judge *, double *sums);

/* An inference plan for the feed's batches. */
tn_status tn_evaluation_plan(tn_graph *, const tn_feed *, tn_plan **, tn_error *);
/* Sums over a whole split, with such a plan. Stops with TN_ECANCELED when *cancel (may be NULL)
 * becomes true; a loss that is not finite is TN_ENUMERIC. */
tn_status tn_evaluate(const tn_judge *, tn_plan *, tn_graph *, tn_feed *, int32_t split,
                      const atomic_bool *cancel, double *sums, tn_error *);
/* Where the numbers stopped being finite in the forward just made, and what to try. */
tn_status tn_not_finite(const tn_plan *, const tn_pass *, const tn_graph *,
                        const char *when, tn_error *);
/* Puts place and name of the plugin in front of what it reported; nothing on TN_OK. */
tn_status tn_blame(const tn_instance *, tn_status, tn_error *);

#endif

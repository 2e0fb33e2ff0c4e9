/* plan.h - a graph made ready to run on batches of up to a given size: all memory that passes
 * need is taken when the plan is made, none afterwards. Values and gradients are kept only as
 * long as something needs them, and layers run together where they can.
 *
 * A plan belongs to one thread at a time; plans of one graph may run at once as long as none
 * of them trains. Data is tn_real of the graph's precision throughout. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/graph.h"
#include "core/watch.h"

typedef struct tn_plan tn_plan;

/* Takes the gradient of a weight, block by block as the product that makes it goes on. */
typedef struct tn_sink {
    int64_t rows, cols; /* of the gradient as a matrix */
    /* As in tn_matrix; NULL: this parameter's gradient is not taken. [parallel] */
    void (*wrote)(const void *with, int64_t row, int64_t col, int64_t rows, int64_t cols,
                  void *block, int64_t stride);
    const void *with;
    bool stores; /* the gradient is wanted in memory as well */
    bool taken;  /* by the last pass */
} tn_sink;

typedef struct tn_plan_options {
    int64_t samples; /* at most, in a batch */
    bool training;
    bool accumulates; /* gradients of several batches will be added up */
    bool carries;     /* outside training: passes may go on with states (tn_pass) */
    bool draws; /* outside training: random layers draw all the same; it folds none */
    bool keeps; /* values of all nodes, for tn_plan_output: so it folds none */
    bool apart; /* every layer in a pass of its own: the same bits, only slower */
    /* Training: values are made again rather than kept, where that saves memory. */
    bool low;
    bool measures; /* nothing but tn_plan_memory is asked: takes next to no memory */
    /* Parameters whose gradient need not be stored, being taken by a sink where the layer makes it
     * so that it can (NULL: none). One whole pass without sinks stores them for good. */
    const bool *unstored;
} tn_plan_options;

tn_status tn_plan_make(tn_graph *, const tn_plan_options *, tn_plan **, tn_error *);
/* The same with what is usual. */
tn_status tn_plan_new(tn_graph *, int64_t max_samples, bool training, bool accumulates,
                      tn_plan **, tn_error *);
void tn_plan_free(tn_plan *);

/* Bytes of values, gradients of values and scratch, which share memory: what they take, and the
 * most that is needed at one time. `apart`: what they would take without sharing. */
typedef struct tn_plan_size {
    size_t shared, least, apart;
    size_t gradients; /* of parameters, as far as they are stored */
} tn_plan_size;
tn_plan_size tn_plan_memory(const tn_plan *);

/* What one pass needs to know beside the data. */
typedef struct tn_pass {
    int64_t samples;
    int64_t row;   /* logical number of the first sample, e.g. in an accumulated batch */
    int64_t of;    /* samples of all passes that an update adds up; 0: this is all */
    uint64_t step; /* for random keys: all passes of a step draw the same numbers */
    bool training;
    /* Outside training: as in it, states go on from pass to pass (TN_CARRIES). */
    bool carries;
    /* Outside training, in a plan that draws: random layers (TN_RANDOM) do as in training. */
    bool draws;
    /* Training: the weights are those of the pass before, of the same step. */
    bool further;
    tn_sink *sink; /* of each parameter, for backward; NULL: all gradients are stored */
} tn_pass;

/* Output of the last node, from an array for each input; *y points into the plan (or is one of
 * them), and stays until the next forward or backward. Inputs are read by backward too: they must
 * stay until then. */
tn_status tn_plan_run(tn_plan *, const tn_pass *, const void *const *x, const void **y,
                      tn_error *);
/* The same of a graph with one input. */
static inline tn_status tn_plan_forward(tn_plan *p, const tn_pass *pass, const void *x,
                                        const void **y, tn_error *e)
{
    return tn_plan_run(p, pass, &x, y, e);
}
/* Output of any node after forward, samples x shape: of a plan that keeps them. */
const void *tn_plan_output(const tn_plan *, int32_t node);

/* Loss of the forward just made against fields (in the order of the loss's `fields`, for
 * pass->samples samples). `given`: weights of samples or of rows, NULL: none. Sums: *value = sum of weight * value, *weight = sum of weights. With
 * `gradient`, d(sum)/dy is kept for backward, times `scale`; 0 stands for 1 / *weight. */
tn_status tn_plan_loss(tn_plan *, const tn_pass *, const tn_instance *loss,
                       const tn_field *field, const tn_field *given, double scale,
                       bool gradient, double *value, double *weight, tn_error *);
/* Adds to `sums` of a metric, from the forward just made; sets what it keeps of each row. */
void tn_plan_metric(const tn_plan *, const tn_pass *, const tn_instance *metric,
                    const tn_field *field, double *sums, double *kept);
/* Gradients of all parameters, once after each tn_plan_loss with `gradient`; `add`: onto those
 * that are there (plans that accumulate). */
tn_status tn_plan_backward(tn_plan *, const tn_pass *, bool add, tn_error *);
/* Gradient of parameter i, shaped like its value; without data where it has not been stored, as
 * that of a frozen one never is. */
tn_tensor tn_plan_gradient(const tn_plan *, int32_t param);
/* Writes the states of the forward just made: running statistics, and what goes on with the next
 * batch (TN_CARRIES). */
enum { TN_COMMIT_STATISTICS = 1, TN_COMMIT_CARRIED = 2, TN_COMMIT_ALL = 3 };
void tn_plan_commit(tn_plan *, const tn_pass *, int which);
/* First node whose output is not finite: repeats the forward just made in a plan that keeps all
 * outputs. -1: none; -2: that failed, for want of memory. */
int32_t tn_plan_first_bad(const tn_plan *, const tn_pass *);
/* Where the time of passes goes. Layers run in groups: those of the forward pass, the loss, those
 * of the backward pass, and among these such as run forward again. */
typedef enum tn_plan_pass {
    TN_PASS_FORWARD,
    TN_PASS_LOSS,
    TN_PASS_BACKWARD,
    TN_PASS_AGAIN
} tn_plan_pass;
int32_t tn_plan_groups(const tn_plan *);
/* From now on adds what a group takes to its own of tn_plan_groups `spent`; NULL: no more. */
void tn_plan_watch(tn_plan *, tn_spent *spent);
tn_plan_pass tn_plan_pass_of(const tn_plan *, int32_t group);
/* "dense + relu", cut where it does not fit. */
void tn_plan_name(const tn_plan *, int32_t group, char *name, size_t size);
/* Bytes that a group reads and writes at least, if nothing is in a cache when it begins. */
double tn_plan_bytes(const tn_plan *, int32_t group, int64_t samples);

/* Host slots product and column_sums (whole-class layers and whole-tensor updates only). */
tn_status tn_plan_product(tn_calling *, const tn_product *);
tn_status tn_plan_column_sums(tn_calling *, const tn_tensor *m, tn_tensor *out);

#endif

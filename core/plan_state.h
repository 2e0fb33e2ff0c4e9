/* plan_state.h - what a plan holds. plan_new.c makes it: nodes and parameters, which of them become
 * part of a product (plan_fold.c), which run as one (plan_group.c), which values are made again
 * rather than kept (plan_replay.c, along the cuts of plan_cut.c), which run portion by portion of the
 * samples (plan_portion.c), then where everything lies
 * (plan_span.c says from when to when values are needed, plan_bind.c how much memory, plan_memory.c
 * lays it out). plan.c runs it.
 *
 * Invariant: everything a step touches is allocated by tn_plan_new. Views, and at inference layers
 * that are then the identity or folded, have no memory of their own: node i's values live with
 * node home[i]; those of inputs stay with the caller. Time counts groups: those of the forward
 * pass, the loss, those of the backward pass, among which some forward ones run again. */
#ifndef CORE_PLAN_STATE_H
#define CORE_PLAN_STATE_H

#include "core/arena.h"
#include "core/graph_build.h"

/* From the first to the last group that needs something, both included. */
typedef struct tn_span {
    int32_t first, last;
} tn_span;

static inline tn_span tn_span_at(int32_t when)
{
    return (tn_span){when, when};
}

/* Values that are made a second time, with memory of their own from then on. */
typedef struct tn_again {
    int32_t when;     /* -1: they are not */
    int32_t value_at; /* as below */
    tn_span value_span;
    void *value;
} tn_again;

typedef struct tn_plan_node {
    int32_t home;       /* node that holds the values: i itself, or an earlier one */
    bool wants;         /* a gradient: some trained parameter lies at or before it */
    bool orphan;        /* wants one that nothing gives: it is zero */
    int32_t uses, user; /* inputs of other nodes that are this one; the last such node */
    int32_t givers;     /* parts of the gradient, of which the loss may be one */
    int32_t forward, backward; /* when it runs; -1: it does not */
    /* Nodes whose memory values and gradient share, being computed in place; whose own span
     * covers all that share. */
    int32_t value_at, gradient_at;
    tn_span value_span, gradient_span;
    void *value, *gradient;
    int64_t size; /* of one sample */
    int64_t
        samples; /* that its values have memory for, where value_at is the node itself */
    int32_t segment;
    tn_again again;
    tn_unit unit;
    /* Runs again, and backward; `unit` itself where it sees the same memory. */
    tn_unit *late;
} tn_plan_node;

/* Groups of the forward pass that run one after the other on a portion of the samples, then on
 * the next. */
typedef struct tn_stretch {
    int32_t first, count;
    int64_t portion; /* samples */
} tn_stretch;

typedef struct tn_plan_group {
    int32_t head; /* node */
    bool again;   /* of those of the backward pass: it runs forward */
    tn_group run;
    tn_stretch stretch; /* that it is in: of the forward pass */
} tn_plan_group;

/* A parametrized weight: the parametrization as a unit with one sample, the raw weight. */
typedef struct tn_plan_weight {
    tn_node spec;
    tn_unit unit;
    void *value, *gradient, *total; /* of the weight in use; gradient NULL: not wanted */
    unsigned long long of; /* outside training: the graph's version that value is of */
} tn_plan_weight;

/* Memory that is needed for a while: *where points to it once it is laid out. */
typedef struct tn_piece {
    tn_span span;
    size_t bytes, at;
    void **where;
} tn_piece;

/* Where a unit keeps an input of the network. */
typedef struct tn_plan_reader {
    const void **where;
    int32_t input;
} tn_plan_reader;

struct tn_plan {
    tn_graph *graph;
    const tn_instance *backend;
    const tn_real_ops *ops;
    tn_plan_options options;
    size_t real_size;
    tn_plan_node *node;
    tn_plan_group *forward, *backward; /* in order */
    int32_t forwards, backwards;
    const void *input[TN_MOST_INPUTS]; /* of the last forward */
    tn_plan_reader *reader;
    int32_t readers;
    /* Per parameter: its parametrization, NULL where there is none or where it is the identity
     * at inference; its gradient of this pass; what has accumulated before (total itself is NULL
     * where nothing does). */
    tn_plan_weight **weight;
    void **gradient, **total;
    int64_t room;  /* for values of one sample that are kept for backward; 0: for all */
    int64_t saved; /* values that backward reads, of one sample */
    double work;   /* elements and multiplications of a sample that are made again */
    double *row_values; /* of the loss: two per row */
    tn_piece *piece;    /* while the plan is made */
    int32_t pieces, piece_room;
    tn_plan_size size;
    tn_arena arena;          /* all of the above but pieces */
    tn_spent *spent;         /* of each group, while somebody watches */
    atomic_llong operations; /* of products, then, since the group began */
};

/* Zeroed, for as long as the plan lives. */
void *tn_plan_take(tn_plan *, int64_t count, size_t size, tn_error *);
/* samples x count items of `size` bytes in that span, laid out by tn_plan_lay_out. What a plan
 * that keeps everything has is never shared. */
tn_status tn_plan_want(tn_plan *, int64_t samples, int64_t count, size_t size, tn_span,
                       void **where, tn_error *);
tn_status tn_plan_lay_out(tn_plan *, tn_error *);

/* Layers that become part of products. */
tn_status tn_plan_fold(tn_plan *, tn_error *);
/* Who uses which values. */
void tn_plan_count_uses(tn_plan *);
/* Chains of the forward and of the backward pass, and who adds to gradients. */
tn_status tn_plan_make_groups(tn_plan *, tn_error *);
/* A plan that fits values into p->room; the room that takes the least memory. */
tn_status tn_plan_make_within(tn_graph *, const tn_plan_options *, int64_t room,
                              tn_plan **, tn_error *);
tn_status tn_plan_choose_room(tn_graph *, const tn_plan_options *, int64_t *room,
                              tn_error *);
/* Which groups run in portions; what their values need of memory; lets their units see the samples
 * that lie so many further on. */
void tn_plan_make_stretches(tn_plan *);
void tn_plan_span_stretches(tn_plan *);
/* What is there for all samples, is so before the first group of a stretch that makes it and until
 * after the last of one that reads it: the stretch comes back to it. */
tn_span tn_plan_widen(const tn_plan *, tn_span);
void tn_plan_move(const tn_plan *, const tn_stretch *, int64_t samples);
/* Cuts the forward pass into segments. */
tn_status tn_plan_cut(tn_plan *, tn_error *);
/* Groups that run forward again within the backward pass. */
tn_status tn_plan_make_replays(tn_plan *, tn_error *);
/* When values and gradients are needed, and which share memory. */
void tn_plan_make_spans(tn_plan *);
/* Memory of values, gradients and kernels, and where units find it. */
tn_status tn_plan_bind(tn_plan *, tn_error *);
/* What the kernels of a unit need that runs, forward and backward, in that span. */
tn_status tn_plan_want_kernel(tn_plan *, tn_unit *, int64_t samples, tn_span, tn_error *);
/* Memory for the gradients that this pass is the first to store. */
tn_status tn_plan_store(tn_plan *, const tn_pass *, tn_error *);
/* The tensors that whole-class layers see. */
tn_status tn_plan_make_tensors(tn_plan *, tn_error *);

/* Whether node i is an input of the network. */
bool tn_plan_is_input(const tn_plan *, int32_t node);
/* The home of input k of a node. */
int32_t tn_plan_source(const tn_plan *, int32_t node, int32_t k);
/* Whether its late unit reads those that were made again. */
bool tn_plan_reads_again(const tn_plan *, int32_t node, int32_t k);
/* Whether node i has memory of its own; whether backward wants its gradient. */
bool tn_plan_lives(const tn_plan *, int32_t node);
bool tn_plan_has_gradient(const tn_plan *, int32_t node);
/* The home of the last node's values. */
int32_t tn_plan_last(const tn_plan *);
/* Whether a layer with these flags does nothing in this plan: it is the identity. */
bool tn_plan_idles(const tn_plan *, uint32_t flags);
/* The stream of random numbers of node `number` (stream 1) or parametrization (2). */
tn_key tn_plan_key(const tn_plan *, int32_t number, uint64_t stream);

#endif

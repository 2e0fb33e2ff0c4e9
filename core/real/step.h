/* step.h - the typed half of the update: what is done to the elements of one parameter. */
#ifndef CORE_REAL_STEP_H
#define CORE_REAL_STEP_H

#include "core/real/unit.h"

#define TN_STRETCH 8192 /* elements, about */

struct tn_spot; /* stage.c */

/* Elements that a transform has cut in this step: neighbouring tiles count in different ones, so
 * that threads do not wait for each other. */
#define TN_COUNTERS 16
typedef struct tn_counter {
    _Alignas(64) atomic_llong changed;
} tn_counter;

/* One kernel of a pass over a parameter, with what it is called with but for the place. */
typedef struct tn_stage {
    void (*run)(const struct tn_stage *, const struct tn_spot *);
    const tn_instance *instance;
    tn_tile tile; /* without n, row, col */
    tn_update update;
    int32_t first_slot, slots;
    int32_t over, stats; /* of its reduction; stats 0: it has none */
    void *const *stat;
    const struct tn_stage *sized_by; /* of a prox: the optimizer that tells its steps */
    tn_counter *counter;             /* of a transform; NULL: it counts nothing */
} tn_stage;

/* The blocks in which a product makes a gradient, and sums over each. */
typedef struct tn_blocks {
    int64_t room;
    atomic_llong count;            /* past room: they were too many */
    int64_t (*at)[4];              /* row, col, rows, cols */
    double *sum;                   /* [room][sums] */
    int32_t *order, *next, *place; /* [room] twice; [larger side + 1] */
    bool summed;                   /* sums are those of the gradient as it is */
} tn_blocks;

/* A parameter as the update sees it. */
typedef struct tn_part {
    int32_t number;      /* of the parameter, in the graph */
    int32_t layer;       /* its node; those of a node follow each other */
    int64_t rows, width; /* a weight is out x (the rest); others are one row */
    void *w, *g;
    void **slot;                    /* of all optimizers in the chain, innermost first */
    const tn_instance *regularizer; /* the first of a list; NULL: none */
    bool decays, sparse;            /* sparse: a prox makes exact zeros */
    double factor;                  /* times the learning rate */
    const double *rate;             /* its own learning rate; NULL: the optimizer's */
    /* What the dials of each optimizer of the chain say to it; NULL: what they say to all. */
    const double *const *now;
    tn_key key;
    const tn_shape *shape;
    tn_stage *stage; /* room for all kernels of one pass */
    int32_t stages;
    tn_stage sizing;          /* of the optimizer that tells a prox its steps */
    int32_t place, stretches; /* the first of its stretches, and how many there are */
    const struct tn_bench *bench;
    tn_blocks blocks; /* room 0: sums are never taken from a product */
} tn_part;

/* A gradient transform; its statistics, where they are over all parameters. */
typedef struct tn_mapping {
    tn_instance *gradient;
    void *stat[TN_MAX_OWN];
    bool penalized;      /* it gets gradients of regularizers too */
    tn_counter *counter; /* [TN_COUNTERS]; NULL: it counts nothing */
} tn_mapping;

/* Elements of a parameter that one thread takes, cut by shape. */
typedef struct tn_part_stretch {
    int32_t part, place; /* place: its number among all, part by part */
    int64_t first, n;
} tn_part_stretch;

/* Memory shared by all steps; nothing is allocated while stepping. */
typedef struct tn_bench {
    const tn_instance *backend;
    tn_env *env;
    tn_mapping *transform;
    int32_t transforms;
    double *partial, *total;  /* sums of a reduction: by chunk or stretch, and of all */
    void *stat[TN_MAX_OWN];   /* as many as the largest reduction has */
    double *penalty;          /* [chunks of the largest parameter] */
    void *step, *scratch;     /* of what sees whole weights */
    tn_part_stretch *stretch; /* in the order in which threads take them */
    int32_t *task, tasks; /* runs of them: the first of each, and one past the last's */
} tn_bench;

/* The optimizers of one step, innermost first. */
typedef struct tn_chain {
    const tn_instance *const *at;
    const int32_t *first_slot; /* of each */
    int32_t length;
    double rate; /* of parameters that have none of their own */
    int64_t step;
} tn_chain;

/* What the update asks of an optimizer's vtable. */
typedef struct tn_step_facts {
    int32_t passes, slots;
    bool view, step_size, to_iterate;
} tn_step_facts;

/* And of a regularizer's; `steps`: it reads the step sizes of a whole weight. */
typedef struct tn_regularizer_facts {
    bool proximal, beside, constraint, steps; /* beside: its gradient comes, too */
    size_t scratch;
} tn_regularizer_facts;

typedef struct tn_step_table {
    tn_step_facts (*facts)(const tn_instance *optimizer);
    /* Reduction of an optimizer or a gradient transform; sums 0: it has none. */
    void (*reduction)(const tn_instance *, int32_t *over, int32_t *sums, int32_t *stats);
    bool (*counts)(const tn_instance *gradient);
    bool (*penalized)(const tn_instance *gradient);
    size_t (*scratch)(const tn_instance *optimizer, int64_t rows, int64_t cols);
    void (*count)(const tn_chain *); /* has the optimizers do so, of one step */
    tn_regularizer_facts (*regularizer)(const tn_instance *, int64_t rows, int64_t cols);
    double (*penalty)(tn_bench *, tn_part *); /* of all of its regularizers */
    /* Largest violation of the conditions for a minimum of loss and regularizer, of n values; NAN: it
     * cannot tell. Without regularizer: the largest gradient. */
    double (*violation)(const tn_instance *regularizer, int64_t n, const void *w,
                        const void *g);
    /* One step: gradient transforms, regularizers, the chain of optimizers, prox. Parts whose
     * sink was taken to the end are left out. */
    tn_status (*update)(tn_bench *, const tn_chain *, tn_part *, const tn_sink *,
                        int32_t count, tn_error *);
    /* Makes a sink of what can be done to a part while its gradient is made: all of the step,
     * if `whole`, or the sums of the first transform; wrote NULL: nothing. */
    void (*sink)(tn_bench *, const tn_chain *, tn_part *, bool whole, tn_sink *);
    /* Whether a step of this part needs nothing but its gradient, element by element. */
    bool (*streams)(const tn_bench *, const tn_chain *, const tn_part *);
    void (*between)(tn_bench *, const tn_chain *, int32_t pass, tn_part *, int32_t count);
    /* out = the view that optimizer number `which` of a chain has of part. */
    void (*view)(tn_bench *, const tn_chain *, int32_t which, const tn_part *, void *out);
} tn_step_table;

extern const tn_step_table tn_step_table_f32, tn_step_table_f64;

#endif

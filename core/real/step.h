/* step.h - the typed half of the update: what is done to the elements of one parameter. */
#ifndef CORE_REAL_STEP_H
#define CORE_REAL_STEP_H

#include "core/real/unit.h"

/* A parameter as the update sees it. */
typedef struct tn_part {
    int64_t rows, width; /* a weight is out x (the rest); others are one row */
    void *w, *g;
    void **slot;                    /* of all optimizers in the chain, innermost first */
    const tn_instance *regularizer; /* NULL: none */
    bool decays;
    tn_key key;
} tn_part;

/* Memory shared by all steps; nothing is allocated while stepping. */
typedef struct tn_bench {
    const tn_instance *backend;
    tn_env *env;
    double *partial, *total; /* sums of a reduction: by chunk, and over all parameters */
    void *stat[TN_MAX_OWN];  /* as many as the largest reduction has */
    double *penalty;         /* [chunks of the largest parameter] */
    void *step_scratch;      /* [workers][step_elements]; NULL: nothing has a prox */
    int64_t step_elements;
} tn_bench;

/* The optimizers of one step, innermost first. */
typedef struct tn_chain {
    const tn_instance *const *at;
    int32_t length;
    double rate;
    int64_t step;
} tn_chain;

/* What the update asks of an optimizer's vtable. */
typedef struct tn_step_facts {
    int32_t passes, slots;
    bool view, step_size;
} tn_step_facts;

typedef struct tn_step_table {
    tn_step_facts (*facts)(const tn_instance *optimizer);
    /* Reduction of any of the three kinds; sums 0: it has none. */
    void (*reduction)(const tn_instance *, int32_t *over, int32_t *sums, int32_t *stats);
    bool (*proximal)(const tn_instance *regularizer);
    double (*penalty)(tn_bench *, const tn_part *);
    /* One gradient transform, number `number` of the list, over all parts. */
    void (*transform)(tn_bench *, const tn_instance *gradient, int32_t number,
                      int64_t step, tn_part *, int32_t count);
    /* One step of the chain of optimizers over all parts, with regularizers and prox. */
    tn_status (*update)(tn_bench *, const tn_chain *, tn_part *, int32_t count,
                        tn_error *);
    void (*between)(tn_bench *, const tn_chain *, int32_t pass, tn_part *, int32_t count);
    /* out = the optimizer's view of part; slots start at slot[first_slot]. */
    void (*view)(tn_bench *, const tn_instance *optimizer, int32_t first_slot,
                 const tn_part *, void *out);
} tn_step_table;

extern const tn_step_table tn_step_table_f32, tn_step_table_f64;

#endif

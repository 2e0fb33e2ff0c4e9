/* update.h - the kinds between gradients and new weights: regularizer, gradient, optimizer.
 * Include it after plugin.h; what follows the first part is declared once per precision. */
#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif
#ifndef TENON_UPDATE_H
#define TENON_UPDATE_H

#define tn_regularizer TN(tn_regularizer)
#define tn_gradient TN(tn_gradient)
#define tn_optimizer TN(tn_optimizer)

#include <stdatomic.h>

/* A gradient's map that counts says so for n elements that it cut. */
static inline void tn_count_changed(const tn_tile *t, int64_t n)
{
    if (n && t->counter)
        atomic_fetch_add_explicit((atomic_llong *)t->counter, n, memory_order_relaxed);
}

enum { TN_COUNT_CHANGED, TN_COUNT_SEEN, TN_COUNTS };

typedef struct tn_update {
    int64_t step; /* 1 for the first update */
    double rate;  /* learning rate as scheduled; of `count` that of most parameters */
    int32_t
        decays; /* weight decay applies to this parameter, as dial `weight_decay` says */
    int32_t pass;
    void *scratch;         /* of update_whole: what its plugin's `scratch` asked for */
    const double *numbers; /* what the optimizer keeps, as `count` has left it */
    int32_t sparse;        /* a prox makes exact zeros of this parameter's weights */
} tn_update;

/* Of `proximal`: the prox goes by no steps, and comes beside the gradient. */
enum { TN_PROX_TOO = 2 };

/* For `violation`: the larger of two, or NaN if there has been one. */
static inline double tn_worse(double most, double next)
{
    return next > most || isnan(next) ? next : most;
}

#endif

#ifdef tn_real
#if TN_REAL_BITS == 64 && !defined TENON_UPDATE_H_F64 || \
    TN_REAL_BITS == 32 && !defined TENON_UPDATE_H_F32
#if TN_REAL_BITS == 64
#define TENON_UPDATE_H_F64
#else
#define TENON_UPDATE_H_F32
#endif

/* regularizer: of a weight, (units, inputs), with further axes for the taps of a convolution. A
 * constraint is the prox of an indicator and has only that. [parallel] */
typedef struct tn_regularizer {
    TN_HEAD
    double (*penalty)(const void *self, const tn_tile *, const tn_real *w);
    void (*gradient)(const void *self, const tn_tile *, const tn_real *w,
                     tn_real *g); /* adds */
    /* w <- argmin_v R(v) + sum (v - w)^2 / (2 step). With a prox, the penalty's gradient is not
     * added: the step does the work, and zeros are exact. */
    void (*prox)(const void *self, const tn_tile *, const tn_real *step, tn_real *w);
    /* Whether prox is used, or TN_PROX_TOO; NULL: if it is there. */
    int32_t (*proximal)(const void *self);
    /* R is 0 or infinite. Then it does not matter by what all steps are multiplied, and they are 1
     * where the optimizer tells none. */
    int32_t constraint;
    /* Moves weights beside the gradient, right before the optimizers do; `rate` is theirs. */
    void (*decay)(const void *self, const tn_tile *, double rate, tn_real *w);
    /* In place of the first three, for what is not element by element: of the whole weight, of rank 2
     * or more, with `scratch` bytes to work in. Sums are made in a fixed order. [step]
     * cols: all but the first axis. */
    size_t (*scratch)(const void *self, int64_t rows, int64_t cols); /* [setup] */
    tn_status (*penalty_whole)(const void *self, tn_call *, const tn_tensor *w,
                               void *scratch, double *penalty);
    tn_status (*gradient_whole)(const void *self, tn_call *, const tn_tensor *w,
                                tn_tensor *g, void *scratch); /* adds */
    tn_status (*prox_whole)(const void *self, tn_call *, const tn_tensor *step,
                            tn_tensor *w, void *scratch);
    /* How far the weights are from a minimum of loss plus R, whose loss has the gradient g: the
     * largest distance of -g from the subdifferential of R. NULL: it cannot tell; NaN: not with these
     * options, by which it is no penalty whose gradient is followed (decay, a hard threshold). */
    double (*violation)(const void *self, const tn_tile *, const tn_real *w,
                        const tn_real *g);
} tn_regularizer;

/* gradient: changes gradients between backward and update, as a map after sums (x = w,
 * gy = g). [parallel] */
typedef struct tn_gradient {
    TN_HEAD
    tn_reduction reduce;
    void (*map)(const void *self, const tn_tile *, const tn_real *w, tn_real *g);
    /* Which sums the options ask for; NULL: `reduce`. [setup] */
    const tn_reduction *(*choose)(const void *self);
    /* Whether gradients of regularizers are in what it gets (if not proximal), and in what those
     * behind it get; NULL: they come after all. [setup] */
    int32_t (*penalized)(const void *self);
    /* map tells of each element that it cuts (tn_count_changed). Their share is a value of the epoch
     * with the plugin's name; the host keeps it in the instance's numbers, TN_COUNTS of them. */
    int32_t counts;
} tn_gradient;

/* optimizer: slots of one value per weight (at most 16), an update of a run of weights. The
 * learning rate and its schedule are the host's, as option `lr` of every optimizer, and so is that a
 * config may give some parameters another: dials are read by tn_now at each call, as their schedulable
 * option `weight_decay` may also be another for some. Frozen parameters are not updated at all. An option
 * of type PLUGIN and kind optimizer is what it wraps: that one updates first, and its `lr`
 * counts for both. With `reduce`, sums over g (x = w, gy = g) come before update; one of those
 * that wrap each other may have it. [parallel] */
typedef struct tn_optimizer {
    TN_HEAD
    int32_t passes; /* gradients per step, on the same batch and masks; 0 means 1 */
    /* Once before each update, with its step and rate. [step] */
    void (*count)(const void *self, const tn_update *, double *numbers);
    int32_t (*slots)(const void *self); /* NULL: none */
    void (*update)(const void *self, const tn_tile *, const tn_update *, tn_real *w,
                   const tn_real *g, tn_real *const *slot);
    /* Of a wrapper: before all else that is done to the weights in a step; outermost first. */
    void (*before)(const void *self, const tn_tile *, const tn_update *, tn_real *w,
                   const tn_real *g, tn_real *const *slot);
    /* The step each weight has just taken per unit of gradient, for a prox after it. NULL: a
     * prox is refused. */
    void (*step_size)(const void *self, const tn_tile *, const tn_update *,
                      tn_real *const *slot, tn_real *step);
    /* Instead of update, for methods that need a whole weight: a matrix, (out, all else); what
     * is no weight is one row. [step] */
    tn_status (*update_whole)(const void *self, tn_call *, const tn_update *,
                              tn_tensor *w, const tn_tensor *g, tn_tensor *const *slot);
    /* Bytes that it works in with a matrix of this size. [setup] */
    size_t (*scratch)(const void *self, int64_t rows, int64_t cols);
    /* After pass 0 .. passes - 2: moves the weights to where the next gradient is taken. */
    void (*between)(const void *self, const tn_tile *, const tn_update *, tn_real *w,
                    const tn_real *g, tn_real *const *slot);
    /* The weights to evaluate and save, if not w itself (averages). What the host does then: where a
     * prox makes exact zeros, those of w are put in, for in an average they die out but never end; and
     * constraints are taken once more, by equal steps. */
    void (*view)(const void *self, const tn_tile *, const tn_real *w,
                 tn_real *const *slot, tn_real *out);
    tn_reduction reduce;
    /* In place of reduce.add, for sums over what stands in slots: gets each element once a step,
     * before update, and may move its slots. */
    void (*sum)(const void *self, const tn_tile *, const tn_update *, const tn_real *w,
                const tn_real *g, tn_real *const *slot, double *const *acc);
    /* Of a wrapper whose w is not the iterate: moves it there when the wrapped optimizer has made its
     * step, for proxes; `update` comes behind these. */
    void (*to_iterate)(const void *self, const tn_tile *, const tn_update *, tn_real *w,
                       const tn_real *g, tn_real *const *slot);
    int32_t iterate; /* 1 + the slot in which that keeps it: whose zeros a view has */
} tn_optimizer;

#endif
#endif

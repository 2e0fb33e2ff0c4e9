/* training.h - the kinds that steer and watch a run: schedule, observer.
 * Include it after plugin.h. */
#ifndef TENON_TRAINING_H
#define TENON_TRAINING_H

#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif

typedef struct tn_clock {
    int64_t step;  /* updates made so far */
    int64_t steps; /* of the whole run */
    double epoch, epochs;
    double
        monitored; /* last validation loss (training loss without validation); NAN before */
} tn_clock;

typedef struct tn_named_value {
    const char *name;
    double value;
    int32_t better; /* tn_better; of a loss smaller, of a metric what its entry says */
} tn_named_value;

/* What an observer wants to see after a step; the sum of these. Weights are always there. */
enum tn_wants {
    TN_WANTS_GRADIENTS = 1,
    TN_WANTS_BEFORE = 2, /* weights as they were before the update */
    TN_WANTS_OUTPUTS = 4 /* of all layers: the forward pass is made once more for it */
};

/* Tensors are tn_real. */
typedef struct tn_seen_param {
    const char *name; /* "dense.weight" */
    int32_t role;
    const tn_tensor *value;
    /* NULL: nobody wanted it, or the parameter is frozen. The gradient is that of the loss, as transforms
     * get it; before: as the weight was before the update. */
    const tn_tensor *gradient, *before;
} tn_seen_param;

/* Of a layer in the step's forward pass, samples first; the last one of batches that are added up. */
typedef struct tn_seen_output {
    const char *name, *layer; /* "relu_2", its plugin */
    const tn_tensor *value;
    double low, high; /* the layer's range; both 0: it has none */
} tn_seen_output;

typedef struct tn_event {
    int64_t epoch, epochs;              /* 1-based; planned */
    int64_t step, steps_per_epoch;      /* within the epoch, 1-based */
    double seconds, samples_per_second; /* of this epoch so far */
    double learning_rate;
    const char *run_dir; /* NULL: this run writes no files */
    int32_t values;
    /* at a step: loss; at an epoch: loss, accuracy, val_loss, val_accuracy ..., and what metrics
     * make tables of: "recall[3]", "confusion_matrix[3][5]" */
    const tn_named_value *value;
    int32_t params,
        outputs; /* in the order of computation; outputs 0: nobody wanted them */
    const tn_seen_param *param;
    const tn_seen_output *output;
} tn_event;

/* schedule: a number as a function of the clock, and of what it keeps. [step] */
typedef struct tn_schedule {
    TN_HEAD
    double (*value)(const void *self, const double *now, const tn_clock *,
                    const double *numbers);
    /* Of the event nothing but the values is set. What is to be remembered of them goes into
     * numbers, which checkpoints keep. */
    void (*epoch_end)(const void *self, const tn_clock *, const tn_event *,
                      double *numbers);
    /* As an observer's. [setup] */
    tn_status (*check_values)(const void *self, tn_call *, const tn_event *);
} tn_schedule;

/* What an observer may ask of the run. */
typedef struct tn_run tn_run;
struct tn_run {
    void (*stop)(tn_run *, const char *why);   /* after this epoch */
    tn_status (*keep)(tn_run *, tn_call *);    /* remember all weights and states ... */
    tn_status (*restore)(tn_run *, tn_call *); /* ... and put them back */
    /* All that resume needs; written when every observer has seen this event. */
    tn_status (*checkpoint)(tn_run *, tn_call *);
    /* The model as it is evaluated now, to a file of that name in the run folder, if there is one. */
    tn_status (*save)(tn_run *, tn_call *, const char *name);
};

/* observer. `every`: steps between calls of step, 0: never. [step] */
typedef struct tn_observer {
    TN_HEAD
    int32_t every;
    tn_status (*start)(const void *self, tn_call *, tn_run *, const tn_event *,
                       double *numbers);
    tn_status (*step)(const void *self, tn_call *, tn_run *, const tn_event *,
                      double *numbers);
    tn_status (*epoch)(const void *self, tn_call *, tn_run *, const tn_event *,
                       double *numbers);
    tn_status (*end)(const void *self, tn_call *, tn_run *, const tn_event *,
                     double *numbers);
    /* `every` as the options say (NULL: as it stands), and what step wants to see (NULL: nothing).
     * Where nobody wants anything, a step costs nothing more. [setup] */
    int64_t (*interval)(const void *self);
    int32_t (*wants)(const void *self);
    /* Whether the values of the run will do, of which names and `better` are known; nothing else of
     * the event is set. [setup] */
    tn_status (*check_values)(const void *self, tn_call *, const tn_event *);
} tn_observer;

#endif

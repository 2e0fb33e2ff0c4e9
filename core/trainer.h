/* trainer.h - a run: where it stands, what it steps through, whom it tells.
 *
 * Invariant: `place`, `sums`, the model's tensors, the updater's slots, the kept weights and the
 * numbers of all instances are all that the rest of a run depends on beside config and data. So
 * a checkpoint of these goes on bit for bit as if it had never stopped. */
#ifndef CORE_TRAINER_H
#define CORE_TRAINER_H

#include "core/judge.h"
#include "core/model.h"
#include "core/update.h"

/* Where a run stands; saved as one tensor of int64, in this order. */
typedef struct tn_place {
    int64_t epoch;                    /* complete epochs */
    int64_t in_epoch;                 /* updates made in the one begun */
    int64_t step;                     /* updates made in all */
    int64_t steps_per_epoch, samples; /* of the data: a resumed run must see the same */
    int64_t stopping;                 /* an observer has asked to stop */
    int64_t kept;                     /* kept weights exist */
    int64_t restored; /* the weights are kept ones: what they look like evaluated */
} tn_place;

/* What observers see of the trainer. */
typedef struct tn_run_face {
    tn_run run; /* must be first */
    struct tn_trainer *trainer;
} tn_run_face;

/* Inputs and targets of a caller, as fields in the model's precision. */
typedef struct tn_handed {
    void *input[TN_MOST_INPUTS],
        *target; /* room for `samples`, in double precision only */
    int64_t samples;
    tn_data_info info; /* of the batch */
    tn_batch batch;
} tn_handed;

/* What observers see of a step beside its values; see trainer_look.c. */
typedef struct tn_look {
    int32_t wants;    /* of all observers together: what there is room for */
    int32_t now;      /* in the step being made */
    tn_plan *plan;    /* keeps all outputs */
    tn_tensor *copy;  /* gradients, then weights before the update; data NULL: no room */
    tn_tensor *value; /* outputs */
    tn_seen_param *param;
    tn_seen_output *output;
} tn_look;

/* What of a step is no business of its plan. */
enum { TN_WATCH_DATA, TN_WATCH_UPDATE, TN_WATCHED };
#define TN_COST_NAME 128

struct tn_trainer {
    tn_env *env;
    tn_model *model;
    tn_feed *feed;     /* NULL: the config has no data, only steps on a caller's arrays */
    tn_judge *judge;   /* of training batches; without data made by the first step */
    tn_judge *referee; /* of evaluation batches */
    tn_updater *updater;
    tn_plan *plan, *trial; /* training; inference */
    int64_t plan_samples;
    int64_t epochs, accumulate;
    bool has_epochs;   /* the config says how many */
    bool lists_inputs; /* and which fields are inputs */
    bool validates, penalized;
    tn_place place;
    double monitored; /* loss that schedules watch; NAN before the first epoch's end */
    double *sums;     /* of the epoch begun */
    double *trial_sums;
    void **kept; /* a block per parameter and state of the model; NULL: nothing kept */
    tn_handed handed;
    const tn_sink *sink; /* of the last backward pass; NULL: it stored all gradients */
    int64_t waiting;  /* samples of the batch whose gradients can be applied; 0: none */
    bool handed_real; /* without data: the judge was made for values, not labels */
    /* observers, and what they are told */
    int32_t observers;
    tn_instance **observer;
    tn_run_face face;
    tn_look look;
    bool wants_checkpoint;
    char why[256]; /* why it stops */
    int32_t values;
    char (*name)[80];
    tn_named_value *value;
    tn_score *score;
    /* time, of this process only */
    double began, epoch_began, trained,
        told; /* trained: seconds of the epoch's updates */
    int64_t began_step, epoch_samples;
    /* the caller's side */
    char *run_dir;
    int lock; /* descriptor of the run folder, locked as long as the trainer lives; -1: none */
    bool resumed, started;
    void (*progress)(void *data, const tn_progress *);
    void *progress_data;
    /* profile.c: what data and update take, while somebody watches; what came out */
    tn_spent *watch[TN_WATCHED];
    tn_cost *cost;
    char (*cost_name)[TN_COST_NAME];
    atomic_bool cancelled;
};

/* trainer_step.c: one update from `accumulate` batches of the feed. */
tn_status tn_trainer_update(tn_trainer *, tn_error *);
/* A plan for batches of up to `samples`. */
tn_status tn_trainer_plan(tn_trainer *, int64_t samples, tn_plan **, tn_error *);
tn_clock tn_trainer_clock(const tn_trainer *);
void tn_trainer_tick(tn_trainer *);
/* Whether the tick has set every dial to what its option allows. */
tn_status tn_trainer_check_dials(tn_trainer *, tn_error *);

/* profile.c */
void tn_trainer_profile_free(tn_trainer *);

/* trainer_tell.c: events to observers and progress to the caller. */
typedef enum tn_moment { TN_START, TN_STEP, TN_EPOCH, TN_END } tn_moment;
tn_status tn_trainer_observe_new(tn_trainer *, tn_error *);
void tn_trainer_observe_free(tn_trainer *);
tn_status tn_trainer_tell(tn_trainer *, tn_moment, tn_error *);
void tn_trainer_progress(tn_trainer *, tn_moment, const char *note);

/* trainer_look.c */
int32_t tn_trainer_wants(const tn_trainer *); /* all observers */
bool tn_trainer_is_due(const tn_observer *, const void *self, int64_t step);
tn_status tn_trainer_look_new(tn_trainer *, tn_error *);
void tn_trainer_look_free(tn_trainer *);
/* Before a step, whose number is given, and between its gradients and its update. */
void tn_trainer_look_begin(tn_trainer *, int64_t step);
void tn_trainer_look_gradients(tn_trainer *);
/* Of the event of a step, or another. */
void tn_trainer_show(tn_trainer *, bool step, tn_event *);

/* checkpoint.c */
tn_status tn_trainer_checkpoint(tn_trainer *, tn_error *);
tn_status tn_trainer_restore(tn_trainer *, const char *path, tn_error *);
/* Weights and states as they are evaluated: remembers them, puts them back. */
tn_status tn_trainer_keep(tn_trainer *, tn_error *);
tn_status tn_trainer_put_back(tn_trainer *, tn_error *);
/* The model as it is evaluated, to run_dir/name. */
tn_status tn_trainer_save(tn_trainer *, const char *name, tn_error *);
tn_status tn_trainer_path(const tn_trainer *, const char *name, char path[4096],
                          tn_error *);
/* All instances that keep numbers, in a fixed order. */
void tn_trainer_walk(tn_trainer *, void (*visit)(void *, tn_instance *), void *);

/* trainer_same.c: an error that names the first difference between the configs of a run and of
 * one that is to go on with it, among what must not differ. */
tn_status tn_trainer_same(const tn_cfg *before, const tn_cfg *now, tn_error *);
/* The same for which parameters are frozen: what the optimizer keeps is of the others. */
tn_status tn_trainer_same_frozen(const tn_graph *, const tn_cfg *before,
                                 const tn_cfg *now, tn_error *);

/* handed.c: a caller's arrays as a batch. */
tn_data_info tn_handed_info(const tn_graph *, bool real_targets);
tn_status tn_handed_take(tn_handed *, const tn_graph *, const tn_data_info *,
                         const float *const *x, const float *targets,
                         const int32_t *labels, int64_t samples, tn_error *);
void tn_handed_free(tn_env *, tn_handed *);

/* sweep.c: gradients of the mean loss over one batch that comes in parts. */
typedef struct tn_sweep {
    tn_graph *graph;
    tn_plan *plan;
    const tn_judge *judge;
    const tn_data_info *info; /* of the batches */
    int64_t parts;
    int64_t samples; /* of all parts together, as far as is known before */
    tn_status (*part)(void *data, int64_t i, tn_batch *, tn_error *);
    void *data;
    uint64_t step;
    int commit;    /* which states follow, as tn_plan_commit takes it; 0: none */
    tn_sink *sink; /* of a sweep of one part; may be NULL */
    tn_plan *look; /* runs the last part as well, and keeps all outputs; may be NULL */
} tn_sweep;
/* Adds losses and metrics to `sums`; loss: the mean over the batch (may be NULL). */
tn_status tn_sweep_run(const tn_sweep *, double *sums, double *loss, tn_error *);

#endif

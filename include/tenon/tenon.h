/* tenon.h - Tenon inside a program: load, train, predict.
 *
 *     tn_error error = {0};
 *     tn_env *env = tn_env_new(NULL, &error);
 *     tn_model *model = env ? tn_model_load(env, "run/model.safetensors", &error) : NULL;
 *     if (!model || tn_model_predict(model, x, 1, y, &error)) puts(error.text);
 *
 * Functions that make something return NULL on error, others a status; both fill `error` (which
 * may be NULL) then. None clears it on success: begin with zeros, `tn_error error = {0}`.
 * Nothing here prints, exits or aborts. Objects are freed by their _free function, which accepts
 * NULL; free an env last. Texts and arrays that are given back live as long as the object that
 * they were asked of, those handed to a callback until it returns; those given in are copied,
 * but for the arrays of tn_memory_data. One env may be used from several threads as long as each
 * object but a model under prediction stays on one thread at a time. */
#ifndef TENON_TENON_H
#define TENON_TENON_H

#include <stdbool.h>

#include "tenon/memory_data.h"
#include "tenon/types.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TN_API __attribute__((visibility("default")))

typedef struct tn_error {
    tn_status status;
    char text[1000]; /* one line: place, what is wrong, what to do */
} tn_error;

TN_API const char *tn_version(void);

/* ---- environment: plugins, threads, memory, messages ------------------------------- */

typedef struct tn_env tn_env;

typedef struct tn_env_options {
    const char *plugin_path; /* folders separated by ':', searched first; NULL: none */
    const char *backend;     /* NULL: "blis" */
    int32_t threads;         /* 0: one per core */
    size_t max_memory;       /* bytes; 0: no limit */
    /* level as in plugin.h: 0 debug, 1 info, 2 warning, 3 progress. NULL: silence. */
    void (*log)(void *data, int32_t level, const char *text);
    void *log_data;
    /* Shared libraries, separated by ':', whose functions configs and models may call (plugins named
     * foreign), each written as it is there. NULL: none. They are code of any kind. */
    const char *foreign;
} tn_env_options;

TN_API tn_env *tn_env_new(const tn_env_options *, tn_error *);
TN_API void tn_env_free(tn_env *);

typedef struct tn_env_info {
    int32_t abi_major, abi_minor, threads;
    const char *cpu, *backend; /* what the backend says of itself */
    const char *search_path;   /* folders, one a line */
    size_t memory_used, memory_peak;
    int64_t allocations; /* calls of the allocator so far */
} tn_env_info;

/* Loads the backend. Texts live as long as env. */
TN_API tn_status tn_env_info_get(tn_env *, tn_env_info *, tn_error *);

typedef struct tn_plugin_info {
    const char *kind, *name, *version, *summary, *file;
} tn_plugin_info;

/* Calls `each` for every plugin found, sorted by kind and name; stops when it returns non-zero.
 * Files that cannot be loaded are reported through the log as warnings. */
TN_API tn_status tn_plugins_list(tn_env *, int (*each)(void *, const tn_plugin_info *),
                                 void *, tn_error *);

/* The page of one plugin ("layer/dense"): summary, formula, reference, options. Free the text
 * with tn_text_free. */
TN_API char *tn_plugin_describe(tn_env *, const char *kind_and_name, tn_error *);
/* Likewise, of a name that is an option: which plugins have it, and what it means there. */
TN_API char *tn_option_describe(tn_env *, const char *name, tn_error *);
TN_API void tn_text_free(tn_env *, char *);

/* ---- configs ----------------------------------------------------------------------- */

typedef struct tn_config tn_config;

/* `sets`: overrides "optimizer.sgd.lr=0.1", applied in order. */
TN_API tn_config *tn_config_load(tn_env *, const char *path, const char *const *sets,
                                 int32_t set_count, tn_error *);
/* From a text; `name` stands for the file in messages. */
TN_API tn_config *tn_config_parse(tn_env *, const char *text, const char *name,
                                  const char *const *sets, int32_t set_count, tn_error *);
TN_API void tn_config_free(tn_config *);

/* ---- data in memory ---------------------------------------------------------------- */

/* Gives data (memory_data.h) the name that `data: {memory: {train: NAME}}` uses; a second time,
 * other data to the same name, for what is opened from then on: a trainer that has the data
 * before goes on reading it, so its arrays must last as long as the trainer. */
TN_API tn_status tn_env_attach(tn_env *, const char *name, const tn_memory_data *,
                               tn_error *);

/* ---- models ------------------------------------------------------------------------ */

typedef struct tn_model tn_model;

TN_API tn_model *tn_model_load(tn_env *, const char *path, tn_error *);
/* A fresh model with initial weights from a config (of which data and training play no part,
 * but for the shape of the input, which is given here; NULL: what `input:` says). */
TN_API tn_model *tn_model_new(tn_env *, const tn_config *, const tn_shape *input,
                              tn_error *);
TN_API void tn_model_free(tn_model *);
TN_API tn_status tn_model_save(const tn_model *, const char *path, tn_error *);

TN_API const tn_shape *tn_model_input(const tn_model *); /* the first one */
TN_API const tn_shape *tn_model_output(const tn_model *);
/* How many inputs there are; name ("input" where the config gives none) and shape of each. */
TN_API int32_t tn_model_inputs(const tn_model *);
TN_API const char *tn_model_input_name(const tn_model *, int32_t i);
TN_API const tn_shape *tn_model_input_shape(const tn_model *, int32_t i);
TN_API uint64_t tn_model_seed(const tn_model *);
TN_API int32_t tn_model_precision(const tn_model *); /* TN_F32 or TN_F64 */
/* Names of the classes, or NULL where the model has none: one for each output; of one output, which
 * tells two classes apart, both, or one for what it is. */
TN_API const char *const *tn_model_classes(const tn_model *);
TN_API int32_t tn_model_class_count(const tn_model *); /* 0: they have no names */

/* y: samples x output, from x: samples x input. Any number of threads may call this on the same
 * model at once. */
TN_API tn_status tn_model_predict(const tn_model *, const float *x, int64_t samples,
                                  float *y, tn_error *);

/* The same for a model with several inputs: an array for each, in the order of its inputs. */
TN_API tn_status tn_model_predict_inputs(const tn_model *, const float *const *x,
                                         int64_t samples, float *y, tn_error *);

/* Monte Carlo dropout (Gal, Ghahramani, ICML 2016): how far predictions scatter when the layers that
 * draw random numbers in training (dropout and its kin, noise, drop_connect; what lstm and the like
 * have of it inside) draw them here as well, while all else, such as batch_norm, predicts. */
typedef struct tn_monte_carlo {
    int32_t passes; /* 2 or more */
    uint64_t seed;  /* the same numbers for the same seed, on any number of threads */
} tn_monte_carlo;

/* Mean and standard deviation (with passes - 1) of predictions over the passes, samples x output
 * each, from x as in tn_model_predict_inputs. TN_EINVAL where no layer draws. */
TN_API tn_status tn_model_predict_monte_carlo(const tn_model *, const float *const *x,
                                              int64_t samples, const tn_monte_carlo *,
                                              float *mean, float *deviation, tn_error *);

/* Everything one row of the model's table shows. */
typedef struct tn_layer_info {
    const char *name, *plugin;
    tn_shape output;
    int64_t parameters, frozen;                              /* frozen: of these */
    const char *initializer, *regularizer, *parametrization; /* "-": there is none */
    const char *training; /* what the config's section `parameters` says; "-": nothing */
} tn_layer_info;

TN_API int32_t tn_model_layers(const tn_model *);
TN_API tn_layer_info tn_model_layer(const tn_model *, int32_t i);

/* Parameters and states by number and name ("dense.weight"). data points at the model's own
 * memory (TN_F32, or TN_F64 in double precision); as it may be written to from then on, the model
 * no longer predicts from packed (and folded) copies of its weights, which is slower. */
TN_API int32_t tn_model_tensors(const tn_model *);
TN_API tn_status tn_model_tensor(const tn_model *, int32_t i, const char **name,
                                 tn_tensor *);
TN_API tn_status tn_model_find(const tn_model *, const char *name, tn_tensor *,
                               tn_error *);

/* How much of a parameter is exactly zero (of either sign), as l1 and its kin leave it. Of a weight,
 * `zero_rows` are units that have no weight left, `zero_columns` inputs (of a convolution: channels)
 * that no unit uses; rows and columns are 0 of all else. Then bytes: as it is (`dense`), and of what is not
 * zero with its places: a bit for each value (`bitmap`); or a column for each value that is not zero
 * and a start of 32 bits for each row (compressed sparse rows), places in a row as numbers of 32 bits
 * (`index32`), or of 16 where there are no more than 65536 (`index16`). */
typedef struct tn_zeros {
    const char *name;
    int64_t values, zeros, rows, zero_rows, columns, zero_columns;
    size_t dense, bitmap, index16, index32;
} tn_zeros;

/* Of parameter i; TN_ENOTFOUND past the last. States are none. */
TN_API tn_status tn_model_zeros(const tn_model *, int32_t i, tn_zeros *);

/* Bytes that batches of `samples` take: parameters and states; their gradients; and what is kept
 * of a batch for a while, which shares memory (`values`), though never less than what is needed
 * at one time (`least`); without sharing it would be `apart`, with `memory: normal` `normal`.
 * Optimizers have slots beside. */
typedef struct tn_memory_use {
    size_t parameters, gradients, values, least, apart, normal;
} tn_memory_use;

TN_API tn_status tn_model_memory(const tn_model *, int64_t samples, bool training,
                                 tn_memory_use *, tn_error *);

/* A metric may make a table of numbers, beside or instead of one: "recall[3]" is its row 3,
 * "confusion_matrix[3][5]" row 3, column 5. They follow each other, row by row. */
typedef struct tn_score {
    const char *name; /* "loss", "accuracy" */
    double value;
    int32_t row, column; /* -1: of no table */
} tn_score;

/* Loss and metrics on a split (0 train, 1 validation, 2 test) of the data the model was trained
 * on, or of `data` (a config with a data section). *scores are the model's, until it is evaluated
 * again or freed. */
TN_API tn_status tn_model_evaluate(tn_model *, const tn_config *data, int32_t split,
                                   const tn_score **scores, int32_t *count, tn_error *);

/* ---- training ---------------------------------------------------------------------- */

typedef struct tn_trainer tn_trainer;

/* What a trainer tells while it runs. */
typedef struct tn_progress {
    int32_t kind; /* 0: a step (at most ten times a second), 1: an epoch, 2: the end */
    int64_t epoch, epochs, step, steps_per_epoch;
    double seconds, seconds_left, samples_per_second, learning_rate;
    int32_t scores;
    /* loss (mean over the data alone), accuracy, penalty (of the regularizers), val_loss ... */
    const tn_score *score;
    const char *note; /* why it ended, where it saved; NULL: nothing to say */
} tn_progress;

typedef struct tn_train_options {
    const char *run_dir; /* where files go; NULL: no files. Empty again if a run fails
                          * before its first update. */
    const char *resume;  /* a run folder to go on with; NULL: a new run */
    void (*progress)(void *data, const tn_progress *);
    void *progress_data;
} tn_train_options;

/* Copies the config. NULL with `resume`: that of the run folder. A run goes on in its own folder:
 * run_dir is then NULL or the same. */
TN_API tn_trainer *tn_trainer_new(tn_env *, const tn_config *, const tn_train_options *,
                                  tn_error *);
TN_API void tn_trainer_free(tn_trainer *);

/* Whether the config says all that a run needs: data and a number of epochs. */
TN_API tn_status tn_trainer_ready(const tn_trainer *, tn_error *);
/* The whole run. TN_ECANCELED: stopped by tn_trainer_cancel after a step, checkpoint written. */
TN_API tn_status tn_trainer_run(tn_trainer *, tn_error *);
/* Ends run after the current step. Safe in a signal handler and from any thread. */
TN_API void tn_trainer_cancel(tn_trainer *);
/* The model in training; the trainer's own: do not free it, do not use it while run runs. */
TN_API tn_model *tn_trainer_model(tn_trainer *);
/* Samples of a batch of the config's data; 0: it names none. */
TN_API int64_t tn_trainer_batch(const tn_trainer *);

/* One update on a batch of the caller's (targets as in tn_memory_data: one of the two; a label for
 * each row of the model's outputs, so for each step where it puts out a sequence). Its samples weigh
 * alike, whatever weights the config's data has. A step that fails may leave weights half updated:
 * go on from a checkpoint, not with this trainer. */
TN_API tn_status tn_trainer_step(tn_trainer *, const float *x, const float *targets,
                                 const int32_t *labels, int64_t samples, double *loss,
                                 tn_error *);
/* Loss and gradients without an update; then tn_trainer_gradient reads them by name. */
TN_API tn_status tn_trainer_gradients(tn_trainer *, const float *x, const float *targets,
                                      const int32_t *labels, int64_t samples,
                                      double *loss, tn_error *);
/* Both for a model with several inputs. */
TN_API tn_status tn_trainer_step_inputs(tn_trainer *, const float *const *x,
                                        const float *targets, const int32_t *labels,
                                        int64_t samples, double *loss, tn_error *);
TN_API tn_status tn_trainer_gradients_inputs(tn_trainer *, const float *const *x,
                                             const float *targets, const int32_t *labels,
                                             int64_t samples, double *loss, tn_error *);
TN_API tn_status tn_trainer_gradient(tn_trainer *, const char *name, tn_tensor *,
                                     tn_error *);
/* One update from the gradients of the last tn_trainer_gradients, with what the program has
 * changed in them through the tensors of tn_trainer_gradient. Unchanged, the pair is a
 * tn_trainer_step, bit for bit. Uses the gradients up: each update needs new ones. TN_ENOTSUP:
 * the optimizer needs several gradients an update, which only tn_trainer_step can make. */
TN_API tn_status tn_trainer_apply(tn_trainer *, tn_error *);

/* What a part of a training step takes: the median over the steps. */
typedef struct tn_cost {
    const char *part; /* "data", "forward", "loss", "backward", "update", "rest" */
    const char *name; /* of layers that run as one, "dense + relu"; else "" */
    double seconds;
    double operations; /* multiplications and additions that matrix products make */
    double bytes;      /* read and written at least; 0: not known */
} tn_cost;

typedef struct tn_profile {
    int64_t samples, steps; /* samples of a step */
    double median, least;   /* seconds of a step */
    int32_t costs;
    const tn_cost *cost; /* in the order of a step; until the next profile */
    /* Bytes: of parameters and states, of the optimizer's slots, of gradients of parameters;
     * of values and scratch while a step runs, and what of these is needed at one time. */
    size_t parameters, slots, gradients, values, values_least;
} tn_profile;

/* Makes `steps` training steps and tells where their time goes: on the trainer's data or, without
 * a data section, on `samples` made-up samples. They train the model as any steps do. */
TN_API tn_status tn_trainer_profile(tn_trainer *, int64_t samples, int64_t steps,
                                    tn_profile *, tn_error *);

/* What a batch says of a model. `violation`: how far its parameters are from a minimum of the loss
 * over this batch plus their regularizers, by the conditions of Karush, Kuhn and Tucker: the largest
 * distance of minus a gradient from the subdifferential of its regularizer, without one from 0. NAN:
 * not known for a regularizer, several at one weight or one with a schedule. */
typedef struct tn_gradients {
    double loss; /* of the model's config, without penalties */
    double violation;
} tn_gradients;

/* Loss and gradient of every parameter for one training pass over a batch, the gradients written
 * under the parameters' names to the archive `path`. Changes nothing in the model. */
TN_API tn_status tn_model_gradients_save(tn_model *, const float *x, const float *targets,
                                         const int32_t *labels, int64_t samples,
                                         const char *path, tn_gradients *, tn_error *);

/* The same for a model with several inputs. */
TN_API tn_status tn_model_gradients_save_inputs(tn_model *, const float *const *x,
                                                const float *targets,
                                                const int32_t *labels, int64_t samples,
                                                const char *path, tn_gradients *,
                                                tn_error *);

#ifdef __cplusplus
}
#endif
#endif

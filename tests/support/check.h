/* check.h - what the suites of plugins share: one layer's slots on their own, whole nets
 * from a YAML text, gradients against central differences.
 *
 * The error of a tensor is max |a - b| / max(max |b|, 1e-3 x largest gradient of the
 * net). Any failure ends the test through Criterion. Everything made here lives as
 * long as the test, which has a process of its own. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#ifndef TN_REAL_BITS
#define TN_REAL_BITS 64
#endif
#include "core/plan.h"

#define CHECK_OWN 8

/* An environment whose search path is the build's plugins and the tests' toys: by default
 * with the backend `reference`, else what check_env_as said last, which opens each only once: with its
 * plugins and threads it costs more than a small net does. */
tn_env *check_env(void);
void check_env_as(const char *backend, int32_t threads);
tn_instance *check_plugin(const char *kind, const char *name, const char *options,
                          int32_t real);
tn_shape check_shape(int32_t rank, int64_t a, int64_t b, int64_t c);
/* Released after the test, the last one first. */
void check_keep(void *what, void (*release)(void *));
/* The last thing that is kept; releases what has been kept since. */
const void *check_kept(void);
void check_release(const void *since);
/* n zeroed items of `size` bytes. */
void *check_room(int64_t n, size_t size);
/* Numbers in -1 .. 1, the same for the same seed. */
void check_random(double *to, int64_t n, uint32_t seed);
/* A whole number in lo .. hi, number i of a seed. */
int64_t check_draw(uint32_t seed, int32_t i, int64_t lo, int64_t hi);
/* A shape with a rank and sizes drawn likewise. */
tn_shape check_draw_shape(uint32_t seed, int32_t least_rank, int32_t most_rank,
                          int64_t most);
/* The same but for its last axis. */
tn_shape check_draw_rows(uint32_t seed, int32_t least_rank, int32_t most_rank,
                         int64_t most, int64_t width);
/* Against what is known to be right, in double; noted (support/note.h). */
void check_near(const double *a, const double *b, int64_t n, double tolerance,
                const char *what);
/* Two runs of Tenon's. */
void check_alike(const double *a, const double *b, int64_t n, double tolerance,
                 const char *what);

/* A call context that keeps the text of the last failure. */
tn_call *check_call(void);
const char *check_message(void);

/* ---- one layer of class map, row or reduce over columns, in double --------------- */

typedef struct check_own {
    char name[32];
    int32_t along, role;
    int64_t size;
    double *value, *gradient;
} check_own;

typedef struct check_layer {
    tn_instance *instance;
    tn_node node;
    tn_shape in[4];
    int64_t rows, width, n;
    int32_t params, states;
    check_own param[CHECK_OWN], state[CHECK_OWN];
    double *x[4], *y, *gy, *gx[4]; /* n values each */
    double *stat[CHECK_OWN], *back[CHECK_OWN];
} check_layer;

/* x, gy and parameters random; states as declared. */
check_layer *check_layer_new(const char *name, const char *options, tn_shape shape,
                             int64_t samples, int32_t inputs);
/* The same of another kind that computes like a layer. */
check_layer *check_kernel_new(const char *kind, const char *name, const char *options,
                              tn_shape shape, int64_t samples, int32_t inputs);
/* What infer says to inputs of these shapes: TN_OK, or a status with check_message. */
tn_status check_infer(const char *name, const char *options, int32_t inputs,
                      const tn_shape *shapes);
/* In tiles of `run` elements (a multiple of the width where the class needs rows); 0:
 * as large as the class allows. */
void check_forward(check_layer *, bool training, int64_t run);
void check_backward(check_layer *, bool training, int64_t run);
void check_commit(check_layer *);
/* gx[0] and the parameters' gradients against differences of the sum of gy x y. */
void check_slot_gradients(check_layer *);
/* Outputs that held NaN are written, inputs are left alone, any split gives the same
 * bits, and in place the same as not. */
void check_runs(const char *name, const char *options, int32_t inputs, bool training);

/* ---- nets ------------------------------------------------------------------------ */

typedef struct check_net {
    tn_graph *graph;
    tn_plan *plan;
    tn_instance *loss;
    tn_config *config;
    tn_pass pass;
    int32_t real;
    int64_t samples, inputs, outputs; /* elements of a sample */
    void *x;
    tn_field target;
} check_net;

/* `model` is a YAML list, `loss` as in a config (NULL: the toy `linear`, sum of target x
 * output). Input, targets and all parameters are random; labels (classes > 0) too. */
check_net *check_net_new(const char *model, const char *loss, int32_t classes,
                         tn_shape input, int64_t samples, int32_t real, uint32_t seed);
/* The same net in the other precision, with the same numbers (those of the float net). */
check_net *check_net_twin(const check_net *, const char *model, const char *loss,
                          int32_t classes, tn_shape input, int32_t real);
/* Not NULL: makes of random targets in -1 .. 1, rows of `width`, what a loss takes. */
extern void (*check_targets)(double *target, int64_t n, int64_t width);
/* Sum of the loss over rows; with gradients. */
double check_net_loss(check_net *, bool gradients);
const void *check_net_output(check_net *);
/* Outputs and gradients, one behind the other. */
double *check_net_numbers(check_net *, int64_t *count);
/* Makes its first layer, a dense, hand on what it is given, exactly. */
void check_net_hand_on(check_net *);
/* From now on it has a plan that keeps all values. */
void check_net_keep(check_net *);
/* Then, after check_net_loss with gradients: that of what node `node` makes. */
double *check_net_gradient_at(const check_net *, int32_t node, int64_t *count);
int32_t check_net_param(const check_net *, const char *name); /* number; must be there */
int32_t check_net_state(const check_net *, const char *name);

/* All parameters of a net in double by central differences, error <= 1e-7. false: a kink is too
 * near. */
bool check_net_gradients(check_net *);
/* Of the first of some random nets that has none there. */
void check_gradients(const char *model, const char *loss, int32_t classes, tn_shape input,
                     int64_t samples, bool training);
/* Output, loss and gradients in float against double, error <= tolerance. */
void check_precisions(const char *model, const char *loss, int32_t classes,
                      tn_shape input, int64_t samples, double tolerance);
/* Plain gradient descent on one batch: the loss must fall below `factor` of the first
 * one. */
void check_learns(const char *model, const char *loss, int32_t classes, tn_shape input,
                  int64_t samples, int32_t steps, double rate, double factor);
/* Output and gradients in both precisions: on 1, 2, 3, 4, 7 and 8 threads the same bits. */
void check_threads(const char *model, tn_shape input, int64_t samples);
/* A batch of n is n batches of one: its outputs to 1e-6 in float and 1e-13 in double, the same bits
 * with the backend `reference`, whose products have one path for all sizes; gradients add up, in double. Both backends
 * agree. */
void check_samples(const char *model, tn_shape input, int64_t samples);
/* Outside training, also in a plan without it, the output has the bits of training. */
void check_modes(const char *model, tn_shape input, int64_t samples);
/* All three of these. */
void check_independence(const char *model, tn_shape input, int64_t samples);
/* Writes layers, "relu, {dense: 3}", and returns what they take. */
enum { CHECK_LAYERS = 600 };
typedef tn_shape check_drawing(uint32_t seed, char layers[CHECK_LAYERS]);
/* Random layers on both backends: outputs, gradients of the input and of parameters of a batch with
 * `blis` are those of its samples one by one with `reference`. A batch_norm needs the batch: then of
 * the whole. */
void check_backends(check_drawing *draw);
/* The nets of tests/reference/FILE.safetensors whose names begin with "CASES-", which says what
 * their models are: forward, gradients, five steps of training. */
void check_torch(const char *file, const char *cases);
/* Message of tn_graph_new for a model that must be refused. */
const char *check_refused(const char *model, tn_shape input);
/* It says these words. */
void check_refuses(const char *model, tn_shape input, const char *words);

#endif

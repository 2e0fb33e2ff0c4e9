/* recurrent.h - what layers that go from step to step share: options, parameters, shapes. Their memory
 * stands in recurrent_memory.h, what dropout and zoneout draw in recurrent_masks.h, operands of products
 * in recurrent_operands.h, normalization in recurrent_norm.h, what is done with a product while it is in
 * the cache in recurrent_patches.h, the loops over the steps in recurrent_steps.h and recurrent_back.h.
 * A layer defines
 *
 *     OPTIONS         RECURRENT_OPTIONS and its own
 *     GATES, SLOTS    G below; numbers of a unit that each step keeps, the gates among them
 *     CELLS           1: each step has a cell state beside its hidden state, and OPTIONS has
 *                     RECURRENT_CELL_OPTIONS; else 0
 *     RECURRENT_BIAS  1: the last gate has a bias of its own behind R (u below); else 0
 *     GRADIENTS_APART 1: the cell finds u beside z, and leaves its gradient, which is another, in u;
 *                     else 0: it finds z + u in z
 *     JOINT_NORM      1: layer_norm is of z + u; 0: of each of them, gate by gate
 *     MORE_BIAS       what the biases of each gate begin with
 *
 * includes this file, once per precision, hence no guard, then defines its cell,
 *
 *     TN(cell_forward)(self, const TN(row) *), TN(cell_backward)(self, const TN(row) *)
 *
 * and includes recurrent_steps.h.
 *
 * With G gates of n units a cell gets, at step t,
 *
 *     z = W x_t + b,  u = R h_(t-1),  W of shape (G n, features), R of shape (G n, p)
 *
 * where h has p numbers (n, but with `projection`). z comes from one product for all steps (but see
 * below) and u from one per step, with R packed once; it is added to z where that is all that becomes
 * of it. The cells are that product's epilogue: units of some samples are made as soon as all their
 * gates are there. Last of all their states go out of the layer and, where dropout hides some, to where
 * the next step's product reads them. With `projection` that is the epilogue of a second product. Back
 * through time (Werbos, "Backpropagation through time", Proc. IEEE 78(10), 1990) the cell turns the
 * gradient of h_t into those of z and u, and dL/du R is the next step's part of dL/dh_(t-1), with the
 * cells of step t-1 as its epilogue. W's gradient is then one product over all steps, R's likewise, or
 * two where the last gate's gradient in u is not that in z (GRU).
 *
 * Groups of samples take all steps each by itself, so that threads meet once a sequence; where R is too
 * large for a core's cache, all threads make each step's products, and their epilogues, together.
 *
 * Where no gradient is wanted, nobody looks at a step again: then a group makes z of a few steps at a
 * time, and states of two are kept, so that a core's cache has room for them.
 *
 * Inputs: the sequence; with `lengths` the number of steps of each sample that count; last, if there
 * is one more, the states to begin with, as a row (h, or h of both directions; behind them the cells'
 * likewise). Steps behind a sample's length take part in nothing: they read no input, their gradients
 * and outputs are zero. */
#include <stdatomic.h>
#include <string.h>
#include <tenon/math.h>
#include <tenon/random.h>

#ifndef RECURRENT_ONCE
#define RECURRENT_ONCE
#define RECURRENT_OPTIONS(P)                                                             \
    P(INT, units, TN_POSITIONAL | TN_REQUIRED, 0, 1, INT32_MAX, "hidden units")          \
    P(BOOL, return_sequences, 0, 0, , ,                                                  \
      "whether every step's state is put out, or only the last one's")                   \
    P(ENUM, direction, 0, 0, "forward|reverse|bidirectional", ,                          \
      "reverse begins with the last step; bidirectional has weights for both and "       \
      "puts out their states side by side")                                              \
    P(BOOL, bias, 0, 1, , , "whether to add a learned value to each gate")               \
    P(BOOL, lengths, 0, 0, , ,                                                           \
      "whether the second input says how many steps of each sample count: those behind " \
      "them change nothing, and their outputs are 0")                                    \
    P(INT, stateful, 0, 0, 0, INT32_MAX,                                                 \
      "samples of a batch with whose last states the next one begins, in an epoch of "   \
      "training and where streams are evaluated; no gradient passes. 0: each batch "     \
      "begins with zeros")                                                               \
    P(SCHEDULABLE, input_dropout, 0, 0, 0, 1,                                            \
      "probability that a feature of the input is hidden: the same features at all "     \
      "steps of a sample")                                                               \
    P(SCHEDULABLE, recurrent_dropout, 0, 0, 0, 1,                                        \
      "probability that a unit's state is hidden from the next step: the same "          \
      "units at all steps of a sample")                                                  \
    P(REAL, zoneout, 0, 0, 0, 1,                                                         \
      "probability that a unit's state stays what it was, at each step anew")            \
    P(BOOL, layer_norm, 0, 0, , ,                                                        \
      "whether what the products with input and state give is normalized")               \
    P(PLUGIN, recurrent_initializer, 0, "orthogonal", "initializer", ,                   \
      "of the weights from state to state")
#define RECURRENT_CELL_OPTIONS(P)                                                 \
    P(BOOL, return_state, 0, 0, , ,                                               \
      "whether cell states are put out, behind the states to which they belong")  \
    P(INT, projection, 0, 0, 0, INT32_MAX,                                        \
      "numbers to which a learned matrix brings the state, fewer than units; 0: " \
      "there is none")                                                            \
    P(REAL, zoneout_cell, 0, 0, 0, 1,                                             \
      "probability that a unit's cell state stays what it was")

/* In front of a loop over units: no number of one lies where another's do. Compilers would have to
 * compare too many places to find out. */
#ifdef __clang__
#define EACH_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define EACH_APART _Pragma("GCC ivdep")
#endif
#define RECURRENT_UNITS 2048 /* in a patch of a step (recurrent_patches.h) */
#define RECURRENT_WIDE 128   /* of a sample in it */
#define RECURRENT_GROUP 16  /* samples that a thread takes through all steps, at least; */
#define RECURRENT_PAIR 4    /* of each of two groups, if there are no more */
#define RECURRENT_AHEAD 64  /* rows of z that are made at once where none is kept, */
#define RECURRENT_DEEP 2048 /* of at most so many features */
#define RECURRENT_BYTES \
    0x100000 /* of R, at most, that its cache has room for meanwhile */

enum { FORWARD, REVERSE, BIDIRECTIONAL };

/* Parameters of a direction. */
enum {
    WEIGHT,
    RECURRENT_WEIGHT,
    BIAS,
    LAST_BIAS,
    PROJECTION,
    GAMMA,
    RECURRENT_GAMMA,
    CELL_GAMMA,
    CELL_BETA,
    ROLES
};
#if CELLS
#define CELL_OPTION(self, name) ((self)->name)
#else
#define CELL_OPTION(self, name) 0
#endif
#endif

TN_SELF(
    OPTIONS, /* bytes that W, R and the projection's matrix packed take; number of the input that
                    has the states to begin with, 0: none; steps before the first in the cache */
    int64_t packed_input, packed, packed_projection;
    int32_t first, before;)

static int32_t TN(directions)(const TN(self) * self)
{
    return self->direction == BIDIRECTIONAL ? 2 : 1;
}

/* Numbers of h. */
static int64_t TN(state_size)(const TN(self) * self)
{
    const int64_t projection = CELL_OPTION(self, projection);
    return projection ? projection : self->units;
}

/* Numbers that are put out of a step. */
static int64_t TN(output_size)(const TN(self) * self)
{
    return TN(directions)(self) *
           (TN(state_size)(self) + (CELL_OPTION(self, return_state) ? self->units : 0));
}

/* All that a sample takes from one batch to the next. */
static int64_t TN(states_size)(const TN(self) * self)
{
    return TN(directions)(self) * (TN(state_size)(self) + CELLS * self->units);
}

/* ---- parameters ------------------------------------------------------------------ */

static int TN(has)(const TN(self) * self, int32_t role)
{
    switch (role) {
    case BIAS: return self->bias;
    case LAST_BIAS: return self->bias && RECURRENT_BIAS;
    case PROJECTION: return CELL_OPTION(self, projection) != 0;
    case GAMMA: return self->layer_norm;
    case RECURRENT_GAMMA: return self->layer_norm && !JOINT_NORM;
    case CELL_GAMMA: return self->layer_norm && CELLS;
    case CELL_BETA: return self->layer_norm && CELLS && self->bias;
    default: return 1;
    }
}

static tn_param_spec TN(matrix_spec)(int64_t parts, int64_t rows, int64_t cols)
{
    return (tn_param_spec){.shape = {.rank = 2, .dim = {parts * rows, cols}},
                           .role = TN_WEIGHT,
                           .parts = (int32_t)parts,
                           .fan_in = cols,
                           .fan_out = rows};
}

static tn_param_spec TN(vector_spec)(int64_t count, int32_t role, double fill)
{
    return (tn_param_spec){
        .shape = {.rank = 1, .dim = {count}}, .role = role, .fill = fill};
}

static tn_param_spec TN(bias_spec)(const TN(self) * self, int64_t features)
{
    return (tn_param_spec){.shape = {.rank = 1, .dim = {GATES * self->units}},
                           .role = TN_BIAS,
                           .parts = GATES,
                           .more = MORE_BIAS,
                           .fan_in = features,
                           .fan_out = self->units};
}

static tn_param_spec TN(spec_of)(const TN(self) * self, int32_t role, int64_t features)
{
    const int64_t n = self->units, p = TN(state_size)(self);
    tn_param_spec weight = TN(matrix_spec)(GATES, n, features),
                  recurrent = TN(matrix_spec)(GATES, n, p),
                  last_bias = TN(vector_spec)(n, TN_BIAS, 0);
    weight.feature_axis = 2;
    recurrent.initializer = self->recurrent_initializer;
    last_bias.fan_in = last_bias.fan_out = n;
    switch (role) {
    case WEIGHT: return weight;
    case RECURRENT_WEIGHT: return recurrent;
    case BIAS: return TN(bias_spec)(self, features);
    case LAST_BIAS: return last_bias;
    case PROJECTION: return TN(matrix_spec)(1, p, n);
    case GAMMA:
    case RECURRENT_GAMMA: return TN(vector_spec)(GATES * n, TN_NORM, 1);
    default: return TN(vector_spec)(n, TN_NORM, role == CELL_GAMMA);
    }
}

/* PyTorch's two biases are one here, their sum, where they act alike. */
static void TN(say_torch)(const TN(self) * self, int32_t role, tn_torch_part *torch)
{
    const int64_t n = self->units, all = GATES * n, joined = all - RECURRENT_BIAS * n;
    switch (role) {
    case WEIGHT: torch[0].name = "weight_ih"; break;
    case RECURRENT_WEIGHT: torch[0].name = "weight_hh"; break;
    case PROJECTION: torch[0].name = "weight_hr"; break;
    case BIAS:
        torch[0].name = "bias_ih";
        torch[1] = (tn_torch_part){"bias_hh", all, 0, 0, joined};
        break;
    case LAST_BIAS: torch[0] = (tn_torch_part){"bias_hh", all, joined, 0, n}; break;
    }
}

/* Named as in a layer of one direction, those of a second with "_reverse" behind; PyTorch's count
 * layers, of which this is one. */
static tn_status TN(declare)(tn_call *c, const TN(self) * self, int64_t features,
                             int reverse)
{
    static const char *const name[ROLES] = {
        "weight", "recurrent_weight", "bias",       "recurrent_bias", "projection",
        "gamma",  "recurrent_gamma",  "cell_gamma", "cell_beta"};
    tn_status status = TN_OK;
    for (int32_t role = 0; !status && role < ROLES; role++) {
        const char *end = reverse ? "_reverse" : "";
        char text[40], torch[TN_MAX_TORCH][40];
        if (!TN(has)(self, role)) continue;
        tn_param_spec spec = TN(spec_of)(self, role, features);
        snprintf(text, sizeof text, "%s%s", name[role], end);
        spec.name = text;
        TN(say_torch)(self, role, spec.torch);
        for (int i = 0; i < TN_MAX_TORCH && spec.torch[i].name; i++) {
            snprintf(torch[i], sizeof torch[i], "%s_l0%s", spec.torch[i].name, end);
            spec.torch[i].name = torch[i];
        }
        status = c->host->param(c, &spec);
    }
    return status;
}

/* A weight as the right-hand operand of a product: of the states forward, of gradients back. */
static tn_matrix TN(operand)(int64_t rows, int64_t cols, void *data, int back)
{
    const tn_matrix m = tn_matrix_at(rows, cols, data);
    return back ? m : tn_transposed(m);
}

#include "shape.h"
#include "step_counts.h"

/* ---- inputs ---------------------------------------------------------------------- */

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (CELL_OPTION(self, projection) >= self->units)
        return tn_fail(c, TN_EINVAL,
                       "projection: %lld; it must be below units, which is %lld",
                       (long long)CELL_OPTION(self, projection), (long long)self->units);
    if (self->stateful && self->direction != FORWARD)
        return tn_fail(c, TN_EINVAL,
                       "stateful goes on where the batch before ended, which takes "
                       "direction: forward");
    return TN_OK;
}

static tn_status TN(check_first)(const TN(self) * self, tn_call *c, const tn_shape *first)
{
    if (self->stateful)
        return tn_fail(c, TN_EINVAL,
                       "stateful begins with the states of the batch before; leave it "
                       "out, or the input that has states to begin with");
    if (tn_shape_count(first) == TN(states_size)(self)) return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "the states to begin with are %lld numbers (%d direction%s of %lld "
                   "units%s), its last input has %lld%s",
                   (long long)TN(states_size)(self), (int)TN(directions)(self),
                   TN(directions)(self) > 1 ? "s" : "", (long long)self->units,
                   CELLS ? ", then their cells" : "", (long long)tn_shape_count(first),
                   !self->lengths && tn_shape_count(first) == 1
                       ? "; if that is the number of steps that count, say lengths: true"
                       : "");
}

static tn_status TN(check_inputs)(TN(self) * self, tn_call *c, const tn_node *node)
{
    const int32_t known = self->lengths ? 2 : 1;
    char shape[128];
    TN(write_shape)(&node->in[0], shape);
    if (node->in[0].rank != 2 || node->in[0].dim[0] < 1)
        return tn_fail(
            c, TN_ESHAPE,
            "needs sequences, (steps, features) with at least one step, got %s; a "
            "recurrent layer before it hands on all steps with return_sequences: true, "
            "reshape makes them of other shapes, e.g. [-1, 1] of numbers in a row",
            shape);
    if (node->inputs < known)
        return tn_fail(c, TN_EINVAL,
                       "lengths: true needs a second input; name them: inputs: "
                       "[sequence, lengths]");
    if (node->inputs > known + 1)
        return tn_fail(c, TN_EINVAL,
                       "has %d inputs; there may be a sequence, with lengths: true their "
                       "number of steps, and states to begin with",
                       node->inputs);
    self->first = node->inputs > known ? known : 0;
    tn_status status = TN_OK;
    if (self->lengths) status = TN(check_count_shape)(c, &node->in[1]);
    if (status || !self->first) return status;
    return TN(check_first)(self, c, &node->in[known]);
}

#include "recurrent_memory.h"
#include "recurrent_masks.h"
#include "recurrent_operands.h"
#include "recurrent_norm.h"
#include "recurrent_patches.h"

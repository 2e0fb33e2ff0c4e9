/* recurrent.h - what layers that go from step to step share: options, parameters, memory; the loops
 * over the steps stand in recurrent_steps.h. A layer defines
 *
 *     OPTIONS         RECURRENT_OPTIONS and its own
 *     GATES, SLOTS    G below; numbers of a unit that each step keeps, the gates among them
 *     CELLS           1: each step has a cell state beside its hidden state; else 0
 *     RECURRENT_BIAS  1: the last gate has a bias of its own behind R (u below); else 0
 *     MORE_BIAS       what the biases of each gate begin with
 *
 * includes this file, once per precision, hence no guard, then defines its cell and includes the
 * other.
 *
 * With G gates of n units a cell gets, at step t,
 *
 *     z = W x_t + b,  u = R h_(t-1),  W of shape (G n, features), R of shape (G n, n)
 *
 * where z comes from one product for all steps and u from one per step, with R packed once. Back
 * through time (Werbos, "Backpropagation through time", Proc. IEEE 78(10), 1990) the cell turns
 * the gradient of h_t into those of z and u, and dL/du R is the next step's part of dL/dh_(t-1). The
 * gradients of W and R are then one product over all steps.
 *
 * Everything of a step lies together, for all samples: [step][sample][...]. Steps are counted in
 * the order in which they are taken, from the end of the sequence for the direction `reverse`. */
#include <string.h>
#include <tenon/math.h>
#include <tenon/random.h>

#ifndef RECURRENT_ONCE
#define RECURRENT_ONCE
#define RECURRENT_OPTIONS(P)                                                       \
    P(INT, units, TN_POSITIONAL | TN_REQUIRED, 0, 1, INT32_MAX, "hidden units")    \
    P(BOOL, return_sequences, 0, 0, , ,                                            \
      "whether every step's state is put out, or only the last one's")             \
    P(ENUM, direction, 0, 0, "forward|reverse|bidirectional", ,                    \
      "reverse begins with the last step; bidirectional has weights for both and " \
      "puts out their states side by side")                                        \
    P(BOOL, bias, 0, 1, , , "whether to add a learned value to each gate")         \
    P(SCHEDULABLE, recurrent_dropout, TN_BELOW, 0, 0, 1,                           \
      "probability that a unit's state is hidden from the next step: the same "    \
      "units at all steps of a sample")                                            \
    P(PLUGIN, recurrent_initializer, 0, "orthogonal", "initializer", ,             \
      "of the weights from state to state")

/* In front of a loop over units: no number of one lies where another's do. Compilers would have to
 * compare too many places to find out. */
#ifdef __clang__
#define EACH_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define EACH_APART _Pragma("GCC ivdep")
#endif
#define RECURRENT_UNITS 2048 /* in a part of a step that one thread takes */

enum { FORWARD, REVERSE, BIDIRECTIONAL };
#endif

TN_SELF(OPTIONS, int64_t packed;) /* bytes that R packed takes */

/* A sample at a step, for the cell. Forward it finds z and u, and makes h (and c, and what it keeps
 * in z's slots); back it finds that and, in gh, the gradient of h, and leaves those of z and u in
 * their place. `carry` is the gradient that goes past the product: for the step before. */
typedef struct TN(row) {
    int64_t n;
    tn_real *z, *u, *h, *c, *gh, *carry;
    const tn_real *h_before, *c_before, *bias; /* bias: of u's last gate */
} TN(row);

/* One direction of one call. */
typedef struct TN(course) {
    const TN(self) * self;
    tn_call *call;
    const tn_io *io;
    const tn_tensor *const *param; /* this direction's */
    tn_tensor *const *gparam;
    int64_t samples, steps, features, n;
    int64_t step, rows;    /* being made; samples of a part of it */
    int64_t column, width; /* of the output */
    int32_t reverse, adds, masked;
    const tn_real *shown; /* where masked states are read from */
    /* In the cache: of all steps z, h and c; of one u, the gradients that go back to the step
     * before by the product (gh) and past it (carry); the mask of recurrent dropout. */
    tn_real *z, *h, *c, *u, *gh, *carry, *mask;
    tn_real *zero, *sums; /* n zeros; sums of columns */
    void *packed;
} TN(course);

static int32_t TN(directions)(const TN(self) * self)
{
    return self->direction == BIDIRECTIONAL ? 2 : 1;
}

/* ---- shapes ---------------------------------------------------------------------- */

/* Of a second direction names end with "_reverse"; PyTorch's count layers, of which this is one. */
static tn_status TN(declare)(tn_call *c, const TN(self) * self, const char *name,
                             int reverse, tn_param_spec spec)
{
    const char *end = reverse ? "_reverse" : "";
    char text[40], torch[TN_MAX_TORCH][40];
    snprintf(text, sizeof text, "%s%s", name, end);
    spec.name = text;
    spec.fan_out = self->units;
    for (int i = 0; i < TN_MAX_TORCH && spec.torch[i].name; i++) {
        snprintf(torch[i], sizeof torch[i], "%s_l0%s", spec.torch[i].name, end);
        spec.torch[i].name = torch[i];
    }
    return c->host->param(c, &spec);
}

/* Named as in a layer of one direction, those of a second with "_reverse" behind. */
static tn_status TN(declare_all)(tn_call *c, const TN(self) * self, int64_t features,
                                 int reverse)
{
    const int64_t n = self->units, all = GATES * n, joined = all - RECURRENT_BIAS * n;
    const tn_param_spec weight = {.shape = {.rank = 2, .dim = {all, features}},
                                  .role = TN_WEIGHT,
                                  .parts = GATES,
                                  .fan_in = features,
                                  .feature_axis = 2,
                                  .torch = {{.name = "weight_ih"}}};
    const tn_param_spec recurrent = {.shape = {.rank = 2, .dim = {all, n}},
                                     .role = TN_WEIGHT,
                                     .parts = GATES,
                                     .fan_in = n,
                                     .initializer = self->recurrent_initializer,
                                     .torch = {{.name = "weight_hh"}}};
    const tn_param_spec bias = {
        .shape = {.rank = 1, .dim = {all}},
        .role = TN_BIAS,
        .parts = GATES,
        .more = MORE_BIAS,
        .fan_in = features,
        .torch = {{.name = "bias_ih"}, {"bias_hh", all, 0, 0, joined}}};
    const tn_param_spec apart = {.shape = {.rank = 1, .dim = {n}},
                                 .role = TN_BIAS,
                                 .fan_in = n,
                                 .torch = {{"bias_hh", all, joined, 0, n}}};
    tn_status status = TN(declare)(c, self, "weight", reverse, weight);
    if (!status) status = TN(declare)(c, self, "recurrent_weight", reverse, recurrent);
    if (status || !self->bias) return status;
    status = TN(declare)(c, self, "bias", reverse, bias);
    if (status || !RECURRENT_BIAS) return status;
    return TN(declare)(c, self, "recurrent_bias", reverse, apart);
}

static int64_t TN(params)(const TN(self) * self)
{
    return self->bias ? 3 + RECURRENT_BIAS : 2;
}

/* R as the right-hand operand of a product: of the states forward, of gradients back. */
static tn_matrix TN(recurrent_weight)(int64_t n, void *data, int back)
{
    const tn_matrix r = {
        .rows = GATES * n, .cols = n, .row_stride = n, .col_stride = 1, .data = data};
    return back ? r : tn_transposed(r);
}

/* Numbers that a sample takes in the cache, for one direction. */
static int64_t TN(kept)(int64_t steps, int64_t n)
{
    return (steps * (SLOTS + 1 + CELLS) + GATES + 3) * n;
}

static tn_status TN(size_memory)(TN(self) * self, tn_call *c, tn_node *node)
{
    const int64_t n = self->units, steps = node->in[0].dim[0];
    int64_t bytes;
    if (__builtin_mul_overflow(steps, 64 * (SLOTS + 8) * n, &bytes))
        return tn_fail(c, TN_ESHAPE, "%lld steps of %lld units are too many",
                       (long long)steps, (long long)n);
    const tn_matrix forward = TN(recurrent_weight)(n, NULL, 0),
                    back = TN(recurrent_weight)(n, NULL, 1);
    const size_t a = c->host->pack_size(c, &forward), b = c->host->pack_size(c, &back);
    self->packed = a && b ? (int64_t)(a > b ? a : b) : 0;
    node->cache = (size_t)(TN(directions)(self) * TN(kept)(steps, n)) * sizeof(tn_real);
    node->scratch = (size_t)self->packed + (size_t)((1 + SLOTS) * n) * sizeof(tn_real);
    return TN_OK;
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    if (node->in[0].rank != 2 || node->in[0].dim[0] < 1)
        return tn_fail(
            c, TN_ESHAPE,
            "needs sequences, (steps, features) with at least one step, got an "
            "input with %d axes",
            node->in[0].rank);
    const int64_t features = node->in[0].dim[1], out = TN(directions)(self) * self->units;
    if (self->return_sequences)
        node->out.dim[1] = out;
    else
        node->out = (tn_shape){.rank = 1, .dim = {out}};
    tn_status status = TN_OK;
    for (int32_t d = 0; !status && d < TN(directions)(self); d++)
        status = TN(declare_all)(c, self, features, d);
    return status ? status : TN(size_memory)(self, c, node);
}

/* ---- a direction ----------------------------------------------------------------- */

static TN(course) TN(course_of)(const TN(self) * self, tn_call *call, const tn_io *io,
                                int32_t direction)
{
    const int64_t n = self->units, samples = io->in[0]->dim[0], steps = io->in[0]->dim[1];
    TN(course)
    c = {.self = self,
         .call = call,
         .io = io,
         .param = io->param + direction * TN(params)(self),
         .gparam = io->gparam ? io->gparam + direction * TN(params)(self) : NULL,
         .samples = samples,
         .steps = steps,
         .features = io->in[0]->dim[2],
         .n = n,
         .rows = n < RECURRENT_UNITS ? RECURRENT_UNITS / n : 1,
         .column = direction * n,
         .width = TN(directions)(self) * n,
         .reverse = direction || self->direction == REVERSE,
         .adds = direction,
         .masked = io->training && tn_now(call, self->recurrent_dropout) > 0};
    const int64_t all = samples * n;
    c.z = (tn_real *)io->cache + direction * samples * TN(kept)(steps, n);
    c.h = c.z + SLOTS * steps * all, c.c = c.h + steps * all;
    c.u = c.c + CELLS * steps * all, c.gh = c.u + GATES * all;
    c.carry = c.gh + all, c.mask = c.carry + all;
    if (self->packed) c.packed = io->scratch;
    c.zero = (tn_real *)((char *)io->scratch + self->packed), c.sums = c.zero + n;
    memset(c.zero, 0, sizeof(tn_real) * (size_t)n);
    return c;
}

static int64_t TN(time_of)(const TN(course) * c, int64_t step)
{
    return c->reverse ? c->steps - 1 - step : step;
}

/* Rows of the input in the order of steps: a reader of products. */
static void TN(read_input)(const void *with, int64_t row, int64_t col, int64_t rows,
                           int64_t cols, void *block, int64_t stride)
{
    const TN(course) *c = with;
    const tn_real *x = c->io->in[0]->data;
    tn_real *to = block;
    for (int64_t i = row; i < row + rows; i++, to += stride) {
        const int64_t at = i % c->samples * c->steps + TN(time_of)(c, i / c->samples);
        memcpy(to, x + at * c->features + col, sizeof *to * (size_t)cols);
    }
}

/* Gradients of the input, which come in the order of steps, to where they belong. */
static void TN(write_input)(const void *with, int64_t row, int64_t col, int64_t rows,
                            int64_t cols, void *block, int64_t stride)
{
    const TN(course) *c = with;
    const tn_real *from = block;
    for (int64_t i = row; i < row + rows; i++, from += stride) {
        const int64_t at = i % c->samples * c->steps + TN(time_of)(c, i / c->samples);
        tn_real *to = (tn_real *)c->io->gin[0]->data + at * c->features + col;
        for (int64_t j = 0; j < cols; j++) to[j] = c->adds ? to[j] + from[j] : from[j];
    }
}

/* States, without those that the mask hides. */
static void TN(read_masked)(const void *with, int64_t row, int64_t col, int64_t rows,
                            int64_t cols, void *block, int64_t stride)
{
    const TN(course) *c = with;
    tn_real *to = block;
    for (int64_t i = row; i < row + rows; i++, to += stride) {
        const tn_real *h = c->shown + i * c->n + col,
                      *mask = c->mask + i % c->samples * c->n + col;
        for (int64_t j = 0; j < cols; j++) to[j] = h[j] * mask[j];
    }
}

static tn_matrix TN(input)(const TN(course) * c)
{
    return (tn_matrix){.rows = c->steps * c->samples,
                       .cols = c->features,
                       .read = TN(read_input),
                       .with = c};
}

/* What steps first .. first + count - 1 keep in `slots` slots from `slot` on. */
static tn_matrix TN(slots)(const TN(course) * c, int64_t first, int64_t count,
                           int64_t slot, int64_t slots)
{
    return (tn_matrix){.rows = count * c->samples,
                       .cols = slots * c->n,
                       .row_stride = SLOTS * c->n,
                       .col_stride = 1,
                       .data = c->z + (first * c->samples * SLOTS + slot) * c->n};
}

/* One number for each unit, or each gate of it, and sample. */
static tn_matrix TN(compact)(int64_t rows, int64_t cols, tn_real *at)
{
    return (tn_matrix){
        .rows = rows, .cols = cols, .row_stride = cols, .col_stride = 1, .data = at};
}

/* States of steps first .. first + count - 1 as the steps after them see them. */
static tn_matrix TN(states)(TN(course) * c, int64_t first, int64_t count)
{
    c->shown = c->h + first * c->samples * c->n;
    tn_matrix m = TN(compact)(count * c->samples, c->n, (tn_real *)(uintptr_t)c->shown);
    if (c->masked) m.read = TN(read_masked), m.with = c;
    return m;
}

static tn_status TN(multiply)(const TN(course) * c, tn_matrix a, tn_matrix b,
                              tn_matrix out, const void *bias)
{
    const tn_product p = {
        .struct_size = sizeof p, .a = a, .b = b, .out = out, .bias = bias};
    return c->call->host->product(c->call, &p);
}

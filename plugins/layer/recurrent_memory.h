/* recurrent_memory.h - where everything of a recurrent layer lies: see recurrent.h. Everything of a
 * step lies together, for all samples: [step][sample][...]; of few steps each group has its own z:
 * [group][step][sample of it]. Steps are counted in the order in which they are taken, from the
 * sample's last one for the direction `reverse`. */

/* Units of a sample at a step, for the cell. Forward it finds z + u, or both apart, and makes h (and
 * c, and what it keeps in z's slots); back it finds that and, in gh, the gradient of h, and leaves
 * those of z and u in their place. `carry` is the gradient that goes past the product: for the step
 * before. */
typedef struct TN(row) {
    int64_t n, units; /* from gate to gate; of which some are made */
    tn_real *z, *u, *h, *c, *gh, *carry;
    const tn_real *h_before, *c_before, *bias; /* bias: of u's last gate */
    /* A cell that is normalized before it is seen: room for what is seen, the parameters, and sums
     * of their gradients; NULL where it is not. */
    tn_real *seen, *gcell_gamma, *gcell_beta;
    const tn_real *cell_gamma, *cell_beta;
} TN(row);

static int64_t TN(lesser)(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* One direction of one call. */
typedef struct TN(course) {
    const TN(self) * self;
    tn_call *call;
    const tn_io *io;
    const tn_tensor *param[ROLES]; /* this direction's; NULL: there is none */
    tn_tensor *gparam[ROLES];      /* NULL: not wanted */
    const tn_real *lengths;        /* NULL: all steps of all samples count */
    int64_t samples, steps, features, n, p;
    /* Groups of samples that take the steps together; the first and number of those of one, or of a
     * patch; its units. */
    int64_t groups, from, group, unit, units;
    int64_t step; /* being made */
    /* Steps whose z are there at once; samples whose z of a step lie together. */
    int64_t kept, abreast;
    int64_t rows, wide; /* samples and units of a patch */
    /* What a product makes: so many numbers of each of so many units; what is done then. */
    int64_t gates, span;
    void (*body)(const struct TN(course) *);
    int64_t column, cell_column; /* of h and c in a row of states */
    int64_t states_width, width; /* of a row of all of them; of the output of a step */
    int32_t direction, reverse, begins; /* begins: with states that are there */
    int32_t thinned, masked;            /* by dropout of inputs, of states */
    int32_t alternates;                 /* states of two steps take turns */
    const tn_real *hidden; /* where states are read from that are masked then */
    /* In the cache: of the steps that are kept z, h and c; of one the gradients that go back to the
     * step before by the product (gh) and past it (carry); the mask of recurrent dropout, and with it
     * the states of two steps. */
    tn_real *z, *h, *c, *gh, *carry, *mask, *shown;
    tn_real *x;       /* behind z of few steps the group's input of as many */
    tn_real *u;       /* of two steps; NULL: it is added to z */
    atomic_int *done; /* numbers of each patch that a product has made */
    /* With projection what it is of, and gradients of what it makes, of all steps; of one step
     * the gradient of the former. */
    tn_real *made, *gh_all, *gmade;
    /* With zoneout the gradient that goes past a step, of h, and of c for the time of a step; cells
     * of all steps before they are mixed with those before. */
    tn_real *past, *past_cell, *fresh;
    /* With layer_norm the products with input and states of all steps, the latter back their
     * gradients; the cell as it is seen; sums of a sample's gradients of parameters. */
    tn_real *raw, *raw_recurrent, *seen, *gains;
    tn_real *zero, *sums; /* n zeros; sums of columns */
    void *packed_input, *packed, *packed_projection;
    tn_matrix w, r, projection; /* the weights as operands, packed */
} TN(course);

#ifndef GAINS
#define GAINS (3 * GATES + 2) /* numbers of a unit in `gains` */
enum { OF_GAMMA = 0, OF_BIAS = GATES, OF_RECURRENT = 2 * GATES, OF_CELL = 3 * GATES };
#endif

static tn_real *TN(area)(tn_real *base, int64_t *at, int64_t count)
{
    tn_real *area = base ? base + *at : NULL;
    *at += count;
    return area;
}

/* Whether the product with states adds to z at once, so that there is no u. */
static int TN(adds)(const TN(self) * self)
{
    return !GRADIENTS_APART && (JOINT_NORM || !self->layer_norm);
}

/* Units of a patch. Rows are normalized as a whole. */
static int64_t TN(patch_width)(const TN(self) * self)
{
    return self->layer_norm ? self->units : TN(lesser)(self->units, RECURRENT_WIDE);
}

/* Patches side by side. */
static int64_t TN(patches)(const TN(self) * self)
{
    return (self->units - 1) / TN(patch_width)(self) + 1;
}

/* What options ask for. */
static int64_t TN(lay_out_more)(TN(course) * c, tn_real *base, int64_t at)
{
    const TN(self) *self = c->self;
    const int64_t all = c->samples * c->steps, n = c->n, p = c->p;
    if (CELL_OPTION(self, projection)) {
        c->made = TN(area)(base, &at, all * n);
        c->gh_all = TN(area)(base, &at, all * p);
        c->gmade = TN(area)(base, &at, c->samples * n);
    }
    if (self->zoneout > 0) c->past = TN(area)(base, &at, c->samples * p);
    if (CELL_OPTION(self, zoneout_cell) > 0) {
        c->fresh = TN(area)(base, &at, all * n);
        c->past_cell = TN(area)(base, &at, c->samples * n);
    }
    if (!self->layer_norm) return at;
    c->raw = TN(area)(base, &at, all * GATES * n);
    if (!JOINT_NORM) c->raw_recurrent = TN(area)(base, &at, all * GATES * n);
    if (CELLS) c->seen = TN(area)(base, &at, c->samples * n);
    c->gains = TN(area)(base, &at, c->samples * GAINS * n);
    return at;
}

/* Everything of the course's samples, from `base` on (NULL: nowhere yet); how many numbers it is. */
static int64_t TN(lay_out)(TN(course) * c, tn_real *base)
{
    const int64_t s = c->samples, all = s * c->steps, n = c->n, p = c->p;
    const int64_t before = c->self->before * s;
    int64_t at = 0;
    c->z = TN(area)(base, &at, SLOTS * all * n);
    TN(area)(base, &at, before * p);
    c->h = TN(area)(base, &at, all * p);
    TN(area)(base, &at, CELLS * before * n);
    c->c = TN(area)(base, &at, CELLS * all * n);
    if (!TN(adds)(c->self)) c->u = TN(area)(base, &at, 2 * GATES * s * n);
    c->gh = TN(area)(base, &at, s * p);
    c->carry = TN(area)(base, &at, s * n);
    c->mask = TN(area)(base, &at, s * p);
    c->shown = TN(area)(base, &at, 2 * s * p);
    c->done = (void *)TN(area)(base, &at, s * TN(patches)(c->self));
    return TN(lay_out_more)(c, base, at);
}

static int64_t TN(pack_size)(tn_call *c, int64_t rows, int64_t cols)
{
    const tn_matrix forward = TN(operand)(rows, cols, NULL, 0),
                    back = TN(operand)(rows, cols, NULL, 1);
    const size_t a = c->host->pack_size(c, &forward), b = c->host->pack_size(c, &back);
    return a && b ? (int64_t)(a > b ? a : b) : 0;
}

/* Where it pays to have W for a few steps at a time: as long as a core's cache keeps it. */
static int64_t TN(pack_input)(tn_call *c, int64_t rows, int64_t features)
{
    const tn_matrix w = TN(operand)(rows, features, NULL, 0);
    const int64_t bytes = rows * features * (int64_t)sizeof(tn_real);
    if (features > RECURRENT_DEEP || bytes > RECURRENT_BYTES) return 0;
    return (int64_t)c->host->pack_size(c, &w);
}

static tn_status TN(size_memory)(TN(self) * self, tn_call *c, tn_node *node)
{
    const int64_t n = self->units, p = TN(state_size)(self), steps = node->in[0].dim[0];
    const int64_t sums = self->layer_norm ? GAINS : SLOTS;
    int64_t bytes;
    if (__builtin_mul_overflow(steps, 64 * (3 * SLOTS + 16) * n, &bytes))
        return tn_fail(c, TN_ESHAPE, "%lld steps of %lld units are too many",
                       (long long)steps, (long long)n);
    TN(course) sample = {.self = self, .samples = 1, .steps = steps, .n = n, .p = p};
    self->before = self->first || self->stateful;
    self->packed_input = TN(pack_input)(c, GATES * n, node->in[0].dim[1]);
    self->packed = TN(pack_size)(c, GATES * n, p);
    if (CELL_OPTION(self, projection)) self->packed_projection = TN(pack_size)(c, p, n);
    node->cache = sizeof(tn_real) *
                  (size_t)(TN(directions)(self) * TN(lay_out)(&sample, NULL));
    node->scratch = (size_t)(self->packed_input + self->packed +
                             self->packed_projection) +
                    (size_t)((1 + sums) * n) * sizeof(tn_real);
    if (self->stateful) node->held = sizeof(tn_real) * (size_t)TN(states_size)(self);
    return TN_OK;
}

static int TN(draws)(const TN(self) * self, const tn_call *c)
{
    return tn_now(c, self->input_dropout) > 0 || tn_now(c, self->recurrent_dropout) > 0 ||
           self->zoneout > 0 || CELL_OPTION(self, zoneout_cell) > 0;
}

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    TN(self) *self = me;
    tn_status status = TN(check_inputs)(self, c, node);
    if (status) return status;
    if (TN(draws)(self, c)) node->flags |= TN_RANDOM;
    const int64_t features = node->in[0].dim[1], states = TN(states_size)(self);
    const int64_t out = TN(output_size)(self);
    if (self->return_sequences)
        node->out.dim[1] = out;
    else
        node->out = (tn_shape){.rank = 1, .dim = {out}};
    const tn_shape kept = {.rank = 2, .dim = {self->stateful, states}};
    if (self->stateful) status = c->host->state(c, "states", &kept, 0);
    for (int32_t d = 0; !status && d < TN(directions)(self); d++)
        status = TN(declare)(c, self, features, d);
    return status ? status : TN(size_memory)(self, c, node);
}

/* ---- a direction ----------------------------------------------------------------- */

/* Of one direction. */
static int64_t TN(params)(const TN(self) * self)
{
    int64_t count = 0;
    for (int32_t role = 0; role < ROLES; role++) count += TN(has)(self, role);
    return count;
}

/* Whether a gradient is wanted, for which every step is looked at again. */
static int TN(goes_back)(const TN(self) * self, const tn_io *io)
{
    const int64_t params = TN(directions)(self) * TN(params)(self);
    for (int32_t k = 0; k < io->inputs; k++)
        if (io->gin[k]) return 1;
    for (int64_t i = 0; i < params; i++)
        if (io->gparam[i]) return 1;
    return 0;
}

static void TN(find_params)(TN(course) * c)
{
    int64_t at = c->direction * TN(params)(c->self);
    for (int32_t role = 0; role < ROLES; role++) {
        if (!TN(has)(c->self, role)) continue;
        c->param[role] = c->io->param[at];
        c->gparam[role] = c->io->gparam[at];
        at++;
    }
}

static void TN(find_memory)(TN(course) * c)
{
    const TN(self) *self = c->self;
    TN(course)
    sample = {.self = self, .samples = 1, .steps = c->steps, .n = c->n, .p = c->p};
    const int64_t size = TN(lay_out)(&sample, NULL) * c->samples;
    char *scratch = c->io->scratch;
    TN(lay_out)(c, (tn_real *)c->io->cache + c->direction * size);
    if (self->packed_input) c->packed_input = scratch;
    scratch += self->packed_input;
    if (self->packed) c->packed = scratch;
    scratch += self->packed;
    if (self->packed_projection) c->packed_projection = scratch;
    c->zero = (tn_real *)(scratch + self->packed_projection);
    c->sums = c->zero + c->n;
    memset(c->zero, 0, sizeof(tn_real) * (size_t)c->n);
}

static TN(course) TN(course_of)(const TN(self) * self, tn_call *call, const tn_io *io,
                                int32_t direction)
{
    const int64_t n = self->units, p = TN(state_size)(self), wide = TN(patch_width)(self);
    TN(course)
    c = {.self = self,
         .call = call,
         .io = io,
         .lengths = self->lengths ? io->in[1]->data : NULL,
         .samples = io->in[0]->dim[0],
         .group = io->in[0]->dim[0],
         .steps = io->in[0]->dim[1],
         .kept = io->in[0]->dim[1],
         .abreast = io->in[0]->dim[0],
         .features = io->in[0]->dim[2],
         .n = n,
         .p = p,
         .rows = wide < RECURRENT_UNITS ? RECURRENT_UNITS / wide : 1,
         .wide = wide,
         .column = direction * p,
         .width = TN(output_size)(self),
         .cell_column = TN(directions)(self) * p + direction * n,
         .states_width = TN(states_size)(self),
         .direction = direction,
         .reverse = direction || self->direction == REVERSE,
         .begins = self->first || (self->stateful && io->carries),
         .thinned = io->training && tn_now(call, self->input_dropout) > 0,
         .masked = io->training && tn_now(call, self->recurrent_dropout) > 0};
    TN(find_params)(&c);
    TN(find_memory)(&c);
    return c;
}

/* kinds.h - what kernels see, and the contract of layers. plugin.h includes this file once for
 * each precision; what follows the first part is declared for tn_real = float and = double.
 *
 * Rules for all kinds. Slots not set are NULL and mean what their comment says. `self` is the
 * instance, NULL for a plugin without options. A slot writes only what it is given to write.
 * Kernels (the slots with a tn_tile) cannot fail: what can go wrong is checked in infer. */
#ifndef TENON_KINDS_H
#define TENON_KINDS_H

/* Every vtable starts with these. `check` runs after the constructor, for relations between
 * options and derived values. `destroy` also runs after a failed check, on a self that may be
 * half made (zeros). Both [setup]. `numbers` is how many doubles of its own an instance keeps
 * while training (patience, counters): zero at the start, in every checkpoint. */
#define TN_HEAD                                \
    uint32_t struct_size;                      \
    tn_status (*check)(void *self, tn_call *); \
    void (*destroy)(void *self, tn_call *);    \
    int32_t numbers;

/* ---- tiles and kernel classes ------------------------------------------------------ */

/* How a layer computes; the host may fuse the first four with what produces their input. */
typedef enum tn_class {
    TN_MAP = 1, /* element by element: a tile is any run of elements */
    TN_ROW,     /* needs complete rows: a tile is whole rows (softmax, layer_norm) */
    TN_REDUCE, /* a map after sums over columns, rows, samples or the tensor (batch_norm) */
    TN_WINDOW, /* combines the positions of a window, channel by channel (pooling) */
    TN_WHOLE   /* everything else: has the tensors and the backend */
} tn_class;

enum tn_flags {
    TN_NEEDS_X = 1,  /* backward reads x */
    TN_NEEDS_Y = 2,  /* backward reads y */
    TN_INPLACE = 4,  /* forward may run with y == x and backward with gx == gy */
    TN_IDLE = 8,     /* outside training it is the identity (dropout) */
    TN_COLUMNS = 16, /* has per-column parameters or statistics: a run stays in one row */
    TN_VIEW = 32,    /* same elements, other shape (flatten): infer only, no kernel */
    /* whole: makes out and each gin by one host->product, which it may make itself (tn_maker), and
     * touches them in no other way; so the host may fuse others with it, and its flags say what
     * backward reads */
    TN_BY_PRODUCT = 64,
    /* with TN_BY_PRODUCT: run_back makes the gradient of each weight by one product, as it lies in
     * memory, after all that reads the weight; so the host may update the weight there */
    TN_WEIGHT_LAST = 128,
    /* with TN_BY_PRODUCT: that holds for out only. run_back makes each gin as it likes, and the
     * host adds up */
    TN_GIN_APART = 256,
    /* with TN_COLUMNS: a tile may also be several whole rows, where it begins with one; a call for
     * each row costs more than the work on a few columns */
    TN_MANY_ROWS = 512,
    /* its states go on from batch to batch of an epoch: the host gives them their first values when
     * one begins, and calls commit in the last pass of a step; likewise where streams are evaluated */
    TN_CARRIES = 1024,
    /* in training it draws random numbers from the key; the host may have it do so outside training as
     * well, where it then says `training` (predictions by Monte Carlo dropout) */
    TN_RANDOM = 2048,
    /* in training it takes the variance of each column over the rows of the batch: the host sees to it
     * that there are two at least */
    TN_TWO_ROWS = 4096
};

/* What one call of a kernel covers. Every buffer is contiguous over the tile. For windows a
 * tile is one position of the output: rows count those, and in[0] is the x being taken. */
typedef struct tn_tile {
    int64_t n;        /* elements in the tile; for TN_ROW a multiple of width */
    int64_t width;    /* features in a full row */
    int64_t row, col; /* where its first element lies; rows count in the logical batch */
    int64_t rows_per_sample; /* 1 for (features), time steps, height x width */
    const tn_shape
        *shape;     /* of one sample of the input; in an update: of the parameter */
    int32_t inputs; /* how many inputs the layer has */
    const void *const *in; /* they, for layers with several; in[0] is x */
    void *const *gin;      /* their gradients; NULL: not wanted */
    /* Parameters in order of declaration: a TN_PER_COLUMN one starts at this tile's first
     * column, others at their start; states likewise. gparam: partial sums of gradients: add. */
    const void *const *param;
    void *const *gparam;
    const void *const *state;
    /* Statistics of reduce and back_reduce (tn_real): per column, or one for the tile. */
    const void *const *stat, *const *back_stat;
    const double *now; /* for tn_now */
    tn_key key;        /* of node and step: all passes of a step draw the same numbers */
    int32_t training;
    double share;  /* backward: of a sample in the mean that is trained */
    int64_t step;  /* in an update: 1 for the first */
    void *counter; /* for tn_count_changed */
    /* windows: forward makes so many of the output's first axis, from number `line` on */
    int64_t line, lines;
} tn_tile;

/* Index of the tile's first element in the logical batch: what random numbers count by. */
static inline uint64_t tn_tile_index(const tn_tile *t)
{
    return (uint64_t)(t->row * t->width + t->col);
}

typedef enum tn_over {
    TN_OVER_COLUMNS = 1, /* one group per column, summed over all rows */
    TN_OVER_ROWS,        /* one group per row */
    TN_OVER_SAMPLE,      /* one group per sample */
    TN_OVER_TENSOR,      /* one group */
    TN_OVER_ALL,         /* one group over all parameters (gradient, optimizer) */
    TN_OVER_LAYER        /* one group over the parameters of a layer (gradient) */
} tn_over;

/* ---- parameters and shapes --------------------------------------------------------- */

/* Only weights are regularized and decayed by default. */
typedef enum tn_role { TN_WEIGHT = 1, TN_BIAS, TN_NORM, TN_GATE } tn_role;
typedef enum tn_along { TN_ENTIRE, TN_PER_COLUMN } tn_along;

#define TN_MAX_PARTS 4
#define TN_MAX_TORCH 2

/* A tensor of PyTorch's state_dict of which a parameter is made: `count` rows (along the first
 * axis), from row `from` of its `rows`, are added to the parameter's from row `to`. rows 0: as
 * many as the parameter has, and all are meant. */
typedef struct tn_torch_part {
    const char *name; /* "bias_hh_l0" */
    int64_t rows, from, to, count;
} tn_torch_part;

struct tn_param_spec {
    const char *name; /* "weight" */
    tn_shape shape;   /* a weight: (out, in), convolution (out, in, kh, kw) */
    int32_t role, along;
    int64_t fan_in, fan_out;
    double fill; /* initial value of what is not a weight and has no initializer */
    /* Equal parts along the first axis, such as the gates of an LSTM; 0: one. Fans are those of a
     * part, and part k begins with fill + more[k]. */
    int32_t parts;
    double more[TN_MAX_PARTS];
    tn_ref
        initializer; /* an option of the layer's own, which the node's `init` overrides */
    /* How it lies in files of PyTorch's. The sum of these; none: one of the same name and shape. */
    tn_torch_part torch[TN_MAX_TORCH];
    /* 1 + the axis that runs along the features of the input, which has another order there behind
     * a flattened image; 0: none does. Known of TN_PER_COLUMN. */
    int32_t feature_axis;
};

/* What infer reads and sets. */
typedef struct tn_node {
    int32_t inputs;
    const tn_shape *in; /* in[inputs] */
    tn_shape out;       /* set before: in[0] */
    /* set before: the layer's; infer may change those about products, TN_IDLE and TN_RANDOM */
    uint32_t flags;
    /* whole: bytes per sample that are kept from forward to backward, which may overwrite them;
     * bytes for one call, whatever its size */
    size_t cache, scratch;
    int32_t axes; /* windows: how many of the leading axes they cover, 1 or 2 */
    int64_t window[2], stride[2], before[2], after[2]; /* and their size, step, padding */
    size_t held; /* whole: bytes per sample that a training run leaves for commit */
} tn_node;

/* ---- products ---------------------------------------------------------------------- */

/* Rows or columns as they lie in memory: `stride` values from one to the next; after `first` of
 * them, and then after each `run`, `skip` values more are passed over. */
typedef struct tn_steps {
    int64_t stride, first, run, skip;
} tn_steps;

/* Rows of a matrix. One of the strides is 1. */
typedef struct tn_shown {
    const void *data;
    int64_t rows;
    tn_steps down, across; /* from row to row, from column to column */
} tn_shown;

#define TN_SHOWN_COLUMNS 288 /* are shown at a time, at most */

/* A matrix that a product reads or writes: memory with strides, or callbacks. The host may use
 * callbacks and packing to gather operands and to fuse what comes before and behind. */
struct tn_matrix {
    int64_t rows, cols, row_stride, col_stride;
    void *data;
    /* Reads a block into `block` (row stride `stride`) instead of from data: a prologue, or a
     * gather of patches. May be asked for a block more than once. Of a weight it reads nothing
     * else, so that the host may keep what it has read. [parallel] */
    void (*read)(const void *with, int64_t row, int64_t col, int64_t rows, int64_t cols,
                 void *block, int64_t stride);
    /* Not NULL: shows a block that `read` would copy, for rows that overlap in memory
     * (patches of an image): where it lies, or in `block`, which has room for `room`
     * values; as many of its rows as suit it, one at least. Columns are at most
     * TN_SHOWN_COLUMNS. [parallel] */
    tn_shown (*show)(const void *with, int64_t row, int64_t col, int64_t rows,
                     int64_t cols, void *block);
    int64_t room; /* also without `show`, if rows overlap: never copied as a whole then */
    /* Told of each finished block of the result: an epilogue. It may change the block. With
     * data == NULL nothing else keeps it; with data and col_stride 1 it lies there, and is left
     * alone from then on. Blocks cover the result once. [parallel] */
    void (*wrote)(const void *with, int64_t row, int64_t col, int64_t rows, int64_t cols,
                  void *block, int64_t stride);
    const void *with;
    const void *beside; /* what `wrote` works on, placed as data: may be fetched ahead */
    const void *packed; /* by the backend's pack; NULL: not packed */
    const void *host;
};

/* How a layer makes a product itself, from operands that it knows, into a result that lies in memory row
 * by row. The host keeps what `prepare` makes of a weight that stays as it is, and fuses as it would
 * otherwise: what it gives to `make` may have another bias, b another reader, out a wrote, add may be
 * set. [step] */
typedef struct tn_maker {
    size_t (*prepared_size)(const tn_matrix *b);
    void (*prepare)(const tn_matrix *b, void *prepared);
    /* b.packed: prepared, or NULL. */
    tn_status (*make)(const void *with, tn_call *, const tn_product *);
} tn_maker;

typedef struct tn_region {
    const void *at;
    size_t bytes; /* 0: none */
} tn_region;

/* out = a b, plus `bias` (out.cols values) on every row, plus what is there if `add`. */
struct tn_product {
    uint32_t struct_size;
    tn_matrix a, b, out;
    const void *bias;
    int32_t add;
    /* So many products, of operands in memory that lie so many values apart; 0: one. For bodies of
     * `parallel`: one thread makes all that are small. */
    int64_t count, a_next, b_next, out_next;
    const tn_maker *maker; /* NULL: the backend makes it */
    const void *maker_with;
    /* Memory that will be used behind it, in this order, and may be fetched meanwhile. */
    tn_region ahead[2];
};

/* Rows that lie one behind the other. */
static inline tn_matrix tn_matrix_at(int64_t rows, int64_t cols, void *data)
{
    return (tn_matrix){
        .rows = rows, .cols = cols, .row_stride = cols, .col_stride = 1, .data = data};
}

/* A contiguous tensor as matrix: the last axis runs along columns. */
static inline tn_matrix tn_matrix_of(const tn_tensor *t)
{
    const int64_t cols = t->rank ? t->dim[t->rank - 1] : 1;
    tn_matrix m = tn_matrix_at(cols ? tn_count(t) / cols : 0, cols, t->data);
    m.host = t->host;
    return m;
}

static inline tn_matrix tn_transposed(tn_matrix m)
{
    tn_matrix t = m;
    t.rows = m.cols, t.cols = m.rows;
    t.row_stride = m.col_stride, t.col_stride = m.row_stride;
    t.show = NULL;
    return t;
}

/* What a whole-class layer works on. Slots set gradients (the host adds them up where several
 * come together). Tensors are contiguous; their first axis is the batch. */
typedef struct tn_io {
    int32_t training, inputs;
    const tn_tensor *const *in;
    tn_tensor *out;
    const tn_tensor *const *param;
    tn_tensor *const *gparam; /* gparam[i] NULL: not wanted */
    const tn_tensor *const *state;
    const tn_tensor *gout;
    tn_tensor *const *gin; /* gin[k] NULL: not wanted */
    void *cache;           /* node->cache bytes for each sample */
    void *scratch;         /* node->scratch bytes */
    tn_key key;
    int64_t row; /* logical number of the first row */
    void *held;  /* node->held bytes for each sample; NULL where nothing is committed */
    /* Of TN_CARRIES: the pass goes on with the states, and leaves those for the next in held; in
     * training, and where streams are evaluated. */
    int32_t carries;
} tn_io;

#endif /* TENON_KINDS_H */

/* ---- from here on once per precision ----------------------------------------------- */
#if TN_REAL_BITS == 64
#define TN_(name) name##_f64
#define tn_real double
#elif TN_REAL_BITS == 32
#undef TN_
#undef tn_real
#define TN_(name) name##_f32
#define tn_real float
#endif
#define TN(name) TN_(name)

#ifdef tn_real
#ifndef TN_KIND_NAMES
#define TN_KIND_NAMES
#define tn_reduction TN(tn_reduction)
#define tn_layer TN(tn_layer)
#define tn_parametrization tn_layer
#endif

/* Sums in a fixed tree. `add` adds a tile to acc[q]: over columns whole rows, a value per column, else
 * acc[q][0]. `merge` joins two partial results of n groups, by default adding; `finish` turns them into
 * `stats` statistics per group and may add to t->gparam (whole arrays there; NULL: not wanted).
 * [parallel] */
typedef struct tn_reduction {
    int32_t over, sums, stats;
    void (*add)(const void *self, const tn_tile *, const tn_real *x, const tn_real *gy,
                double *const *acc);
    void (*merge)(const void *self, int64_t groups, double *const *into,
                  const double *const *from);
    /* `members`: elements in a group. t covers all groups: param, gparam, state, stat. */
    void (*finish)(const void *self, const tn_tile *t, int64_t groups, int64_t members,
                   const double *const *acc, tn_real *const *stat);
} tn_reduction;

/* layer. Also parametrization: a layer whose input is the raw weight as one sample of (out, in)
 * rows and whose output is the weight in use. It runs once for each update, and outside training
 * once for weights that stay as they are, so there nothing may hang on the key. A state along the
 * rows is declared before one along the columns. */
typedef struct tn_layer {
    TN_HEAD
    int32_t kernel;     /* tn_class */
    uint32_t flags;     /* tn_flags */
    int32_t max_inputs; /* 0: exactly one; else 1 .. max_inputs */
    /* Checks input shapes, sets the output's, declares parameters and states. NULL: one
     * output like the input, no parameters. [setup] */
    tn_status (*infer)(void *self, tn_call *, tn_node *);
    /* map, row, reduce: a tile of y from x, of gx from gy. x or y is NULL in backward where
     * the flags do not ask for it; gx is NULL where only parameter gradients are wanted.
     * No backward: nothing may be trained in front of this layer. [parallel] */
    void (*forward)(const void *self, const tn_tile *, const tn_real *x, tn_real *y);
    void (*backward)(const void *self, const tn_tile *, const tn_real *x,
                     const tn_real *y, const tn_real *gy, tn_real *gx);
    /* reduce: statistics before forward (training only, unless always_reduce) and before
     * backward. */
    tn_reduction reduce, back_reduce;
    int32_t always_reduce;
    /* window: t->n channels of one position; acc holds t->n values, zeroed. `end` gets how
     * many positions the window took. give adds to gx (NULL: not wanted); seen: t->n values,
     * zeroed per window, for layers that must remember what they gave. A layer that is faster so has
     * forward in place of begin, take and end, and backward (which adds to gx) in place of give: they
     * get a whole sample, of which forward makes the tile's lines. [parallel] */
    void (*begin)(const void *self, const tn_tile *, tn_real *acc);
    void (*take)(const void *self, const tn_tile *, const tn_real *x, tn_real *acc);
    void (*end)(const void *self, const tn_tile *, int64_t taken, const tn_real *acc,
                tn_real *y);
    void (*give)(const void *self, const tn_tile *, int64_t taken, const tn_real *x,
                 const tn_real *y, const tn_real *gy, tn_real *seen, tn_real *gx);
    /* whole. [step] */
    tn_status (*run)(const void *self, tn_call *, const tn_io *);
    tn_status (*run_back)(const void *self, tn_call *, const tn_io *);
    /* Writes state from the forward statistics: in the first pass of a step, after each of the
     * batches that it adds up. t covers all columns, members is the number of elements behind
     * each statistic. Of a whole layer stat[0] is io->held, row counts from io->row, and members
     * is the number of samples. [step] */
    void (*commit)(const void *self, const tn_tile *, int64_t members,
                   void *const *state);
    /* Outside training y = scale x + shift per column, of parameters, states and dials as they are:
     * the host may fold that into the product before it. t covers one row. [parallel] */
    void (*as_affine)(const void *self, const tn_tile *, tn_real *scale, tn_real *shift);
    /* An activation's gain, where it depends on its options; NULL: the entry's. [setup] */
    double (*gain)(const void *self);
    /* parametrization: its first parameters and states from the raw weight, which has been drawn or
     * read; NULL: one that has been read itself. Without it they begin as declared. [setup] */
    tn_status (*start)(const void *self, tn_call *, tn_key, const tn_tensor *raw,
                       tn_tensor *const *param, tn_tensor *const *state);
    /* parametrization of class whole: instead of commit, from the cache of the pass. [step] */
    void (*commit_weight)(const void *self, const tn_io *, tn_tensor *const *state);
    /* An activation's least and largest value, which it nears or is cut off at: there it is saturated.
     * NULL: it is nowhere. [setup] */
    void (*range)(const void *self, double *low, double *high);
} tn_layer;

#endif

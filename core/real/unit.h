/* unit.h - one layer (or parametrization) with the memory it runs on: what the typed half of
 * the core (compiled for float and for double) executes.
 *
 * Work is cut into chunks of rows by shape alone; partial sums of the chunks are joined in a
 * fixed binary tree. So results do not depend on the number of threads. */
#ifndef CORE_REAL_UNIT_H
#define CORE_REAL_UNIT_H

#include "core/plan.h"

#define TN_MAX_OWN 16 /* parameters, states, sums and statistics of one layer, each */

typedef struct tn_own {
    int32_t along;
    int64_t size;
    const tn_shape *shape;
    void *value, *gradient; /* gradient NULL: not wanted, or not stored */
    int32_t number;         /* of a parameter, in the graph */
    bool yields;            /* its gradient, to a sink */
    tn_packed *packed; /* of a weight in a plan for inference; NULL: it is not packed */
} tn_own;

/* Sums of a reduction over rows x width elements, and its statistics. */
typedef struct tn_sums {
    double *partial; /* see tn_partial_sum */
    void *stat[TN_MAX_OWN];
} tn_sums;

/* What the untyped half asks of a layer's vtable. */
typedef struct tn_layer_facts {
    int32_t kernel, max_inputs;
    uint32_t flags;
    bool differentiable, commits, always_reduce, affine;
    bool by_lines; /* of windows: forward makes lines of its output */
    int32_t over;  /* of its reductions, forward and back; 0: it has none */
    int32_t sums, stats, back_sums, back_stats;
    tn_status (*infer)(void *self, tn_call *, tn_node *);
    double (*gain)(const void *self);
    tn_status (*start)(const void *self, tn_call *, tn_key, const tn_tensor *raw,
                       tn_tensor *const *param, tn_tensor *const *state);
    void (*range)(const void *self, double *low, double *high);
} tn_layer_facts;

/* Cells of the result of a product: rows x cols elements each, the last ones less. How many
 * elements of each are there. */
typedef atomic_int_least64_t tn_cell;
typedef struct tn_cells {
    int64_t rows, cols;
    int64_t down, across; /* cells */
} tn_cells;
#define TN_CELL_COLS 256 /* at most */

/* What a layer of class whole sees; a pass sets how many samples there are, and what may move. */
typedef struct tn_whole {
    tn_io io;
    tn_tensor *in, *gin, out, gout; /* of io */
} tn_whole;

/* An affine layer that the product of the unit before it makes as well. */
typedef struct tn_fold {
    struct tn_unit *layer;
    tn_graph *graph;
    unsigned long long of;      /* its version when these were made; 0: they were not */
    void *scale, *shift, *bias; /* of each feature; bias: the product's */
    tn_matrix weight;           /* that the product scales */
} tn_fold;

typedef struct tn_unit {
    const tn_instance *layer, *backend;
    tn_env *env;
    int32_t real;
    const tn_node *spec; /* shapes of inputs and output, windows */
    tn_layer_facts facts;
    int64_t width, rows_per_sample; /* of its input */
    const void *x[TN_MAX_INPUTS];
    void *y;
    const void *gy;
    void *gx[TN_MAX_INPUTS];    /* NULL: not wanted */
    bool gx_add[TN_MAX_INPUTS]; /* onto what is there */
    /* Whole tensors, for a kernel that sets where gx_add is true; else NULL. */
    void *gx_spare[TN_MAX_INPUTS];
    int32_t params, states;
    tn_own param[TN_MAX_OWN], state[TN_MAX_OWN];
    void *gparam_partial; /* [chunks][sum of parameter sizes]; NULL for whole kernels */
    tn_sums sums, back_sums;
    bool known;           /* the statistics are there already: it runs again */
    void *window_scratch; /* [workers][channels] */
    void *cache;          /* [samples][spec->cache bytes] */
    void *held; /* [samples][spec->held bytes], in a plan that trains or carries */
    void *scratch, *back_scratch; /* spec->scratch bytes, of a pass forward and back */
    tn_whole *whole;              /* of class whole */
    tn_cell *cell;                /* of the result, where others ride on its product */
    tn_fold *fold;                /* at inference; NULL: its output is its own */
    /* Where those of its products are added up; NULL: nowhere. */
    atomic_llong *operations;
    tn_key key;
} tn_unit;

/* Units that run as one, in order. Forward, the first input of each but the head is what the one
 * before it makes; backward, its gradient is one that the one before gives. Behind a head that
 * works by a product, the others have no parameter whose gradient is wanted, and run on each
 * cell of the result (epilogue.c); otherwise all are tile kernels over one space (group.c). */
typedef struct tn_group {
    tn_unit **unit;
    int32_t count;
} tn_group;
#define TN_MAX_GROUP 16

/* A rows x width space of elements as it is cut into tiles. */
typedef struct tn_space {
    int64_t rows, width;
    bool by_row; /* a tile is one row; else as many rows as a chunk has */
} tn_space;

/* Rows of a chunk of a rows x width space: about 8192 elements, a power of two. */
int64_t tn_chunk_rows(int64_t width);
int64_t tn_chunks(int64_t rows, int64_t width);
int64_t tn_rows_per_sample(const tn_shape *);
/* The space in which groups of a reduction are whole rows (samples, for TN_OVER_SAMPLE) or whole
 * columns; over 0: no reduction, by_row as asked. */
tn_space tn_space_of(int32_t over, int64_t rows, int64_t width, int64_t rows_per_sample,
                     bool by_row);
/* That of a unit; windows take sample by sample. */
tn_space tn_unit_space(const tn_unit *, int64_t samples);
int64_t tn_space_chunks(const tn_space *);
/* How a rows x width result is cut into cells: of about 8192 elements, whole rows if narrow, and
 * `together` rows at least. */
tn_cells tn_cells_of(int64_t rows, int64_t width, int64_t together);
/* Rows of the input that windows of one line of the output take, which no other line does; 0: that is
 * not so, or they are more than a cell. */
int64_t tn_rows_of_line(const tn_unit *);
/* Rows of a product that the last unit of its group needs at once. */
int64_t tn_rows_together(const tn_unit *last);
/* Whether it runs tile by tile: map, row, reduce. */
bool tn_runs_on_tiles(const tn_layer_facts *);
/* Whether it works by products alone, which others can ride on. */
bool tn_runs_by_product(const tn_layer_facts *);
/* Whether its inputs' gradients are made so too. */
bool tn_gives_by_product(const tn_layer_facts *);
/* Whether backward may look at the input and the output. */
bool tn_backward_reads_x(const tn_layer_facts *);
bool tn_backward_reads_y(const tn_layer_facts *);
/* Groups of a reduction `over` a space. */
int64_t tn_groups(int32_t over, int64_t rows, int64_t width, int64_t rows_per_sample);
/* Index of the first group that the tile at element `first` belongs to. */
int64_t tn_group_of(int32_t over, const tn_space *, int64_t first);
/* How many doubles `sums` sums of a reduction take: see tn_sum_tiles. */
int64_t tn_sum_room(int32_t over, const tn_space *, int64_t groups, int32_t sums);
bool tn_shared_groups(int32_t over); /* chunks add to the same groups */
bool tn_over_several(int32_t over);  /* a group may have several parameters */

/* A contiguous tensor over memory; samples < 0: no batch axis. */
tn_tensor tn_tensor_over(const tn_shape *, int64_t samples, int32_t real,
                         const void *data);

struct tn_step_table; /* step.h */

/* The typed half, once per precision. */
typedef struct tn_real_ops {
    tn_layer_facts (*facts)(const void *vtable);
    /* `fused` changes no bit: without it, each unit of a group is a pass of its own. */
    tn_status (*forward)(const tn_group *, const tn_pass *, bool fused, tn_error *);
    tn_status (*backward)(const tn_group *, const tn_pass *, bool fused, tn_error *);
    void (*commit)(tn_unit *, const tn_pass *);
    /* into += from, over n values */
    void (*add)(const tn_instance *backend, void *into, const void *from, int64_t n);
    bool (*finite)(const void *, int64_t n);
    /* given: weights of samples or of rows, NULL: none; row_values: room for two numbers a row */
    tn_status (*loss)(const tn_instance *loss, const tn_shape *shape, const tn_pass *,
                      tn_key, const void *y, const tn_field *field, const tn_field *given,
                      double scale, double *row_values, void *gy, double *value,
                      double *weight, tn_error *);
    void (*metric)(const tn_instance *metric, const tn_shape *shape, const tn_pass *,
                   const void *y, const tn_field *field, double *sums, double *kept);
    tn_status (*product)(const tn_instance *backend, tn_calling *, const tn_product *);
    /* out[j] = sum over rows of x, rows x cols */
    void (*column_sums)(const tn_instance *backend, const void *x, int64_t rows,
                        int64_t cols, void *out);
    size_t (*pack_size)(const tn_instance *backend, const tn_matrix *b);
    /* The kept copy of a weight of the unit, or one made in `room`. */
    const void *(*pack)(const tn_instance *backend, const tn_unit *, const tn_matrix *b,
                        void *room);
    int32_t (*threads)(const tn_instance *backend);
    tn_status (*parallel)(const tn_instance *backend, int64_t n,
                          void (*body)(void *, int64_t, int32_t), void *data);
    const struct tn_step_table *step;
} tn_real_ops;

extern const tn_real_ops tn_real_ops_f32, tn_real_ops_f64;
const tn_real_ops *tn_real_ops_of(int32_t real);

#endif

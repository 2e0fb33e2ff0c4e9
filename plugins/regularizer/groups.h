/* groups.h - regularizers of groups of weights, each a row (what goes into one unit), a column (what one
 * input gives to all units) or all of it. In a convolution a column is an input channel, with all taps of
 * its filters. A kernel is handed a group as values that lie one behind the other. Groups are shared out
 * by shape alone, so that threads change no bit.
 *
 * Included once per precision, hence no guard. */
#ifndef GROUPS_ONCE
#define GROUPS_ONCE
enum { ROWS, COLUMNS, TENSOR }; /* an ENUM option */
#define OVER "rows|columns|tensor"
#define OVER_MEANS "a group: weights into one unit, from one input, or all"
#define IN_TASK 8192 /* elements that a thread takes at a time, about */
#define IN_STRIP 16 /* values of a row that are gathered at a time: a line of the cache */

static int64_t groups_of(int32_t over, int64_t rows, int64_t cols)
{
    return over == ROWS ? rows : over == COLUMNS ? cols : 1;
}
#endif

/* Works on n values of `b`, by those of `a`; or, where b is NULL, gives a value for a. */
typedef double (*TN(group_kernel))(const void *self, const tn_call *, int64_t n,
                                   const tn_real *a, tn_real *b);

typedef struct TN(grouping) {
    const void *self;
    const tn_call *call;
    TN(group_kernel) kernel;
    int64_t rows, cols, taps;     /* of each column in each row: 1, but in convolutions */
    int64_t count, size, in_task; /* groups: all; values of one; groups of a task */
    const tn_real *a;
    tn_real *b;
    double *value;     /* [groups] */
    tn_real *gathered; /* [cols][rows][taps], of a, then of b */
} TN(grouping);

/* cols: with their taps, so there is room to spare. */
static size_t TN(group_scratch)(int32_t over, int64_t rows, int64_t cols)
{
    const size_t elements = over == COLUMNS ? (size_t)(rows * cols) : 0;
    return sizeof(double) * (size_t)groups_of(over, rows, cols) +
           2 * sizeof(tn_real) * elements;
}

/* Columns from .. to - 1 of `matrix`, into rows of `out` or back. */
static void TN(gather)(const TN(grouping) * s, int64_t from, int64_t to,
                       const tn_real *matrix, tn_real *out)
{
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t j = from; j < to; j++)
            for (int64_t k = 0; k < s->taps; k++)
                out[(j * s->rows + i) * s->taps + k] =
                    matrix[(i * s->cols + j) * s->taps + k];
}

static void TN(scatter)(const TN(grouping) * s, int64_t from, int64_t to,
                        const tn_real *in, tn_real *matrix)
{
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t j = from; j < to; j++)
            for (int64_t k = 0; k < s->taps; k++)
                matrix[(i * s->cols + j) * s->taps + k] =
                    in[(j * s->rows + i) * s->taps + k];
}

static tn_status TN(run_lines)(void *data, int64_t task)
{
    const TN(grouping) *s = data;
    const int64_t from = task * s->in_task, n = s->size;
    const int64_t to = from + s->in_task < s->count ? from + s->in_task : s->count;
    for (int64_t i = from; i < to; i++)
        s->value[i] = s->kernel(s->self, s->call, n, s->a + i * n,
                                s->b ? s->b + i * n : NULL);
    return TN_OK;
}

static tn_status TN(run_strip)(void *data, int64_t task)
{
    const TN(grouping) *s = data;
    const int64_t from = task * s->in_task, n = s->size;
    const int64_t to = from + s->in_task < s->count ? from + s->in_task : s->count;
    tn_real *a = s->gathered, *b = s->b ? a + s->count * n : NULL;
    TN(gather)(s, from, to, s->a, a);
    if (b) TN(gather)(s, from, to, s->b, b);
    for (int64_t i = from; i < to; i++)
        s->value[i] = s->kernel(s->self, s->call, n, a + i * n, b ? b + i * n : NULL);
    if (b) TN(scatter)(s, from, to, b, s->b);
    return TN_OK;
}

/* The kernel on all groups of a and b; values of groups lie in `scratch` then. */
static tn_status TN(each_group)(const void *self, tn_call *c, TN(group_kernel) kernel,
                                int32_t over, const tn_tensor *a, tn_tensor *b,
                                void *scratch)
{
    const int64_t rows = a->dim[0], cols = a->dim[1], taps = tn_count(a) / (rows * cols);
    const int64_t count = groups_of(over, rows, cols), size = tn_count(a) / count;
    double *value = scratch;
    TN(grouping)
    s = {.self = self,
         .call = c,
         .kernel = kernel,
         .rows = rows,
         .cols = cols,
         .taps = taps,
         .count = count,
         .size = size,
         .in_task = over == COLUMNS  ? (IN_STRIP + taps - 1) / taps
                    : size < IN_TASK ? IN_TASK / size
                                     : 1,
         .a = a->data,
         .b = b ? b->data : NULL,
         .value = value,
         .gathered = (tn_real *)(value + count)};
    return c->host->parallel(c, (count + s.in_task - 1) / s.in_task,
                             over == COLUMNS ? TN(run_strip) : TN(run_lines), &s);
}

/* ---- of one group ----------------------------------------------------------------------- */

TN_KERNEL inline double TN(length)(int64_t n, const tn_real *w)
{
    return sqrt(TN_SUM(i, n, (double)w[i] * (double)w[i]));
}

TN_KERNEL inline double TN(longest_step)(int64_t n, const tn_real *step)
{
    return (double)TN_MAX(i, n, step[i]);
}

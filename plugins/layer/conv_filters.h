/* conv_filters.h - filters and their gradients as matrices. They are few, so they are read and
 * written against the order of theirs, (channel, u, v). Included by conv_product.h, once per
 * precision. */

/* Those of a group as the right-hand operand: rows in the order of a patch's columns. Taps of an
 * axis are first, first + step, ... */
typedef struct TN(filters) {
    tn_real *data;
    int64_t first, y_step, x_step; /* places in memory: of a tap, and to the next ones */
    int64_t taps, x_taps;          /* of all, of a row */
    int64_t channels, channel, column; /* of a patch; places from one to the next */
} TN(filters);

#define CONV_COLUMNS 16 /* followed at a time */

TN_KERNEL void TN(read_filters)(const void *with, int64_t row, int64_t col, int64_t rows,
                                int64_t cols, void *block, int64_t stride)
{
    const TN(filters) *f = with;
    for (int64_t k = 0; k < cols; k += CONV_COLUMNS) {
        const int64_t n = conv_least(CONV_COLUMNS, cols - k);
        const tn_real *column = f->data + f->first + (col + k) * f->column;
        for (int64_t r = 0; r < rows; r++) {
            const int64_t tap = (row + r) / f->channels, c = (row + r) % f->channels;
            const tn_real *from = column + tap / f->x_taps * f->y_step +
                                  tap % f->x_taps * f->x_step + c * f->channel;
            tn_real *to = (tn_real *)block + r * stride + k;
            for (int64_t i = 0; i < n; i++) to[i] = from[i * f->column];
        }
    }
}

/* A block of the gradient: a row for each filter. */
static void TN(wrote_filters)(const void *with, int64_t row, int64_t col, int64_t rows,
                              int64_t cols, void *block, int64_t stride)
{
    const TN(filters) *f = with;
    for (int64_t r = 0; r < rows; r++) {
        const tn_real *from = (const tn_real *)block + r * stride;
        tn_real *to = f->data + (row + r) * f->column;
        int64_t tap = col / f->channels, c = col % f->channels;
        for (int64_t k = 0; k < cols; k++) {
            to[c * f->channel + tap] = from[k];
            if (++c == f->channels) c = 0, tap++;
        }
    }
}

/* The same of its transpose: a column for each filter. */
static void TN(wrote_turned)(const void *with, int64_t row, int64_t col, int64_t rows,
                             int64_t cols, void *block, int64_t stride)
{
    const TN(filters) *f = with;
    for (int64_t r = 0; r < rows; r++) {
        const int64_t tap = (row + r) / f->channels, c = (row + r) % f->channels;
        const tn_real *from = (const tn_real *)block + r * stride;
        tn_real *to = f->data + c * f->channel + tap;
        for (int64_t k = 0; k < cols; k++) to[(col + k) * f->column] = from[k];
    }
}

/* Of group g, as the forward product takes them: a column for each filter. */
static TN(filters) TN(filters_of)(const conv *s, const tn_tensor *weight, int64_t g)
{
    const int64_t taps = conv_taps(s), channels = s->channels / s->groups;
    return (TN(filters)){.data = (tn_real *)weight->data +
                                 g * (s->filters / s->groups) * channels * taps,
                         .y_step = s->x.kernel,
                         .x_step = 1,
                         .taps = taps,
                         .x_taps = s->x.kernel,
                         .channels = channels,
                         .channel = taps,
                         .column = channels * taps};
}

/* Filters of a single value lie as they are. */
static tn_matrix TN(filter_matrix)(const conv *s, const TN(filters) * f, int64_t cols,
                                   const void *host)
{
    return (tn_matrix){.rows = f->taps * f->channels,
                       .cols = cols,
                       .row_stride = f->channel,
                       .col_stride = f->column,
                       .data = f->data,
                       .read = conv_taps(s) > 1 ? TN(read_filters) : NULL,
                       .with = f,
                       .host = host};
}

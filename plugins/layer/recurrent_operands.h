/* recurrent_operands.h - what the products of recurrent layers read and write: see recurrent.h. */

/* Steps of a sample that count. */
static inline int64_t TN(length_of)(const TN(course) * c, int64_t sample)
{
    return c->lengths ? (int64_t)c->lengths[sample] : c->steps;
}

/* Where in the sequence a step is; those that do not count are not turned round. */
static inline int64_t TN(time_of)(const TN(course) * c, int64_t sample, int64_t step)
{
    const int64_t length = TN(length_of)(c, sample);
    return c->reverse && step < length ? length - 1 - step : step;
}

/* Rows of the input of the course's group from its step on, in the order of steps: a reader of
 * products. */
static void TN(read_input)(const void *with, int64_t row, int64_t col, int64_t rows,
                           int64_t cols, void *block, int64_t stride)
{
    const TN(course) *c = with;
    const tn_real *x = c->io->in[0]->data;
    tn_real *to = block;
    for (int64_t i = row; i < row + rows; i++, to += stride) {
        const int64_t sample = c->from + i % c->group, step = c->step + i / c->group;
        if (step >= TN(length_of)(c, sample)) {
            memset(to, 0, sizeof *to * (size_t)cols);
            continue;
        }
        const int64_t at = sample * c->steps + TN(time_of)(c, sample, step);
        memcpy(to, x + at * c->features + col, sizeof *to * (size_t)cols);
        if (c->thinned) TN(thin)(c, sample, col, cols, to);
    }
}

/* Gradients of the input, which come in the order of steps, to where they belong. */
static void TN(write_input)(const void *with, int64_t row, int64_t col, int64_t rows,
                            int64_t cols, void *block, int64_t stride)
{
    const TN(course) *c = with;
    tn_real *from = block;
    for (int64_t i = row; i < row + rows; i++, from += stride) {
        const int64_t sample = i % c->samples;
        const int64_t at = sample * c->steps + TN(time_of)(c, sample, i / c->samples);
        tn_real *to = (tn_real *)c->io->gin[0]->data + at * c->features + col;
        if (c->thinned) TN(thin)(c, sample, col, cols, from);
        for (int64_t j = 0; j < cols; j++)
            to[j] = c->direction ? to[j] + from[j] : from[j];
    }
}

/* States, without those that the mask hides. */
static void TN(read_masked)(const void *with, int64_t row, int64_t col, int64_t rows,
                            int64_t cols, void *block, int64_t stride)
{
    const TN(course) *c = with;
    tn_real *to = block;
    for (int64_t i = row; i < row + rows; i++, to += stride) {
        const tn_real *h = c->hidden + i * c->p + col,
                      *mask = c->mask + i % c->samples * c->p + col;
        for (int64_t j = 0; j < cols; j++) to[j] = h[j] * mask[j];
    }
}

/* Of so many steps. */
static tn_matrix TN(input)(const TN(course) * c, int64_t steps)
{
    return (tn_matrix){
        .rows = steps * c->group, .cols = c->features, .read = TN(read_input), .with = c};
}

/* What a step keeps of a sample. */
static tn_real *TN(slots_at)(const TN(course) * c, int64_t sample, int64_t step)
{
    return c->z + (step % c->kept * c->abreast + sample) * SLOTS * c->n;
}

/* What steps first .. first + count - 1 keep in `slots` slots from `slot` on. Here and below of the
 * course's group; several steps lie in one piece if it is all that is abreast. */
static tn_matrix TN(slots)(const TN(course) * c, int64_t first, int64_t count,
                           int64_t slot, int64_t slots)
{
    return (tn_matrix){.rows = count * c->group,
                       .cols = slots * c->n,
                       .row_stride = SLOTS * c->n,
                       .col_stride = 1,
                       .data = TN(slots_at)(c, c->from, first) + slot * c->n};
}

/* States of steps first .. first + count - 1, of all samples, as the steps after them see them. */
static tn_matrix TN(states)(TN(course) * c, int64_t first, int64_t count)
{
    c->hidden = c->h + first * c->samples * c->p;
    tn_matrix m = tn_matrix_at(count * c->samples, c->p, (tn_real *)(uintptr_t)c->hidden);
    if (c->masked) m.read = TN(read_masked), m.with = c;
    return m;
}

/* Gradients of u at steps first .. first + count - 1, of `gates` gates from `gate` on. */
static tn_matrix TN(u_gradients)(const TN(course) * c, int64_t first, int64_t count,
                                 int64_t gate, int64_t gates)
{
    const int64_t n = c->n;
    const int last = GRADIENTS_APART && gate == GATES - 1;
    if (!c->raw_recurrent)
        return TN(slots)(c, first, count, last ? SLOTS - 1 : gate, gates);
    tn_matrix m = tn_matrix_at(count * c->group, gates * n,
                               c->raw_recurrent +
                                   ((first * c->samples + c->from) * GATES + gate) * n);
    m.row_stride = GATES * n;
    return m;
}

/* Of `rows` rows of `cols` numbers, into the course's sums. */
static tn_status TN(sum_columns)(const TN(course) * c, int64_t rows, int64_t cols,
                                 tn_real *data)
{
    const tn_tensor from = {.struct_size = sizeof from,
                            .rank = 2,
                            .dim = {rows, cols},
                            .stride = {cols, 1},
                            .data = data};
    tn_tensor sums = {.struct_size = sizeof sums,
                      .rank = 1,
                      .dim = {cols},
                      .stride = {1},
                      .data = c->sums};
    return c->call->host->column_sums(c->call, &from, &sums);
}

static tn_status TN(multiply)(const TN(course) * c, tn_matrix a, tn_matrix b,
                              tn_matrix out, const void *bias)
{
    const tn_product p = {
        .struct_size = sizeof p, .a = a, .b = b, .out = out, .bias = bias};
    return c->call->host->product(c->call, &p);
}

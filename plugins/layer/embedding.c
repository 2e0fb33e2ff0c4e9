/* embedding - each step's whole number replaced by its row of a learned table.
 *
 *     y_t = W[x_t],  dL/dW[v] = sum of dL/dy_t over all t with x_t = v
 *
 * Bengio, Ducharme, Vincent, Jauvin, "A neural probabilistic language model", JMLR 3, 2003, section
 * 2 (the matrix C). Numbers of the input are not differentiated: its gradient is zero. */
#include <string.h>
#include <tenon/plugin.h>

#define OPTIONS(P)                                                                      \
    P(INT, vocabulary, TN_REQUIRED, 0, 1, INT32_MAX, "numbers are 0 .. vocabulary - 1") \
    P(INT, units, TN_REQUIRED, 0, 1, INT32_MAX, "features of a row")                    \
    P(PLUGIN, initializer, 0, "{normal: {std: 1}}", "initializer", , "of the table")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    if (node->in[0].rank != 1)
        return tn_fail(
            c, TN_ESHAPE,
            "needs a vector of whole numbers, (steps), got an input with %d axes",
            node->in[0].rank);
    node->out = (tn_shape){.rank = 2, .dim = {node->in[0].dim[0], self->units}};
    const tn_param_spec table = {
        .name = "weight",
        .shape = {.rank = 2, .dim = {self->vocabulary, self->units}},
        .role = TN_WEIGHT,
        .fan_in = 1, /* of all rows one is seen */
        .fan_out = self->units,
        .initializer = self->initializer};
    return c->host->param(c, &table);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const int64_t n = self->units, rows = tn_count(io->in[0]);
    const tn_real *x = io->in[0]->data, *table = io->param[0]->data;
    tn_real *y = io->out->data;
    for (int64_t i = 0; i < rows; i++) {
        if (!(x[i] >= 0 && x[i] < (tn_real)self->vocabulary) ||
            x[i] != (tn_real)(int64_t)x[i])
            return tn_fail(c, TN_EINVAL,
                           "input %lld of sample %lld is %g, expected a whole number "
                           "from 0 to %lld (vocabulary - 1)",
                           (long long)(i % io->in[0]->dim[1]),
                           (long long)(io->row + i / io->in[0]->dim[1]), (double)x[i],
                           (long long)self->vocabulary - 1);
        memcpy(y + i * n, table + (int64_t)x[i] * n, sizeof *y * (size_t)n);
    }
    return TN_OK;
}

static void TN(add_row)(tn_real *restrict into, const tn_real *restrict from, int64_t n)
{
    for (int64_t j = 0; j < n; j++) into[j] += from[j];
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const int64_t n = self->units, rows = tn_count(io->in[0]);
    const tn_real *x = io->in[0]->data, *gy = io->gout->data;
    tn_real *g = io->gparam[0] ? io->gparam[0]->data : NULL;
    if (io->gin[0]) memset(io->gin[0]->data, 0, sizeof *x * (size_t)rows);
    if (!g) return TN_OK;
    memset(g, 0, sizeof *g * (size_t)(self->vocabulary * n));
    for (int64_t i = 0; i < rows; i++) TN(add_row)(g + (int64_t)x[i] * n, gy + i * n, n);
    return TN_OK;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_NEEDS_X, .infer = TN(infer),
          .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(OPTIONS, layer, embedding,
               .summary = "A learned row for each whole number",
               .formula = "y_t = W[x_t], W of shape (vocabulary, units)",
               .reference = "Bengio, Ducharme, Vincent, Jauvin, A neural probabilistic "
                            "language model, JMLR 3, 2003, section 2")

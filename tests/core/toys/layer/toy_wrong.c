/* toy_wrong - y = W x, which says TN_BY_PRODUCT and TN_WEIGHT_LAST and keeps to them in one way
 * only. The other ways break a rule each. */
#include <tenon/plugin.h>

#define WAYS                                                                          \
    "sound|early|twice|halves|turned|added|forgotten|summed|no_input|input_twice|no_" \
    "output"
#define OPTIONS(P) P(ENUM, way, TN_POSITIONAL, 0, WAYS, , "how its rules are broken")
TN_SELF(OPTIONS, )

#ifndef UNITS
#define UNITS 6
enum way {
    SOUND,
    EARLY,     /* the weight's gradient comes before what reads the weight */
    AGAIN,     /* it is made two times over */
    HALVES,    /* by one product for each half of its rows */
    TURNED,    /* as it does not lie in memory */
    ADDED,     /* onto what is there */
    FORGOTTEN, /* not at all */
    SUMMED,    /* by host->column_sums */
    NO_INPUT,  /* the input's gradient is not made */
    INPUT_TWICE,
    NO_OUTPUT
};
#endif

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const int64_t in = tn_shape_width(&node->in[0]);
    const int64_t out = UNITS;
    node->out.dim[node->out.rank - 1] = out;
    const tn_param_spec w = {.name = "w",
                             .shape = {.rank = 2, .dim = {out, in}},
                             .role = TN_WEIGHT,
                             .fan_in = in,
                             .fan_out = out};
    return c->host->param(c, &w);
}

static tn_status TN(multiply)(tn_call *c, tn_matrix a, tn_matrix b, tn_matrix out,
                              int32_t add)
{
    const tn_product p = {
        .struct_size = sizeof p, .a = a, .b = b, .out = out, .add = add};
    return c->host->product(c, &p);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    if (self->way == NO_OUTPUT) return TN_OK;
    return TN(multiply)(c, tn_matrix_of(io->in[0]),
                        tn_transposed(tn_matrix_of(io->param[0])), tn_matrix_of(io->out),
                        0);
}

static tn_status TN(input)(tn_call *c, const tn_io *io)
{
    if (!io->gin[0]) return TN_OK;
    return TN(multiply)(c, tn_matrix_of(io->gout), tn_matrix_of(io->param[0]),
                        tn_matrix_of(io->gin[0]), 0);
}

/* Rows from `row` on. */
static tn_status TN(part)(tn_call *c, const tn_io *io, int64_t row, int64_t rows)
{
    tn_matrix a = tn_transposed(tn_matrix_of(io->gout)),
              out = tn_matrix_of(io->gparam[0]);
    a.rows = out.rows = rows;
    a.data = (tn_real *)a.data + row * a.row_stride;
    if (out.data) out.data = (tn_real *)out.data + row * out.row_stride;
    return TN(multiply)(c, a, tn_matrix_of(io->in[0]), out, 0);
}

static tn_status TN(weight)(const TN(self) * self, tn_call *c, const tn_io *io)
{
    const tn_matrix gy = tn_matrix_of(io->gout), x = tn_matrix_of(io->in[0]);
    const tn_matrix out = tn_matrix_of(io->gparam[0]);
    tn_status status = TN_OK;
    if (self->way == FORGOTTEN) return TN_OK;
    if (self->way == SUMMED) {
        tn_tensor m = *io->gout; /* as wide as the gradient has elements */
        m.dim[1] = tn_count(io->gparam[0]), m.dim[0] = tn_count(io->gout) / m.dim[1];
        return c->host->column_sums(c, &m, io->gparam[0]);
    }
    if (self->way == TURNED)
        return TN(multiply)(c, tn_transposed(x), gy, tn_transposed(out), 0);
    if (self->way == HALVES) {
        status = TN(part)(c, io, 0, UNITS / 2);
        return status ? status : TN(part)(c, io, UNITS / 2, UNITS / 2);
    }
    if (self->way == AGAIN) status = TN(multiply)(c, tn_transposed(gy), x, out, 0);
    if (status) return status;
    return TN(multiply)(c, tn_transposed(gy), x, out, self->way == ADDED);
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    tn_status status = TN_OK;
    if (self->way == EARLY) status = TN(weight)(self, c, io);
    if (!status && self->way != NO_INPUT) status = TN(input)(c, io);
    if (!status && self->way == INPUT_TWICE) status = TN(input)(c, io);
    return status || self->way == EARLY ? status : TN(weight)(self, c, io);
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_BY_PRODUCT | TN_WEIGHT_LAST | TN_NEEDS_X,
          .infer = TN(infer), .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(OPTIONS, layer, toy_wrong,
               .summary = "A product that breaks the rules of its flags",
               .formula = "y = W x", .initializer = "xavier",
               .reference = "none: a test's")

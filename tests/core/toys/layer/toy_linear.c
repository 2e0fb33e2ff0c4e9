/* toy_linear - y = W x without a bias, whole by products: its results written in rows, in
 * columns, or (wrongly) by two products. */
#include <tenon/plugin.h>

#define OPTIONS(P)                                  \
    P(INT, units, TN_POSITIONAL, 4, 1, 99, "width") \
    P(ENUM, way, 0, 0, "rows|columns|twice", , "how the results are written")
TN_SELF(OPTIONS, )

#ifndef COLUMNS
#define COLUMNS 1
#define TWICE 2
#endif

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    const int64_t in = tn_shape_width(&node->in[0]);
    node->out.dim[node->out.rank - 1] = self->units;
    const tn_param_spec w = {.name = "w",
                             .shape = {.rank = 2, .dim = {self->units, in}},
                             .role = TN_WEIGHT,
                             .fan_in = in,
                             .fan_out = self->units};
    return c->host->param(c, &w);
}

/* out = a b, or out^T = b^T a^T */
static tn_status TN(multiply)(const TN(self) * self, tn_call *c, tn_matrix a, tn_matrix b,
                              const tn_tensor *out)
{
    tn_product p = {.struct_size = sizeof p, .a = a, .b = b, .out = tn_matrix_of(out)};
    if (self->way == COLUMNS)
        p.a = tn_transposed(b), p.b = tn_transposed(a), p.out = tn_transposed(p.out);
    const tn_status status = c->host->product(c, &p);
    return status || self->way != TWICE ? status : c->host->product(c, &p);
}

static tn_status TN(run)(const void *self, tn_call *c, const tn_io *io)
{
    return TN(multiply)(self, c, tn_matrix_of(io->in[0]),
                        tn_transposed(tn_matrix_of(io->param[0])), io->out);
}

static tn_status TN(run_back)(const void *self, tn_call *c, const tn_io *io)
{
    const tn_matrix gy = tn_matrix_of(io->gout);
    tn_status status = TN(multiply)(self, c, tn_transposed(gy), tn_matrix_of(io->in[0]),
                                    io->gparam[0]);
    if (!status && io->gin[0])
        status = TN(multiply)(self, c, gy, tn_matrix_of(io->param[0]), io->gin[0]);
    return status;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_BY_PRODUCT | TN_NEEDS_X,
          .infer = TN(infer), .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(OPTIONS, layer, toy_linear, .summary = "A product written in several ways",
               .formula = "y = W x", .initializer = "xavier",
               .reference = "none: a test's")

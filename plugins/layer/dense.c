/* dense - every output feature a weighted sum of all input features.
 *
 *     Y = X W^T + b,  dL/dX = dL/dY W
 *     dL/dW = (dL/dY)^T X,  dL/db = sum over rows of dL/dY
 *
 * with W of shape (out, in) and rows in X; an input of higher rank is taken row by
 * row, along its last axis. Rumelhart, Hinton, Williams, Nature 323, 1986, eq. 1, and
 * for the gradients eqs. 6 and 7. */
#include <tenon/plugin.h>

#define OPTIONS(P)                                                                 \
    P(INT, units, TN_POSITIONAL | TN_REQUIRED, 0, 1, INT32_MAX, "output features") \
    P(BOOL, bias, 0, 1, , , "whether to add a learned value to each output feature")
TN_SELF(OPTIONS, )

static tn_status TN(infer)(void *me, tn_call *c, tn_node *node)
{
    const TN(self) *self = me;
    const int64_t in = tn_shape_width(&node->in[0]), out = self->units;
    if (!node->out.rank) node->out.rank = 1;
    node->out.dim[node->out.rank - 1] = out;
    const tn_param_spec weight = {.name = "weight",
                                  .shape = {.rank = 2, .dim = {out, in}},
                                  .role = TN_WEIGHT,
                                  .fan_in = in,
                                  .fan_out = out,
                                  .feature_axis = 2};
    const tn_param_spec bias = {.name = "bias",
                                .shape = {.rank = 1, .dim = {out}},
                                .role = TN_BIAS,
                                .fan_in = in,
                                .fan_out = out};
    const tn_status status = c->host->param(c, &weight);
    return status || !self->bias ? status : c->host->param(c, &bias);
}

static tn_status TN(forward)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const tn_product p = {.struct_size = sizeof p,
                          .a = tn_matrix_of(io->in[0]),
                          .b = tn_transposed(tn_matrix_of(io->param[0])),
                          .out = tn_matrix_of(io->out),
                          .bias = self->bias ? io->param[1]->data : NULL};
    return c->host->product(c, &p);
}

static tn_status TN(multiply)(tn_call *c, tn_matrix a, tn_matrix b, const tn_tensor *out)
{
    const tn_product p = {
        .struct_size = sizeof p, .a = a, .b = b, .out = tn_matrix_of(out)};
    return c->host->product(c, &p);
}

static tn_status TN(backward)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const tn_matrix gy = tn_matrix_of(io->gout), x = tn_matrix_of(io->in[0]);
    tn_status status = TN_OK;
    if (io->gin[0]) status = TN(multiply)(c, gy, tn_matrix_of(io->param[0]), io->gin[0]);
    if (!status && self->bias && io->gparam[1])
        status = c->host->column_sums(c, io->gout, io->gparam[1]);
    if (!status && io->gparam[0])
        status = TN(multiply)(c, tn_transposed(gy), x, io->gparam[0]);
    return status;
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_BY_PRODUCT | TN_WEIGHT_LAST | TN_NEEDS_X,
          .infer = TN(infer), .run = TN(forward), .run_back = TN(backward))
TN_PLUGIN_WITH(OPTIONS, layer, dense, .summary = "Fully connected layer",
               .formula = "y = W x + b, W of shape (out, in)",
               .reference = "Rumelhart, Hinton, Williams, Learning representations by "
                            "back-propagating errors, Nature 323, 1986, eq. 1",
               .initializer = "xavier")

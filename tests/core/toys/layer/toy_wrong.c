/* toy_wrong - y = W x, which says TN_BY_PRODUCT and TN_WEIGHT_LAST and keeps to them in one way
 * in three ways only. The other ways break a rule each. */
#include <stddef.h>
#include <string.h>
#include <tenon/plugin.h>

#define WAYS                                                                     \
    "sound|older|own|early|twice|halves|turned|added|forgotten|summed|no_input|" \
    "input_twice|no_output"
#define OPTIONS(P) P(ENUM, way, TN_POSITIONAL, 0, WAYS, , "how its rules are broken")
TN_SELF(OPTIONS, )

#ifndef UNITS
#define UNITS 6
enum way {
    SOUND,
    OLDER,     /* its products know less than those of now */
    OWN,       /* it makes its output and its input's gradient itself */
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

/* By plain loops, of operands that lie in memory. */
static tn_status TN(make)(const void *with, tn_call *c, const tn_product *p)
{
    const tn_matrix *a = &p->a, *b = &p->b, *out = &p->out;
    for (int64_t i = 0; i < out->rows; i++) {
        tn_real *row = (tn_real *)out->data + i * out->row_stride;
        for (int64_t j = 0; j < out->cols; j++) {
            tn_real sum = p->add ? row[j] : 0;
            for (int64_t k = 0; k < a->cols; k++)
                sum += ((const tn_real *)a->data)[i * a->row_stride + k * a->col_stride] *
                       ((const tn_real *)b->data)[k * b->row_stride + j * b->col_stride];
            row[j] = sum;
        }
        if (out->wrote) out->wrote(out->with, i, 0, 1, out->cols, row, out->row_stride);
    }
    return TN_OK;
}

static size_t TN(prepared_size)(const tn_matrix *b)
{
    return 0;
}

static const tn_maker TN(own) = {.prepared_size = TN(prepared_size), .make = TN(make)};

static tn_status TN(multiply)(tn_call *c, tn_matrix a, tn_matrix b, tn_matrix out,
                              enum way way)
{
    tn_product p;
    memset(&p, way == OLDER ? 0xff : 0, sizeof p);
    p.struct_size = way == OLDER ? offsetof(tn_product, count) : sizeof p;
    p.a = a, p.b = b, p.out = out, p.bias = NULL, p.add = way == ADDED;
    if (way == OWN) p.maker = &TN(own);
    return c->host->product(c, &p);
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    if (self->way == NO_OUTPUT) return TN_OK;
    return TN(multiply)(c, tn_matrix_of(io->in[0]),
                        tn_transposed(tn_matrix_of(io->param[0])), tn_matrix_of(io->out),
                        self->way <= OWN ? (enum way)self->way : SOUND);
}

static tn_status TN(input)(tn_call *c, const tn_io *io, enum way way)
{
    if (!io->gin[0]) return TN_OK;
    return TN(multiply)(c, tn_matrix_of(io->gout), tn_matrix_of(io->param[0]),
                        tn_matrix_of(io->gin[0]), way);
}

/* Rows from `row` on. */
static tn_status TN(part)(tn_call *c, const tn_io *io, int64_t row, int64_t rows)
{
    tn_matrix a = tn_transposed(tn_matrix_of(io->gout)),
              out = tn_matrix_of(io->gparam[0]);
    a.rows = out.rows = rows;
    a.data = (tn_real *)a.data + row * a.row_stride;
    if (out.data) out.data = (tn_real *)out.data + row * out.row_stride;
    return TN(multiply)(c, a, tn_matrix_of(io->in[0]), out, SOUND);
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
        return TN(multiply)(c, tn_transposed(x), gy, tn_transposed(out), SOUND);
    if (self->way == HALVES) {
        status = TN(part)(c, io, 0, UNITS / 2);
        return status ? status : TN(part)(c, io, UNITS / 2, UNITS / 2);
    }
    if (self->way == AGAIN) status = TN(multiply)(c, tn_transposed(gy), x, out, SOUND);
    if (status) return status;
    return TN(multiply)(c, tn_transposed(gy), x, out, self->way == ADDED ? ADDED : SOUND);
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    tn_status status = TN_OK;
    if (self->way == EARLY) status = TN(weight)(self, c, io);
    const enum way way = self->way <= OWN ? (enum way)self->way : SOUND;
    if (!status && self->way != NO_INPUT) status = TN(input)(c, io, way);
    if (!status && self->way == INPUT_TWICE) status = TN(input)(c, io, way);
    return status || self->way == EARLY ? status : TN(weight)(self, c, io);
}

TN_VTABLE(layer, .kernel = TN_WHOLE, .flags = TN_BY_PRODUCT | TN_WEIGHT_LAST | TN_NEEDS_X,
          .infer = TN(infer), .run = TN(run), .run_back = TN(run_back))
TN_PLUGIN_WITH(OPTIONS, layer, toy_wrong,
               .summary = "A product that may break the rules of its flags",
               .formula = "y = W x", .initializer = "xavier",
               .reference = "none: a test's")

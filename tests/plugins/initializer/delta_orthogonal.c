/* delta_orthogonal.c - the centre taps of filters are orthogonal and as long as `gain`, group by
 * group, all other taps are zero, and a convolution keeps the length of what it gets. */
#include "support/drawing.h"

#include "tests/support/check.h"

typedef struct filters {
    int64_t out, in, taps[3]; /* in: of a group; 0 ends taps */
    int64_t groups;
} filters;

static tn_status fill(const char *options, const filters *f, double *value, int32_t parts,
                      tn_error *e)
{
    const tn_instance *init = make("initializer", "delta_orthogonal", options, 1);
    tn_calling calling;
    tn_tensor w = {.struct_size = sizeof w,
                   .dtype = TN_F64,
                   .rank = 2,
                   .dim = {f->out, f->in},
                   .data = value};
    int64_t taps = 1;
    for (int32_t i = 0; i < 3 && f->taps[i]; i++) taps *= w.dim[w.rank++] = f->taps[i];
    const tn_param_info info = {.name = "w",
                                .parts = parts,
                                .fan_in = f->in * taps,
                                .fan_out = f->out / f->groups * taps,
                                .key = {{4, 5}}};
    for (int64_t i = 0; i < tn_count(&w); i++) value[i] = NAN;
    return ((const tn_initializer *)init->vtable)
        ->fill(init->self, tn_call_make(&calling, test_env(), init, 1, e), &info, &w);
}

/* Q Q^T of the rows of a group, or Q^T Q of its columns, of which there are fewer. */
static void expect(const double *q, int64_t rows, int64_t cols, double gain)
{
    const bool by_rows = rows <= cols;
    const int64_t few = by_rows ? rows : cols, many = by_rows ? cols : rows;
    for (int64_t i = 0; i < few; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t k = 0; k < many; k++)
                sum += by_rows ? q[i * cols + k] * q[j * cols + k]
                               : q[k * cols + i] * q[k * cols + j];
            near(&sum, &(double){i == j ? gain * gain : 0}, 1, 1e-13);
        }
}

static void check_filters(const char *options, const filters *f, int64_t centre,
                          double gain)
{
    static double value[20000], q[2000];
    tn_error e = {0};
    int64_t taps = 1;
    for (int32_t i = 0; i < 3 && f->taps[i]; i++) taps *= f->taps[i];
    cr_assert_eq(fill(options, f, value, 1, &e), TN_OK, "%s", e.text);
    for (int64_t i = 0; i < f->out * f->in; i++)
        for (int64_t k = 0; k < taps; k++) {
            const double x = value[i * taps + k];
            if (k == centre)
                q[i] = x;
            else
                cr_assert(x == 0, "tap %lld is %g", (long long)k, x);
        }
    const int64_t rows = f->out / f->groups;
    for (int64_t g = 0; g < f->groups; g++)
        expect(q + g * rows * f->in, rows, f->in, gain);
    cr_assert(f->groups == 1 || q[0] != q[rows * f->in], "groups are alike");
}

Test(delta_orthogonal, only_the_centre_and_that_orthogonal)
{
    check_filters(NULL, &(filters){16, 16, {3, 3}, 1}, 4, 1);
    check_filters("1.5", &(filters){20, 7, {5, 3}, 1}, 7, 1.5);
    check_filters(NULL, &(filters){5, 9, {3, 3}, 1}, 4, 1);
    check_filters(NULL, &(filters){8, 8, {2, 4}, 1}, 1, 1);
    check_filters(NULL, &(filters){12, 6, {7}, 1}, 3, 1);
    check_filters(NULL, &(filters){12, 2, {3, 3}, 4}, 4, 1);
    check_filters(NULL, &(filters){6, 1, {3, 3}, 6}, 4, 1);
    check_filters(NULL, &(filters){9, 4, {0}, 1}, 0, 1);
    check_filters(NULL, &(filters){1, 1, {1, 1}, 1}, 0, 1);
}

Test(delta_orthogonal, prefers_no_direction)
{
    obeys("delta_orthogonal", NULL, &wide, 0, sqrt(1.0 / 300), false);
    depends_on_the_key_alone("delta_orthogonal", NULL);
}

/* A stack of convolutions that do not narrow, with edges: every position keeps its length. */
static void keeps_lengths(const char *model, tn_shape in)
{
    check_net *net = check_net_new(model, NULL, 0, in, 3, 1, 5);
    tn_error e = {0};
    cr_assert_eq(tn_graph_draw(net->graph, &e), TN_OK, "%s",
                 e.text); /* not random ones */
    const double *x = net->x, *y = check_net_output(net);
    const int64_t c = tn_shape_width(&in),
                  k = tn_shape_width(tn_graph_output(net->graph));
    for (int64_t i = 0; i < net->samples * net->inputs / c; i++) {
        double before = 0, after = 0;
        for (int64_t j = 0; j < c; j++) before += x[i * c + j] * x[i * c + j];
        for (int64_t j = 0; j < k; j++) after += y[i * k + j] * y[i * k + j];
        cr_assert_float_eq(after, before, 1e-13 * fmax(before, 1));
    }
}

#define DEEP(layer) layer ", " layer ", " layer ", " layer

Test(delta_orthogonal, convolutions_keep_lengths)
{
    keeps_lengths(
        "[" DEEP("{conv2d: {filters: 6, kernel: 3, padding: same, bias: false, init: "
                 "delta_orthogonal}}") "]",
        check_shape(3, 5, 4, 3));
    keeps_lengths(
        "[" DEEP("{conv1d: {filters: 8, kernel: 4, padding: same, groups: 2, bias: "
                 "false, init: delta_orthogonal}}") "]",
        check_shape(2, 9, 8, 0));
    keeps_lengths("[{dense: {units: 7, bias: false, init: delta_orthogonal}}]",
                  check_shape(1, 5, 0, 0));
}

Test(delta_orthogonal, refuses_what_it_cannot_fill)
{
    double value[64];
    tn_error e = {0};
    cr_assert_eq(fill(NULL, &(filters){8, 2, {0}, 1}, value, 4, &e), TN_EINVAL);
    cr_assert_not_null(strstr(e.text, "another initializer"), "%s", e.text);
    refuse("initializer", "delta_orthogonal", "0", "gain");
}

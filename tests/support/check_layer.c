/* check_layer.c - one layer's slots on their own: infer, tiles of any size, reductions over
 * columns; see check.h. */
#include "check.h"
#include "note.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* ---- a host of its own ----------------------------------------------------------- */

static char message[600];

const char *check_message(void)
{
    return message;
}

static tn_status keep_message(tn_call *c, tn_status status, const char *text)
{
    snprintf(message, sizeof message, "%s", text);
    return status;
}

static void fill_own(check_own *own, const char *name, int64_t size, double fill)
{
    snprintf(own->name, sizeof own->name, "%s", name);
    own->size = size;
    own->value = check_room(size, sizeof(double));
    own->gradient = check_room(size, sizeof(double));
    for (int64_t i = 0; i < size; i++) own->value[i] = fill;
}

static tn_status declare_param(tn_call *c, const tn_param_spec *spec)
{
    check_layer *l = c->priv;
    cr_assert(l->params < CHECK_OWN);
    check_own *own = &l->param[l->params++];
    fill_own(own, spec->name, tn_shape_count(&spec->shape), spec->fill);
    own->along = spec->along;
    own->role = spec->role;
    check_random(own->value, own->size, 40 + (uint32_t)l->params);
    return TN_OK;
}

static tn_status declare_state(tn_call *c, const char *name, const tn_shape *shape,
                               double fill)
{
    check_layer *l = c->priv;
    cr_assert(l->states < CHECK_OWN);
    check_own *own = &l->state[l->states++];
    fill_own(own, name, tn_shape_count(shape), fill);
    own->along = own->size == l->width ? TN_PER_COLUMN : TN_ENTIRE;
    return TN_OK;
}

tn_call *check_call(void)
{
    static const tn_host host = {.struct_size = sizeof host,
                                 .fail = keep_message,
                                 .param = declare_param,
                                 .state = declare_state};
    static tn_call call;
    call.host = &host;
    message[0] = '\0';
    return &call;
}

/* ---- one layer ------------------------------------------------------------------- */

static const tn_layer *vtable(const check_layer *l)
{
    return l->instance->vtable;
}

static tn_status infer(check_layer *l, int32_t inputs, const tn_shape *shapes)
{
    tn_call *call = check_call();
    call->priv = l;
    call->now = l->instance->now;
    for (int32_t k = 0; k < inputs; k++) l->in[k] = shapes[k];
    l->node = (tn_node){.inputs = inputs, .in = l->in, .out = shapes[0]};
    l->width = tn_shape_width(&shapes[0]);
    const tn_layer *layer = vtable(l);
    return layer->infer ? layer->infer(l->instance->self, call, &l->node) : TN_OK;
}

tn_status check_infer(const char *name, const char *options, int32_t inputs,
                      const tn_shape *shapes)
{
    check_layer *l = check_room(1, sizeof *l);
    l->instance = check_plugin("layer", name, options, 1);
    return infer(l, inputs, shapes);
}

check_layer *check_layer_new(const char *name, const char *options, tn_shape shape,
                             int64_t samples, int32_t inputs)
{
    return check_kernel_new("layer", name, options, shape, samples, inputs);
}

check_layer *check_kernel_new(const char *kind, const char *name, const char *options,
                              tn_shape shape, int64_t samples, int32_t inputs)
{
    check_layer *l = check_room(1, sizeof *l);
    const tn_shape shapes[4] = {shape, shape, shape, shape};
    l->instance = check_plugin(kind, name, options, 1);
    cr_assert_eq(infer(l, inputs, shapes), TN_OK, "%s", message);
    l->n = samples * tn_shape_count(&shape);
    l->rows = l->n / l->width;
    for (int32_t k = 0; k < inputs; k++) {
        l->x[k] = check_room(l->n, sizeof(double));
        l->gx[k] = check_room(l->n, sizeof(double));
        check_random(l->x[k], l->n, 1 + (uint32_t)k);
    }
    l->y = check_room(l->n, sizeof(double));
    l->gy = check_room(l->n, sizeof(double));
    check_random(l->gy, l->n, 9);
    for (int32_t q = 0; q < CHECK_OWN; q++) {
        l->stat[q] = check_room(l->width, sizeof(double));
        l->back[q] = check_room(l->width, sizeof(double));
    }
    return l;
}

/* Everything that a tile points to. */
typedef struct frame {
    tn_tile tile;
    const void *in[4], *param[CHECK_OWN], *state[CHECK_OWN], *stat[CHECK_OWN],
        *back[CHECK_OWN];
    void *gin[4], *gparam[CHECK_OWN];
} frame;

static void make_frame(frame *f, const check_layer *l, bool training, int64_t first,
                       int64_t n)
{
    const int64_t col = first % l->width;
    *f = (frame){.tile = {.n = n,
                          .width = l->width,
                          .row = first / l->width,
                          .col = col,
                          .rows_per_sample = tn_shape_count(&l->in[0]) / l->width,
                          .shape = &l->in[0],
                          .inputs = l->node.inputs,
                          .in = f->in,
                          .gin = f->gin,
                          .param = f->param,
                          .gparam = f->gparam,
                          .state = f->state,
                          .stat = f->stat,
                          .back_stat = f->back,
                          .now = l->instance->now,
                          .key = {{5, 6}},
                          .training = training}};
    for (int32_t k = 0; k < l->node.inputs; k++) {
        f->in[k] = l->x[k] + first;
        f->gin[k] = l->gx[k] + first;
    }
    for (int32_t i = 0; i < l->params; i++) {
        const int64_t offset = l->param[i].along == TN_PER_COLUMN ? col : 0;
        f->param[i] = l->param[i].value + offset;
        f->gparam[i] = l->param[i].gradient + offset;
    }
    for (int32_t i = 0; i < l->states; i++)
        f->state[i] = l->state[i].value + (l->state[i].along == TN_PER_COLUMN ? col : 0);
    for (int32_t q = 0; q < CHECK_OWN; q++) {
        f->stat[q] = training ? l->stat[q] + col : NULL;
        f->back[q] = l->back[q] + col;
    }
}

/* Elements from `first` that one tile may have. */
static int64_t run_at(const check_layer *l, int64_t first, int64_t run)
{
    const bool many = vtable(l)->flags & TN_MANY_ROWS && !run,
               in_row = !many &&
                        (vtable(l)->flags & TN_COLUMNS || vtable(l)->kernel == TN_REDUCE);
    const int64_t end = in_row ? (first / l->width + 1) * l->width : l->n;
    const int64_t most = end - first;
    return run && run < most ? run : most;
}

static void reduce(check_layer *l, bool training, const tn_reduction *r, const double *gy,
                   double **stat)
{
    double *acc[CHECK_OWN];
    frame f;
    cr_assert_eq(r->over, TN_OVER_COLUMNS);
    for (int32_t q = 0; q < r->sums; q++) acc[q] = check_room(l->width, sizeof(double));
    make_frame(&f, l, training, 0, l->n);
    r->add(l->instance->self, &f.tile, l->x[0], gy, acc);
    r->finish(l->instance->self, &f.tile, l->width, l->rows, (const double *const *)acc,
              stat);
}

void check_forward(check_layer *l, bool training, int64_t run)
{
    const tn_layer *layer = vtable(l);
    frame f;
    if (layer->reduce.sums && (training || layer->always_reduce))
        reduce(l, training, &layer->reduce, NULL, l->stat);
    for (int64_t first = 0, n; first < l->n; first += n) {
        n = run_at(l, first, run);
        make_frame(&f, l, training, first, n);
        layer->forward(l->instance->self, &f.tile, l->x[0] + first, l->y + first);
    }
}

void check_backward(check_layer *l, bool training, int64_t run)
{
    const tn_layer *layer = vtable(l);
    frame f;
    for (int32_t i = 0; i < l->params; i++)
        memset(l->param[i].gradient, 0, sizeof(double) * (size_t)l->param[i].size);
    if (layer->back_reduce.sums) reduce(l, training, &layer->back_reduce, l->gy, l->back);
    for (int64_t first = 0, n; first < l->n; first += n) {
        n = run_at(l, first, run);
        make_frame(&f, l, training, first, n);
        layer->backward(l->instance->self, &f.tile,
                        layer->flags & TN_NEEDS_X ? l->x[0] + first : NULL,
                        layer->flags & TN_NEEDS_Y ? l->y + first : NULL, l->gy + first,
                        l->gx[0] + first);
    }
}

void check_commit(check_layer *l)
{
    void *state[CHECK_OWN];
    frame f;
    make_frame(&f, l, true, 0, l->n);
    for (int32_t i = 0; i < l->states; i++) state[i] = l->state[i].value;
    vtable(l)->commit(l->instance->self, &f.tile, l->rows, state);
}

/* ---- differences ----------------------------------------------------------------- */

static double weighted_sum(check_layer *l)
{
    double sum = 0;
    check_forward(l, true, 0);
    for (int64_t i = 0; i < l->n; i++) sum += l->gy[i] * l->y[i];
    return sum;
}

static void differentiate(check_layer *l, double *at, const double *exact, int64_t n,
                          const char *what)
{
    const double step = 1e-5;
    for (int64_t i = 0; i < n; i++) {
        const double before = at[i];
        double f[4];
        for (int32_t k = 0; k < 4; k++) {
            at[i] = before + (k < 2 ? k - 2 : k - 1) * step;
            f[k] = weighted_sum(l);
        }
        at[i] = before;
        const double numeric = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * step);
        const double error = fabs(exact[i] - numeric) / (1 + fabs(numeric));
        note_error(NULL, NOTE_GRADIENT, 1, error);
        cr_assert(error <= 1e-8, "gradient of %s[%lld]: %.12g, expected %.12g", what,
                  (long long)i, exact[i], numeric);
    }
}

void check_slot_gradients(check_layer *l)
{
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    differentiate(l, l->x[0], l->gx[0], l->n, "x");
    for (int32_t i = 0; i < l->params; i++)
        differentiate(l, l->param[i].value, l->param[i].gradient, l->param[i].size,
                      l->param[i].name);
}

/* ---- any split, the same bits ---------------------------------------------------- */

static void spoil(check_layer *l)
{
    memset(l->y, 0xff, sizeof(double) * (size_t)l->n); /* NaN */
    for (int32_t k = 0; k < l->node.inputs; k++)
        memset(l->gx[k], 0xff, sizeof(double) * (size_t)l->n);
}

static double *copy_of(const double *from, int64_t n)
{
    double *to = check_room(n, sizeof *to);
    memcpy(to, from, sizeof *to * (size_t)n);
    return to;
}

static void same_bits(const double *a, const double *b, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        cr_assert(!memcmp(&a[i], &b[i], sizeof *a), "%s[%lld]: %.17g and %.17g", what,
                  (long long)i, a[i], b[i]);
}

static void all_finite(const double *a, int64_t n, const char *what)
{
    for (int64_t i = 0; i < n; i++)
        cr_assert(isfinite(a[i]), "%s[%lld] of %lld was not written", what, (long long)i,
                  (long long)n);
}

/* Runs that suit the class: whole rows for TN_ROW. */
static void other_splits(check_layer *l, bool training)
{
    static const int64_t runs[] = {1, 7, 256, 1009};
    const double *y = copy_of(l->y, l->n), *gx = copy_of(l->gx[0], l->n);
    const int64_t unit = vtable(l)->kernel == TN_ROW ? l->width : 1;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        spoil(l);
        check_forward(l, training, runs[i] * unit);
        check_backward(l, training, runs[i] * unit);
        same_bits(l->y, y, l->n, "y in another split");
        same_bits(l->gx[0], gx, l->n, "gx in another split");
    }
}

/* What backward reads of x, forward may not overwrite. */
static void in_place(check_layer *l, bool training)
{
    const double *y = copy_of(l->y, l->n), *gx = copy_of(l->gx[0], l->n);
    double *x = copy_of(l->x[0], l->n);
    if (!(vtable(l)->flags & TN_INPLACE)) return;
    l->y = l->x[0];
    l->gx[0] = l->gy;
    check_forward(l, training, 0);
    same_bits(l->y, y, l->n, "y in place");
    if (vtable(l)->flags & TN_NEEDS_X) l->x[0] = x;
    check_backward(l, training, 0);
    same_bits(l->gx[0], gx, l->n, "gx in place");
}

static void check_size(const char *name, const char *options, int32_t inputs,
                       bool training, tn_shape shape, int64_t samples)
{
    check_layer *l = check_layer_new(name, options, shape, samples, inputs);
    const double *x[4], *gy = copy_of(l->gy, l->n);
    for (int32_t k = 0; k < inputs; k++) x[k] = copy_of(l->x[k], l->n);
    spoil(l);
    check_forward(l, training, 0);
    check_backward(l, training, 0);
    all_finite(l->y, l->n, "y");
    for (int32_t k = 0; k < inputs; k++) {
        all_finite(l->gx[k], l->n, "gx");
        same_bits(l->x[k], x[k], l->n, "x after a run");
    }
    same_bits(l->gy, gy, l->n, "gy after a run");
    other_splits(l, training);
    in_place(l, training);
}

void check_runs(const char *name, const char *options, int32_t inputs, bool training)
{
    check_size(name, options, inputs, training, check_shape(1, 1, 0, 0), 1);
    check_size(name, options, inputs, training, check_shape(1, 1, 0, 0), 13);
    check_size(name, options, inputs, training, check_shape(1, 17, 0, 0), 7);
    check_size(name, options, inputs, training, check_shape(2, 3, 5, 0), 11);
    check_size(name, options, inputs, training, check_shape(1, 1031, 0, 0), 19);
}

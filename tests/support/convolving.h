/* convolving.h - what the suites of the convolutions share: one layer with random numbers on any
 * backend, and the same by plain loops in double over the definition.
 *
 * The layer stands behind one that hands its input on, so that the gradient of the input is
 * made, and can be looked at. */
#ifndef TESTS_CONVOLVING_H
#define TESTS_CONVOLVING_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/model.h"
#include "core/plan_state.h"
#include "tests/support/check.h"
#include "tests/support/note.h"
#include "tests/support/opening.h"
#include "tests/support/rounds.h"

typedef struct shape {
    int32_t axes;
    int64_t samples, channels, filters, groups;
    int64_t in[2], kernel[2], stride[2], dilation[2], before[2],
        after[2]; /* height, width */
    bool bias;
} shape;

/* What a layer works on and what it makes, in double; y: output. */
typedef struct values {
    double *x, *w, *b, *gy, *y, *gx, *gw, *gb;
} values;

static int64_t out_of(const shape *s, int i)
{
    const int64_t covered = (s->kernel[i] - 1) * s->dilation[i] + 1;
    return (s->in[i] + s->before[i] + s->after[i] - covered) / s->stride[i] + 1;
}

static int64_t x_count(const shape *s)
{
    return s->samples * s->in[0] * s->in[1] * s->channels;
}

static int64_t y_count(const shape *s)
{
    return s->samples * out_of(s, 0) * out_of(s, 1) * s->filters;
}

static int64_t w_count(const shape *s)
{
    return s->filters * (s->channels / s->groups) * s->kernel[0] * s->kernel[1];
}

static values make_values(const shape *s)
{
    return (values){.x = check_room(x_count(s), sizeof(double)),
                    .w = check_room(w_count(s), sizeof(double)),
                    .b = check_room(s->filters, sizeof(double)),
                    .gy = check_room(y_count(s), sizeof(double)),
                    .y = check_room(y_count(s), sizeof(double)),
                    .gx = check_room(x_count(s), sizeof(double)),
                    .gw = check_room(w_count(s), sizeof(double)),
                    .gb = check_room(s->filters, sizeof(double))};
}

/* Numbers that are the same in float. */
static void draw(double *to, int64_t n, uint32_t seed)
{
    check_random(to, n, seed);
    for (int64_t i = 0; i < n; i++) to[i] = (double)(float)to[i];
}

static values random_values(const shape *s, uint32_t seed)
{
    const values v = make_values(s);
    draw(v.x, x_count(s), seed), draw(v.w, w_count(s), seed + 1);
    draw(v.gy, y_count(s), seed + 2);
    if (s->bias) draw(v.b, s->filters, seed + 3);
    return v;
}

/* ---- by the definition ---------------------------------------------------------------- */

typedef struct place {
    int64_t sample, i, j, filter, at; /* of an output; at: its index */
} place;

/* What filter f takes at one output: forward, and what that gives to gradients. */
static void take(const shape *s, const values *v, place p)
{
    const int64_t channels = s->channels / s->groups,
                  first = p.filter / (s->filters / s->groups) * channels;
    v->y[p.at] = v->b[p.filter];
    v->gb[p.filter] += v->gy[p.at];
    for (int64_t k = 0; k < s->kernel[0] * s->kernel[1]; k++) {
        const int64_t row = p.i * s->stride[0] + k / s->kernel[1] * s->dilation[0] -
                            s->before[0],
                      col = p.j * s->stride[1] + k % s->kernel[1] * s->dilation[1] -
                            s->before[1];
        if (row < 0 || row >= s->in[0] || col < 0 || col >= s->in[1]) continue;
        for (int64_t c = 0; c < channels; c++) {
            const int64_t x =
                ((p.sample * s->in[0] + row) * s->in[1] + col) * s->channels + first + c;
            const int64_t w = (p.filter * channels + c) * s->kernel[0] * s->kernel[1] + k;
            v->y[p.at] += v->w[w] * v->x[x];
            v->gx[x] += v->w[w] * v->gy[p.at];
            v->gw[w] += v->x[x] * v->gy[p.at];
        }
    }
}

static void by_definition(const shape *s, const values *v)
{
    const int64_t high = out_of(s, 0), wide = out_of(s, 1);
    for (int64_t at = 0; at < y_count(s); at++)
        take(s, v,
             (place){.sample = at / s->filters / wide / high,
                     .i = at / s->filters / wide % high,
                     .j = at / s->filters % wide,
                     .filter = at % s->filters,
                     .at = at});
}

/* ---- by the layer --------------------------------------------------------------------- */

typedef struct layer_net {
    tn_env *env;
    tn_config *config;
    tn_graph *graph;
    tn_plan *plan;
    int32_t real;
} layer_net;

static void layer_text(const shape *s, char text[1024])
{
    const int64_t *k = s->kernel, *t = s->stride, *d = s->dilation, *b = s->before,
                  *a = s->after;
    if (s->axes == 2)
        snprintf(
            text, 1024,
            "[{dense: {units: %d, bias: false}}, {conv2d: {filters: %d, kernel: [%d, "
            "%d], stride: [%d, %d], dilation: [%d, %d], padding: explicit, pad: [%d, %d, "
            "%d, %d], groups: "
            "%d, bias: %s, name: conv}}]",
            (int)s->channels, (int)s->filters, (int)k[0], (int)k[1], (int)t[0], (int)t[1],
            (int)d[0], (int)d[1], (int)b[0], (int)a[0], (int)b[1], (int)a[1],
            (int)s->groups, s->bias ? "true" : "false");
    else
        snprintf(text, 1024,
                 "[{dense: {units: %d, bias: false}}, {conv1d: {filters: %d, kernel: %d, "
                 "stride: %d, dilation: %d, padding: explicit, pad: [%d, %d], groups: "
                 "%d, bias: %s, name: "
                 "conv}}]",
                 (int)s->channels, (int)s->filters, (int)k[1], (int)t[1], (int)d[1],
                 (int)b[1], (int)a[1], (int)s->groups, s->bias ? "true" : "false");
}

static void put(const layer_net *n, void *to, const double *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (n->real)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = (float)from[i];
}

static void get(const layer_net *n, double *to, const void *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = n->real ? ((const double *)from)[i] : (double)((const float *)from)[i];
}

static const int32_t conv_threads[] = {2, 3, 4, 7, 8};

static layer_net open_net(const shape *s, const char *backend, int32_t threads,
                          int32_t real)
{
    check_env_as(backend, threads);
    layer_net n = {.env = check_env(), .real = real};
    const tn_shape input = s->axes == 2 ? check_shape(3, s->in[0], s->in[1], s->channels)
                                        : check_shape(2, s->in[1], s->channels, 0);
    char text[1024];
    tn_error e = {0};
    layer_text(s, text);
    n.graph = open_graph(n.env, text, &input, real, &n.config);
    const tn_plan_options options = {
        .samples = s->samples, .training = true, .keeps = true};
    cr_assert_eq(tn_plan_make(n.graph, &options, &n.plan, &e), TN_OK, "%s", e.text);
    double *same = check_room(s->channels * s->channels, sizeof *same);
    for (int64_t i = 0; i < s->channels; i++) same[i * s->channels + i] = 1;
    put(&n, n.graph->param[0].value.data, same, s->channels * s->channels);
    return n;
}

static void close_net(layer_net *n)
{
    tn_plan_free(n->plan);
    tn_graph_free(n->graph);
    tn_config_free(n->config);
}

/* Fills y and the gradients from the rest. */
static void by_layer(const shape *s, const values *v, const char *backend,
                     int32_t threads, int32_t real)
{
    layer_net n = open_net(s, backend, threads, real);
    const tn_pass pass = {.samples = s->samples, .training = true};
    tn_error e = {0};
    const void *y;
    double loss, weight;
    void *x = check_room(x_count(s), sizeof(double)),
         *gy = check_room(y_count(s), sizeof(double));
    tn_field target = {.width = y_count(s) / s->samples, .real = gy};
    tn_instance *linear;
    cr_assert_eq(tn_instance_named(n.env, "loss", "linear", NULL, real, &linear, &e),
                 TN_OK);
    put(&n, x, v->x, x_count(s)), put(&n, gy, v->gy, y_count(s));
    put(&n, n.graph->param[1].value.data, v->w, w_count(s));
    if (s->bias) put(&n, n.graph->param[2].value.data, v->b, s->filters);
    tn_status status = tn_plan_forward(n.plan, &pass, x, &y, &e);
    if (!status) get(&n, v->y, y, y_count(s));
    if (!status)
        status = tn_plan_loss(n.plan, &pass, linear, &target, NULL, 1, true, &loss,
                              &weight, &e);
    if (!status) status = tn_plan_backward(n.plan, &pass, false, &e);
    cr_assert_eq(status, TN_OK, "%s", e.text);
    get(&n, v->gx, n.plan->node[1].gradient, x_count(s));
    get(&n, v->gw, tn_plan_gradient(n.plan, 1).data, w_count(s));
    if (s->bias) get(&n, v->gb, tn_plan_gradient(n.plan, 2).data, s->filters);
    tn_instance_free(linear);
    close_net(&n);
}

/* ---- comparing ------------------------------------------------------------------------ */

static double largest_error(const double *a, const double *b, int64_t n)
{
    double most = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmax(most, isfinite(a[i]) ? fabs(a[i] - b[i]) : INFINITY);
        size = fmax(size, fabs(b[i]));
    }
    return most / fmax(size, 1);
}

/* The largest error of all that a layer makes, beside the largest number of its tensor. */
static double error_of(const shape *s, const values *a, const values *b)
{
    double e = largest_error(a->y, b->y, y_count(s));
    e = fmax(e, largest_error(a->gx, b->gx, x_count(s)));
    e = fmax(e, largest_error(a->gw, b->gw, w_count(s)));
    return s->bias ? fmax(e, largest_error(a->gb, b->gb, s->filters)) : e;
}

static values inputs_of(const shape *s, const values *from)
{
    values v = make_values(s);
    v.x = from->x, v.w = from->w, v.b = from->b, v.gy = from->gy;
    return v;
}

static void same_bits(const shape *s, const values *a, const values *b)
{
    cr_assert_arr_eq(a->y, b->y, sizeof(double) * (size_t)y_count(s));
    cr_assert_arr_eq(a->gx, b->gx, sizeof(double) * (size_t)x_count(s));
    cr_assert_arr_eq(a->gw, b->gw, sizeof(double) * (size_t)w_count(s));
    if (s->bias) cr_assert_arr_eq(a->gb, b->gb, sizeof(double) * (size_t)s->filters);
}

/* ---- random shapes -------------------------------------------------------------------- */

static int64_t pick(uint32_t seed, uint32_t what, int64_t low, int64_t high)
{
    return low + tn_random_bits((tn_key){{seed, 5}}, what) % (uint32_t)(high - low + 1);
}

/* Of one axis: what a filter covers always fits. */
static void pick_axis(shape *s, int i, uint32_t seed, int64_t most)
{
    const uint32_t at = 20 + 10 * (uint32_t)i;
    s->kernel[i] = pick(seed, at, 1, 4), s->stride[i] = pick(seed, at + 1, 1, 3);
    s->dilation[i] = pick(seed, at + 2, 0, 2) ? 1 : pick(seed, at + 3, 1, 3);
    s->before[i] = pick(seed, at + 4, 0, 3), s->after[i] = pick(seed, at + 5, 0, 3);
    const int64_t covered = (s->kernel[i] - 1) * s->dilation[i] + 1,
                  least = covered - s->before[i] - s->after[i];
    s->in[i] = pick(seed, at + 6, least > 1 ? least : 1, most + covered);
}

/* Plain, grouped and depthwise layers in turn. */
static shape random_shape(uint32_t seed, int32_t axes, int64_t samples, int64_t positions,
                          int64_t channels)
{
    shape s = {.axes = axes,
               .samples = pick(seed, 1, 1, samples),
               .groups = seed % 3 == 1 ? pick(seed, 2, 2, 3) : 1,
               .in = {1, 1},
               .kernel = {1, 1},
               .stride = {1, 1},
               .dilation = {1, 1},
               .bias = pick(seed, 3, 0, 3) > 0};
    for (int i = 2 - axes; i < 2; i++) pick_axis(&s, i, seed, positions);
    s.channels = s.groups * pick(seed, 4, 1, channels / s.groups);
    s.filters = s.groups * pick(seed, 5, 1, channels / s.groups);
    if (seed % 3 == 2) s.filters = s.groups = s.channels;
    return s;
}

/* One shape against the definition, on both backends, in both precisions, and on another number of
 * threads: the same bits. */
static void check_by_definition(uint32_t seed, const shape *s)
{
    const int32_t other = conv_threads[seed % 5];
    const values want = random_values(s, 10 * seed), one = inputs_of(s, &want),
                 more = inputs_of(s, &want), plain = inputs_of(s, &want);
    by_definition(s, &want);
    for (int32_t real = 0; real < 2; real++) {
        by_layer(s, &one, "blis", 1, real), by_layer(s, &more, "blis", other, real);
        by_layer(s, &plain, "reference", 1, real);
        const double e = fmax(error_of(s, &one, &want), error_of(s, &plain, &want));
        char text[1024];
        layer_text(s, text);
        note_error(NULL, NOTE_VALUES, real, e);
        cr_assert_leq(e, real ? 1e-13 : 1e-5, "%u: %s, %d samples of %d x %d: off by %g",
                      seed, text, (int)s->samples, (int)s->in[0], (int)s->in[1], e);
        same_bits(s, &one, &more);
    }
}

/* What is kept after this may be released: environments stay. */
static const void *conv_open_envs(void)
{
    check_env_as("reference", 1), check_env_as("blis", 1);
    for (int i = 0; i < 5; i++) check_env_as("blis", conv_threads[i]);
    return check_kept();
}

static void check_random_layers(int32_t axes, uint32_t rounds, int64_t samples,
                                int64_t positions, int64_t channels)
{
    const void *before = conv_open_envs();
    for (uint32_t seed = 1; seed <= rounds; seed++) {
        const shape s = random_shape(seed, axes, samples, positions, channels);
        check_by_definition(seed, &s);
        check_release(before);
    }
}

/* ---- several images in a sample ------------------------------------------------------- */

/* Axes in front of an image's are more samples: the same bits. */
static void check_further_axes(int32_t axes, uint32_t rounds)
{
    for (uint32_t seed = 1; seed <= rounds; seed++) {
        const shape s = random_shape(300 + seed, axes, 3, 9, 12);
        const int64_t steps = pick(seed, 60, 1, 4), more = pick(seed, 61, 1, 2);
        tn_shape image = axes == 2 ? check_shape(3, s.in[0], s.in[1], s.channels)
                                   : check_shape(2, s.in[1], s.channels, 0),
                 film = {.rank = axes + 3, .dim = {more, steps}};
        memcpy(film.dim + 2, image.dim, sizeof *film.dim * (size_t)(axes + 1));
        char text[1024];
        layer_text(&s, text);
        check_env_as(seed % 2 ? "blis" : "reference", 2);
        const int32_t real = seed / 2 % 2;
        int64_t count, other;
        const double *a = check_net_numbers(
            check_net_new(text, NULL, 0, image, s.samples * more * steps, real, seed),
            &count);
        const double *b = check_net_numbers(
            check_net_new(text, NULL, 0, film, s.samples, real, seed), &other);
        cr_assert(count == other && !memcmp(a, b, sizeof *a * (size_t)count), "%u: %s",
                  seed, text);
    }
}

/* ---- gradients by differences --------------------------------------------------------- */

/* Two layers with an activation between them, which rides on the first one's product and, backward,
 * on the second one's where that is one product. */
static void check_gradients_of(shape s)
{
    char layer[1024], text[2048];
    s.bias = true; /* filters may meet nothing but padding */
    layer_text(&s, layer);
    snprintf(text, sizeof text, "[{conv%dd: {filters: %d, kernel: 1}}, tanh, %s", s.axes,
             (int)s.channels, strstr(layer, "{conv"));
    const tn_shape input = s.axes == 2 ? check_shape(3, s.in[0], s.in[1], 2)
                                       : check_shape(2, s.in[1], 2, 0);
    check_gradients(text, NULL, 0, input, s.samples, true);
}

static void check_random_gradients(int32_t axes, uint32_t rounds)
{
    for (uint32_t seed = 1; seed <= rounds; seed++)
        check_gradients_of(random_shape(100 + seed, axes, 2, 3, 4));
}

#endif

/* regularizing.h - a regularizer's slots on a weight of any shape, whether they see tiles or the whole,
 * in either precision; on the default backend with two threads. */
#ifndef TESTS_SUPPORT_REGULARIZING_H
#define TESTS_SUPPORT_REGULARIZING_H

#include "support/fixture.h"
#include "support/optimizing.h"
#include "tests/support/rounds.h"

#include "core/real/unit.h"
#include "tenon/random.h"

enum { MOST = 4000 }; /* elements of a weight */

typedef struct subject {
    tn_instance *regularizer;
    int64_t rows, cols, taps;
    tn_calling calling;
    void *scratch;
} subject;

static int64_t elements_of(const subject *s)
{
    return s->rows * s->cols * s->taps;
}

static tn_call *call_of(subject *s)
{
    const int32_t real = s->regularizer->real;
    const tn_instance *backend;
    tn_call *call = tn_call_make(&s->calling, test_env(), s->regularizer, real, NULL);
    tn_env_backend(test_env(), real, &backend, NULL);
    s->calling.plan = (void *)(uintptr_t)backend;
    return call;
}

#include "tests/support/subject.h"
#undef TN_
#undef tn_real
#define TN_(name) name##_f32
#define tn_real float
#include "tests/support/subject.h"
#undef TN_
#undef tn_real
#define TN_(name) name##_f64
#define tn_real double

static subject subject_in(int32_t real, const char *name, const char *options,
                          int64_t rows, int64_t cols, int64_t taps)
{
    static double room[4 * MOST];
    tn_error error = {0};
    const tn_instance *backend;
    const subject s = {.regularizer = make("regularizer", name, options, real),
                       .rows = rows,
                       .cols = cols,
                       .taps = taps,
                       .scratch = room};
    cr_assert_eq(tn_env_backend(test_env(), real, &backend, &error), TN_OK, "%s",
                 error.text);
    cr_assert_leq((real ? scratch_of_f64 : scratch_of_f32)(&s), sizeof room);
    cr_assert_leq(elements_of(&s), MOST);
    return s;
}

static subject subject_with_taps(const char *name, const char *options, int64_t rows,
                                 int64_t cols, int64_t taps)
{
    return subject_in(1, name, options, rows, cols, taps);
}

TN_UNUSED static subject subject_of(const char *name, const char *options, int64_t rows,
                                    int64_t cols)
{
    return subject_with_taps(name, options, rows, cols, 1);
}

TN_UNUSED static void subject_free(subject *s)
{
    cr_assert_eq(slots.made[--slots.count], s->regularizer);
    tn_instance_free(s->regularizer);
}

TN_UNUSED static double penalty_of(subject *s, const double *w)
{
    return (s->regularizer->real ? penalty_of_f64 : penalty_of_f32)(s, w);
}

TN_UNUSED static void add_gradient_of(subject *s, const double *w, double *g)
{
    (s->regularizer->real ? add_gradient_of_f64 : add_gradient_of_f32)(s, w, g);
}

TN_UNUSED static void prox_of(subject *s, const double *step, double *w)
{
    (s->regularizer->real ? prox_of_f64 : prox_of_f32)(s, step, w);
}

/* ---- weights and steps -------------------------------------------------------------------- */

/* The last ones are of convolutions: filters, channels, taps. */
static const int64_t shapes[][3] = {{1, 1, 1},   {1, 7, 1},   {7, 1, 1},  {2, 3, 1},
                                    {3, 2, 1},   {5, 5, 1},   {16, 9, 1}, {9, 16, 1},
                                    {17, 33, 1}, {40, 21, 1}, {3, 90, 1}, {90, 3, 1},
                                    {6, 4, 9},   {1, 5, 3},   {5, 1, 9},  {9, 35, 3}};
#define SHAPES ((int)(sizeof shapes / sizeof *shapes))

TN_UNUSED static void draw_weights(uint64_t seed, int64_t n, double *w)
{
    const tn_key key = {{(uint32_t)seed, 5}};
    for (int64_t i = 0; i < n; i++) w[i] = tn_random_normal(key, (uint64_t)i);
}

/* Between 0.01 and 1, and all alike where `spread` is false. */
TN_UNUSED static void draw_steps(uint64_t seed, int64_t n, bool spread, double *step)
{
    const tn_key key = {{(uint32_t)seed, 6}};
    for (int64_t i = 0; i < n; i++)
        step[i] = spread ? pow(10, -2 * tn_random_uniform(key, (uint64_t)i)) : 0.3;
}

/* Where group number `group` of a matrix has its element k. */
TN_UNUSED static int64_t place_in(const subject *s, const char *over, int64_t group,
                                  int64_t k)
{
    const int64_t row = k / s->taps, tap = k % s->taps;
    return !strcmp(over, "rows")      ? group * s->cols * s->taps + k
           : !strcmp(over, "columns") ? (row * s->cols + group) * s->taps + tap
                                      : k;
}

TN_UNUSED static int64_t groups_in(const subject *s, const char *over)
{
    return !strcmp(over, "rows") ? s->rows : !strcmp(over, "columns") ? s->cols : 1;
}

/* The shapes above, then as many random ones. */
static void shape_number(int i, int64_t shape[3])
{
    static const int most[] = {20, 20, 4};
    const tn_key key = {{(uint32_t)i, 7}};
    for (int k = 0; k < 3; k++)
        shape[k] = i < SHAPES
                       ? shapes[i][k]
                       : 1 + (int64_t)(most[k] * tn_random_uniform(key, (uint64_t)k));
}

/* ---- checks -------------------------------------------------------------------------------- */

/* The gradient is added, and is the derivative of the penalty. */
TN_UNUSED static void is_derivative(const char *name, const char *const *options,
                                    int count)
{
    static double w[MOST], g[MOST];
    double worst = 0;
    for (int i = 0; i < count * 2 * SHAPES; i++) {
        int64_t shape[3];
        shape_number(i % (2 * SHAPES), shape);
        subject s = subject_with_taps(name, options[i / (2 * SHAPES)], shape[0], shape[1],
                                      shape[2]);
        const int64_t n = elements_of(&s);
        draw_weights((uint64_t)i, n, w);
        for (int64_t k = 0; k < n; k++) g[k] = 3;
        add_gradient_of(&s, w, g);
        for (int64_t k = 0; k < n; k++) {
            const double at = w[k], h = 1e-5;
            double slope = 0;
            for (int side = -3; side <= 3; side++) {
                static const double by[] = {-1, 9, -45, 0, 45, -9, 1};
                w[k] = at + side * h;
                slope += by[side + 3] * penalty_of(&s, w) / (60 * h);
            }
            w[k] = at;
            worst = fmax(worst, fabs(g[k] - 3 - slope) / fmax(1, fabs(slope)));
        }
        subject_free(&s);
    }
    note_error(NULL, NOTE_GRADIENT, 1, worst);
    cr_assert_leq(worst, 1e-7, "%s: %g", name, worst);
}

/* `plain` does to one group of n values what the prox does to each. */
typedef void (*plain_prox)(double parameter, int64_t n, const double *step, double *w);

/* Largest difference; `options`, in which %s is what a group is. */
TN_UNUSED static void does_to_groups(const char *name, const char *options,
                                     double parameter, plain_prox plain, double bound)
{
    static const char *const overs[] = {"rows", "columns", "tensor"};
    static double w[MOST], step[MOST], one[MOST], by[MOST], made[MOST];
    for (int i = 0; i < 6 * SHAPES; i++) {
        const char *over = overs[i / SHAPES % 3];
        const int64_t *shape = shapes[i % SHAPES];
        char text[200];
        snprintf(text, sizeof text, options, over);
        subject s = subject_with_taps(name, text, shape[0], shape[1], shape[2]);
        const int64_t n = elements_of(&s);
        draw_weights((uint64_t)i, n, w);
        draw_steps((uint64_t)i, n, i >= 3 * SHAPES, step);
        static double got[MOST];
        memcpy(got, w, sizeof got);
        prox_of(&s, step, got);
        const int64_t groups = groups_in(&s, over);
        for (int64_t j = 0; j < groups; j++) {
            for (int64_t k = 0; k < n / groups; k++) {
                one[k] = w[place_in(&s, over, j, k)];
                by[k] = step[place_in(&s, over, j, k)];
            }
            plain(parameter, n / groups, by, one);
            for (int64_t k = 0; k < n / groups; k++) {
                const double v = made[k] = got[place_in(&s, over, j, k)];
                cr_assert(
                    fabs(v - one[k]) <= bound && (v == 0) == (one[k] == 0),
                    "%s over %s of %d x %d x %d, element %d of %d: %.17g, not %.17g",
                    name, over, (int)shape[0], (int)shape[1], (int)shape[2], (int)k,
                    (int)j, v, one[k]);
            }
            note_values(made, one, n / groups, 1);
        }
        subject_free(&s);
    }
}

/* ---- against PyTorch ------------------------------------------------------------------------ */

static void compare_with_torch(const subject *s, const char *what, const double *got,
                               const double *want, int64_t n)
{
    const int32_t real = s->regularizer->real;
    double error = 0, most = 0;
    for (int64_t i = 0; i < n; i++) {
        error = fmax(error, isnan(got[i]) ? INFINITY : fabs(got[i] - want[i]));
        most = fmax(most, fabs(want[i]));
    }
    if (most > 0) error /= most;
    note_error(NULL, NOTE_TORCH, real, error);
    cr_expect(error <= (real ? 1e-10 : 1e-5), "%s of %d x %d x %d in %s: off by %.2e",
              what, (int)s->rows, (int)s->cols, (int)s->taps, real ? "double" : "float",
              error);
}

/* What the case has of a weight, which is number `number` and begins at `first` of all. */
static void torch_weight(subject *s, const char *name, int number, int64_t first)
{
    static double w[MOST], by[MOST], got[MOST];
    const float *from = (const float *)fixture_data("weights", "w") + first;
    const tn_tensor *penalty = fixture_part(name, "penalty"),
                    *moved = fixture_part(name, "moved");
    const int64_t n = elements_of(s);
    for (int64_t i = 0; i < n; i++) w[i] = (double)from[i], by[i] = 0.3, got[i] = 0;
    if (penalty) {
        add_gradient_of(s, w, got);
        compare_with_torch(s, "gradient", got,
                           (const double *)fixture_data(name, "grad") + first, n);
        *got = penalty_of(s, w);
        compare_with_torch(s, "penalty", got, (const double *)penalty->data + number, 1);
    }
    if (moved) {
        prox_of(s, by, w);
        compare_with_torch(s, "prox", w, (const double *)moved->data + first, n);
    }
}

/* All weights of a case. */
static void torch_case(const char *plugin, const tn_text_pair *text, int32_t real)
{
    const tn_tensor *all = fixture_part("weights", "shapes");
    const int32_t *dim = all->data;
    int64_t first = 0;
    for (int k = 0; k < all->dim[0]; k++, dim += 3) {
        subject s = subject_in(real, plugin, text->value, dim[0], dim[1], dim[2]);
        torch_weight(&s, text->key, k, first);
        first += elements_of(&s);
        subject_free(&s);
    }
}

/* All its cases in tests/reference/regularizers.safetensors; what is there says
 * make_regularizer_fixtures.py. */
TN_UNUSED static void follows_torch(const char *plugin)
{
    const tn_text_pair *text;
    int64_t next = 0;
    fixture_open("regularizers");
    cr_assert_not_null(fixture_case(plugin, &(int64_t){0}), "no case of %s", plugin);
    while ((text = fixture_case(plugin, &next)))
        for (int32_t real = 0; real < 2; real++) torch_case(plugin, text, real);
}

#endif

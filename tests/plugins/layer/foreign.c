/* foreign.c - layer/foreign: functions of the C library against what it gives when it is called
 * directly, all forms of prototypes, gradients, and what is refused. */
#include "support/foreign.h"
#include "tests/support/activation.h"

#define ERF "{library: libm.so.6, function: \"double erf(double x)\"}"
#define BESSEL "{library: libm.so.6, function: \"double jn(int 2, double x)\"}"

static const activation libm = {
    "foreign",
    {ERF, BESSEL,
     "{library: libm.so.6, function: \"double sin(double x)\", derivative: "
     "\"double cos(double x)\"}"}};

enum { POINTS = 300 };

static check_layer *run(const char *options)
{
    check_layer *l = check_layer_new("foreign", options, check_shape(1, 1, 0, 0), POINTS,
                                     1);
    for (int i = 0; i < POINTS; i++) l->x[0][i] = (i - 150) / 32.0, l->gy[i] = 1;
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    return l;
}

/* The values to the last bit. What differences miss of a slope is told in foreign.h. */
Test(foreign, is_the_function_of_the_library)
{
    check_layer *l = run(ERF);
    for (int i = 0; i < POINTS; i++) {
        const double x = (i - 150) / 32.0;
        cr_assert_eq(l->y[i], erf(x), "erf(%g)", x);
        cr_assert_float_eq(l->gx[0][i], M_2_SQRTPI * exp(-x * x), 2e-10, "erf'(%g)", x);
    }
    l = run(BESSEL);
    for (int i = 0; i < POINTS; i++) {
        const double x = (i - 150) / 32.0;
        cr_assert_eq(l->y[i], jn(2, x), "jn(2, %g)", x);
        cr_assert_float_eq(l->gx[0][i], (jn(1, x) - jn(3, x)) / 2, 2e-10, "J2'(%g)", x);
    }
}

/* A square in every form: all are exact for numbers of a few bits, slopes by differences nearly. */
Test(foreign, all_forms_of_prototypes)
{
    static const struct {
        const char *function;
        double tolerance; /* of slopes */
    } form[] = {
        {"double curve_square(double x)", 1e-9},
        {"  double  curve_square ( const double x ) ; ", 1e-9},
        {"double curve_square_at(const double *x)", 1e-9},
        {"double curve_square_at(double * x)", 1e-9},
        {"float curve_square_float(float x)", 1e-4},
        {"void curve_squares(long n, const double *x, double *y)", 1e-9},
        {"void curve_squares_at(const int *n, const float *x, float *y)", 1e-4},
        {"double curve_power(int 2, double x)", 1e-9},
        {"double curve_power(int 2.0, double x)", 1e-9},
        {"void curve_powers_at(const long *n, const int *2, const double *x, double *y)",
         1e-9},
    };
    for (size_t k = 0; k < sizeof form / sizeof *form; k++) {
        const check_layer *l = run(foreign(curves(), form[k].function, ""));
        for (int i = 0; i < POINTS; i++) {
            const double x = (i - 150) / 32.0;
            cr_assert_eq(l->y[i], x * x, "%s at %g: %g", form[k].function, x, l->y[i]);
            cr_assert_float_eq(l->gx[0][i], 2 * x, form[k].tolerance, "%s at %g: %g",
                               form[k].function, x, l->gx[0][i]);
        }
    }
    const check_layer *l = run(foreign(curves(), form[0].function,
                                       ", derivative: \"double curve_slope(double x)\""));
    for (int i = 0; i < POINTS; i++) cr_assert_eq(l->gx[0][i], 2 * ((i - 150) / 32.0));
}

/* Eight arguments of all types, by value and by reference; each is a digit. */
Test(foreign, arguments_arrive_in_their_places)
{
    const check_layer *l = run(foreign(
        curves(),
        "double curve_digits(int 1, long 2, float 3, double 4, const int *5, const "
        "long *6, const float *7, const double *x)",
        ""));
    for (int i = 0; i < POINTS; i++)
        cr_assert_eq(l->y[i], 7654321 + 1e7 * ((i - 150) / 32.0));
}

Test(foreign, gradients)
{
    activation_slots(&libm);
    activation_in_nets(&libm, false);
}

Test(foreign, splits_and_threads)
{
    activation_splits(&libm);
    activation_threads(&libm);
}

Test(foreign, the_ends)
{
    const activation_point point[] = {{INFINITY, 1, NAN},
                                      {-INFINITY, -1, NAN},
                                      {NAN, NAN, 0},
                                      {0, 0, M_2_SQRTPI},
                                      {1e300, 1, 0}};
    activation_points("foreign", ERF, 5, point, 1e-10);
}

/* The gain is measured; it is 1 where there is none. */
Test(foreign, weights_before_it)
{
    char words[80];
    snprintf(words, sizeof words, "xavier (auto: foreign, gain %.4g)",
             activation_gain("foreign", ERF));
    activation_chooses("[{dense: 3}, {foreign: " ERF "}]", words);
    char model[6100];
    snprintf(model, sizeof model, "[{dense: 3}, {foreign: %s}]",
             foreign(curves(), "double curve_nothing(double x)", ""));
    activation_chooses(model, "xavier (auto: foreign, gain 1)");
}

Test(foreign, prototypes_that_are_refused)
{
    static const struct {
        const char *function, *words;
    } bad[] = {
        {"", "expected a type (int, long, float or double) where it says ''"},
        {"erf", "expected a type"},
        {"double", "expected the function's name"},
        {"double erf", "expected '('"},
        {"double erf()", "expected a type"},
        {"double erf(", "expected a type"},
        {"double erf(double", "expected a name or a number"},
        {"double erf(double)", "expected a name or a number where it says ')'"},
        {"double erf(double x", "expected ',' or ')'"},
        {"double erf(double x) + 1", "expected no more at '+ 1'"},
        {"double erf(double x) x", "expected no more at 'x'"},
        {"double erf(double x y)", "expected ',' or ')' at 'y)'"},
        {"double erf(double x,)", "expected a type"},
        {"double erf(double z)", "unknown 'z)'; an argument is x (n and y in a function"},
        {"double erf(double n)", "unknown 'n)'"},
        {"double erf(double **x)", "expected a name or a number where it says '*x)'"},
        {"double erf(unsigned x)", "expected a type"},
        {"double erf(doublex)", "expected a type"},
        {"double erf(void)", "expected a type"},
        {"int erf(double x)", "must return double, float, or void"},
        {"long erf(double x)", "must return double"},
        {"double 3(double x)", "expected the function's name where it says '3(double"},
        {"double jn(int 2.5, double x)", "2.5 is no int"},
        {"double jn(int 3000000000, double x)", "3e+09 is no int"},
        {"double jn(long 1e300, double x)", "is no long"},
        {"double jn(int inf, double x)", "unknown 'inf"},
        {"double jn(double 1e999, double x)", "expected a name or a number"},
        {"void f(double x)", "x is a pointer where a function works on n values"},
        {"void f(const double *x, double *y)", "must take n"},
        {"void f(long n, const double *x)", "must take n"},
        {"void f(long n, long n, const double *x, double *y)", "must take n"},
        {"void f(double n, const double *x, double *y)", "n is an int or a long"},
        {"void f(long n, const double *x, double y)", "y is a double * or a float *"},
        {"void f(long n, const double *x, long *y)", "y is a double * or a float *"},
        {"double f(int 1, int 2, int 3, int 4, int 5, int 6, int 7, int 8, double x)",
         "more than 8 arguments"},
        {"double erfinv(double x)", "no function 'erfinv' of its own"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char model[400];
        snprintf(model, sizeof model, "[{foreign: %s}]",
                 foreign(LIBM, bad[i].function, ""));
        check_refuses(model, check_shape(1, 2, 0, 0), bad[i].words);
    }
    check_refuses("[{foreign: {library: libm.so.6, function: \"double erf(double x)\", "
                  "derivative: \"double (double x)\"}}]",
                  check_shape(1, 2, 0, 0), "derivative: 'double (double x)'");
    check_refuses("[{foreign: {library: libc.so.6, function: \"double erf(double x)\"}}]",
                  check_shape(1, 2, 0, 0), "--allow-foreign libc.so.6");
    check_refuses("[{foreign: {function: \"double erf(double x)\"}}]",
                  check_shape(1, 2, 0, 0), "library");
}

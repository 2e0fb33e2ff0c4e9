/* curves.c - no plugin: a library whose functions have prototypes of all forms, for the plugins named
 * foreign. */
#include <stdint.h>

/* x^2 and its slope. */
double curve_square(double x);
double curve_slope(double x);
float curve_square_float(float x);
double curve_square_at(const double *x);
void curve_squares(long n, const double *x, double *y);
void curve_squares_at(const int *n, const float *x, float *y);
/* x^power, for a power of 0 or more */
double curve_power(int power, double x);
void curve_powers_at(const long *n, const int *power, const double *x, double *y);
/* (x - t)^2 and its slope along x */
double curve_apart(double x, double t);
double curve_apart_slope(double x, double t);
void curves_apart(int n, const float *x, const float *t, double *y);
/* One digit for each argument. */
double curve_digits(int a, long b, float c, double d, const int *e, const long *f,
                    const float *g, const double *h);
double curve_nothing(double x);

#define SHOWN __attribute__((visibility("default")))

SHOWN double curve_square(double x)
{
    return x * x;
}

SHOWN double curve_slope(double x)
{
    return 2 * x;
}

SHOWN float curve_square_float(float x)
{
    return x * x;
}

SHOWN double curve_square_at(const double *x)
{
    return *x * *x;
}

SHOWN void curve_squares(long n, const double *x, double *y)
{
    for (long i = 0; i < n; i++) y[i] = x[i] * x[i];
}

SHOWN void curve_squares_at(const int *n, const float *x, float *y)
{
    for (int i = 0; i < *n; i++) y[i] = x[i] * x[i];
}

SHOWN double curve_power(int power, double x)
{
    double y = 1;
    for (int i = 0; i < power; i++) y *= x;
    return y;
}

SHOWN void curve_powers_at(const long *n, const int *power, const double *x, double *y)
{
    for (long i = 0; i < *n; i++) y[i] = curve_power(*power, x[i]);
}

SHOWN double curve_apart(double x, double t)
{
    return (x - t) * (x - t);
}

SHOWN double curve_apart_slope(double x, double t)
{
    return 2 * (x - t);
}

SHOWN void curves_apart(int n, const float *x, const float *t, double *y)
{
    for (int i = 0; i < n; i++) y[i] = curve_apart((double)x[i], (double)t[i]);
}

SHOWN double curve_digits(int a, long b, float c, double d, const int *e, const long *f,
                          const float *g, const double *h)
{
    return a + 10 * (double)b + 100 * (double)c + 1e3 * d + 1e4 * *e + 1e5 * (double)*f +
           1e6 * (double)*g + 1e7 * *h;
}

SHOWN double curve_nothing(double x)
{
    return (x - x) / (x - x);
}

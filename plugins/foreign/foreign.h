/* foreign.h - what the plugins named foreign share: calls of a function in any shared library, of which
 * a config gives the C prototype.
 *
 *     double erf(double x)                            an argument is known by its name
 *     double jn(int 2, double x)                      or is a number, the same in each call
 *     double gauss_(const double *x)                  a pointer to it, as Fortran wants
 *     void swish(long n, const double *x, double *y)  n values at a time: y[i] from x[i]
 *
 * Types are int, long, float and double. Which names there are is up to the plugin; a function that
 * returns void has n and y besides. Numbers are doubles on this side. Calls go through libffi; several
 * threads make them at once. */
#ifndef PLUGINS_FOREIGN_H
#define PLUGINS_FOREIGN_H

#include <ffi.h>
#include <tenon/plugin.h>

#include <tenon/foreign.h>

enum {
    FOREIGN_ARGUMENTS = 8, /* of a function, at most */
    FOREIGN_RUN = 128      /* values of one foreign_call, at most */
};

/* The option that all of them have, and one that some have. */
#define FOREIGN_LIBRARY(P)                                                  \
    P(STR, library, TN_REQUIRED, 0, 0, 0,                                   \
      "shared library, such as libm.so.6; the command line must allow it: " \
      "--allow-foreign")

enum {
    FOREIGN_VOID,
    FOREIGN_INT,
    FOREIGN_LONG,
    FOREIGN_FLOAT,
    FOREIGN_DOUBLE,
    FOREIGN_TYPES
};
/* What an argument is, when it is none of the names. */
enum { FOREIGN_COUNT = -1, FOREIGN_RESULT = -2, FOREIGN_NUMBER = -3 };

#define FOREIGN_SCALE(P)                      \
    P(REAL, scale, 0, 1, -INFINITY, INFINITY, \
      "what the function gives is multiplied by this")

/* What a plugin has to give. The first `varying` are others for each value; a function that works on n
 * values gets arrays of these, and of the rest one number. */
typedef struct foreign_names {
    const char *const *name;
    int32_t count, varying;
} foreign_names;

typedef struct foreign_argument {
    int32_t type, pointer;
    int32_t name;  /* which of the names; FOREIGN_COUNT and what follows else */
    double number; /* of FOREIGN_NUMBER */
} foreign_argument;

typedef struct foreign_function {
    char name[128];
    tn_fn code;
    ffi_cif cif;
    ffi_type *types[FOREIGN_ARGUMENTS];
    const foreign_names *names;
    int32_t result, arguments; /* result: a type; void: works on n values */
    foreign_argument argument[FOREIGN_ARGUMENTS];
} foreign_function;

/* Reads the prototype that an option gives; f stays where it is from then on. [setup] */
tn_status foreign_read(foreign_function *f, tn_call *, const char *option,
                       const char *prototype, const foreign_names *);
/* Finds the function that has been read. [setup] */
tn_status foreign_find(foreign_function *f, tn_call *, const char *library);

/* out[i] = f(in[0][i], ...), for n <= FOREIGN_RUN; in[k] as the names stand, of one value where they do
 * not vary. [parallel] */
void foreign_call(const foreign_function *, int64_t n, const double *const *in,
                  double *out);

/* A function and its derivative along the first name. Where that is not given it is a central
 * difference, with an error of some 1e-10 of the values (1e-5 where the function takes or gives
 * floats). */
typedef struct foreign_curve {
    foreign_function f, slope;
    int32_t differs; /* no derivative is given */
} foreign_curve;

/* Reads and finds both; derivative may be NULL. [setup] */
tn_status foreign_bind(foreign_curve *, tn_call *, const char *library,
                       const char *function, const char *derivative,
                       const foreign_names *);
/* As foreign_call, of the derivative. [parallel] */
void foreign_slope(const foreign_curve *, int64_t n, const double *const *in,
                   double *out);

#endif

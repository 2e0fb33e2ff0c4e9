/* call.c - calls of a function that has been found. */
#define TN_HOST /* nothing here is there once per precision */
#include "foreign.h"

#include <float.h>
#include <string.h>

typedef union value {
    int i;
    long l;
    float f;
    double d;
    ffi_arg result;
} value;

/* What a call's argument points to: a value, or as many as it works on. */
typedef union values {
    value one;
    float f[FOREIGN_RUN];
    double d[FOREIGN_RUN];
} values;

typedef struct calling {
    values room[FOREIGN_ARGUMENTS];
    void *to[FOREIGN_ARGUMENTS];       /* the rooms, for arguments that are pointers */
    void *argument[FOREIGN_ARGUMENTS]; /* as libffi wants them */
} calling;

static void set(value *v, int32_t type, double number)
{
    switch (type) {
    case FOREIGN_INT: v->i = (int)number; break;
    case FOREIGN_LONG: v->l = (long)number; break;
    case FOREIGN_FLOAT: v->f = (float)number; break;
    default: v->d = number;
    }
}

static void begin(const foreign_function *f, int64_t n, calling *c)
{
    for (int32_t k = 0; k < f->arguments; k++) {
        const foreign_argument *a = &f->argument[k];
        c->to[k] = &c->room[k];
        c->argument[k] = a->pointer ? (void *)&c->to[k] : (void *)&c->room[k];
        if (a->name == FOREIGN_NUMBER) set(&c->room[k].one, a->type, a->number);
        if (a->name == FOREIGN_COUNT) set(&c->room[k].one, a->type, (double)n);
    }
}

static int varies(const foreign_function *f, int32_t name)
{
    return name < f->names->varying;
}

/* A call for each value. */
static void call_each(const foreign_function *f, int64_t n, const double *const *in,
                      double *out, calling *c)
{
    value result;
    for (int64_t i = 0; i < n; i++) {
        for (int32_t k = 0; k < f->arguments; k++) {
            const foreign_argument *a = &f->argument[k];
            if (a->name < 0) continue;
            set(&c->room[k].one, a->type, in[a->name][varies(f, a->name) ? i : 0]);
        }
        ffi_call((ffi_cif *)&f->cif, FFI_FN(f->code), &result, c->argument);
        out[i] = f->result == FOREIGN_FLOAT ? (double)result.f : result.d;
    }
}

static void copy_in(int32_t type, int64_t n, const double *in, values *to)
{
    if (type == FOREIGN_FLOAT)
        for (int64_t i = 0; i < n; i++) to->f[i] = (float)in[i];
    else
        memcpy(to->d, in, (size_t)n * sizeof *in);
}

static void copy_out(int32_t type, int64_t n, const values *from, double *out)
{
    if (type == FOREIGN_FLOAT)
        for (int64_t i = 0; i < n; i++) out[i] = (double)from->f[i];
    else
        memcpy(out, from->d, (size_t)n * sizeof *out);
}

/* One call for all. */
static void call_once(const foreign_function *f, int64_t n, const double *const *in,
                      double *out, calling *c)
{
    const values *result = NULL;
    int32_t type = FOREIGN_DOUBLE;
    for (int32_t k = 0; k < f->arguments; k++) {
        const foreign_argument *a = &f->argument[k];
        if (a->name == FOREIGN_RESULT) result = &c->room[k], type = a->type;
        if (a->name < 0) continue;
        if (varies(f, a->name))
            copy_in(a->type, n, in[a->name], &c->room[k]);
        else
            set(&c->room[k].one, a->type, in[a->name][0]);
    }
    ffi_call((ffi_cif *)&f->cif, FFI_FN(f->code), NULL, c->argument);
    copy_out(type, n, result, out);
}

void foreign_call(const foreign_function *f, int64_t n, const double *const *in,
                  double *out)
{
    calling c;
    begin(f, n, &c);
    if (f->result == FOREIGN_VOID)
        call_once(f, n, in, out, &c);
    else
        call_each(f, n, in, out, &c);
}

static int in_floats(const foreign_function *f)
{
    int found = f->result == FOREIGN_FLOAT;
    for (int32_t k = 0; k < f->arguments; k++)
        found |= f->argument[k].type == FOREIGN_FLOAT;
    return found;
}

static void difference(const foreign_function *f, int64_t n, const double *const *in,
                       double *out)
{
    const double *moved[FOREIGN_ARGUMENTS];
    double low[FOREIGN_RUN], high[FOREIGN_RUN], below[FOREIGN_RUN], above[FOREIGN_RUN];
    const int floats = in_floats(f);
    const double step = cbrt(floats ? (double)FLT_EPSILON : DBL_EPSILON);
    for (int32_t k = 1; k < f->names->count; k++) moved[k] = in[k];
    for (int64_t i = 0; i < n; i++) {
        const double h = step * fmax(1, fabs(in[0][i]));
        low[i] = floats ? (double)(float)(in[0][i] - h) : in[0][i] - h;
        high[i] = floats ? (double)(float)(in[0][i] + h) : in[0][i] + h;
    }
    moved[0] = low, foreign_call(f, n, moved, below);
    moved[0] = high, foreign_call(f, n, moved, above);
    for (int64_t i = 0; i < n; i++) out[i] = (above[i] - below[i]) / (high[i] - low[i]);
}

void foreign_slope(const foreign_curve *curve, int64_t n, const double *const *in,
                   double *out)
{
    if (curve->differs)
        difference(&curve->f, n, in, out);
    else
        foreign_call(&curve->slope, n, in, out);
}

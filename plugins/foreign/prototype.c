/* prototype.c - reads the prototype of a function, finds it, and prepares its calls. */
#define TN_HOST /* nothing here is there once per precision */
#include "foreign.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_name[FOREIGN_TYPES] = {"void", "int", "long", "float",
                                                     "double"};

typedef struct reading {
    tn_call *call;
    const char *option, *whole, *at;
} reading;

__attribute__((format(printf, 2, 3))) static tn_status wrong(const reading *r,
                                                             const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return tn_fail(r->call, TN_EINVAL, "%s: '%.100s': %s", r->option, r->whole, text);
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The length of the word or number ahead, behind blanks. */
static size_t ahead(reading *r)
{
    size_t n = 0;
    while (*r->at == ' ' || *r->at == '\t') r->at++;
    while (is_letter(r->at[n]) || (r->at[n] >= '0' && r->at[n] <= '9')) n++;
    return n;
}

/* Takes a word or a sign if it is what comes next. */
static int take(reading *r, const char *what)
{
    const size_t n = strlen(what), word = ahead(r);
    if (strncmp(r->at, what, n) || (word && word != n)) return 0;
    r->at += n;
    return 1;
}

static tn_status read_type(reading *r, int32_t *type)
{
    const int32_t least = *type;
    for (*type = least; *type < FOREIGN_TYPES; (*type)++)
        if (take(r, type_name[*type])) return TN_OK;
    ahead(r);
    return wrong(r, "expected a type (int, long, float or double) where it says '%.20s'",
                 r->at);
}

static tn_status read_result(reading *r, foreign_function *f)
{
    const tn_status status = read_type(r, &f->result);
    if (status || f->result == FOREIGN_VOID || f->result >= FOREIGN_FLOAT) return status;
    return wrong(r, "must return double, float, or void if it works on n values");
}

static tn_status read_name(reading *r, char *name, size_t room)
{
    const size_t n = ahead(r);
    if (!n || !is_letter(*r->at))
        return wrong(r, "expected the function's name where it says '%.20s'", r->at);
    if (n >= room) return wrong(r, "the function's name is too long");
    memcpy(name, r->at, n);
    name[n] = 0;
    r->at += n;
    return TN_OK;
}

static tn_status read_number(reading *r, foreign_argument *a)
{
    char *end;
    a->name = FOREIGN_NUMBER;
    a->number = strtod(r->at, &end);
    if (end == r->at || !isfinite(a->number))
        return wrong(r, "expected a name or a number where it says '%.20s'", r->at);
    r->at = end;
    const double most = a->type == FOREIGN_INT ? 2147483647.0 : 9007199254740992.0;
    if (a->type <= FOREIGN_LONG &&
        (a->number != floor(a->number) || fabs(a->number) > most))
        return wrong(r, "%g is no %s", a->number, type_name[a->type]);
    return TN_OK;
}

static tn_status unknown_name(const reading *r, const foreign_function *f)
{
    char known[160];
    int used = 0;
    for (int32_t i = 0; i < f->names->count; i++)
        used += snprintf(known + used, sizeof known - (size_t)used, "%s%s", i ? ", " : "",
                         f->names->name[i]);
    return wrong(r,
                 "unknown '%.20s'; an argument is %s (n and y in a function that "
                 "returns void), or a number",
                 r->at, known);
}

static tn_status read_what(reading *r, const foreign_function *f, foreign_argument *a)
{
    const size_t n = ahead(r);
    if (!n || !is_letter(*r->at)) return read_number(r, a);
    for (a->name = 0; a->name < f->names->count; a->name++)
        if (take(r, f->names->name[a->name])) return TN_OK;
    if (f->result != FOREIGN_VOID) return unknown_name(r, f);
    if (take(r, "n")) return a->name = FOREIGN_COUNT, TN_OK;
    if (take(r, "y")) return a->name = FOREIGN_RESULT, TN_OK;
    return unknown_name(r, f);
}

/* Arrays are read as they are wanted; n counts, and is a whole number. */
static tn_status check_argument(const reading *r, const foreign_function *f,
                                const foreign_argument *a)
{
    const int varies = a->name >= 0 && a->name < f->names->varying;
    if (a->name == FOREIGN_COUNT && a->type > FOREIGN_LONG)
        return wrong(r, "n is an int or a long");
    if (a->name == FOREIGN_RESULT && (!a->pointer || a->type < FOREIGN_FLOAT))
        return wrong(r, "y is a double * or a float *");
    if (f->result == FOREIGN_VOID && varies && !a->pointer)
        return wrong(r, "%s is a pointer where a function works on n values",
                     f->names->name[a->name]);
    return TN_OK;
}

static tn_status read_argument(reading *r, foreign_function *f)
{
    if (f->arguments == FOREIGN_ARGUMENTS)
        return wrong(r, "has more than %d arguments", FOREIGN_ARGUMENTS);
    foreign_argument *a = &f->argument[f->arguments++];
    a->type = FOREIGN_INT;
    take(r, "const");
    tn_status status = read_type(r, &a->type);
    if (status) return status;
    a->pointer = take(r, "*");
    status = read_what(r, f, a);
    return status ? status : check_argument(r, f, a);
}

static int has(const foreign_function *f, int32_t name)
{
    int found = 0;
    for (int32_t k = 0; k < f->arguments; k++) found += f->argument[k].name == name;
    return found == 1;
}

static tn_status read_arguments(reading *r, foreign_function *f)
{
    tn_status status = TN_OK;
    if (!take(r, "(")) return wrong(r, "expected '(' behind the function's name");
    do status = read_argument(r, f);
    while (!status && take(r, ","));
    if (status) return status;
    if (!take(r, ")")) return wrong(r, "expected ',' or ')' at '%.20s'", r->at);
    take(r, ";");
    if (ahead(r) || *r->at) return wrong(r, "expected no more at '%.20s'", r->at);
    if (f->result == FOREIGN_VOID && !(has(f, FOREIGN_COUNT) && has(f, FOREIGN_RESULT)))
        return wrong(r, "returns void, so it must take n (how many values) and y "
                        "(where they go)");
    return TN_OK;
}

static ffi_type *ffi_type_of(int32_t type)
{
    static ffi_type *const types[FOREIGN_TYPES] = {&ffi_type_void, &ffi_type_sint,
                                                   &ffi_type_slong, &ffi_type_float,
                                                   &ffi_type_double};
    return types[type];
}

static tn_status prepare(foreign_function *f, tn_call *c)
{
    for (int32_t k = 0; k < f->arguments; k++)
        f->types[k] = f->argument[k].pointer ? &ffi_type_pointer
                                             : ffi_type_of(f->argument[k].type);
    if (ffi_prep_cif(&f->cif, FFI_DEFAULT_ABI, (unsigned)f->arguments,
                     ffi_type_of(f->result), f->types) == FFI_OK)
        return TN_OK;
    return tn_fail(c, TN_ENOTSUP, "libffi cannot call such a function on this machine");
}

tn_status foreign_read(foreign_function *f, tn_call *c, const char *option,
                       const char *prototype, const foreign_names *names)
{
    reading r = {.call = c, .option = option, .whole = prototype, .at = prototype};
    f->names = names;
    f->result = FOREIGN_VOID;
    tn_status status = read_result(&r, f);
    if (!status) status = read_name(&r, f->name, sizeof f->name);
    if (!status) status = read_arguments(&r, f);
    return status ? status : prepare(f, c);
}

tn_status foreign_find(foreign_function *f, tn_call *c, const char *library)
{
    const tn_foreign_service *service = c->host->service(c, TN_FOREIGN_SERVICE);
    if (!service) return tn_fail(c, TN_ENOTSUP, "this host calls no foreign functions");
    return service->find(c, library, f->name, &f->code);
}

tn_status foreign_bind(foreign_curve *curve, tn_call *c, const char *library,
                       const char *function, const char *derivative,
                       const foreign_names *names)
{
    tn_status status = foreign_read(&curve->f, c, "function", function, names);
    if (!status && derivative)
        status = foreign_read(&curve->slope, c, "derivative", derivative, names);
    curve->differs = !derivative;
    if (!status) status = foreign_find(&curve->f, c, library);
    if (!status && derivative) status = foreign_find(&curve->slope, c, library);
    return status;
}

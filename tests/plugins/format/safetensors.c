/* safetensors.c - format/safetensors: files made by hand to the letter of the format, the layout
 * of what is written, and damage of every kind. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <json-c/json_object_iterator.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/calling.h"
#include "tests/support/kept.h"

typedef struct bytes {
    char *at;
    size_t size;
} bytes;

/* A file of this header and n bytes of data: 0, 1, 2 ... */
static bytes file_of(const char *header, size_t n)
{
    const uint64_t length = strlen(header);
    bytes b = {.size = 8 + length + n};
    b.at = kept(malloc(b.size));
    memcpy(b.at, &length, 8);
    memcpy(b.at + 8, header, length);
    for (size_t i = 0; i < n; i++) b.at[8 + length + i] = (char)i;
    return b;
}

static void free_archive(tn_archive *a)
{
    const tn_host *host = calling()->host;
    for (int64_t i = 0; i < a->texts; i++) {
        host->release(calling(), (void *)(uintptr_t)a->text[i].key);
        host->release(calling(), (void *)(uintptr_t)a->text[i].value);
    }
    for (int64_t i = 0; i < a->tensors; i++)
        host->release(calling(), (void *)(uintptr_t)a->tensor[i].name);
    host->release(calling(), a->text);
    host->release(calling(), a->tensor);
    *a = (tn_archive){0};
}

/* Parses a copy that ends where a page of its own would: sanitizers see every byte too far. */
static tn_status parse(bytes b, tn_archive *a)
{
    const tn_instance *format = check_plugin("format", "safetensors", NULL, 0);
    char *copy = malloc(b.size ? b.size : 1);
    if (b.size) memcpy(copy, b.at, b.size);
    *a = (tn_archive){0};
    const tn_status status = ((const tn_format *)format->vtable)
                                 ->parse(format->self, calling(), copy, b.size, a);
    if (status) {
        free_archive(a);
        free(copy);
    } else {
        kept(copy), kept(a->text), kept(a->tensor);
    }
    return status;
}

static tn_status collect(void *to, const void *from, size_t n)
{
    bytes *b = to;
    b->at = realloc(b->at, b->size + n);
    memcpy(b->at + b->size, from, n);
    b->size += n;
    return TN_OK;
}

static bytes emit(const tn_archive *a)
{
    const tn_instance *format = check_plugin("format", "safetensors", NULL, 0);
    bytes b = {0};
    const tn_status status = ((const tn_format *)format->vtable)
                                 ->emit(format->self, calling(), a, collect, &b);
    cr_assert_eq(status, TN_OK, "%s", call_failed);
    return kept(b.at), b;
}

static const char good[] =
    "{\"__metadata__\":{\"made\":\"by hand\"},"
    "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"n\":{\"data_offsets\":[24,40],\"dtype\":\"I64\",\"shape\":[2]},"
    "\"b\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[40,41]},"
    "\"none\":{\"dtype\":\"F64\",\"shape\":[0,7],\"data_offsets\":[41,41]}}   ";

Test(safetensors, reads_a_file_made_by_hand)
{
    tn_archive a;
    cr_assert_eq(parse(file_of(good, 41), &a), TN_OK, "%s", call_failed);
    cr_assert_eq(a.texts, 1);
    cr_assert_str_eq(a.text[0].key, "made");
    cr_assert_str_eq(a.text[0].value, "by hand");
    cr_assert_eq(a.tensors, 4);
    cr_assert_str_eq(a.tensor[0].name, "w");
    const tn_tensor *w = &a.tensor[0].tensor;
    cr_assert(w->dtype == TN_F32 && w->rank == 2 && w->dim[0] == 2 && w->dim[1] == 3);
    cr_assert(w->stride[0] == 3 && w->stride[1] == 1);
    const tn_tensor *n = &a.tensor[1].tensor, *b = &a.tensor[2].tensor;
    cr_assert(n->dtype == TN_I64 && n->dim[0] == 2);
    cr_assert_eq((const char *)n->data - (const char *)w->data, 24);
    cr_assert(b->dtype == TN_U8 && b->rank == 0 && *(unsigned char *)b->data == 40);
    cr_assert_eq(tn_count(&a.tensor[3].tensor), 0);
}

Test(safetensors, every_truncation_is_an_error)
{
    tn_archive a;
    bytes b = file_of(good, 41);
    const size_t whole = b.size;
    for (b.size = 0; b.size < whole; b.size++) {
        const tn_status status = parse(b, &a);
        cr_assert_eq(status, TN_EDATA, "cut to %zu bytes: status %d", b.size, status);
    }
}

/* Any byte of the header changed in any of several ways: read or refused, never a crash. */
Test(safetensors, damaged_bytes_do_no_harm)
{
    static const char damage[] = {0,   ' ', '"', '\\', '{', '}',       '[',
                                  ']', ':', ',', '9',  '-', (char)0xFF};
    tn_archive a;
    const bytes b = file_of(good, 41);
    for (size_t i = 0; i < b.size - 41; i++)
        for (size_t k = 0; k < sizeof damage; k++) {
            const char was = b.at[i];
            b.at[i] = damage[k];
            if (!parse(b, &a)) free_archive(&a);
            b.at[i] = was;
        }
}

/* ---- what must be refused, and why --------------------------------------------------- */

#define T(dtype, shape, offsets) \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

typedef struct refusal {
    char header[600];
    int32_t data; /* bytes */
    tn_status status;
    char why[80];
} refusal;

static refusal refusals[] = {
    {"{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[2]", "[4,12]") "}", 12,
     TN_EDATA, "overlaps"},
    {"{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[2]", "[0,8]") "}", 8,
     TN_EDATA, "overlaps"},
    {"{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[1]", "[12,16]") "}", 16,
     TN_EDATA, "hole"},
    {"{\"a\":" T("F32", "[2]", "[4,12]") "}", 12, TN_EDATA, "hole"},
    {"{\"a\":" T("F32", "[2]", "[0,8]") "}", 9, TN_EDATA,
     "1 bytes of data belong to no tensor"},
    {"{\"a\":" T("F32", "[2]", "[0,8]") "}", 7, TN_EDATA, "outside the 7 bytes"},
    {"{\"a\":" T("F32", "[2]", "[8,0]") "}", 8, TN_EDATA, "outside"},
    {"{\"a\":" T("F32", "[2]", "[-8,0]") "}", 8, TN_EDATA, "outside"},
    {"{\"a\":" T("F32", "[2]", "[0,9223372036854775807]") "}", 8, TN_EDATA, "outside"},
    {"{\"a\":" T("F32", "[2]", "[18446744073709551608,18446744073709551615]") "}", 8,
     TN_EDATA, "outside"},
    {"{\"a\":" T("F32", "[2]", "[0,99999999999999999999999999]") "}", 8, TN_EDATA,
     "outside"},
    {"{\"a\":" T("F32", "[2]", "[0.0,8]") "}", 8, TN_EDATA, "outside"},
    {"{\"a\":" T("F32", "[2]", "[0,8,16]") "}", 8, TN_EDATA, "two numbers"},
    {"{\"a\":" T("F32", "[2]", "{}") "}", 8, TN_EDATA, "two numbers"},
    {"{\"a\":" T("F32", "[3]", "[0,8]") "}", 8, TN_EDATA, "shape takes 12 bytes"},
    {"{\"a\":" T("F32", "[9223372036854775807,9223372036854775807]", "[0,8]") "}", 8,
     TN_EDATA, "impossible shape"},
    {"{\"a\":" T("F32", "[4294967296,4294967296]", "[0,0]") "}", 0, TN_EDATA,
     "impossible shape"},
    {"{\"a\":" T("F32", "[0,4611686018427387904,4611686018427387904]", "[0,0]") "}", 0,
     TN_EDATA, "impossible shape"},
    {"{\"a\":" T("F32", "[-2]", "[0,8]") "}", 8, TN_EDATA, "impossible shape"},
    {"{\"a\":" T("F32", "[2.0]", "[0,8]") "}", 8, TN_EDATA, "impossible shape"},
    {"{\"a\":" T("F32", "2", "[0,8]") "}", 8, TN_EDATA, "not a list"},
    {"{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,2]", "[0,8]") "}", 8, TN_ENOTSUP,
     "more than 8 axes"},
    {"{\"a\":" T("BF16", "[4]", "[0,8]") "}", 8, TN_ENOTSUP, "BF16"},
    {"{\"a\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, TN_EDATA,
     "expected dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, TN_EDATA, "expected dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8,
     TN_EDATA, "expected dtype"},
    {"{\"a\":[]}", 0, TN_EDATA, "expected dtype"},
    {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]", "[0,4]") "}", 4,
     TN_EDATA, "twice"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     4, TN_EDATA, "twice"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, TN_EDATA, "twice"},
    {"{\"__metadata__\":{\"k\":1}}", 0, TN_EDATA, "not a text"},
    {"{\"__metadata__\":{\"k\":null}}", 0, TN_EDATA, "not a text"},
    {"{\"__metadata__\":{\"k\":{}}}", 0, TN_EDATA, "not a text"},
    {"{\"__metadata__\":[]}", 0, TN_EDATA, "not an object"},
    {"{\"__metadata__\":{\"k\":\"a\\u0000b\"}}", 0, TN_EDATA, "NUL"},
    {"{\"a\\u0000b\":" T("F32", "[1]", "[0,4]") "}", 4, TN_EDATA, "NUL"},
    {"[]", 0, TN_EDATA, "does not start with {"},
    {" {}", 0, TN_EDATA, "does not start with {"},
    {"", 0, TN_EDATA, "does not start with {"},
    {"{} x", 0, TN_EDATA, "after its end"},
    {"{}{}", 0, TN_EDATA, "after its end"},
    {"{\"a\":}", 0, TN_EDATA, "damaged header at byte"},
    {"{'a':1}", 0, TN_EDATA, "single quotes"},
    {"{/* nothing */}", 0, TN_EDATA, "damaged header"},
    {"{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", 0, TN_EDATA, "damaged header at byte"},
    {"{\"\xff\":1}", 0, TN_EDATA, "damaged header at byte"},
};

ParameterizedTestParameters(safetensors, refuses)
{
    return cr_make_param_array(refusal, refusals, sizeof refusals / sizeof *refusals);
}

ParameterizedTest(refusal *r, safetensors, refuses)
{
    tn_archive a;
    const tn_status status = parse(file_of(r->header, (size_t)r->data), &a);
    cr_assert_eq(status, r->status, "%s: status %d: %s", r->header, status, call_failed);
    cr_assert_not_null(strstr(call_failed, r->why), "%s: %s", r->header, call_failed);
}

Test(safetensors, the_length_of_the_header_is_not_trusted)
{
    static const uint64_t lengths[] = {0, 3, 1000, 100000001, UINT64_MAX, UINT64_MAX - 7};
    tn_archive a;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        bytes b = file_of("{}", 0);
        memcpy(b.at, &lengths[i], 8);
        cr_assert_eq(parse(b, &a), TN_EDATA, "%llu", (unsigned long long)lengths[i]);
    }
}

/* ---- writing ------------------------------------------------------------------------- */

static unsigned char u8[3] = {1, 2, 3};
static float f32[6] = {0, 1, 2, 3, 4, 5};
static double f64[2] = {1e300, -0.0};
static tn_text_pair texts[] = {{"note", "\"quoted\\\" \n line, \xC3\xA9"}, {"b/c", ""}};
static tn_named_tensor tensors[] = {
    {"u",
     {.struct_size = sizeof(tn_tensor),
      .dtype = TN_U8,
      .rank = 1,
      .dim = {3},
      .stride = {1},
      .data = u8}},
    {"deep \"w\"",
     {.struct_size = sizeof(tn_tensor),
      .dtype = TN_F32,
      .rank = 2,
      .dim = {2, 3},
      .stride = {3, 1},
      .data = f32}},
    {"d",
     {.struct_size = sizeof(tn_tensor),
      .dtype = TN_F64,
      .rank = 1,
      .dim = {2},
      .stride = {1},
      .data = f64}},
    {"scalar", {.struct_size = sizeof(tn_tensor), .dtype = TN_F32, .data = f32 + 5}},
};
static const tn_archive sample = {
    .texts = 2, .tensors = 4, .text = texts, .tensor = tensors};

Test(safetensors, a_round_trip_keeps_every_bit)
{
    tn_archive back;
    const bytes b = emit(&sample);
    cr_assert_eq(parse(b, &back), TN_OK, "%s", call_failed);
    cr_assert(back.texts == 2 && back.tensors == 4);
    for (int i = 0; i < 2; i++) {
        cr_assert_str_eq(back.text[i].key, texts[i].key);
        cr_assert_str_eq(back.text[i].value, texts[i].value);
    }
    for (int i = 0; i < 4; i++) {
        int64_t found = 0;
        while (strcmp(back.tensor[found].name, tensors[i].name)) found++;
        const tn_tensor *t = &back.tensor[found].tensor, *w = &tensors[i].tensor;
        cr_assert(t->dtype == w->dtype && t->rank == w->rank);
        const size_t size = (size_t)tn_count(w) * tn_dtype_size(w->dtype);
        cr_assert_eq(memcmp(t->data, w->data, size), 0, "%s", tensors[i].name);
    }
}

/* The rules that readers in other languages hold to. */
Test(safetensors, the_layout_is_that_of_the_format)
{
    const bytes b = emit(&sample);
    uint64_t length;
    memcpy(&length, b.at, 8);
    cr_assert_eq((8 + length) % 8, 0, "data must begin aligned");
    cr_assert_eq(b.at[8], '{');
    char *header = strndup(b.at + 8, length);
    struct json_object *o = json_tokener_parse(header), *shape, *offsets, *entry;
    cr_assert_not_null(o, "%s", header);
    int64_t covered = 0;
    struct json_object_iterator at = json_object_iter_begin(o),
                                last = json_object_iter_end(o);
    for (; !json_object_iter_equal(&at, &last); json_object_iter_next(&at)) {
        const char *name = json_object_iter_peek_name(&at);
        if (!strcmp(name, "__metadata__")) continue;
        entry = json_object_iter_peek_value(&at);
        cr_assert(json_object_object_get_ex(entry, "shape", &shape));
        cr_assert(json_object_object_get_ex(entry, "data_offsets", &offsets));
        const int64_t begin = json_object_get_int64(
            json_object_array_get_idx(offsets, 0));
        const int64_t end = json_object_get_int64(json_object_array_get_idx(offsets, 1));
        cr_assert_eq(begin, covered, "%s", name);
        covered = end;
        const char *dtype = json_object_get_string(
            json_object_object_get(entry, "dtype"));
        const int64_t size = !strcmp(dtype, "F64") ? 8 : !strcmp(dtype, "F32") ? 4 : 1;
        cr_assert_eq(begin % size, 0, "%s is not aligned", name);
        for (size_t i = 0; i < json_object_array_length(shape); i++)
            cr_assert(
                json_object_is_type(json_object_array_get_idx(shape, i), json_type_int));
    }
    json_object_put(o);
    free(header);
    cr_assert_eq((size_t)covered, b.size - 8 - length);
    cr_assert_eq(covered, 16 + 24 + 4 + 3);
}

Test(safetensors, an_empty_archive_is_a_file)
{
    tn_archive back;
    const tn_archive none = {0};
    cr_assert_eq(parse(emit(&none), &back), TN_OK, "%s", call_failed);
    cr_assert(back.texts == 0 && back.tensors == 0);
}

static tn_status refuse(void *to, const void *from, size_t n)
{
    return TN_EIO;
}

Test(safetensors, errors_of_the_disk_come_back)
{
    const tn_instance *format = check_plugin("format", "safetensors", NULL, 0);
    const tn_format *f = format->vtable;
    cr_assert_eq(f->emit(format->self, calling(), &sample, refuse, NULL), TN_EIO);
}

Test(safetensors, what_is_not_contiguous_is_refused)
{
    const tn_instance *format = check_plugin("format", "safetensors", NULL, 0);
    const tn_format *f = format->vtable;
    tn_named_tensor turned = tensors[1];
    turned.tensor.stride[0] = 1, turned.tensor.stride[1] = 2;
    const tn_archive a = {.tensors = 1, .tensor = &turned};
    bytes b = {0};
    cr_assert_eq(f->emit(format->self, calling(), &a, collect, &b), TN_ENOTSUP);
    cr_assert_eq(b.size, 0);
}

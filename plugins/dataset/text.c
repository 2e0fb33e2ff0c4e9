/* text.c - the characters of a file, for a model that predicts the next one: windows of `steps`
 * characters as whole numbers, and at each step the character after it as label.
 *
 *     input_t = id(c_(s + t)),  target_t = id(c_(s + t + 1)),  t = 0 .. steps - 1
 *
 * A character is a code point of UTF-8 (RFC 3629). The vocabulary is all characters of the file in
 * the order of their code points; they become the names of the model's classes. Windows lie in one
 * part of the file, with all they want. Sutskever, Martens and Hinton, "Generating text with
 * recurrent neural networks", ICML 2011, section 5. */
#include <tenon/plugin.h>

#include <tenon/data.h>
#include <tenon/utf8.h>

#include "bytes.h"
#include "windows.h"

#ifndef TEXT_FILE
#define TEXT_FILE
typedef struct text_file {
    int32_t *id; /* of each character */
    int64_t characters;
    int32_t vocabulary;
    char (*spelt)[8];      /* each character of the vocabulary in UTF-8 */
    const char **spelt_at; /* they, as class names */
} text_file;
#endif

#define OPTIONS(P)                                                                       \
    P(STR, path, TN_POSITIONAL | TN_REQUIRED, 0, 0, 0, "file with the text, in UTF-8")   \
    P(INT, steps, 0, 64, 1, INT32_MAX, "characters of a window")                         \
    WINDOWS_OPTIONS(P, "; unset: steps, so that every character is wanted once", 0.1)    \
    P(INT, streams, 0, 0, 0, INT32_MAX,                                                  \
      "parts of the text that are read side by side, so that sample i of "               \
      "a batch of so many goes on where sample i of the one before ended (stateful: of " \
      "recurrent layers); 0: windows are apart")
TN_SELF(OPTIONS, windows cut; text_file text;)

#ifndef TEXT_RULES
#define TEXT_RULES
#define CODES 0x110000

static tn_status wrong_byte(tn_call *c, const file_bytes *file, size_t at)
{
    long long line = 1;
    for (size_t i = 0; i < at; i++) line += file->at[i] == '\n';
    return tn_fail(c, TN_EDATA,
                   "%s:%lld: byte %zu of the file, 0x%02x, is no character of UTF-8; "
                   "convert the file, for example with iconv",
                   file->path, line, at + 1, (unsigned)file->at[at]);
}

/* Characters become their code points; seen[code] becomes 1. */
static tn_status decode(tn_call *c, const file_bytes *file, text_file *text,
                        int32_t *seen)
{
    static const unsigned char mark[3] = {0xef, 0xbb, 0xbf}; /* UTF-8's byte order mark */
    size_t at = file->size >= sizeof mark && !memcmp(file->at, mark, sizeof mark) ? 3 : 0;
    while (at < file->size) {
        uint32_t code;
        const size_t size = tn_utf8_next((const char *)file->at + at, file->size - at,
                                         &code);
        if (!size || !code) return wrong_byte(c, file, at);
        text->id[text->characters++] = (int32_t)code;
        seen[code] = 1;
        at += size;
    }
    return TN_OK;
}

static void spell(uint32_t code, char to[8])
{
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char head[4] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(head[more] | code >> 6 * more);
    for (int i = more - 1; i >= 0; i--) *to++ = (char)(0x80 | (code >> 6 * i & 0x3f));
    *to = 0;
}

/* Code points become places in the vocabulary, and so does number[code]. */
static tn_status number_codes(tn_call *c, const char *path, text_file *text,
                              int32_t *number)
{
    for (int32_t code = 0; code < CODES; code++) text->vocabulary += number[code];
    const size_t names = (size_t)text->vocabulary;
    text->spelt = take_memory(c, path, names * sizeof *text->spelt + 1);
    if (!text->spelt) return TN_ENOMEM;
    text->spelt_at = take_memory(c, path, names * sizeof *text->spelt_at + 1);
    if (!text->spelt_at) return TN_ENOMEM;
    int32_t next = 0;
    for (int32_t code = 0; code < CODES; code++) {
        if (!number[code]) continue;
        spell((uint32_t)code, text->spelt[next]);
        text->spelt_at[next] = text->spelt[next];
        number[code] = next++;
    }
    for (int64_t i = 0; i < text->characters; i++) text->id[i] = number[text->id[i]];
    return TN_OK;
}

static tn_status decode_file(tn_call *c, const file_bytes *file, text_file *text)
{
    text->id = take_memory(c, file->path, file->size * sizeof *text->id);
    int32_t *codes = text->id ? take_memory(c, file->path, CODES * sizeof *codes) : NULL;
    if (!codes) return TN_ENOMEM;
    memset(codes, 0, CODES * sizeof *codes);
    tn_status status = decode(c, file, text, codes);
    if (status == TN_OK) status = number_codes(c, file->path, text, codes);
    c->host->release(c, codes);
    return status;
}

static tn_status text_open(tn_call *c, const char *path, text_file *text)
{
    file_bytes file;
    tn_status status = read_file(c, path, &file);
    if (status == TN_OK) status = decode_file(c, &file, text);
    drop_file(c, &file);
    return status;
}
#endif

static tn_status TN(check)(void *me, tn_call *c)
{
    const TN(self) *self = me;
    if (self->streams && self->stride != TN_UNSET_INT && self->stride != self->steps)
        return tn_fail(c, TN_EINVAL,
                       "windows of streams follow each other; leave out stride");
    return windows_check(c, self->validation_share, self->test_share);
}

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    tn_status status = text_open(c, self->path, &self->text);
    if (status != TN_OK) return status;
    self->cut.stride = self->stride == TN_UNSET_INT ? self->steps : self->stride;
    info->fields = 2;
    info->field[0] = (tn_field_spec){
        .name = "input", .real = 1, .shape = {1, {self->steps}}};
    info->field[1] = (tn_field_spec){
        .name = "target", .classes = self->text.vocabulary, .shape = {1, {self->steps}}};
    info->class_name = self->text.spelt_at;
    status = windows_cut(c, &self->cut, self->path, self->text.characters,
                         self->steps + 1, 0, self->validation_share, self->test_share,
                         info->count);
    info->streams = self->streams;
    if (status != TN_OK || !self->streams) return status;
    return windows_stream(c, &self->cut, self->path, self->streams, info->count);
}

static tn_status TN(read)(const void *me, tn_call *c, int32_t split, int64_t index,
                          void *const *field)
{
    const TN(self) *self = me;
    const int32_t *id = self->text.id + windows_at(&self->cut, split, index);
    tn_real *input = field[0];
    for (int64_t t = 0; t < self->steps; t++) input[t] = (tn_real)id[t];
    memcpy(field[1], id + 1, (size_t)self->steps * sizeof *id);
    return TN_OK;
}

static void TN(destroy)(void *me, tn_call *c)
{
    TN(self) *self = me;
    if (self->text.id) c->host->release(c, self->text.id);
    if (self->text.spelt) c->host->release(c, self->text.spelt);
    if (self->text.spelt_at) c->host->release(c, (void *)self->text.spelt_at);
}

TN_VTABLE(dataset, .check = TN(check), .destroy = TN(destroy), .open = TN(open),
          .read = TN(read))
TN_PLUGIN_WITH(
    OPTIONS, dataset, text,
    .summary = "windows of a text's characters, and the next character of each",
    .formula =
        "input_t = id(c_(s + t)), target_t = id(c_(s + t + 1)), t = 0 .. steps - 1",
    .reference = "Sutskever, Martens and Hinton, Generating text with recurrent "
                 "neural networks, ICML 2011, section 5")

/* error.c - filling a tn_error.
 *
 * Invariant: the text is one line of valid UTF-8 without control characters, whatever the
 * arguments held; a text that does not fit ends in "...". */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tenon/utf8.h"

/* Copies `from` with everything that is not a printable character made '?'. */
static void copy_clean(char *to, size_t room, const char *from, bool cut)
{
    const size_t size = strlen(from), last = room - 1 - strlen("...");
    size_t used = 0, at = 0;
    while (at < size) {
        uint32_t code;
        size_t length = tn_utf8_next(from + at, size - at, &code);
        const bool good = length && !tn_utf8_control(code);
        if (!length) length = 1;
        const size_t next = good ? length : 1;
        if (used + next > last && (cut || used + size - at >= room)) break;
        if (good)
            memcpy(to + used, from + at, length);
        else
            to[used] = '?';
        used += next;
        at += length;
    }
    cut = cut || at < size;
    memcpy(to + used, cut ? "..." : "", cut ? sizeof "..." : 1);
}

tn_status tn_error_set(tn_error *e, tn_status status, const char *format, ...)
{
    if (!e) return status;
    char text[sizeof e->text];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    e->status = status;
    copy_clean(e->text, sizeof e->text, text, length >= (int)sizeof text);
    return status;
}

tn_status tn_error_in(tn_error *e, const char *format, ...)
{
    if (!e) return TN_EINVAL;
    char place[sizeof e->text], text[2 * sizeof e->text + 2];
    va_list args;
    va_start(args, format);
    vsnprintf(place, sizeof place, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s: %s", place, e->text);
    copy_clean(e->text, sizeof e->text, text, false);
    return e->status;
}

/* utf8.h - one character of a UTF-8 text at a time, as RFC 3629 allows it: no overlong
 * forms, no surrogates, nothing above U+10FFFF. */
#ifndef TENON_UTF8_H
#define TENON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text` (`size` > 0 bytes are there) and its code point; 0:
 * not UTF-8. */
static inline size_t tn_utf8_next(const char *text, size_t size, uint32_t *code)
{
    const unsigned char *p = (const unsigned char *)text;
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t length = p[0] < 0x80       ? 1
                          : p[0] >> 5 == 6  ? 2
                          : p[0] >> 4 == 14 ? 3
                          : p[0] >> 3 == 30 ? 4
                                            : 0;
    if (!length || length > size) return 0;
    uint32_t c = length == 1 ? p[0] : p[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (p[i] >> 6 != 2) return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (length > 1 && (c < least[length] || c > 0x10FFFF || (c >> 11) == 0x1B)) return 0;
    *code = c;
    return length;
}

/* What a terminal may take for a command (C0, DEL, C1). */
static inline bool tn_utf8_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

#endif

/* shape.h - shapes in messages. Included once per precision, hence no guard. */
#include <string.h>

/* "(3, 4)" */
TN_UNUSED static void TN(write_shape)(const tn_shape *s, char text[128])
{
    size_t at = (size_t)snprintf(text, 128, "(");
    for (int32_t i = 0; i < s->rank && at < 100; i++)
        at += (size_t)snprintf(text + at, 128 - at, i ? ", %lld" : "%lld",
                               (long long)s->dim[i]);
    snprintf(text + at, 128 - at, ")");
}

/* Whether the first n axes agree, and how many there are. */
TN_UNUSED static int TN(same_axes)(const tn_shape *a, const tn_shape *b, int32_t n)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, (size_t)n * sizeof *a->dim);
}

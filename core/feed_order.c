/* feed_order.c - permutations from a key.
 *
 * Fisher and Yates' shuffle in Durstenfeld's form (CACM 7, 1964, algorithm 235): for i
 * from n - 1 down to 1, element i changes places with element j, uniform on 0 .. i.
 * Uniform numbers below a bound come from 64-bit words by rejection, so every permutation
 * is equally likely. */
#include "core/feed_order.h"

typedef struct stream {
    tn_key key;
    uint64_t block;
    int left; /* of the two 64-bit words of a Philox block */
    uint32_t word[4];
} stream;

static uint64_t next_word(stream *s)
{
    if (s->left == 0) {
        const uint32_t counter[4] = {(uint32_t)s->block, (uint32_t)(s->block >> 32), 0,
                                     0};
        tn_philox(counter, s->key, s->word);
        s->block++;
        s->left = 2;
    }
    s->left--;
    return (uint64_t)s->word[2 * s->left + 1] << 32 | s->word[2 * s->left];
}

static int64_t below(stream *s, int64_t bound)
{
    const uint64_t b = (uint64_t)bound, limit = UINT64_MAX - UINT64_MAX % b;
    uint64_t word;
    do word = next_word(s);
    while (word >= limit);
    return (int64_t)(word % b);
}

void tn_order_shuffle(int64_t *order, const int64_t *from, int64_t n, tn_key key)
{
    stream s = {.key = key};
    for (int64_t i = 0; i < n; i++) order[i] = from ? from[i] : i;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = below(&s, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

tn_status tn_order_split(tn_memory *memory, int64_t n, int64_t part, tn_key key,
                         int64_t *drawn, int64_t *rest, tn_error *e)
{
    int64_t *order = tn_memory_array(memory, (size_t)n, sizeof *order, e);
    unsigned char *chosen = order ? tn_memory_get(memory, (size_t)n, e) : NULL;
    if (chosen) {
        tn_order_shuffle(order, NULL, n, key);
        for (int64_t i = 0; i < part; i++) chosen[order[i]] = 1;
        for (int64_t i = 0; i < n; i++)
            if (chosen[i])
                *drawn++ = i;
            else
                *rest++ = i;
    }
    const tn_status status = chosen ? TN_OK : TN_ENOMEM;
    tn_memory_put(memory, chosen);
    tn_memory_put(memory, order);
    return status;
}

/* feed_order.c - permutations from a key.
 *
 * Fisher and Yates' shuffle in Durstenfeld's form (CACM 7, 1964, algorithm 235): for i
 * from n - 1 down to 1, element i changes places with element j, uniform on 0 .. i.
 * Uniform numbers below a bound come from 64-bit words by rejection, so every permutation
 * is equally likely. */
#include "core/feed_order.h"

static uint64_t next_word(tn_shuffle *s)
{
    if (s->words == 0) {
        const uint32_t counter[4] = {(uint32_t)s->block, (uint32_t)(s->block >> 32), 0,
                                     0};
        tn_philox(counter, s->key, s->word);
        s->block++;
        s->words = 2;
    }
    s->words--;
    return (uint64_t)s->word[2 * s->words + 1] << 32 | s->word[2 * s->words];
}

/* Accepts words below the largest multiple of the bound, which need not be computed for all
 * but the last few words. */
static int64_t below(tn_shuffle *s, int64_t bound)
{
    const uint64_t b = (uint64_t)bound;
    uint64_t word = next_word(s);
    while (word >= UINT64_MAX - b + 1 && word >= UINT64_MAX - UINT64_MAX % b)
        word = next_word(s);
    return (int64_t)(word % b);
}

void tn_shuffle_begin(tn_shuffle *s, const int64_t *from, int64_t n, tn_key key)
{
    *s = (tn_shuffle){.order = s->order, .left = n, .key = key};
    for (int64_t i = 0; i < n; i++) s->order[i] = from ? from[i] : i;
}

void tn_shuffle_go_on(tn_shuffle *s, int64_t steps)
{
    for (; s->left > 1 && steps > 0; steps--) {
        const int64_t i = --s->left, j = below(s, i + 1), kept = s->order[i];
        s->order[i] = s->order[j];
        s->order[j] = kept;
    }
}

void tn_order_shuffle(int64_t *order, const int64_t *from, int64_t n, tn_key key)
{
    tn_shuffle s = {.order = order};
    tn_shuffle_begin(&s, from, n, key);
    tn_shuffle_go_on(&s, n);
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

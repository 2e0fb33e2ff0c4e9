/* nearest.c - which known name did the user mean? Edit distance with neighbours
 * swapped counted as one edit (optimal string alignment; Damerau 1964, Levenshtein
 * 1966). */
#include "core/nearest.h"

#include <string.h>

enum {
    LONGEST = 64, /* longer words are no misspelt names */
    SHORTEST = 3  /* shorter ones no shortened names */
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int distance(const char *a, int n, const char *b, int m)
{
    int row[3][LONGEST + 1]; /* of i - 2, i - 1 and i, by turns */
    for (int j = 0; j <= m; j++) row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3];
        const int *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            now[j] = least(before[j - 1] + (a[i - 1] != b[j - 1]),
                           least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], earlier[j - 2] + 1);
        }
    }
    return row[n % 3][m];
}

/* The only name that the word is the beginning of. */
static const char *shortened(const char *word, size_t length, const char *const *names,
                             int32_t count)
{
    const char *only = NULL;
    for (int32_t i = 0; i < count && length >= SHORTEST; i++) {
        if (strncmp(names[i], word, length) != 0) continue;
        if (only) return NULL;
        only = names[i];
    }
    return only;
}

const char *tn_nearest(const char *word, const char *const *names, int32_t count)
{
    const size_t length = strnlen(word, LONGEST + 1);
    if (length > LONGEST) return NULL;
    const char *best = shortened(word, length, names, count);
    if (best) return best;
    int best_distance = (int)(length + 1) / 3 + 1;
    for (int32_t i = 0; i < count; i++) {
        const size_t other = strnlen(names[i], LONGEST + 1);
        if (other > LONGEST) continue;
        const int d = distance(word, (int)length, names[i], (int)other);
        if (d < best_distance) best_distance = d, best = names[i];
    }
    return best;
}

/* nearest.c - which known name did the user mean? Edit distance with neighbours
 * swapped counted as one edit (optimal string alignment; Damerau 1964, Levenshtein
 * 1966), upper and lower case being alike. */
#include "core/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum {
    LONGEST = 64, /* longer words are no misspelt names */
    SHORTEST = 3  /* shorter ones no shortened names */
};

/* What Keras and PyTorch call it, where the distance does not tell. */
static const char *const elsewhere[][2] = {
    {"average_pooling2d", "avg_pool"},
    {"averagepooling2d", "avg_pool"},
    {"batch_normalization", "batch_norm"},
    {"batch_size", "batch"},
    {"bcewithlogitsloss", "binary_cross_entropy"},
    {"callbacks", "observe"},
    {"categorical_crossentropy", "cross_entropy"},
    {"glorot_normal", "xavier"},
    {"glorot_uniform", "xavier"},
    {"he_normal", "he"},
    {"he_uniform", "he"},
    {"initializer", "init"},
    {"kaiming_normal", "he"},
    {"kaiming_uniform", "he"},
    {"kernel_initializer", "init"},
    {"kernel_regularizer", "regularizer"},
    {"layer_normalization", "layer_norm"},
    {"learning_rate", "lr"},
    {"linear", "dense"},
    {"max_pooling2d", "max_pool"},
    {"maxpooling2d", "max_pool"},
    {"mean_absolute_error", "mae"},
    {"mean_squared_error", "mse"},
    {"out_channels", "filters"},
    {"out_features", "units"},
    {"sparse_categorical_crossentropy", "cross_entropy"},
    {"swish", "silu"},
    {"xavier_normal", "xavier"},
    {"xavier_uniform", "xavier"},
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static bool alike(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
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
            now[j] = least(before[j - 1] + !alike(a[i - 1], b[j - 1]),
                           least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && alike(a[i - 1], b[j - 2]) && alike(a[i - 2], b[j - 1]))
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
        if (strncasecmp(names[i], word, length) != 0) continue;
        if (only) return NULL;
        only = names[i];
    }
    return only;
}

static const char *renamed(const char *word, const char *const *names, int32_t count)
{
    for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; k++)
        for (int32_t i = 0; i < count && !strcasecmp(word, elsewhere[k][0]); i++)
            if (!strcmp(names[i], elsewhere[k][1])) return names[i];
    return NULL;
}

const char *tn_nearest(const char *word, const char *const *names, int32_t count)
{
    const size_t length = strnlen(word, LONGEST + 1);
    if (length > LONGEST) return NULL;
    const char *best = renamed(word, names, count);
    if (!best) best = shortened(word, length, names, count);
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

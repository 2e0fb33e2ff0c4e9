/* random_bits.c - raw bits of random.h on stdout until nobody reads on, for batteries of statistical
 * tests (scripts/test-random).
 *
 *     bench_random_bits run     numbers of one stream, as they are drawn for a large mask
 *     bench_random_bits keys    a few numbers of stream after stream, as steps and layers have them */
#include <stdio.h>
#include <string.h>

#include "tenon/random.h"

enum { WORDS = 1 << 16, EACH = 32, NODES = 16 };

static const tn_key seed = {{2026, 0}};

/* Word `first` and on of the two orders. */
static void fill_run(uint64_t first, uint32_t *bits)
{
    tn_random_run(seed, first, WORDS, bits);
}

/* As a plan makes keys: of a node, then of a step. */
static void fill_keys(uint64_t first, uint32_t *bits)
{
    for (uint64_t i = 0; i < WORDS / EACH; i++) {
        const uint64_t stream = first / EACH + i;
        const tn_key node = tn_key_derive(seed, stream % NODES, 1);
        tn_random_run(tn_key_derive(node, stream / NODES, 0), 0, EACH, bits + i * EACH);
    }
}

int main(int count, char **argument)
{
    static uint32_t bits[WORDS];
    const char *order = count == 2 ? argument[1] : "";
    const int keys = !strcmp(order, "keys");
    if (!keys && strcmp(order, "run")) {
        fprintf(stderr, "usage: bench_random_bits run|keys\n");
        return 2;
    }
    for (uint64_t first = 0;; first += WORDS) {
        (keys ? fill_keys : fill_run)(first, bits);
        if (fwrite(bits, sizeof *bits, WORDS, stdout) != WORDS) return 0;
    }
}

/* arena.c - pieces are apart, aligned, zero, and all given back. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/arena.h"

static tn_memory memory;
static tn_error error;

Test(arena, pieces_are_aligned_zeroed_and_apart)
{
    tn_arena a = {.memory = &memory, .slab = 1000, .align = 64};
    unsigned char *piece[200];
    for (int i = 0; i < 200; i++) {
        const size_t size = (size_t)(i * 7 % 130);
        piece[i] = tn_arena_get(&a, size, 1, &error);
        cr_assert_not_null(piece[i]);
        cr_assert_eq((uintptr_t)piece[i] % 64, 0);
        for (size_t k = 0; k < size; k++) cr_assert_eq(piece[i][k], 0);
        memset(piece[i], i + 1, size);
    }
    for (int i = 0; i < 200; i++)
        for (size_t k = 0; k < (size_t)(i * 7 % 130); k++)
            cr_assert_eq(piece[i][k], (unsigned char)(i + 1));
    tn_arena_clear(&a);
    cr_assert_eq(memory.used, 0);
}

Test(arena, a_piece_may_be_larger_than_a_slab)
{
    tn_arena a = {.memory = &memory, .slab = 64, .align = 16};
    char *large = tn_arena_get(&a, 10000, 8, &error);
    cr_assert_not_null(large);
    memset(large, 1, 80000);
    cr_assert_not_null(tn_arena_get(&a, 1, 1, &error));
    tn_arena_clear(&a);
    cr_assert_eq(memory.used, 0);
}

Test(arena, is_empty_after_clear_and_works_on)
{
    tn_arena a = {.memory = &memory, .slab = 256, .align = 16};
    cr_assert_not_null(tn_arena_get(&a, 3, 5, &error));
    tn_arena_clear(&a);
    tn_arena_clear(&a);
    cr_assert_not_null(tn_arena_get(&a, 3, 5, &error));
    tn_arena_clear(&a);
    cr_assert_eq(memory.used, 0);
}

Test(arena, refuses_what_overflows_and_what_is_past_the_limit)
{
    tn_memory small = {.limit = 4096};
    tn_arena a = {.memory = &small, .slab = 64, .align = 64};
    cr_assert_null(tn_arena_get(&a, SIZE_MAX / 2, 3, &error));
    cr_assert_eq(error.status, TN_ENOMEM);
    cr_assert_null(tn_arena_get(&a, SIZE_MAX - 64, 1, &error));
    cr_assert_null(tn_arena_get(&a, 5000, 1, &error));
    cr_assert_not_null(tn_arena_get(&a, 100, 1, &error), "%s", error.text);
    tn_arena_clear(&a);
    cr_assert_eq(small.used, 0);
}

Test(arena, small_pieces_share_a_slab)
{
    tn_arena a = {.memory = &memory, .slab = 1 << 16, .align = 64};
    for (int i = 0; i < 100; i++) cr_assert_not_null(tn_arena_get(&a, 1, 64, &error));
#ifndef __SANITIZE_ADDRESS__
    cr_assert_eq(memory.calls, 1);
#endif
    tn_arena_clear(&a);
}

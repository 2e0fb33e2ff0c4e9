/* memory.c - blocks are aligned, zeroed, counted and limited. */
#include "core/memory.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static void expect_zeros(const char *bytes, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) cr_assert_eq(bytes[i], 0);
}

Test(memory, blocks_are_aligned_and_zeroed)
{
    tn_memory m = {0};
    static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 1 << 20};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            char *block = tn_memory_get(&m, sizes[i], NULL);
            cr_assert_not_null(block);
            cr_assert_eq((uintptr_t)block % 64, 0);
            expect_zeros(block, 0, sizes[i]);
            if (sizes[i]) memset(block, 0xA5, sizes[i]);
            tn_memory_put(&m, block);
        }
    cr_assert_eq(m.used, 0);
}

Test(memory, used_peak_and_calls_are_counted)
{
    tn_memory m = {0};
    void *a = tn_memory_get(&m, 100, NULL), *b = tn_memory_get(&m, 50, NULL);
    cr_assert_eq(m.used, 150);
    tn_memory_put(&m, a);
    cr_assert_eq(m.used, 50);
    cr_assert_eq(m.peak, 150);
    cr_assert_eq(m.calls, 2);
    tn_memory_put(&m, b);
    tn_memory_put(&m, NULL);
    cr_assert_eq(m.used, 0);
    cr_assert_eq(m.peak, 150);
}

Test(memory, the_limit_holds_and_the_message_says_so)
{
    tn_memory m = {.limit = 1000};
    tn_error e;
    void *a = tn_memory_get(&m, 1000, &e);
    cr_assert_not_null(a);
    cr_assert_null(tn_memory_get(&m, 1, &e));
    cr_assert_eq(e.status, TN_ENOMEM);
    cr_assert_not_null(strstr(e.text, "1000 bytes of 1000 bytes are in use"));
    cr_assert_not_null(strstr(e.text, "--max-memory"));
    cr_assert_eq(m.used, 1000);
    tn_memory_put(&m, a);
    cr_assert_null(tn_memory_get(&m, SIZE_MAX, &e));
    cr_assert_null(tn_memory_get(&m, 1001, &e));
    cr_assert_eq(m.used, 0);
    cr_assert_eq(m.peak, 1000);
}

Test(memory, what_the_system_does_not_have_is_an_error)
{
    tn_memory m = {0};
    tn_error e;
    cr_assert_null(tn_memory_get(&m, SIZE_MAX, &e));
    cr_assert_null(tn_memory_get(&m, SIZE_MAX - 64, &e));
    cr_assert_null(tn_memory_get(&m, (size_t)PTRDIFF_MAX, &e));
    cr_assert_eq(e.status, TN_ENOMEM);
    cr_assert_eq(m.used, 0);
}

Test(memory, the_product_of_an_array_is_checked)
{
    tn_memory m = {0};
    tn_error e;
    cr_assert_null(tn_memory_array(&m, SIZE_MAX / 4 + 1, 4, &e));
    cr_assert_eq(e.status, TN_ENOMEM);
    int *a = tn_memory_array(&m, 10, sizeof *a, &e);
    cr_assert_eq(m.used, 10 * sizeof *a);
    tn_memory_put(&m, a);
}

Test(memory, growing_keeps_the_content_and_zeroes_the_rest)
{
    tn_memory m = {0};
    char *block = tn_memory_grow(&m, NULL, 10, NULL);
    memset(block, 7, 10);
    block = tn_memory_grow(&m, block, 1000, NULL);
    for (int i = 0; i < 10; i++) cr_assert_eq(block[i], 7);
    expect_zeros(block, 10, 1000);
    cr_assert_eq(m.used, 1000);
    cr_assert_eq(tn_memory_grow(&m, block, 500, NULL), block);
    m.limit = 2000;
    cr_assert_null(tn_memory_grow(&m, block, 2001, NULL));
    cr_assert_eq(block[9], 7);
    tn_memory_put(&m, block);
    cr_assert_eq(m.used, 0);
}

Test(memory, text_is_copied)
{
    tn_memory m = {0};
    char *text = tn_memory_text(&m, "tenon", NULL);
    cr_assert_str_eq(text, "tenon");
    cr_assert_eq(m.used, 6);
    tn_memory_put(&m, text);
}

/* Four threads on a limit that lets two of them in: used never passes it. */
static void *churn(void *memory)
{
    tn_memory *m = memory;
    for (int i = 0; i < 20000; i++) {
        void *block = tn_memory_get(m, 100, NULL);
        if (block) memset(block, 1, 100);
        tn_memory_put(m, block);
    }
    return NULL;
}

Test(memory, counts_are_right_with_many_threads)
{
    tn_memory m = {.limit = 250};
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, churn, &m), 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
    cr_assert_eq(m.used, 0);
    cr_assert(m.peak == 100 || m.peak == 200);
    cr_assert_eq(m.calls, 80000);
}

/* rounds.h - how much of a long random test runs: a sample, the same each time, or everything
 * (scripts/test --full, which sets TENON_TEST_FULL). */
#ifndef TESTS_SUPPORT_ROUNDS_H
#define TESTS_SUPPORT_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

__attribute__((unused)) static bool test_full(void)
{
    const char *full = getenv("TENON_TEST_FULL");
    return full && *full;
}

__attribute__((unused)) static int64_t test_rounds(int64_t sample, int64_t full)
{
    return test_full() ? full : sample;
}

#ifdef __has_feature
#define ROUNDS_FEATURE(name) __has_feature(name)
#else
#define ROUNDS_FEATURE(name) 0
#endif

/* Everything takes several times as long. */
__attribute__((unused)) static bool test_sanitized(void)
{
#if defined __SANITIZE_ADDRESS__ || ROUNDS_FEATURE(address_sanitizer)
    return true;
#else
    return false;
#endif
}

#endif

/* process.h - the built program as a process of its own: what it prints and how it ends.
 *
 * The program is $TENON_TEST_PROGRAM. Each test has a folder of its own and starts the program
 * there. A report of a sanitizer in stderr fails the test, whatever the exit status. */
#ifndef TESTS_SUPPORT_PROCESS_H
#define TESTS_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct test_process {
    pid_t id;
    int status; /* exit status, or 128 + the signal that ended it */
    bool by_signal;
    char *out, *err; /* all of stdout and stderr, once it has ended */
    int number;
} test_process;

/* Goes to a new empty folder, in which everything below happens. */
void test_start_in_folder(void);

/* A command line; spaces separate arguments. The result lives for the rest of the test. */
__attribute__((format(printf, 1, 2))) test_process *tenon(const char *format, ...);
/* The same without waiting for its end. */
__attribute__((format(printf, 1, 2))) test_process *tenon_begin(const char *format, ...);
/* With stdout at this file descriptor instead of being kept. */
__attribute__((format(printf, 2, 3))) test_process *tenon_begin_into(int out,
                                                                     const char *format,
                                                                     ...);
/* That, and waits for its end. */
__attribute__((format(printf, 2, 3))) test_process *tenon_into(int out,
                                                               const char *format, ...);
void tenon_end(test_process *); /* waits, at most a minute */

/* Waits until stdout of a running program holds `count` lines with `text` in them. */
void tenon_await(const test_process *, const char *text, int count);

/* Its exit status and, in stderr, each of the texts up to a NULL. */
void test_ended(const test_process *, int status, ...);
/* One line "tenon: ..." in stderr, and no more. */
void test_one_message(const test_process *);

__attribute__((format(printf, 2, 3))) void test_write_text(const char *path,
                                                           const char *format, ...);
bool test_same_files(const char *a, const char *b);
bool test_exists(const char *path);

#endif

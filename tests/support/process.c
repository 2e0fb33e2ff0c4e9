/* process.c - see process.h. Output goes to files, so that no pipe can fill up. */
#include "process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "disk.h"
#include "kept.h"

static int started;

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

void test_start_in_folder(void)
{
    const char *folder = test_folder();
    cr_assert_eq(chdir(folder), 0, "%s: %s", folder, strerror(errno));
    unsetenv("TENON_PLUGIN_PATH");
}

static char *text_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return strdup("");
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    if (text && fread(text, 1, (size_t)size, file) != (size_t)size) text[0] = 0;
    fclose(file);
    return text;
}

static void name_of(const test_process *p, const char *what, char path[64])
{
    snprintf(path, 64, ".%s-%d", what, p->number);
}

/* Behind what the caller has set, so that it wins: 1 would look like an error that was
 * told. */
static void also_set(const char *name, const char *options)
{
    char all[1000];
    const char *given = getenv(name);
    snprintf(all, sizeof all, "%s%s%s", given ? given : "", given ? ":" : "", options);
    setenv(name, all, 1);
}

static void become(const test_process *p, int out, char *line)
{
    char path[64], *argument[64] = {"tenon"};
    int count = 1;
    for (char *word = strtok(line, " "); word && count < 63; word = strtok(NULL, " "))
        argument[count++] = word;
    name_of(p, "out", path);
    if (out < 0) out = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, STDOUT_FILENO);
    name_of(p, "err", path);
    dup2(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    also_set("ASAN_OPTIONS", "exitcode=99");
    also_set("UBSAN_OPTIONS", "exitcode=99");
    execv(getenv("TENON_TEST_PROGRAM"), argument);
    _exit(98);
}

static test_process *begin(int out, const char *format, va_list args)
{
    char line[4096];
    test_process *p = kept(calloc(1, sizeof *p));
    cr_assert(p && getenv("TENON_TEST_PROGRAM"),
              "TENON_TEST_PROGRAM must name the program");
    vsnprintf(line, sizeof line, format, args);
    p->number = ++started;
    p->id = fork();
    if (p->id == 0) become(p, out, line);
    cr_assert(p->id > 0, "fork: %s", strerror(errno));
    return p;
}

void tenon_end(test_process *p)
{
    int how = 0;
    char path[64];
    pid_t ended = 0;
    for (int i = 0; i < 30000 && ended == 0; i++) {
        ended = waitpid(p->id, &how, WNOHANG);
        if (ended == 0) nap();
    }
    if (ended == 0) {
        kill(p->id, SIGKILL);
        waitpid(p->id, &how, 0);
        cr_assert_fail("the program did not end");
    }
    p->by_signal = WIFSIGNALED(how);
    p->status = p->by_signal ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    name_of(p, "out", path);
    p->out = text_of(path);
    name_of(p, "err", path);
    p->err = text_of(path);
    cr_assert(!strstr(p->err, "Sanitizer") && !strstr(p->err, "runtime error:"), "%s",
              p->err);
}

test_process *tenon_begin(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    test_process *p = begin(-1, format, args);
    va_end(args);
    return p;
}

test_process *tenon_begin_into(int out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    test_process *p = begin(out, format, args);
    va_end(args);
    return p;
}

test_process *tenon_into(int out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    test_process *p = begin(out, format, args);
    va_end(args);
    tenon_end(p);
    return p;
}

test_process *tenon(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    test_process *p = begin(-1, format, args);
    va_end(args);
    tenon_end(p);
    return p;
}

void tenon_await(const test_process *p, const char *text, int count)
{
    char path[64];
    name_of(p, "out", path);
    for (int i = 0; i < 20000; i++) {
        char *out = text_of(path);
        int found = 0;
        for (const char *at = out; at && (at = strstr(at, text)); at++) found++;
        free(out);
        if (found >= count) return;
        nap();
    }
    kill(p->id, SIGKILL);
    cr_assert_fail("the program never said '%s' %d times", text, count);
}

void test_ended(const test_process *p, int status, ...)
{
    va_list args;
    cr_assert_eq(p->status, status, "status %d, expected %d; stderr: %s", p->status,
                 status, p->err);
    va_start(args, status);
    for (const char *text; (text = va_arg(args, const char *)) != NULL;)
        cr_assert(strstr(p->err, text), "stderr lacks '%s': %s", text, p->err);
    va_end(args);
}

void test_one_message(const test_process *p)
{
    const char *const end = strchr(p->err, '\n');
    cr_assert(!strncmp(p->err, "tenon: ", 7) && end && !end[1], "not one message: %s",
              p->err);
}

void test_write_text(const char *path, const char *format, ...)
{
    va_list args;
    FILE *file = fopen(path, "wb");
    cr_assert(file, "%s: %s", path, strerror(errno));
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fclose(file);
}

bool test_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool test_same_files(const char *a, const char *b)
{
    struct stat one, other;
    if (stat(a, &one) || stat(b, &other) || one.st_size != other.st_size) return false;
    char *x = text_of(a), *y = text_of(b);
    const bool same = x && y && memcmp(x, y, (size_t)one.st_size) == 0;
    free(x);
    free(y);
    return same;
}

/* progress.c - see progress.h. An epoch is one row of a table; within an epoch a terminal has a
 * bar, a file gets a plain line every ten seconds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/progress.h"

#define PLAIN_EVERY 10.0 /* seconds */

static double steady_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void cli_progress_start(cli_progress *p, bool json)
{
    *p = (cli_progress){.json = json, .last = steady_now()};
    p->terminal = !json && isatty(STDOUT_FILENO);
}

/* "4.2 s", "0:37", "1:02:09" */
static const char *duration(double seconds, char text[32])
{
    if (!(seconds >= 0) || seconds > 1e8) return "-";
    const long s = lround(seconds);
    if (seconds < 10)
        snprintf(text, 32, "%.1f s", seconds);
    else if (s < 3600)
        snprintf(text, 32, "%ld:%02ld", s / 60, s % 60);
    else
        snprintf(text, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return text;
}

/* ---- within an epoch --------------------------------------------------------------- */

static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20) return 80;
    return size.ws_col > 200 ? 200 : size.ws_col;
}

static double share(const tn_progress *now)
{
    if (now->steps_per_epoch < 1) return 0;
    const double part = (double)now->step / (double)now->steps_per_epoch;
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

static void facts(const tn_progress *now, char *to, size_t size)
{
    char left[32], loss[48] = "";
    for (int32_t i = 0; i < now->scores; i++)
        if (strcmp(now->score[i].name, "loss") == 0)
            snprintf(loss, sizeof loss, "  loss %.4g", now->score[i].value);
    snprintf(to, size, "%3.0f %%  %.0f samples/s  %s left%s", 100 * share(now),
             now->samples_per_second, duration(now->seconds_left, left), loss);
}

static void draw_bar(const tn_progress *now)
{
    char text[160], head[64], line[512], bar[128];
    facts(now, text, sizeof text);
    snprintf(head, sizeof head, "epoch %lld/%lld", (long long)now->epoch,
             (long long)now->epochs);
    int room = terminal_width() - (int)strlen(text) - (int)strlen(head) - 6;
    if (room > 40) room = 40;
    if (room < 5) { /* no room for a bar: the facts alone, cut to the width */
        snprintf(line, sizeof line, "%s %s", head, text);
        line[terminal_width() - 1] = 0;
        cli_bar(line);
        return;
    }
    const int done = (int)(share(now) * room);
    memset(bar, '#', (size_t)done);
    memset(bar + done, '.', (size_t)(room - done));
    bar[room] = 0;
    snprintf(line, sizeof line, "%s [%s] %s", head, bar, text);
    cli_bar(line);
}

static void plain_line(cli_progress *p, const tn_progress *now)
{
    char text[160];
    const double time = steady_now();
    if (time - p->last < PLAIN_EVERY) return;
    p->last = time;
    facts(now, text, sizeof text);
    printf("epoch %lld/%lld  %s\n", (long long)now->epoch, (long long)now->epochs, text);
}

/* ---- after an epoch ---------------------------------------------------------------- */

/* Columns are as wide as their names, and at least 9. Tables of metrics have none. */
static int column(const char *name)
{
    const int width = (int)strlen(name);
    return width < 9 ? 9 : width;
}

static void head(const tn_progress *now)
{
    char clean[128];
    printf("  epoch");
    for (int32_t i = 0; i < now->scores; i++)
        if (now->score[i].row < 0)
            printf("  %*s", column(now->score[i].name),
                   cli_clean(clean, sizeof clean, now->score[i].name, false));
    printf("  learning rate     time\n");
}

static void row(cli_progress *p, const tn_progress *now)
{
    char time[32];
    cli_bar(NULL);
    if (!p->has_head) head(now);
    p->has_head = true;
    printf("%7lld", (long long)now->epoch);
    for (int32_t i = 0; i < now->scores; i++)
        if (now->score[i].row < 0)
            printf("  %*.4g", column(now->score[i].name), now->score[i].value);
    printf("  %13.4g  %7s\n", now->learning_rate, duration(now->seconds, time));
    p->last = steady_now();
}

static void emit(const tn_progress *now, const char *event)
{
    json_object *object = cli_event(event);
    cli_json_int(object, "epoch", now->epoch);
    cli_json_int(object, "epochs", now->epochs);
    cli_json_int(object, "step", now->step);
    cli_json_int(object, "steps_per_epoch", now->steps_per_epoch);
    cli_json_scores(object, now->score, now->scores);
    cli_json_number(object, "learning_rate", now->learning_rate);
    cli_json_number(object, "seconds", now->seconds);
    cli_json_number(object, "seconds_left", now->seconds_left);
    cli_json_number(object, "samples_per_second", now->samples_per_second);
    cli_emit(object);
}

static void note(bool json, const char *text)
{
    char clean[1200];
    cli_bar(NULL);
    if (json) {
        json_object *event = cli_event("note");
        cli_json_text(event, "text", text);
        cli_emit(event);
        return;
    }
    printf("%s\n", cli_clean(clean, sizeof clean, text, false));
}

bool cli_progress_show(cli_progress *p, const tn_progress *now)
{
    if (p->json && now->kind < 2)
        emit(now, now->kind == 1 ? "epoch" : "step");
    else if (now->kind == 1)
        row(p, now);
    else if (now->kind == 0 && p->terminal)
        draw_bar(now);
    else if (now->kind == 0)
        plain_line(p, now);
    if (now->note && *now->note) note(p->json, now->note);
    return cli_flush();
}

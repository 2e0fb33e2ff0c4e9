/* trust.c - see trust.h.
 *
 * Invariant of the walk: `at` is a folder without links whose every part has been judged,
 * `rest` is what is still to be looked up in it. */
#include "core/trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as many as the Linux kernel follows */

typedef struct walk {
    const char *asked; /* for messages */
    char root[PATH_MAX];
    char at[PATH_MAX], rest[PATH_MAX];
    int32_t links;
} walk;

static bool ours(const struct stat *s)
{
    return s->st_uid == 0 || s->st_uid == geteuid();
}

static tn_status refuse(const walk *w, const char *path, const struct stat *s,
                        tn_error *e)
{
    const char *what = S_ISDIR(s->st_mode) ? "folder" : "file";
    if (!ours(s))
        return tn_error_set(e, TN_EIO,
                            "%s is not loaded: the %s %s belongs to another user "
                            "(%u); only yours and root's are trusted",
                            w->asked, what, path, (unsigned)s->st_uid);
    return tn_error_set(e, TN_EIO,
                        "%s is not loaded: others may write the %s %s; "
                        "`chmod go-w` it if you trust what is in it",
                        w->asked, what, path);
}

static tn_status failed(const walk *w, const char *path, tn_error *e)
{
    if (errno == ENOENT || errno == ENOTDIR) return TN_ENOTFOUND;
    return tn_error_set(e, TN_EIO, "%s is not loaded: %s: %s", w->asked, path,
                        strerror(errno));
}

static bool below_root(const walk *w)
{
    const size_t length = strlen(w->root);
    return !strncmp(w->at, w->root, length) && (!w->at[length] || w->at[length] == '/');
}

/* The folder `at`, in which the entry of state `entry` was found. */
static tn_status judge_folder(const walk *w, const struct stat *entry, tn_error *e)
{
    struct stat s;
    const char *folder = *w->at ? w->at : "/";
    if (stat(folder, &s)) return failed(w, folder, e);
    const bool open = (s.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (!ours(&s)) return refuse(w, folder, &s, e);
    if (!open) return TN_OK;
    if (!below_root(w) && (s.st_mode & S_ISVTX) && ours(entry)) return TN_OK;
    return refuse(w, folder, &s, e);
}

static tn_status too_long(const walk *w, tn_error *e)
{
    return tn_error_set(e, TN_EIO, "%s is not loaded: its path is too long", w->asked);
}

/* Puts what the link at `path` says in front of the rest. */
static tn_status follow(walk *w, const char *path, tn_error *e)
{
    char target[PATH_MAX], rest[PATH_MAX];
    if (++w->links > MAX_LINKS)
        return tn_error_set(e, TN_EIO, "%s is not loaded: too many symbolic links",
                            w->asked);
    const ssize_t size = readlink(path, target, sizeof target - 1);
    if (size < 0) return failed(w, path, e);
    target[size] = 0;
    const int length = snprintf(rest, sizeof rest, "%s%s%s", target, *w->rest ? "/" : "",
                                w->rest);
    if (length >= (int)sizeof rest) return too_long(w, e);
    memcpy(w->rest, rest, sizeof rest);
    if (*target == '/') *w->at = 0;
    return TN_OK;
}

/* Takes the first part off the rest; false: there is none. */
static bool next_part(walk *w, char part[PATH_MAX])
{
    const char *start = w->rest + strspn(w->rest, "/");
    const size_t size = strcspn(start, "/");
    memcpy(part, start, size);
    part[size] = 0;
    start += size;
    start += strspn(start, "/");
    memmove(w->rest, start, strlen(start) + 1);
    return size > 0;
}

static tn_status step(walk *w, const char *part, struct stat *entry, tn_error *e)
{
    char path[PATH_MAX];
    if (!strcmp(part, ".")) return TN_OK;
    if (!strcmp(part, "..")) {
        char *slash = strrchr(w->at, '/');
        if (slash) *slash = 0;
        return TN_OK;
    }
    if (snprintf(path, sizeof path, "%s/%s", w->at, part) >= (int)sizeof path)
        return too_long(w, e);
    if (lstat(path, entry)) return failed(w, path, e);
    const tn_status status = judge_folder(w, entry, e);
    if (status) return status;
    if (S_ISLNK(entry->st_mode)) return follow(w, path, e);
    memcpy(w->at, path, sizeof path);
    return TN_OK;
}

tn_status tn_trust_file(const char *folder, const char *name, char real[PATH_MAX],
                        tn_error *e)
{
    char asked[2 * PATH_MAX], part[PATH_MAX];
    struct stat entry = {0};
    walk w = {.asked = asked};
    snprintf(asked, sizeof asked, "%s/%s", folder, name);
    if (!realpath(folder, w.root)) return failed(&w, folder, e);
    if (!strcmp(w.root, "/")) *w.root = 0;
    memcpy(w.at, w.root, sizeof w.at);
    snprintf(w.rest, sizeof w.rest, "%s", name);
    tn_status status = TN_OK;
    while (!status && next_part(&w, part)) status = step(&w, part, &entry, e);
    if (status) return status;
    if (stat(w.at, &entry)) return failed(&w, w.at, e);
    if (!S_ISREG(entry.st_mode))
        return tn_error_set(e, TN_EIO, "%s is not loaded: it is not a file", asked);
    if (!ours(&entry) || (entry.st_mode & (S_IWGRP | S_IWOTH)))
        return refuse(&w, w.at, &entry, e);
    memcpy(real, w.at, sizeof w.at);
    return TN_OK;
}

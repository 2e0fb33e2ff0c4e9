/* feeding.h - datasets the way a user meets them: from a config's `data:` to batches, or
 * to a message. Paths in a config are relative to a folder of the test's own, its working
 * folder. */
#ifndef TESTS_SUPPORT_FEEDING_H
#define TESTS_SUPPORT_FEEDING_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/feed.h"
#include "support/disk.h"
#include "support/kept.h"
#include "support/opening.h"

/* Finds the build's plugins and the tests' toys; lives as long as the test's process. */
TN_UNUSED static tn_env *test_env(void)
{
    static tn_env *env;
    if (!env) env = open_env(NULL, 0);
    return env;
}

/* To a new empty folder, where everything with a relative name now is. */
TN_UNUSED static void enter_folder(void)
{
    test_env(); /* plugins are looked for from where the test began */
    cr_assert_eq(chdir(test_folder()), 0);
}

TN_UNUSED static tn_status try_feed(const char *yaml, int32_t real, uint64_t seed,
                                    tn_feed **feed, tn_error *error)
{
    tn_env *env = test_env();
    tn_config *config = kept(
        tn_config_read(&env->memory, yaml, strlen(yaml), "net.yaml", error));
    cr_assert_not_null(config, "%s", error->text);
    return tn_feed_new(env, config->root, real, seed, feed, error);
}

TN_UNUSED static tn_feed *feed_of(const char *yaml, int32_t real, uint64_t seed)
{
    tn_feed *feed = NULL;
    tn_error error = {0};
    cr_assert_eq(try_feed(yaml, real, seed, &feed, &error), TN_OK, "%s", error.text);
    return feed;
}

TN_UNUSED static tn_batch batch_of(tn_feed *feed, int32_t split, int64_t epoch,
                                   int64_t number)
{
    tn_batch batch = {0};
    tn_error error = {0};
    cr_assert_eq(tn_feed_batch(feed, split, epoch, number, &batch, &error), TN_OK, "%s",
                 error.text);
    return batch;
}

/* That the section is refused with this status and a message that begins with its place
 * and has both parts in it. */
TN_UNUSED static void refuse_data(const char *yaml, tn_status status, const char *part,
                                  const char *other)
{
    tn_feed *feed = NULL;
    tn_error error = {0};
    cr_assert_eq(try_feed(yaml, 1, 1, &feed, &error), status, "%s: status %d: %s", yaml,
                 (int)error.status, error.text);
    cr_assert_null(feed);
    cr_assert(!strncmp(error.text, "net.yaml:1:", strlen("net.yaml:1:")), "%s",
              error.text);
    cr_assert_not_null(strstr(error.text, part), "'%s' lacks '%s'", error.text, part);
    cr_assert_not_null(strstr(error.text, other), "'%s' lacks '%s'", error.text, other);
}

/* That the first training batch is refused. */
TN_UNUSED static void refuse_batch(const char *yaml, int32_t real, tn_status status,
                                   const char *part, const char *other)
{
    tn_error error = {0};
    tn_batch batch;
    tn_feed *feed = feed_of(yaml, real, 1);
    cr_assert_eq(tn_feed_batch(feed, TN_TRAIN, 0, 0, &batch, &error), status, "%s",
                 error.text);
    cr_assert_not_null(strstr(error.text, part), "'%s' lacks '%s'", error.text, part);
    cr_assert_not_null(strstr(error.text, other), "'%s' lacks '%s'", error.text, other);
    tn_feed_free(feed);
}

#endif

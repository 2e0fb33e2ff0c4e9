/* fixture.h - a file of tests/reference with cases WHAT-NUMBER, whose options are texts of that name:
 * other texts and tensors are CASE/PART. One file in a test. */
#ifndef TESTS_SUPPORT_FIXTURE_H
#define TESTS_SUPPORT_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "support/slots.h"

#include "core/model.h"

static struct {
    tn_archive archive;
    void *bytes;
} fixture;

static void fixture_close(void)
{
    tn_archive_free(test_env(), &fixture.archive, fixture.bytes);
}

TN_UNUSED static void fixture_open(const char *file)
{
    char path[4096];
    tn_error e = {0};
    const char *tests = getenv("TENON_TEST_DATA");
    cr_assert(tests, "TENON_TEST_DATA must name the folder tests");
    snprintf(path, sizeof path, "%s/reference/%s.safetensors", tests, file);
    cr_assert_eq(tn_archive_read(test_env(), path, &fixture.archive, &fixture.bytes, &e),
                 TN_OK, "%s", e.text);
    atexit(fixture_close);
}

/* The next of a plugin's cases, of which *next begins with 0; NULL: there is no more. */
TN_UNUSED static const tn_text_pair *fixture_case(const char *plugin, int64_t *next)
{
    const size_t length = strlen(plugin);
    while (*next < fixture.archive.texts) {
        const tn_text_pair *text = &fixture.archive.text[(*next)++];
        if (!strncmp(text->key, plugin, length) && text->key[length] == '-' &&
            !strchr(text->key, '/'))
            return text;
    }
    return NULL;
}

/* part "": the tensor CASE itself. NULL: there is none. */
TN_UNUSED static const tn_tensor *fixture_part(const char *name, const char *part)
{
    char key[200];
    int64_t from = 0;
    snprintf(key, sizeof key, "%s%s%s", name, *part ? "/" : "", part);
    const tn_named_tensor *found = tn_archive_find(&fixture.archive, key, &from);
    return found ? &found->tensor : NULL;
}

TN_UNUSED static const void *fixture_data(const char *name, const char *part)
{
    const tn_tensor *found = fixture_part(name, part);
    cr_assert_not_null(found, "the fixture has no %s/%s", name, part);
    return found->data;
}

TN_UNUSED static double fixture_number(const char *name, const char *part)
{
    char key[200];
    snprintf(key, sizeof key, "%s/%s", name, part);
    const char *text = tn_archive_text(&fixture.archive, key);
    cr_assert_not_null(text, "the fixture has no %s", key);
    return strtod(text, NULL);
}

#endif

/* registry.c - plugins that must be refused, and that the message says why; finding,
 * shadowing, listing. */
#include "support/plugin_folder.h"

#include <criterion/parameterized.h>
#include <link.h>

#define TN_REAL_BITS 64
#include "tenon/kinds.h"
#include "tenon/score.h"
#include "tenon/update.h"

typedef struct broken {
    char name[32], kind[16], message[200];
} broken;

static broken all_broken[] = {
    {"no_descriptor", "layer", "is no plugin of Tenon: it exports no tn_plugin_v0"},
    {"wrong_major", "layer",
     "built for version 7 of the plugin interface, this Tenon has version 0"},
    {"major_inside", "layer", "built for version 3 of the plugin interface"},
    {"newer_minor", "layer",
     "needs version 0.999 of the plugin interface, this Tenon has 0.0"},
    {"wrong_real", "layer", "its float half is built for numbers of 10 bytes, not 4"},
    {"missing_slot", "layer",
     "layer/missing_slot: the required slot .forward is missing"},
    {"no_finish", "layer", "the required slot .reduce.finish is missing"},
    {"many_sums", "layer", "the required slot .reduce.sums is missing or not valid"},
    {"over_all", "layer", "the required slot .reduce.over is missing or not valid"},
    {"starts", "layer", ".start (of parametrizations only)"},
    {"two_overs", "layer", ".back_reduce.over (other than reduce.over)"},
    {"two_sums", "optimizer", ".sum (besides reduce.add)"},
    {"no_vtable", "layer", "has no vtable, or one without struct_size"},
    {"unresolved", "layer", "undefined symbol: nobody_has_this_function"},
    {"wrong_name", "layer", "the file holds layer/other_name instead"},
    {"wrong_kind", "layer", "the file holds loss/wrong_kind instead"},
    {"empty_metadata", "layer", "its .reference is empty"},
    {"default_outside", "layer", "option 'p': the default is outside the range"},
    {"no_constructor", "layer",
     "options, a constructor or an instance, but not all three"},
};

ParameterizedTestParameters(registry, refuses)
{
    return cr_make_param_array(broken, all_broken,
                               sizeof all_broken / sizeof *all_broken);
}

ParameterizedTest(broken *b, registry, refuses)
{
    const char *folder = test_folder();
    const char *file = put_plugin(folder, "broken", b->name, b->kind, b->name);
    tn_env *env = new_env(folder);
    tn_error e = {0};
    const tn_entry *entry;
    cr_assert_eq(tn_registry_find(env->registry, b->kind, b->name, &entry, &e), TN_EABI,
                 "%s", e.text);
    cr_assert_null(entry);
    cr_assert_has(e.text, file);
    cr_assert_has(e.text, b->message);
    /* A second time it is refused just the same, with nothing of the first left
     * behind. */
    cr_assert_eq(tn_registry_find(env->registry, b->kind, b->name, &entry, NULL),
                 TN_EABI);
    cr_assert_null(entry);
    tn_env_free(env);
}

/* The first byte of a shared object behind all that the linker maps of it. */
static off_t end_of_segments(const char *file)
{
    ElfW(Ehdr) header;
    ElfW(Phdr) segment;
    off_t end = 0;
    const char *bytes = test_read(file, NULL);
    memcpy(&header, bytes, sizeof header);
    for (int i = 0; i < header.e_phnum; i++) {
        memcpy(&segment, bytes + header.e_phoff + (size_t)i * sizeof segment,
               sizeof segment);
        const off_t last = (off_t)(segment.p_offset + segment.p_filesz);
        if (last > end) end = last;
    }
    return end;
}

/* However much of a plugin a full disk or a broken copy has left. */
Test(registry, refuses_a_file_that_is_cut_off)
{
    const char *folder = test_folder();
    const char *file = put_plugin(folder, "broken", "sound", "layer", "sound");
    tn_env *env = new_env(folder);
    tn_error e = {0};
    const tn_entry *entry;
    const off_t end = end_of_segments(file);
    const off_t lengths[] = {
        0, 3, sizeof(ElfW(Ehdr)) - 1, sizeof(ElfW(Ehdr)), 200, 4096, end / 2, end - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        put_plugin(folder, "broken", "sound", "layer", "sound");
        cr_assert_eq(truncate(file, lengths[i]), 0);
        cr_assert_eq(tn_registry_find(env->registry, "layer", "sound", &entry, &e),
                     TN_EABI, "%lld bytes", (long long)lengths[i]);
        cr_assert_has(e.text, file);
        cr_assert_has(e.text, "damaged or cut off");
    }
    test_write(file, "#!/bin/sh\necho I am no library, but longer than a header is\n",
               59);
    cr_assert_eq(tn_registry_find(env->registry, "layer", "sound", &entry, &e), TN_EABI);
    cr_assert_has(e.text, "no shared object for this machine");
    put_plugin(folder, "broken", "sound", "layer", "sound");
    cr_assert_eq(tn_registry_find(env->registry, "layer", "sound", &entry, &e), TN_OK,
                 "%s", e.text);
    tn_env_free(env);
}

static const tn_entry *find(tn_env *env, const char *kind, const char *name)
{
    tn_error e = {0};
    const tn_entry *entry;
    cr_assert_eq(tn_registry_find(env->registry, kind, name, &entry, &e), TN_OK, "%s",
                 e.text);
    return entry;
}

Test(registry, finds_what_is_sound_once)
{
    const char *folder = test_folder();
    const char *file = put_plugin(folder, "broken", "sound", "layer", "sound");
    tn_env *env = new_env(folder);
    const tn_entry *entry = find(env, "layer", "sound");
    cr_assert_str_eq(entry->name, "sound");
    cr_assert_str_eq(tn_registry_file(env->registry, entry), file);
    cr_assert_eq(entry->impl[0]->real_size, 4);
    cr_assert_eq(entry->impl[1]->real_size, 8);
    cr_assert_eq(find(env, "layer", "sound"), entry);
    tn_env_free(env);
}

Test(registry, reads_no_more_than_a_plugin_states)
{
    const char *folder = test_folder();
    put_plugin(folder, "broken", "older", "layer", "older");
    put_plugin(folder, "broken", "newer", "layer", "newer");
    tn_env *env = new_env(folder);
    const tn_layer *older = find(env, "layer", "older")->impl[1]->vtable;
    cr_assert_not_null(older->forward);
    cr_assert_null(older->commit);
    cr_assert_eq(older->struct_size, sizeof(tn_layer));
    const tn_layer *newer = find(env, "layer", "newer")->impl[1]->vtable;
    cr_assert_not_null(newer->backward);
    cr_assert_eq(newer->struct_size, sizeof(tn_layer));
    tn_env_free(env);
}

static tn_error fails(tn_env *env, const char *kind, const char *name, tn_status status)
{
    tn_error e = {0};
    const tn_entry *entry;
    cr_assert_eq(tn_registry_find(env->registry, kind, name, &entry, &e), status,
                 "%s: %s", name, e.text);
    cr_assert_eq(e.status, status);
    return e;
}

Test(registry, not_found_tells_places_and_near_names)
{
    const char *folder = test_folder(), *other = test_folder();
    char path[600];
    put_plugin(folder, "broken", "sound", "layer", "sound");
    snprintf(path, sizeof path, "%s:%s", other, folder);
    tn_env *env = new_env(path);
    const tn_error e = fails(env, "layer", "suond", TN_ENOTFOUND);
    cr_assert_has(e.text, "there is no layer 'suond'; did you mean 'sound'?");
    cr_assert_has(e.text, "layer/suond.so");
    cr_assert_has(e.text, folder);
    cr_assert_has(e.text, other);
    cr_assert_has(e.text, "/plugins)"); /* Tenon's own */
    cr_assert_has(fails(env, "regularizer", "activity", TN_ENOTFOUND).text,
                  "no regularizer 'activity'; there is a layer of that name");
    /* A block may stand where a layer does, so it may have been meant. */
    cr_assert_has(fails(env, "layer", "resudual", TN_ENOTFOUND).text,
                  "did you mean 'residual'?");
    cr_assert_null(
        strstr(fails(env, "loss", "sound", TN_ENOTFOUND).text, "did you mean"));
    tn_env_free(env);
}

Test(registry, names_are_names_and_no_paths)
{
    static const char *const names[] = {"",
                                        "../layer/sound",
                                        "/etc/passwd",
                                        "a/b",
                                        "..",
                                        ".",
                                        "Sound",
                                        "1st",
                                        "_x",
                                        "a-b",
                                        "a.so",
                                        "a b",
                                        "\xc3\xa4"};
    tn_env *env = new_env(NULL);
    char longest[80];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_assert_has(fails(env, "layer", names[i], TN_EINVAL).text,
                      "cannot be the name");
    memset(longest, 'a', 64), longest[64] = 0;
    fails(env, "layer", longest, TN_EINVAL);
    longest[63] = 0;
    fails(env, "layer", longest, TN_ENOTFOUND);
    cr_assert_has(fails(env, "../layer", "dense", TN_EINVAL).text, "no kind of plugin");
    cr_assert_has(fails(env, "layers", "dense", TN_EINVAL).text, "layer");
    tn_env_free(env);
}

/* ---- order ------------------------------------------------------------------------- */

Test(registry, the_first_folder_wins)
{
    const char *first = test_folder(), *second = test_folder();
    char path[600];
    put_plugin(second, "broken", "sound", "layer", "sound");
    const char *file = put_plugin(first, "broken", "sound", "layer", "sound");
    snprintf(path, sizeof path, "%s:%s", first, second);
    *logged = 0;
    tn_env *env = new_env(path);
    cr_assert_str_eq(tn_registry_file(env->registry, find(env, "layer", "sound")), file);
    cr_assert_str_empty(logged);
    tn_env_free(env);
}

Test(registry, a_stranger_before_a_builtin_is_reported)
{
    const char *folder = test_folder();
    char own[PATH_MAX];
    mkdir(test_path(folder, "layer"), 0755);
    snprintf(own, sizeof own, "%s/layer/relu.so", getenv("TENON_TEST_PLUGINS"));
    size_t size;
    const char *bytes = test_read(own, &size);
    cr_assert_not_null(bytes, "%s", own);
    test_write(test_path(folder, "layer/relu.so"), bytes, size);
    tn_env *env = new_env(folder);
    *logged = 0;
    const tn_entry *entry = find(env, "layer", "relu");
    cr_assert_has(tn_registry_file(env->registry, entry), folder);
    cr_assert_has(logged, "2 layer/relu comes from ");
    cr_assert_has(logged, "layer/relu.so and not from Tenon's own ");
    *logged = 0;
    find(env, "layer", "relu"); /* said once */
    find(env, "layer", "tanh"); /* nothing to say */
    cr_assert_str_empty(logged);
    tn_env_free(env);
}

/* ---- everything -------------------------------------------------------------------- */

typedef struct seen {
    int count, stop_after;
    char last[160];
    bool sound, sorted;
} seen;

static int see(void *data, const tn_entry *entry, const char *file)
{
    seen *s = data;
    char name[160];
    snprintf(name, sizeof name, "%s/%s", entry->kind, entry->name);
    if (strcmp(s->last, name) >= 0) s->sorted = false;
    if (!strcmp(name, "layer/sound")) s->sound = strstr(file, "layer/sound.so") != NULL;
    memcpy(s->last, name, sizeof name);
    return ++s->count == s->stop_after;
}

Test(registry, each_is_sorted_and_reports_what_it_cannot_load)
{
    const char *folder = test_folder();
    put_plugin(folder, "broken", "sound", "layer", "sound");
    put_plugin(folder, "broken", "wrong_name", "layer", "wrong_name");
    put_plugin(folder, "broken", "sound", "layer", "Not_a_name");
    test_write(test_path(folder, "layer/torn.so"), "\177ELF", 4);
    test_write(test_path(folder, "layer/readme.txt"), "hello", 5);
    *logged = 0;
    tn_env *env = new_env(folder);
    seen s = {.sorted = true};
    cr_assert_eq(tn_registry_each(env->registry, see, &s, NULL), TN_OK);
    cr_assert(s.sound && s.sorted);
    cr_assert_gt(s.count, 10); /* Tenon's own */
    cr_assert_has(logged, "wrong_name.so: layer/wrong_name: the file holds");
    cr_assert_has(logged, "torn.so: cannot be loaded: it is no shared object");
    cr_assert_null(strstr(logged, "readme"));
    cr_assert_null(strstr(logged, "Not_a_name"));
    seen two = {.sorted = true, .stop_after = 2};
    cr_assert_eq(tn_registry_each(env->registry, see, &two, NULL), TN_OK);
    cr_assert_eq(two.count, 2);
    tn_env_free(env);
}

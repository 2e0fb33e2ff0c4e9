/* config_text.c - the text of a tree is the tree, also of trees from damaged texts. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/reading.h"
#include "support/rounds.h"

static void expect_same(const tn_cfg *a, const tn_cfg *b)
{
    cr_assert_eq(a->type, b->type);
    cr_assert_eq(a->quoted, b->quoted);
    cr_assert_eq(a->count, b->count);
    cr_assert_str_eq(a->text, b->text);
    cr_assert_eq(!a->key, !b->key);
    if (a->key) cr_assert_str_eq(a->key, b->key);
    for (int32_t i = 0; i < a->count; i++) expect_same(a->item[i], b->item[i]);
}

static void round_trip(const tn_config *config)
{
    tn_error e = {0};
    char *text = tn_config_text(&memory, config->root, &e);
    cr_assert_not_null(text, "%s", e.text);
    tn_config *again = read_text(text, &e);
    cr_assert_not_null(again, "%s in\n%s", e.text, text);
    expect_same(config->root, again->root);
    tn_config_free(again);
    tn_memory_put(&memory, text);
}

Test(config_text, the_text_is_readable)
{
    tn_config *config = read_good(
        "model: [{dense: {units: 3, name: 'a b'}}, relu, [1, []], {}]\n"
        "x:\n");
    char *text = tn_config_text(&memory, config->root, NULL);
    cr_assert_str_eq(text, "model:\n"
                           "  - dense:\n"
                           "      units: 3\n"
                           "      name: \"a b\"\n"
                           "  - relu\n"
                           "  - - 1\n"
                           "    - []\n"
                           "  - {}\n"
                           "x: \n");
    tn_memory_put(&memory, text);
    done(config);
}

static const char *const trips[] = {
    "",
    "a: b",
    "a: [[[]], {}, {b: {}}, '', \"\", ~]",
    "? - x\n",
    "a: |\n  x\n   y\n\n",
    "a: \"\\x01\\e\\u2028\\u0085\\uFEFF\\\\\\\"\"",
    "'a: b': 'c: d'",
    "\"\\n\": 1",
    "'': 1",
    "\"~\": ~",
    "a: one\n\n  two",
    "- a",
    "a: -1\nb: - ",
    "a: 'true'\nb: true",
    "\xc3\xbc: \xc3\xbc",
    "a: '# x'",
    "a: x#y\nb: x:y\nc: \"x \"\nd: [a b, 'c,d']\n",
    "1: 2\n-1: 3\n- : 4\n",
    "a: {b: *x}",
    "0: &x\n1: *x\n",
    "a: [? b, c: d]",
};

Test(config_text, reading_the_text_gives_the_same_tree)
{
    for (size_t i = 0; i < sizeof trips / sizeof trips[0]; i++) {
        tn_config *config = read_text(trips[i], NULL);
        if (!config) continue;
        round_trip(config);
        done(config);
    }
}

/* Damaged configs are refused or read, never worse; what is read survives the round
 * trip. */
Test(config_text, damaged_texts)
{
    static const char good[] =
        "seed: 7\ndata: {idx: {path: \"/usr/x y\", validation: 0.1}}\nmodel:\n  - dense: "
        "{units: 256, "
        "regularizer: {l2: {lambda: 1e-4}}}\n  - &r relu\n  - residual:\n      body: "
        "[{dense: 3}, "
        "*r, 'tanh']\n  - |\n    text\n  - >\n    folded\n    text\ninit: ~ # comment\n";
    static const char marks[] = "{}[]:,-&*!|>'\"%@`#?\\ \n\t0aA~.\x80";
    char text[sizeof good];
    uint32_t state = 1;
    const int rounds = (int)test_rounds(8000, 400000);
    int read = 0;
    for (int i = 0; i < rounds; i++) {
        memcpy(text, good, sizeof good);
        for (int j = 0; j <= i % 3; j++) {
            state = state * 1664525u + 1013904223u;
            text[(state >> 8) % (sizeof good - 1)] =
                marks[(state >> 24) % (sizeof marks - 1)];
        }
        tn_config *config = read_text(text, NULL);
        if (!config) continue;
        read++;
        round_trip(config);
        done(config);
    }
    cr_assert(read > rounds / 8 && read < rounds - rounds / 80, "%d", read);
}

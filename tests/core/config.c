/* config.c - YAML as a tree: what is where, what is refused and with which words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/env.h"
#include "support/disk.h"
#include "support/reading.h"

static void expect_text(const tn_cfg *cfg, const char *text, bool quoted)
{
    cr_assert_not_null(cfg);
    cr_assert_eq(cfg->type, TN_CFG_SCALAR);
    cr_assert_str_eq(cfg->text, text);
    cr_assert_eq(cfg->quoted, quoted, "%s", text);
}

static void expect_place(const tn_cfg *cfg, int line, int column)
{
    cr_assert_eq(cfg->line, line, "line %d", cfg->line);
    cr_assert_eq(cfg->column, column, "column %d", cfg->column);
    cr_assert_str_eq(cfg->file, "net.yaml");
}

/* ---- trees ----------------------------------------------------------------------- */

Test(config, a_model_as_a_tree_with_its_places)
{
    tn_config *config = read_good("seed: 7\n"
                                  "model:\n"
                                  "  - dense: {units: 256, name: \"in\"}\n"
                                  "  - relu\n"
                                  "  - 'quoted'\n"
                                  "  - residual:\n"
                                  "      body: [{dense: 3}, tanh]\n");
    const tn_cfg *root = config->root, *model = tn_cfg_get(root, "model");
    cr_assert_eq(root->count, 2);
    expect_text(tn_cfg_get(root, "seed"), "7", false);
    expect_place(tn_cfg_get(root, "seed"), 1, 1);
    cr_assert_eq(model->type, TN_CFG_LIST);
    cr_assert_eq(model->count, 4);
    expect_place(model, 2, 1);
    const tn_cfg *dense = tn_cfg_get(model->item[0], "dense");
    expect_place(dense, 3, 5);
    expect_place(tn_cfg_get(dense, "units"), 3, 13);
    expect_text(tn_cfg_get(dense, "name"), "in", true);
    expect_text(model->item[1], "relu", false);
    expect_place(model->item[1], 4, 5);
    expect_place(model->item[2], 5, 5);
    const tn_cfg *body = tn_cfg_get(tn_cfg_get(model->item[3], "residual"), "body");
    expect_place(body, 7, 7);
    expect_place(body->item[1], 7, 26);
    cr_assert_null(tn_cfg_get(root, "sed"));
    cr_assert_null(tn_cfg_get(model, "dense"));
    cr_assert_null(tn_cfg_get(NULL, "dense"));
    done(config);
}

static const char *const empty[] = {"",   "\n\n", "# a comment\n", "---\n",
                                    "{}", "~\n",  "---\n...\n"};

Test(config, nothing_is_an_empty_map)
{
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        tn_config *config = read_good(empty[i]);
        cr_assert_eq(config->root->type, TN_CFG_MAP);
        cr_assert_eq(config->root->count, 0);
        done(config);
    }
}

Test(config, texts_in_all_styles)
{
    tn_config *config = read_good(
        "\xef\xbb\xbf"
        "a: \"x\\ty\\u00e9\"\nb: 'it''s'\nc: |\n  one\n  two\n"
        "d: >-\n  one\n  two\ne: one\n  two\nf:\ng: Gr\xc3\xbc\xc3\x9f"
        "e\r\nh: a b # comment\n");
    const tn_cfg *root = config->root;
    expect_text(tn_cfg_get(root, "a"), "x\ty\xc3\xa9", true);
    expect_text(tn_cfg_get(root, "b"), "it's", true);
    expect_text(tn_cfg_get(root, "c"), "one\ntwo\n", true);
    expect_text(tn_cfg_get(root, "d"), "one two", true);
    expect_text(tn_cfg_get(root, "e"), "one two", false);
    expect_text(tn_cfg_get(root, "f"), "", false);
    expect_text(tn_cfg_get(root, "g"),
                "Gr\xc3\xbc\xc3\x9f"
                "e",
                true);
    expect_text(tn_cfg_get(root, "h"), "a b", false);
    done(config);
}

Test(config, aliases_are_copies)
{
    tn_config *config = read_good("a: &x {lr: 1}\nb: *x\nc: [*x, &k n, *k]\n&x d: *x\n");
    const tn_cfg *root = config->root, *b = tn_cfg_get(root, "b");
    expect_text(tn_cfg_get(b, "lr"), "1", false);
    cr_assert_neq(tn_cfg_get(b, "lr"), tn_cfg_get(tn_cfg_get(root, "a"), "lr"));
    expect_place(b, 2, 1);
    expect_place(tn_cfg_get(b, "lr"), 1, 8);
    const tn_cfg *c = tn_cfg_get(root, "c");
    expect_place(c->item[0], 3, 5);
    expect_text(c->item[2], "n", false);
    expect_text(tn_cfg_get(root, "d"), "d", false); /* the newest &x */
    done(config);
}

/* ---- what is refused ------------------------------------------------------------- */

typedef struct refusal {
    const char *text, *message; /* the message begins so */
} refusal;

static const refusal refusals[] = {
    {"a: [1, 2\nb: 3\n",
     "net.yaml:3:1: not valid YAML: flow sequence without a closing bracket"},
    {"a: {b: 1\nc: 2\n", "net.yaml:2:2: not valid YAML: missing comma in flow mapping"},
    {"a: [\n", "net.yaml:2:1: not valid YAML: flow sequence without a closing bracket"},
    {"a: \"x\n",
     "net.yaml:1:5: not valid YAML: double-quoted scalar without closing quote"},
    {"a:\n\t- b\n",
     "net.yaml:2:1: not valid YAML: tab character may not be used as indentation"},
    {"a: 1\n b: 2\n", "net.yaml:1:4: not valid YAML: invalid multiline plain key"},
    {"seed:1\ndata: 2\n",
     "net.yaml:1:1: not valid YAML: invalid multiline plain key; is a space missing "
     "behind ':', or a line indented too far?"},
    {"a: {lr:1e-2}\n", "net.yaml:1:5: 'lr:1e-2': a space is missing behind ':'"},
    {"a: b: c\n", "net.yaml:1:"},
    {"a: 1\n- b\n", "net.yaml:2:1: not valid YAML: did not find expected key"},
    {"a: }\n", "net.yaml:1:4: not valid YAML: "},
    {"a: @x\n", "net.yaml:1:4: not valid YAML: "},
    {"a: \"\\q\"\n", "net.yaml:1:"},
    {"a: 1\nb: 2\na: 3\n",
     "net.yaml:3:1: 'a' is here for the second time, the first is at line 1, "
     "column 1; keep one"},
    {"x: {lr: 1, \"lr\": 2}\n",
     "net.yaml:1:12: 'lr' is here for the second time, the first is at "
     "line 1, column 5"},
    {"- a\n- b\n", "net.yaml:1:1: expected a map ('model: ...' and so on), got a list"},
    {"hello\n",
     "net.yaml:1:1: expected a map ('model: ...' and so on), got a single value"},
    {"a: 1\n---\nb: 2\n",
     "net.yaml:2:1: a second document begins here; there may be only one"},
    {"a: 1\n...\nb: 2\n", "net.yaml:2:1: a second document begins here"},
    {"a: *x\n", "net.yaml:1:4: *x: there is no &x before this"},
    {"a: &x [1, *x]\n", "net.yaml:1:11: *x stands inside its own &x"},
    {"a: !!str 5\n",
     "net.yaml:1:10: tags (!name) are not supported; put a text in quotes"},
    {"a: !foo [1]\n", "net.yaml:1:9: tags (!name) are not supported"},
    {"? [a]\n: b\n", "net.yaml:1:3: a key must be a text, not a list or map"},
    {": b\n", "net.yaml:1:1: a key is missing before ':'"},
    {"a: \"x\\0y\"\n", "net.yaml:1:4: a text may not hold the character \\0"},
    {"a: b\xff"
     "c\n",
     "net.yaml:1:5: byte 0xff is not UTF-8; save the file as UTF-8"},
    {"\xff\xfe"
     "a\n",
     "net.yaml:1:1: byte 0xff is not UTF-8"},
    {"a: \xc0\xaf\n", "net.yaml:1:4: byte 0xc0 is not UTF-8"},
    {"a: 1\n\xc3\xbc: \x1b[31m\n", "net.yaml:2:4: control character U+001B; remove it"},
    {"a: \xc2\x9b\n", "net.yaml:1:4: control character U+009B"},
};

Test(config, refusals_say_where_and_why)
{
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        tn_error e = {0};
        cr_assert_null(read_text(refusals[i].text, &e), "%s", refusals[i].text);
        cr_assert_eq(e.status, TN_EINVAL);
        cr_assert_eq(strncmp(e.text, refusals[i].message, strlen(refusals[i].message)), 0,
                     "got '%s', expected '%s'", e.text, refusals[i].message);
        cr_assert_eq(memory.used, 0);
        cr_assert_null(read_text(refusals[i].text, NULL));
    }
}

Test(config, a_zero_byte_is_refused)
{
    tn_error e;
    cr_assert_null(tn_config_read(&memory, "a: 1\nb\0: 2\n", 11, "net.yaml", &e));
    cr_assert_str_eq(e.text, "net.yaml:2:2: control character U+0000; remove it");
}

Test(config, nothing_is_printed)
{
    const char *path = test_path(test_folder(), "output");
    size_t size;
    cr_assert_not_null(freopen(path, "w", stderr));
    cr_assert_eq(dup2(fileno(stderr), 1), 1);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        tn_config_free(read_text(refusals[i].text, NULL));
    fflush(stderr);
    fflush(stdout);
    cr_assert_not_null(test_read(path, &size));
    cr_assert_eq(size, 0);
}

/* ---- limits ---------------------------------------------------------------------- */

/* head, count times unit, tail */
static const char *repeat(const char *head, const char *unit, size_t count,
                          const char *tail)
{
    static char *text;
    const size_t step = strlen(unit), start = strlen(head);
    free(text);
    text = malloc(start + step * count + strlen(tail) + 1);
    strcpy(text, head);
    for (size_t i = 0; i < count; i++) memcpy(text + start + i * step, unit, step);
    strcpy(text + start + step * count, tail);
    return text;
}

static void expect_limit(const char *text, const char *message)
{
    tn_error e = {0};
    cr_assert_null(read_text(text, &e));
    cr_assert_not_null(strstr(e.text, message), "%s", e.text);
    cr_assert_eq(memory.used, 0);
}

Test(config, depth)
{
    char close[100] = {0};
    memset(close, ']', 63);
    done(read_good(repeat("a: ", "[", 63, close)));
    expect_limit(repeat("a: ", "[", 64, "]"), "nested more than 64 deep");
    expect_limit(repeat("a: ", "[", 1000000, ""), "nested more than 64 deep");
    expect_limit(repeat("", "- ", 1000000, "a"), "nested more than 64 deep");
    expect_limit(repeat("", "? ", 1000000, "a"), "");
    char text[400], open[41] = {0};
    memset(open, '[', 40);
    close[40] = 0;
    snprintf(text, sizeof text, "a: &x %s%s\nb: %s*x%s\n", open, close, open, close);
    expect_limit(text, "net.yaml:2:44: lists and maps are nested more than 64 deep");
}

Test(config, nodes)
{
    done(read_good(repeat("a: [", "1,", 99990, "]")));
    expect_limit(repeat("a: [", "1,", 100000, "]"), "more than 100000 values");
}

Test(config, a_billion_laughs_stop_early)
{
    static const char text[] = "a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
                               "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                               "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
                               "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                               "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
                               "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
                               "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    expect_limit(text, "net.yaml:5:");
    expect_limit(text,
                 "more than 100000 values, aliases counted as often as they are used");
    cr_assert(memory.peak < 64u << 20);
}

Test(config, anchors_keys_and_size)
{
    expect_limit(repeat("a: [", "&x 1,", 1001, "]"), "more than 1000 anchors");
    done(read_good(repeat("", "k", 128, ": 1")));
    expect_limit(repeat("", "k", 129, ": 1"), "a key may have 128 bytes");
    expect_limit(repeat("# ", "x", 16 << 20, ""),
                 "more than the 16777216 a config may have");
}

Test(config, many_keys_are_compared_fast)
{
    char *text = malloc(49000 * 12), *end = text;
    for (int i = 0; i < 49000; i++) end += sprintf(end, "k%d: 1\n", i);
    done(read_good(text));
    sprintf(end, "k77: 2\n");
    expect_limit(
        text,
        "net.yaml:49001:1: 'k77' is here for the second time, the first is at line 78,");
    free(text);
}

Test(config, the_memory_limit_is_an_error)
{
    const char *text = repeat("a: [", "1,", 1000, "]");
    tn_error e;
    tn_config *config = NULL;
    for (memory.limit = 100; !config; memory.limit += 1000) {
        config = read_text(text, &e);
        if (config) break;
        cr_assert_eq(e.status, TN_ENOMEM, "%s", e.text);
        cr_assert_eq(memory.used, 0);
    }
    done(config);
}

/* ---- through tenon.h ------------------------------------------------------------- */

Test(config, load_and_parse_with_sets)
{
    tn_env env = {0};
    tn_error e = {0};
    const char *path = test_path(test_folder(), "net.yaml");
    const char *const sets[] = {"a.b=2", "c=[x]"}, *const bad[] = {"a.b=2", "a.b.c=3"};
    test_write(path, "a: {b: 1}\n", 10);
    tn_config *config = tn_config_load(&env, path, sets, 2, &e);
    cr_assert_not_null(config, "%s", e.text);
    expect_text(tn_cfg_get(tn_cfg_get(config->root, "a"), "b"), "2", false);
    cr_assert_eq(config->env, &env);
    tn_config_free(config);
    config = tn_config_parse(&env, "a: {b: 1}\n", "inline", NULL, 0, &e);
    cr_assert_str_eq(config->root->file, "inline");
    tn_config_free(config);
    cr_assert_null(tn_config_load(&env, path, bad, 2, &e));
    cr_assert_eq(strncmp(e.text, "--set a.b.c=3: ", 15), 0, "%s", e.text);
    cr_assert_null(tn_config_load(&env, "no.yaml", NULL, 0, &e));
    cr_assert_str_eq(e.text, "no.yaml: no such file");
    cr_assert_eq(env.memory.used, 0);
    tn_config_free(NULL);
}

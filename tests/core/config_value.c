/* config_value.c - scalars as numbers and truth, unknown keys, nearest names. */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/disk.h"
#include "support/reading.h"

static const tn_cfg *one_value(tn_config **config, const char *text)
{
    char line[200];
    snprintf(line, sizeof line, "epochs: %s\n", text);
    *config = read_good(line);
    return tn_cfg_get((*config)->root, "epochs");
}

typedef struct number {
    const char *text;
    double value;
} number;

static const number reals[] = {
    {"1", 1},
    {"-1.5", -1.5},
    {"1e-3", 1e-3},
    {".5", .5},
    {"5.", 5},
    {"+2E+3", 2000},
    {"0x10", 16},
    {"0o17", 15},
    {"007", 7},
    {".inf", INFINITY},
    {"-.INF", -INFINITY},
    {"0.1", 0.1},
    {"-0", -0.0},
    {"1e-400", 0},
    {"18446744073709551616", 18446744073709551616.0},
    {"1.7976931348623157e308", 1.7976931348623157e308},
};
static const char *const no_reals[] = {
    "ten",   "1e",
    "1e+",   ".",
    "--1",   "e5",
    "1.5.2", "inf",
    "nan",   "0x",
    "0xg",   "0b1",
    "1_000", "1,5",
    "'1'",   "\"2\"",
    "[1]",   "{a: 1}",
    "",      "~",
    "1e999", "0x10000000000000000",
    "1 2",   "true",
};

Test(config_value, reals)
{
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        tn_config *config;
        double got = 77;
        cr_assert_eq(tn_cfg_real(one_value(&config, reals[i].text), &got, NULL), TN_OK);
        cr_assert_eq(memcmp(&got, &reals[i].value, sizeof got), 0, "%s", reals[i].text);
        done(config);
    }
    tn_config *config;
    double got = 77;
    cr_assert_eq(tn_cfg_real(one_value(&config, ".NaN"), &got, NULL), TN_OK);
    cr_assert(isnan(got));
    done(config);
}

Test(config_value, what_is_no_real)
{
    for (size_t i = 0; i < sizeof no_reals / sizeof no_reals[0]; i++) {
        tn_config *config;
        tn_error e = {0};
        double got = 77;
        cr_assert_eq(tn_cfg_real(one_value(&config, no_reals[i]), &got, &e), TN_EINVAL,
                     "%s", no_reals[i]);
        cr_assert_eq(strncmp(e.text, "net.yaml:1:1: epochs: expected a number", 39), 0,
                     "%s", e.text);
        cr_assert_eq(got, 77);
        done(config);
    }
}

/* A process may have set any locale; one with a decimal comma must change nothing. The
 * test makes that locale where it can (localedef is not everywhere). */
Test(config_value, reals_do_not_depend_on_the_locale)
{
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                         "de_DE"};
    const char *folder = test_folder();
    char command[1000];
    snprintf(command, sizeof command,
             "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1", folder);
    if (!system(command)) setenv("LOCPATH", folder, 1);
    bool found = false;
    for (size_t i = 0; !found && i < sizeof commas / sizeof commas[0]; i++)
        found = setlocale(LC_ALL, commas[i]) && *localeconv()->decimal_point == ',';
    if (!found) cr_skip("there is no locale with a decimal comma");
    tn_config *config;
    double got = 0;
    cr_assert_eq(tn_cfg_real(one_value(&config, "2.75"), &got, NULL), TN_OK);
    cr_assert_eq(got, 2.75);
    done(config);
}

typedef struct whole {
    const char *text;
    int64_t lo, hi, value;
} whole;

static const whole wholes[] = {
    {"10", 0, 10, 10},
    {"-3", -3, 3, -3},
    {"+4", 0, 9, 4},
    {"0x1F", 0, 99, 31},
    {"0o17", 0, 99, 15},
    {"010", 0, 99, 10},
    {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX},
    {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN},
};

typedef struct bad_whole {
    const char *text;
    int64_t lo, hi;
    const char *message;
} bad_whole;

static const bad_whole bad_wholes[] = {
    {"ten", 0, 9, "expected a whole number, got 'ten'"},
    {"1.5", 0, 9, "expected a whole number, got '1.5'"},
    {"1e3", 0, 9999, "expected a whole number, got '1e3'"},
    {"'3'", 0, 9, "expected a whole number, got the text \"3\""},
    {"", 0, 9, "expected a whole number, got nothing"},
    {"[3]", 0, 9, "expected a whole number, got a list"},
    {"{a: 3}", 0, 9, "expected a whole number, got a map"},
    {"10", 0, 9, "expected a whole number from 0 to 9, got '10'"},
    {"0", 1, INT64_MAX, "expected a whole number from 1 up, got '0'"},
    {"6", INT64_MIN, 5, "expected a whole number up to 5, got '6'"},
    {"9223372036854775808", INT64_MIN, INT64_MAX,
     "expected a whole number from -9223372036854775808 to 9223372036854775807, got '92"},
    {"18446744073709551615", 0, INT64_MAX,
     "expected a whole number from 0 to 9223372036854775807, got '18446744073709551615'"},
    {"-9223372036854775809", INT64_MIN, 5,
     "expected a whole number from -9223372036854775808 to 5, got '-92"},
    {"--1", -9, 9, "expected a whole number, got the text \"--1\""},
    {"0x-1", -9, 9, "expected a whole number, got '0x-1'"},
    {"0o8", -9, 9, "expected a whole number, got '0o8'"},
};

Test(config_value, whole_numbers)
{
    for (size_t i = 0; i < sizeof wholes / sizeof wholes[0]; i++) {
        tn_config *config;
        tn_error e = {0};
        int64_t got = 77;
        cr_assert_eq(tn_cfg_int(one_value(&config, wholes[i].text), wholes[i].lo,
                                wholes[i].hi, &got, &e),
                     TN_OK, "%s", e.text);
        cr_assert_eq(got, wholes[i].value);
        done(config);
    }
    for (size_t i = 0; i < sizeof bad_wholes / sizeof bad_wholes[0]; i++) {
        const bad_whole *bad = &bad_wholes[i];
        tn_config *config;
        tn_error e = {0};
        int64_t got = 77;
        cr_assert_eq(
            tn_cfg_int(one_value(&config, bad->text), bad->lo, bad->hi, &got, &e),
            TN_EINVAL);
        cr_assert_eq(strncmp(e.text, "net.yaml:1:1: epochs: ", 22), 0);
        cr_assert_eq(strncmp(e.text + 22, bad->message, strlen(bad->message)), 0, "%s",
                     e.text);
        cr_assert_eq(got, 77);
        done(config);
    }
}

Test(config_value, truth_and_nothing)
{
    static const char *const words[] = {"true", "false", "TRUE",   "False",
                                        "yes",  "1",     "'true'", "on"};
    static const int expected[] = {1, 0, 1, 0, -1, -1, -1, -1};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        tn_config *config;
        tn_error e;
        int32_t got = -1;
        const tn_status status = tn_cfg_bool(one_value(&config, words[i]), &got, &e);
        cr_assert_eq(status == TN_OK, expected[i] >= 0);
        cr_assert_eq(got, expected[i]);
        if (status)
            cr_assert_not_null(strstr(e.text, "epochs: expected true or false, got "));
        done(config);
    }
    static const char *const nothing[] = {"", "~", "null", "'~'", "none", "[]"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        tn_config *config;
        cr_assert_eq(tn_cfg_null(one_value(&config, nothing[i])), i < 3);
        done(config);
    }
}

Test(config_value, unknown_keys_with_the_nearest)
{
    static const char *const allowed[] = {"units", "name", "init", NULL};
    tn_config *config = read_good("units: 3\nuntis: 4\n");
    tn_error e;
    cr_assert_eq(tn_cfg_only(config->root, allowed, &e), TN_EINVAL);
    cr_assert_str_eq(e.text,
                     "net.yaml:2:1: unknown key 'untis'; did you mean 'units'?; allowed: "
                     "units, name, init");
    done(config);
    config = read_good("a:\nb: 3\nc: {init: 1}\nd: {zzz: 1}\n");
    cr_assert_eq(tn_cfg_only(config->root->item[0], allowed, &e), TN_OK);
    cr_assert_eq(tn_cfg_only(config->root->item[1], allowed, &e), TN_EINVAL);
    cr_assert_str_eq(e.text, "net.yaml:2:1: b: expected a map ('key: value'), got '3'");
    cr_assert_eq(tn_cfg_only(config->root->item[2], allowed, &e), TN_OK);
    cr_assert_eq(tn_cfg_only(config->root->item[3], allowed, &e), TN_EINVAL);
    cr_assert_str_eq(e.text,
                     "net.yaml:4:5: unknown key 'zzz'; allowed: units, name, init");
    done(config);
}

typedef struct near {
    const char *word, *name;
} near;

Test(config_value, nearest_names)
{
    static char endless[100000];
    memset(endless, 'a', sizeof endless - 1);
    static const char *const names[] = {"dense",   "batch_norm", "relu",
                                        "dropout", "l2",         "lr"};
    static const near cases[] = {
        {"dense", "dense"},
        {"dens", "dense"},
        {"desne", "dense"},
        {"batchnorm", "batch_norm"},
        {"rleu", "relu"},
        {"drop_out", "dropout"},
        {"l1", "l2"},
        {"xyz", NULL},
        {"", NULL},
        {"x", NULL},
        {"convolution", NULL},
        {"Dense", "dense"},
        {"L2", "l2"},
        {"BATCHNORM", "batch_norm"},
        {"learning_rate", "lr"},
        {"Linear", "dense"},
        {"swish", NULL},
        {"dnses", "dense"},
        {"dnsx", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *got = tn_nearest(cases[i].word, names, 6);
        if (cases[i].name && got)
            cr_assert_str_eq(got, cases[i].name, "%s", cases[i].word);
        cr_assert_eq(!got, !cases[i].name, "%s %s", cases[i].word, got ? got : "none");
    }
    cr_assert_null(tn_nearest(endless, names, 6));
    cr_assert_null(tn_nearest("dense", NULL, 0));
}

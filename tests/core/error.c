/* error.c - messages are one clean line, whatever goes in. */
#include "core/error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(error, set_fills_status_and_text_and_returns_the_status)
{
    tn_error e;
    cr_assert_eq(tn_error_set(&e, TN_ESHAPE, "%s: %d", "net.yaml", 3), TN_ESHAPE);
    cr_assert_eq(e.status, TN_ESHAPE);
    cr_assert_str_eq(e.text, "net.yaml: 3");
}

Test(error, may_be_null)
{
    cr_assert_eq(tn_error_set(NULL, TN_EIO, "x"), TN_EIO);
    cr_assert_neq(tn_error_in(NULL, "x"), TN_OK);
}

Test(error, in_puts_the_place_in_front)
{
    tn_error e;
    tn_error_set(&e, TN_EIO, "disk full");
    cr_assert_eq(tn_error_in(&e, "%s/%s", "run", "model"), TN_EIO);
    cr_assert_str_eq(e.text, "run/model: disk full");
    cr_assert_eq(e.status, TN_EIO);
}

Test(error, own_text_can_be_an_argument)
{
    tn_error e;
    tn_error_set(&e, TN_EIO, "inner");
    tn_error_set(&e, TN_EINVAL, "outer (%s)", e.text);
    cr_assert_str_eq(e.text, "outer (inner)");
}

typedef struct cleaning {
    const char *in, *out;
} cleaning;

static const cleaning cleanings[] = {
    {"a\nb\tc\x7f", "a?b?c?"},
    {"\x1b[31mred", "?[31mred"},
    {"Gr\xc3\xb6\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x99\x82",
     "Gr\xc3\xb6\xc3\x9f"
     "e \xe2\x82\xac \xf0\x9f\x99\x82"},
    {"c1 \xc2\x9b"
     "31m",
     "c1 ?31m"}, /* U+009B is a terminal's CSI */
    {"raw \x9b"
     "31m",
     "raw ?31m"},
    {"\xff\xfe", "??"},
    {"cut \xe2\x82", "cut ??"},
    {"overlong \xc0\xaf", "overlong ??"},
    {"surrogate \xed\xa0\x80", "surrogate ???"},
    {"beyond \xf4\x90\x80\x80", "beyond ????"},
    {"", ""},
};

Test(error, control_characters_and_broken_utf8_become_question_marks)
{
    for (size_t i = 0; i < sizeof cleanings / sizeof cleanings[0]; i++) {
        tn_error e;
        tn_error_set(&e, TN_EDATA, "%s", cleanings[i].in);
        cr_assert_str_eq(e.text, cleanings[i].out);
        tn_error_set(&e, TN_EDATA, "text");
        tn_error_in(&e, "%s", cleanings[i].in);
        cr_assert_eq(strncmp(e.text, cleanings[i].out, strlen(cleanings[i].out)), 0);
    }
}

Test(error, a_text_that_does_not_fit_ends_in_dots_between_characters)
{
    char text[3000];
    for (size_t lead = 0; lead < 4; lead++) {
        tn_error e;
        memset(text, 'a', lead);
        for (size_t i = lead; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        tn_error_set(&e, TN_EDATA, "%s", text);
        const size_t length = strlen(e.text);
        cr_assert(length < sizeof e.text && length > sizeof e.text - 8);
        cr_assert_str_eq(e.text + length - 3, "...");
        cr_assert_null(strchr(e.text, '?'));
    }
}

Test(error, a_text_that_just_fits_is_whole)
{
    tn_error e;
    char text[sizeof e.text + 1];
    for (size_t length = sizeof e.text - 5; length <= sizeof e.text; length++) {
        memset(text, 'x', length);
        text[length] = 0;
        tn_error_set(&e, TN_EDATA, "%s", text);
        if (length < sizeof e.text)
            cr_assert_str_eq(e.text, text);
        else
            cr_assert_str_eq(e.text + strlen(e.text) - 3, "...");
    }
}

Test(error, places_pile_up_without_overflow)
{
    tn_error e;
    tn_error_set(&e, TN_EDATA, "cause");
    for (int i = 0; i < 300; i++) tn_error_in(&e, "place %d", i);
    cr_assert(strlen(e.text) < sizeof e.text);
    cr_assert_str_eq(e.text + strlen(e.text) - 3, "...");
    cr_assert_eq(strncmp(e.text, "place 299: place 298: ", 22), 0);
}

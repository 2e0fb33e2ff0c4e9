/* An installed library that has been moved: its plugins are those beside it. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/process.h"

TestSuite(installed, .init = test_start_in_folder, .timeout = 60);

static void shell(const char *format, const char *with)
{
    char command[9000];
    snprintf(command, sizeof command, format, with);
    cr_assert_eq(system(command), 0, "%s", command);
}

Test(installed, plugins_are_found_beside_the_library)
{
    char here[PATH_MAX], lib[PATH_MAX + 8];
    cr_assert_not_null(getcwd(here, sizeof here));
    snprintf(lib, sizeof lib, "%s/lib", here);
    shell("mkdir -p lib/tenon/plugins/backend && cp %s/backend/blis.so "
          "lib/tenon/plugins/backend",
          getenv("TENON_TEST_PLUGINS"));
    shell("cp $(dirname %s)/../core/libtenon.so.0 lib", getenv("TENON_TEST_PROGRAM"));
    setenv("LD_LIBRARY_PATH", lib, 1); /* before the program's own RUNPATH */
    const test_process *p = tenon("plugins");
    test_ended(p, 0, NULL);
    cr_assert(strstr(p->out, "backend/blis "), "%s", p->out);
    cr_assert(strstr(p->out, "/lib/tenon/plugins/backend/blis.so"), "%s", p->out);
    cr_assert_null(strstr(p->out, "layer/dense"), "not those of the build: %s", p->out);
}

/* options.c - the command line: one table of options, from which parsing and --help both come.
 *
 * Invariant: what cli_parse lets through is complete and in range; commands check only what
 * needs files. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/nearest.h"

typedef struct flag {
    const char *name;
    char letter; /* how commands name it; only 'o' and 'h' are short options */
    const char *value, *help;
} flag;

static const flag flags[] = {
    {"set", 's', "KEY=VALUE",
     "override a value of the config: --set optimizer.sgd.lr=0.1"},
    {"out", 'o', "PATH", "where to write"},
    {"resume", 'r', "DIR", "go on with the run in this folder"},
    {"data", 'd', "CONFIG", "a config whose data section to use"},
    {"split", 'p', "NAME", "train, validation or test (default: test)"},
    {"threads", 't', "N", "threads to use (default: one per core)"},
    {"steps", 'n', "N", "training steps to make (default: about a second's)"},
    {"batch", 'b', "N",
     "samples of a step, where the config names no data (default: 32)"},
    {"time-first", 'i', "NAME", "the input whose file holds (steps, samples, ...)"},
    {"mc-dropout", 'c', "N", "N passes with dropout on: mean and standard deviation"},
    {"seed", 'e', "N", "which numbers these passes draw (default: the model's seed)"},
    {"max-memory", 'm', "SIZE", "limit on memory, such as 512M or 2G"},
    {"plugin-path", 'l', "DIRS", "folders of plugins, searched first, separated by ':'"},
    {"allow-foreign", 'f', "LIBS",
     "shared libraries that may be called, separated by ':'"},
    {"json", 'j', NULL, "print one JSON object a line"},
    {"help", 'h', NULL, "print this help"},
    {"version", 'V', NULL, "print the version"},
};
enum { FLAGS = sizeof flags / sizeof flags[0] };

__attribute__((format(printf, 2, 3))) static int misuse(const cli_options *o,
                                                        const char *format, ...)
{
    char text[512], line[700];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(line, sizeof line, "%s (see tenon %s%s--help)", text,
             o->command ? o->command->name : "", o->command ? " " : "");
    cli_complain(line);
    return CLI_USAGE;
}

static bool takes(const cli_command *command, char letter)
{
    return letter == 'h' ||
           (command ? strchr(command->flags, letter) != NULL : letter == 'V');
}

static int help_of(const cli_command *command)
{
    printf("usage: tenon %s%s%s [options]\n\n%s\n%s\noptions:\n", command->name,
           *command->operands ? " " : "", command->operands, command->summary,
           command->about);
    for (int i = 0; i < FLAGS; i++) {
        char name[64];
        if (!takes(command, flags[i].letter)) continue;
        snprintf(name, sizeof name, "%s--%s%s%s", flags[i].letter == 'o' ? "-o, " : "",
                 flags[i].name, flags[i].value ? " " : "",
                 flags[i].value ? flags[i].value : "");
        printf("  %-24s %s\n", name, flags[i].help);
    }
    return CLI_DONE;
}

static int help(void)
{
    printf("usage: tenon COMMAND ...\n\n"
           "Trains, evaluates and runs neural networks made of plugins.\n\ncommands:\n");
    for (const cli_command *c = cli_commands; c->name; c++)
        printf("  %-11s %s\n", c->name, c->summary);
    printf(
        "\n`tenon COMMAND --help` tells more; `tenon --version` prints the version.\n");
    return CLI_DONE;
}

static bool count_of(const char *text, long most, int32_t *out)
{
    char *end;
    errno = 0;
    const long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < 1 || n > most) return false;
    *out = (int32_t)n;
    return true;
}

/* Digits and at most one of K, M, G, T (powers of 1024). */
static bool size_of(const char *text, size_t *out)
{
    static const char units[] = "KMGT";
    char *end;
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, 10);
    if (errno || n == 0) return false;
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (*end && (!unit || end[1])) return false;
    const int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if (n > SIZE_MAX >> shift) return false;
    *out = (size_t)n << shift;
    return true;
}

static bool seed_of(const char *text, uint64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, 10);
    if (*end || errno) return false;
    *out = n;
    return true;
}

static bool split_of(const char *text, int32_t *out)
{
    static const char *const names[] = {"train", "validation", "test"};
    for (int32_t i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* CLI_GO_ON or an exit status. */
static int take(cli_options *o, char letter, const char *value)
{
    switch (letter) {
    case 's':
        if (!strchr(value, '='))
            return misuse(o, "--set: expected KEY=VALUE, got '%s'", value);
        o->set[o->sets++] = value;
        break;
    case 'o': o->out = value; break;
    case 'r': o->resume = value; break;
    case 'd': o->data = value; break;
    case 'l': o->plugin_path = value; break;
    case 'f': o->foreign = value; break;
    case 'j': o->json = true; break;
    case 'p':
        if (!split_of(value, &o->split))
            return misuse(o, "--split: expected train, validation or test, got '%s'",
                          value);
        break;
    case 't':
        if (!count_of(value, 1024, &o->threads))
            return misuse(o, "--threads: expected a number from 1 to 1024, got '%s'",
                          value);
        break;
    case 'n':
        if (!count_of(value, 1000000, &o->steps))
            return misuse(o, "--steps: expected a number from 1 to 1000000, got '%s'",
                          value);
        break;
    case 'b':
        if (!count_of(value, INT32_MAX, &o->batch))
            return misuse(o, "--batch: expected a number from 1, got '%s'", value);
        break;
    case 'i':
        if (o->time_firsts == CLI_INPUTS + 1)
            return misuse(o, "--time-first: at most %d of them", CLI_INPUTS + 1);
        o->time_first[o->time_firsts++] = value;
        break;
    case 'c':
        if (!count_of(value, 1000000, &o->passes) || o->passes < 2)
            return misuse(o,
                          "--mc-dropout: expected a number of passes from 2 to 1000000, "
                          "got '%s'",
                          value);
        break;
    case 'e':
        if (!seed_of(value, &o->seed))
            return misuse(o, "--seed: expected a whole number from 0, got '%s'", value);
        o->seeded = true;
        break;
    case 'm':
        if (!size_of(value, &o->max_memory))
            return misuse(o, "--max-memory: expected a size such as 512M or 2G, got '%s'",
                          value);
        break;
    case 'V': printf("tenon %s\n", tn_version()); return CLI_DONE;
    case 'h': return o->command ? help_of(o->command) : help();
    }
    return CLI_GO_ON;
}

/* The options of one command as getopt_long wants them: room for FLAGS + 1. */
static void long_options(const cli_command *command, struct option *to)
{
    for (int i = 0; i < FLAGS; i++) {
        if (!takes(command, flags[i].letter)) continue;
        *to++ = (struct option){flags[i].name,
                                flags[i].value ? required_argument : no_argument, NULL,
                                flags[i].letter};
    }
    *to = (struct option){0};
}

/* "; did you mean NAME?", or nothing. */
static const char *guess(const char *word, const char *const *names, int32_t count,
                         const char *dashes, char text[100])
{
    const char *near = tn_nearest(word, names, count);
    text[0] = 0;
    if (near) snprintf(text, 100, "; did you mean %s%s?", dashes, near);
    return text;
}

/* Of a long option that getopt does not know, or knows to begin several. */
static int unknown_option(const cli_options *o, const char *given)
{
    const char *names[FLAGS];
    char word[64], hint[100];
    int32_t count = 0;
    for (int i = 0; i < FLAGS; i++)
        if (takes(o->command, flags[i].letter)) names[count++] = flags[i].name;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
    guess(word, names, count, "--", hint);
    if (!*hint && o->command && takes(o->command, 's'))
        snprintf(hint, sizeof hint,
                 "; what the config says is changed by --set KEY=VALUE");
    return misuse(o, "unknown or ambiguous option --%s%s", word, hint);
}

/* getopt's optopt: of a short option its letter, of a long one set only for a value too many. */
static int refuse_option(const cli_options *o, const char *given)
{
    if (!optopt) return unknown_option(o, given);
    if (strncmp(given, "--", 2) == 0 && strchr(given, '='))
        return misuse(o, "%.*s takes no value", (int)strcspn(given, "="), given);
    if (optopt < 32 || optopt > 126) return misuse(o, "unknown option %s", given);
    return misuse(o, "unknown option -%c", optopt);
}

static int parse_options(int argc, char **argv, cli_options *o)
{
    struct option options[FLAGS + 1];
    long_options(o->command, options);
    const char *const shorts = !o->command              ? "+:h"
                               : takes(o->command, 'o') ? ":ho:"
                                                        : ":h";
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    for (;;) {
        const int letter = getopt_long(argc, argv, shorts, options, NULL);
        if (letter < 0) return CLI_GO_ON;
        if (letter == ':') return misuse(o, "%s needs a value", argv[optind - 1]);
        if (letter == '?') return refuse_option(o, argv[optind - 1]);
        const int status = take(o, (char)letter, optarg);
        if (status != CLI_GO_ON) return status;
    }
}

static int choose_command(const char *name, cli_options *o)
{
    const char *names[16];
    char hint[100];
    int32_t count = 0;
    for (const cli_command *c = cli_commands; c->name; c++) {
        names[count++] = c->name;
        if (strcmp(c->name, name) == 0) o->command = c;
    }
    if (o->command) return CLI_GO_ON;
    return misuse(o, "no command '%s'%s", name, guess(name, names, count, "", hint));
}

/* `tenon help` and `tenon help COMMAND`: as --help. */
static int explain(int words, char **word, cli_options *o)
{
    if (words < 2) return help();
    if (words > 2) return misuse(o, "expected: tenon help COMMAND");
    const int status = choose_command(word[1], o);
    return status == CLI_GO_ON ? help_of(o->command) : status;
}

static int take_operands(int argc, char **argv, cli_options *o)
{
    const int32_t count = argc - optind;
    if (count < o->command->least || count > o->command->most)
        return misuse(o, "expected: tenon %s %s", o->command->name, o->command->operands);
    for (int32_t i = 0; i < count; i++) o->operand[i] = argv[optind + i];
    o->operands = count;
    return CLI_GO_ON;
}

/* What options and operands must or must not be there together. */
static int check_together(const cli_options *o)
{
    if (o->out && !*o->out) return misuse(o, "the name of the output is empty");
    if (strchr(o->command->needs, 'o') && !o->out)
        return misuse(o, "no output named; say where with -o FILE");
    if (o->sets && !o->operands && !o->resume)
        return misuse(o, "--set %s: no config given in which to set it", o->set[0]);
    if (o->seeded && !o->passes)
        return misuse(o, "--seed is of the passes of --mc-dropout, which is not given");
    if (!takes(o->command, 'r')) return CLI_GO_ON;
    if (!o->operands && !o->resume) return misuse(o, "no config given");
    if (o->resume && o->out && strcmp(o->resume, o->out))
        return misuse(o, "--resume %s goes on in that folder; leave out --out",
                      o->resume);
    return CLI_GO_ON;
}

int cli_parse(int argc, char **argv, cli_options *o)
{
    int status = parse_options(argc, argv, o);
    if (status != CLI_GO_ON) return status;
    if (optind >= argc) {
        help();
        return misuse(o, "no command given");
    }
    const int first = optind;
    if (!strcmp(argv[first], "help")) return explain(argc - first, argv + first, o);
    status = choose_command(argv[first], o);
    if (status == CLI_GO_ON) status = parse_options(argc - first, argv + first, o);
    if (status == CLI_GO_ON) status = take_operands(argc - first, argv + first, o);
    if (status == CLI_GO_ON) status = check_together(o);
    return status;
}

# What scripts/plugin-report makes of its files: plugins ("KIND NAME LINES FILE"), the page as it was, cases
# ("PROGRAM:SUITE COUNT") and errors ("WHO CASE WHAT ERROR"). Rows of what is not in `measured` keep
# what the page says.

BEGIN {
    columns = split("gradient-double torch-double torch-float values-double values-float", column, " ")
}

FILENAME ~ /plugins$/ {
    plugin[++plugins] = $1 "/" $2
    lines[$1 "/" $2] = $3
    if ($3 > 250) long = long (long ? ", " : "") $4 " (" $3 ")"
    next
}

# A row of the page: | name | lines | tests | ... |
FILENAME ~ /old$/ {
    if ($1 == "##") kind = $2
    if ($1 != "|" || $2 == "plugin") next
    row = $0
    sub(/^\| [^|]*\| [^|]*\| /, "", row)
    old[kind "/" $2] = row
    next
}

# The plugin that a suite is about: the one of its name, else that of its program.
function subject(who, part, kind) {
    if (who !~ /:/) return who
    split(who, part, ":")
    sub(/^.*\/test_plugins_/, "", part[1])
    sub(/_/, "/", part[1])
    kind = part[1]
    sub(/\/.*/, "", kind)
    return kind "/" part[2] in lines ? kind "/" part[2] : part[1]
}

FILENAME ~ /cases$/ { tests[subject($1)] += $2; next }

{
    who = subject($1)
    if ($1 !~ /:/ && !(($1, $2) in counted)) tests[who]++ # a suite of several plugins
    counted[$1, $2] = 1
    if (!((who, $3) in error) || $4 > error[who, $3]) error[who, $3] = $4
}

# Two digits; the same bits are "exact".
function number(who, what, text) {
    if (!((who, what) in error)) return "-"
    if (error[who, what] == 0) return "exact"
    text = sprintf("%.1e", error[who, what])
    sub(/e-0/, "e-", text)
    return text
}

function measured_row(who, i, row) {
    row = tests[who] + 0 " |"
    for (i = 1; i <= columns; i++) row = row " " number(who, column[i]) " |"
    return row
}

function list(title, names) {
    print title ": " (names ? names : "none") "."
}

END {
    for (i = 1; i <= plugins; i++) {
        split(plugin[i], part, "/")
        row = "? | ? | ? | ? | ? | ? |"
        if (plugin[i] in old) row = old[plugin[i]]
        if (index(measured, " " part[1] " ") || index(measured, " " plugin[i] " "))
            row = measured_row(plugin[i])
        table[i] = row
        if (row ~ /^0 /) untested = untested (untested ? ", " : "") plugin[i]
        if (row ~ /\| - \| - \| - \| - \|$/) alone = alone (alone ? ", " : "") plugin[i]
    }
    print "# How plugins are tested\n"
    print "Written by `scripts/plugin-report build`, which runs the suites of the plugins and collects the largest error"
    print "of each comparison (`tests/support/note.h`). Numbers change in their digits from one processor to another; a"
    print "test compares the plugins that are listed, and the lengths of their files. After a change of a plugin:"
    print "`scripts/plugin-report build KIND/NAME`, or `--lines` if nothing but its length is another.\n"
    print "| column | |"
    print "|---|---|"
    print "| lines | of the plugin's own file; headers it shares are not counted |"
    print "| tests | cases of suites that are about it, as many as a suite lists: one with parameters counts once |"
    print "| gradient | backward against differences of forward, in double |"
    print "| PyTorch | against numbers that PyTorch made: `tests/reference` |"
    print "| values | against what the suite has: a second, plain implementation, numbers by hand or of another program. Examples to a few digits (bars above 1e-9 in double) are left out |"
    print "\nErrors are max \\|a - b\\| / max \\|b\\| of a tensor, in some suites beside a number of its surroundings or 1 where that is"
    print "larger; *exact*: no difference. A `-`: no suite compares such numbers. What a plugin does besides (texts, files,"
    print "laws of random numbers, what is refused) is compared without an error to tell.\n"
    list("Files of more than 250 lines", long)
    list("Plugins without a test", untested)
    list("Plugins whose numbers are compared with none of PyTorch's or the suite's", alone)
    for (i = 1; i <= plugins; i++) {
        split(plugin[i], part, "/")
        if (part[1] != kind) {
            kind = part[1]
            print "\n## " kind "\n"
            print "| plugin | lines | tests | gradient | PyTorch, double | PyTorch, float | values, double | values, float |"
            print "|---|--:|--:|--:|--:|--:|--:|--:|"
        }
        print "| " part[2] " | " lines[plugin[i]] " | " table[i]
    }
}

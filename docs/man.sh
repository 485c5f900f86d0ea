#!/bin/sh
# One page of docs/commands/ as a manual page:  man.sh docs/commands/NAME.md > rung-NAME.1
#
# Understood: "# NAME" and the paragraph below it (name and what it is for), "## Section", "### Part",
# paragraphs, "- " lists with continued lines, code in fences or indented by four, tables (as they
# are), **bold**, *italic*, `code`, [text](link).
set -eu
root=$(dirname "$0")/..
version=$(sed -n 's/.*RUNG_VERSION "\(.*\)".*/\1/p' "$root/include/rung/version.h")

awk -v version="$version" '
function escape(s) {
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    if (s ~ /^[.'\'']/) s = "\\&" s
    return s
}
# What stands between marks, in a font; marks that have no partner stay.
function inline(s,    out, code, link) {
    out = ""
    while (match(s, /`[^`]+`|\*\*[^*]+\*\*|\*[^* ][^*]*\*|\[[^]]+\]\([^)]+\)/)) {
        out = out escape_inner(substr(s, 1, RSTART - 1))
        code = substr(s, RSTART, RLENGTH)
        s = substr(s, RSTART + RLENGTH)
        if (code ~ /^`/) out = out "\\fB" escape_inner(substr(code, 2, length(code) - 2)) "\\fR"
        else if (code ~ /^\*\*/) out = out "\\fB" escape_inner(substr(code, 3, length(code) - 4)) "\\fR"
        else if (code ~ /^\*/) out = out "\\fI" escape_inner(substr(code, 2, length(code) - 2)) "\\fR"
        else { link = code; sub(/\].*/, "", link); out = out escape_inner(substr(link, 2)) }
    }
    out = out escape_inner(s)
    return out ~ /^[.'\'']/ ? "\\&" out : out
}
function escape_inner(s) {
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    return s
}
# The paragraph collected so far.
function flush() {
    if (text == "") return
    if (expect_summary) { print inline(name) " \\- " inline_summary(text); expect_summary = 0 }
    else {
        if (!in_item) print after_heading ? "" : ".PP"
        print inline(text)
    }
    after_heading = 0
    text = ""
}
function inline_summary(s) {
    sub(/\.$/, "", s)
    return inline(s)
}
function code_on()  { flush(); print ".PP\n.RS 4\n.nf"; }
function code_off() { print ".fi\n.RE"; in_item = 0; after_heading = 0 }
function add(s) { sub(/^ +/, "", s); text = text == "" ? s : text " " s }

/^```/ { if (fenced) { code_off(); fenced = 0 } else { code_on(); fenced = 1 } next }
fenced { print escape($0); next }
indented && !/^    / { code_off(); indented = 0 }
/^    / && !in_item && text == "" { if (!indented) { code_on(); indented = 1 } print escape(substr($0, 5)); next }
/^# / {
    name = substr($0, 3)
    gsub(/`/, "", name)
    sub(/ .*/, "", name)
    print ".TH \"" toupper(escape_inner(name)) "\" \"1\" \"\" \"rung " version "\" \"rung\""
    print ".SH NAME"
    expect_summary = 1
    next
}
/^## / { flush(); in_item = 0; print ".SH " toupper(inline(substr($0, 4))); after_heading = 1; next }
/^###+ / { flush(); in_item = 0; sub(/^#+ /, ""); print ".SS " inline($0); after_heading = 1; next }
/^\|/ {
    flush()
    if (!table) { print ".PP\n.nf"; table = 1 }
    if ($0 !~ /^\|[-:| ]+$/) print inline($0)
    next
}
table { print ".fi"; table = 0 }
/^[-*] / { flush(); print ".IP \\(bu 2"; in_item = 1; add(substr($0, 3)); next }
/^[0-9]+\. / { flush(); print ".IP " $1 " 4"; in_item = 1; sub(/^[0-9]+\. /, ""); add($0); next }
/^ *$/ { flush(); blank = 1; next }
{ if (blank && in_item && !/^ /) in_item = 0; blank = 0; add($0) }
END { flush(); if (indented) code_off(); if (table) print ".fi" }
' "$1" | sed '/^$/d'

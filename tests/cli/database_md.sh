#!/bin/bash
# docs/database.md: the columns it lists are those that the views have, and its queries run on a recorded database.
RUNG=${RUNG:-${RUNG_BIN:-$(cd "$(dirname "$0")/../.." && pwd)/bin}/rung}
if [ ! -x "$RUNG" ]; then
    echo "skip database_md: there is no $RUNG"
    exit 0
fi
if ! command -v sqlite3 >/dev/null; then
    echo "skip database_md: the sqlite3 program is not installed"
    exit 0
fi
. "$(dirname "$0")/lib.bash"
DOC=$ROOT/docs/database.md

# Two searches, of which the second also has failures, so that every question has an answer.
for name in one two; do
    cat >$name.json <<SPEC
{"trainer": {"command": ["./trainer.py"], "settings": {"fail": [$([ $name = two ] && echo 3)]}, "count": 2},
 "parameters": {"a": {"uniform": [0, 1]}, "batch_size": {"choice": [32, 64]},
                "learning_rate_init": {"log_uniform": [1e-4, 1e-2]}},
 "search": {"max_iter": 9, "seed": 7}, "limits": {"retries": 0}}
SPEC
    rung run $name.json --db all.db --quiet
    expect "the search $name is recorded" 0
done

# "VIEW COLUMN" lines: what the document says, what the database has
sed -n '/^## The views/,/^## Ten/p' "$DOC" |
    awk '/^### / { view = $2 } /^\| `/ { gsub("`", "", $2); print view, $2 }' >said
sqlite3 all.db "select s.name || ' ' || c.name from sqlite_schema s, pragma_table_info(s.name) c
                where s.type = 'view' order by s.rowid, c.cid" >had
check "the document lists every view" same <(cut -d' ' -f1 said | sort -u) <(cut -d' ' -f1 had | sort -u)
while read -r view; do
    check "the columns of $view in their order" same <(grep "^$view " said) <(grep "^$view " had)
done < <(cut -d' ' -f1 said | sort -u)

awk '/^```sql$/ { n++; file = "query" n ".sql"; next } /^```$/ { file = "" } file { print > file }' "$DOC"
check "the document has ten queries" test "$(ls query*.sql | wc -l)" = 10
for file in query?.sql query10.sql; do
    if sqlite3 -bail -header all.db <"$file" >rows 2>errors && [ "$(wc -l <rows)" -gt 1 ]; then
        say ok "$file answers"
    else
        say "not ok" "$file answers" "$file" rows errors
    fi
done
check "the views can be read while the shell writes nothing" sqlite3 -readonly all.db 'select * from leaderboard limit 5'
finish

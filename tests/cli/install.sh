#!/bin/bash
# make install and uninstall, and what is installed: programs that find each other, man pages, the library through pkg-config.
. "$(dirname "$0")/lib.bash"

unset MAKEFLAGS MAKELEVEL
check "make install" make -C "$ROOT" install PREFIX="$WORK/usr"
for file in bin/rung bin/rung-trainer lib/librung-trainer.a include/rung/trainer.h share/man/man1/rung.1 \
    share/bash-completion/completions/rung; do
    check "installed: $file" test -s "$WORK/usr/$file"
done
for page in "$ROOT"/docs/commands/*.md; do
    name=$(basename "$page" .md)
    [ "$name" = rung ] && continue
    check "a man page for rung $name" grep -q '^\.SH' "$WORK/usr/share/man/man1/rung-$name.1"
done
RUNG=$WORK/usr/bin/rung
rung run "$ROOT/examples/demo.json" --db demo.db --trainers 1 --set 'search={"max_iter": 3}'
expect "the installed rung finds the installed trainer" 0 '^ +1 '
if command -v cc >/dev/null; then
    export PKG_CONFIG_PATH=$WORK/usr/lib/pkgconfig
    # shellcheck disable=SC2046
    check "a trainer in C compiles with what pkg-config says" \
        cc -std=c11 -Wall -Werror -o trainer "$ROOT/examples/trainer.c" $(pkg-config --cflags --libs --static rung-trainer)
else
    echo "skip a trainer in C: there is no cc"
fi
check "make uninstall" make -C "$ROOT" uninstall PREFIX="$WORK/usr"
check "nothing is left" test -z "$(find usr -type f)"

finish

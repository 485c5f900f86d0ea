#!/bin/bash
# docs/cluster.md: its commands do what it says, on this machine, with ssh and scp that stay here.
. "$(dirname "$0")/lib.bash"

PAGE=$ROOT/docs/cluster.md
PYTHON=$(python3 -c 'import sys; print(sys.executable)')
export TMPDIR=$WORK
mkdir bin
cat >bin/ssh <<END
#!/bin/bash
[ "\$1" = -R ] && shift 2
mkdir -p "$WORK/\$1" && cd "$WORK/\$1" || exit 1
shift
echo "\$*" >>"$WORK/said"
exec "\$@"
END
cat >bin/scp <<END
#!/bin/bash
[ "\$1" = -q ] && shift
mkdir -p "$WORK/\${2%:}" && cp -p "\$1" "$WORK/\${2%:}"
END
ln -s "$RUNG" bin/rung
chmod +x bin/*
export PATH=$WORK/bin:$PATH

workers_leave() { # each has a folder while it runs
    for ((i = 0; i < 200; i++)); do
        ls -d "$WORK"/rung-worker-* >/dev/null 2>&1 || return 0
        sleep 0.05
    done
    return 1
}

spec four_circles '"max_iter": 27' '{}'
"$PYTHON" "$HERE/docs.py" blocks bash "$PAGE" >blocks
check "the page has two blocks of commands" test "$(wc -l <blocks)" = 2
for block in $(cat blocks); do
    port=$("$PYTHON" -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
    sed "s|head-node|127.0.0.1|; s|7700|$port|g; s|--trainers 8|--trainers 1|" "$block" >commands
    timeout 60 bash -e commands >out 2>err </dev/null
    rc=$?
    expect "the commands of $block" 0 "^rank" "workers are taken"
    check "the workers of $block leave" workers_leave
    rung export four_circles.db --what trainers
    check "only workers had jobs" sh -c 'grep -q ,remote, out && ! grep -q ,local, out'
    rm -rf four_circles.db*
done
check "each machine was asked for a worker" test "$(wc -l <said)" = 3

unit=$("$PYTHON" "$HERE/docs.py" blocks ini "$PAGE")
line=$(sed -n 's|^ExecStart=/usr/local/bin/rung ||p' "$unit" | sed "s|head-node:7700|127.0.0.1:1|; s|/etc/rung/rung.key|rung.key|; s|1d|0.2|")
# shellcheck disable=SC2086
rung $line
expect "the service's command waits for its scheduler" 1 "" "no scheduler for 0.2 s"
finish

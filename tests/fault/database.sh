#!/bin/bash
# The database file: read by others while it is written, refused where it cannot be used, whole after the disk was full.
. "$(dirname "$0")/lib.bash"

baseline good

# ---- others read ----

running() { # NAME: the search's row is committed and its first result too
    test "$(sqlite3 -readonly "$1.db" 'select count(*) > 0 from history' 2>/dev/null)" = 1
}

read_while_it_runs() {
    local pid reads=0
    SEARCH='"algorithm": "hyperband", "max_iter": 9' spec read "sleep=0.05"
    "$RUNG" run read.json --db read.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true running read
    while kill -0 $pid 2>/dev/null; do
        if sqlite3 read.db 'select * from leaderboard limit 5' >rows && "$RUNG" top read.db -n 5 --format csv >top; then
            same 5 "$(wc -l <rows)" "rows that sqlite3 reads"
            same 6 "$(wc -l <top)" "lines of rung top"
            reads=$((reads + 1))
        else # while it is being closed there is a moment in which nobody else can read
            sleep 0.3
            test ! -d /proc/$pid/fd || grep -q '^State:.Z' /proc/$pid/status
        fi
    done
    wait $pid
    test $reads -ge 3
    same 0 "$(sql read 'select count(*) from failures')" failures
}
check leaderboard_can_be_read_from_another_process_during_the_run read_while_it_runs

locked() {
    local pid
    spec owner "sleep=0.3"
    "$RUNG" run owner.json --db shared.db --quiet >owner.out 2>owner.err </dev/null &
    pid=$!
    until_true test -s owner.log
    spec other ""
    rung 2 run other.json --db shared.db
    has err "$pid"
    rung 2 resume shared.db
    has err "$pid"
    test ! -s other.log
    wait $pid
    same 1 "$(sqlite3 shared.db 'select count(*) from searches')" searches
    rung 0 run other.json --db shared.db --quiet
}
check second_writer_is_refused_with_the_process_id_of_the_first locked

lock_of_the_dead() {
    local pid
    spec dead "sleep=0.1"
    "$RUNG" run dead.json --db dead.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true running dead
    kill -9 $pid
    wait $pid || true
    same interrupted "$("$RUNG" list dead.db --format csv | tail -1 | tr , '\n' | grep -x interrupted)" "status that is shown"
    rung 0 resume dead.db --quiet
    same_result dead good
}
check killed_search_is_shown_as_interrupted_and_its_lock_is_gone lock_of_the_dead

dead_beside_living() {
    local pid
    spec dead_one "sleep=0.1"
    "$RUNG" run dead_one.json --db both.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true running both
    kill -9 $pid
    wait $pid || true
    spec living "sleep=0.1"
    "$RUNG" run living.json --db both.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true test -s living.log
    same "dead_one,interrupted living,running" "$(echo $("$RUNG" list both.db --format csv | tail -n +2 | cut -d, -f1,2))" searches
    same 0 "$(sql both "select count(*) from models where search = 'dead_one' and status = 'running'")" "models that seem to run"
    wait $pid
    rung 0 resume both.db --search dead_one --quiet
}
check killed_search_is_shown_as_interrupted_while_another_one_runs dead_beside_living

lock_removed() {
    local pid
    spec robbed "sleep=0.1"
    "$RUNG" run robbed.json --db robbed.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true running robbed
    rm robbed.db.lock
    same robbed,running "$("$RUNG" list robbed.db --format csv | tail -1 | cut -d, -f1,2)" "what is shown"
    spec thief ""
    rung 2 run thief.json --db robbed.db
    has err "($pid)"
    rung 2 resume robbed.db
    has err "($pid)"
    test ! -s thief.log
    wait $pid
    same_result robbed good
    rung 0 run thief.json --db robbed.db --quiet
}
check removed_lock_file_lets_nobody_in lock_removed

# For longer than trainers may be silent.
waits_for_another() {
    local pid
    LIMITS='"job_timeout": 0.6, "retries": 0' spec patient "sleep=0.15"
    "$RUNG" run patient.json --db patient.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true running patient
    (echo 'begin immediate;'; sleep 1.5; echo 'rollback;') | sqlite3 -cmd '.timeout 5000' patient.db
    wait $pid
    same 0 "$(sql patient 'select count(*) from failures')" failures
    same_result patient good
}
check write_of_another_process_is_waited_for_at_no_trainers_cost waits_for_another

# ---- killed while it makes the database ----

# Its tables are in the file, the transaction that made them has not ended: as a kill in the first commit leaves it.
half_made() {
    local pid
    cp good.db half.db
    sqlite3 half.db 'pragma journal_mode = delete' >out
    { printf '\xd9\xd5\x05\xf9\x20\xa1\x63\xd7%b' '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\02\0\0\0\04\0'; head -c 484 /dev/zero; } >half.db-journal
    same 512 "$(stat -c %s half.db-journal)" "bytes of the journal"
    for command in list resume top export; do
        rung 2 $command half.db
        has err "half.db: is not made yet, no search is in it" "rung run FILE --db half.db"
        test -s half.db-journal
    done
    spec half "sleep=0.1"
    "$RUNG" run half.json --db half.db --quiet >out 2>err </dev/null &
    pid=$!
    until_true running half
    kill -9 $pid
    wait $pid || true
    same half,interrupted "$("$RUNG" list half.db --format csv | tail -n +2 | cut -d, -f1,2)" "what is shown"
    rung 0 resume half.db --quiet
    same_result half good
}
check database_that_was_half_made_is_made_anew half_made

killed_while_it_begins() {
    local pid i
    RANDOM=${RUNG_TEST_SEED:=$((RANDOM + 32768 * RANDOM))}
    echo "RUNG_TEST_SEED=$RUNG_TEST_SEED"
    spec early ""
    for ((i = 0; i < 40; i++)); do
        rm -rf early.db*
        "$RUNG" run early.json --db early.db --quiet >out 2>err </dev/null &
        pid=$!
        sleep "0.0$(printf %02d $((RANDOM % 15)))"
        kill -9 $pid
        wait $pid || true
        "$RUNG" list early.db >out 2>err && continue
        grep -qE ': (No such file or directory|is empty, no database|is not made yet, no search is in it)$' err || { cat err; return 1; }
        rung 0 run early.json --db early.db --quiet
        same_result early good
    done
}
check killed_while_it_begins_it_leaves_nothing_that_is_refused killed_while_it_begins

# ---- databases that cannot be used ----

refused() { # TEXT FILE: run, resume and top say 2 and change nothing
    local before
    before=$(sha256sum <"$2")
    spec user ""
    for command in "run user.json --db $2" "resume $2" "top $2"; do
        # shellcheck disable=SC2086
        rung 2 $command
        has err "$2" "$1"
        same "$before" "$(sha256sum <"$2")" "the file's content"
    done
    test ! -s user.log
    test ! -e "$2.states"
}

newer() {
    cp good.db newer.db
    sqlite3 newer.db 'pragma user_version = 999'
    refused 999 newer.db
}
check newer_schema_is_refused_and_left_as_it_is newer

no_database() {
    head -c 20000 /dev/zero | tr '\0' x >none.db
    refused "" none.db
}
check file_that_is_no_database_is_refused_and_left_as_it_is no_database

foreign() {
    sqlite3 foreign.db 'create table sheep(name); insert into sheep values ("Dolly")'
    refused "" foreign.db
}
check database_of_another_program_is_refused_and_left_as_it_is foreign

nothing_there() {
    for command in resume top show export best logs; do
        rung 2 $command nothing.db
        has err nothing.db
        test ! -e nothing.db
    done
}
check missing_database_is_refused_and_not_made nothing_there

# A user whom permissions bind: ourselves, or root without its privileges.
bound() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --bounding-set=-dac_override,-dac_read_search "$@"
    else
        "$@"
    fi
}

read_only() {
    local got=0
    mkdir -p locked
    cp good.db locked
    spec user ""
    chmod 555 locked
    bound "$RUNG" run user.json --db locked/new.db >out 2>err || got=$?
    same 2 $got "exit status"
    has err locked
    got=0
    bound "$RUNG" run user.json --db locked/good.db >out 2>err || got=$?
    same 2 $got "exit status"
    same good.db "$(ls -A locked)" "files there"
    test ! -s user.log
    bound "$RUNG" top locked/good.db >out 2>err
    chmod 755 locked
}
if [ "$(id -u)" = 0 ] && ! command -v setpriv >/dev/null; then
    skip read_only_folder_is_refused "we are root and there is no setpriv"
else
    check read_only_folder_is_refused read_only
fi

# ---- a disk that fills ----

mount_small() { # FOLDER SIZE
    mkdir -p "$1"
    mount -t tmpfs -o "size=$2" tmpfs "$1" 2>/dev/null
}

# Results with much to record on a small disk.
full_disk() {
    local rows
    SEARCH='"algorithm": "hyperband", "max_iter": 9' spec full "stateless metrics=60000"
    mount_small disk 1m
    rung 1 run full.json --db disk/full.db --quiet
    has err full "rung resume disk/full.db"
    grep -Eiq 'full|space' err
    rows=$(sqlite3 disk/full.db 'select count(*) from history')
    test "$rows" -ge 5
    same ok "$(sqlite3 disk/full.db 'pragma integrity_check')" integrity
    sqlite3 disk/full.db 'select * from history order by seq' >rows
    rung 1 resume disk/full.db --quiet
    mount -o remount,size=100m disk
    rung 0 resume disk/full.db --quiet
    sqlite3 disk/full.db 'select * from history order by seq' | head -n "$rows" | cmp - rows
    SEARCH='"algorithm": "hyperband", "max_iter": 9' run roomy "stateless metrics=60000" 0
    ln -s disk/full.db full.db
    same_result full roomy
}

# A model that cannot work, on a disk with little room, is no full disk.
no_alarm() {
    SEARCH='"algorithm": "random", "models": 2, "max_iter": 1' COUNT=1 spec alarm "fail_final models=1 state=600000"
    mount_small disk4 1m
    rung 0 run alarm.json --db disk4/alarm.db --quiet
    same "failed completed" "$(sqlite3 disk4/alarm.db 'select status from models order by model desc' | tr '\n' ' ' | sed 's/ $//')" models
}

# Something else fills the disk, so that states cannot be written either.
filled_disk() {
    local pid got=0
    SEARCH='"algorithm": "hyperband", "max_iter": 9' spec filled "sleep=0.01 state=30000 log=$DIR/filled.log"
    mount_small disk2 4m
    "$RUNG" run filled.json --db disk2/filled.db --quiet >out 2>err </dev/null &
    pid=$!
    ln -sf disk2/filled.db filled.db
    until_true running filled
    cat /dev/zero >disk2/ballast 2>/dev/null || true
    wait $pid || got=$?
    same 1 $got "exit status"
    grep -Eiq 'full|space' err
    same 0 "$(sqlite3 disk2/filled.db "select count(*) from models where status = 'failed'")" "failed models"
    same ok "$(sqlite3 disk2/filled.db 'pragma integrity_check')" integrity
    rm disk2/ballast
    rung 0 resume disk2/filled.db --quiet
    SEARCH='"algorithm": "hyperband", "max_iter": 9' run empty "state=30000" 0
    same_result filled empty
}

# States fill the disk: their trainers fail, and go on failing, while there is room enough to record that.
states_fill_disk() {
    SEARCH='"algorithm": "hyperband", "max_iter": 9' COUNT=1 spec states "state=450000"
    mount_small disk3 2m
    rung 1 run states.json --db disk3/states.db --quiet
    has err full "rung resume disk3/states.db"
    ln -sf disk3/states.db states.db
    same 0 "$(sql states "select count(*) from models where status = 'failed'")" "failed models"
    test "$(sql states 'select count(*) from history')" -ge 3
    mount -o remount,size=100m disk3
    rung 0 resume disk3/states.db --quiet
    SEARCH='"algorithm": "hyperband", "max_iter": 9' run ample "state=450000" 0
    same_result states ample
}

if mount_small probe 100k; then
    umount probe
    trap 'cd /; umount "$DIR/disk" "$DIR/disk2" "$DIR/disk3" "$DIR/disk4" 2>/dev/null; chmod -R u+rwX "$DIR"; rm -rf "$DIR"' EXIT
    check full_disk_stops_cleanly_and_is_resumed_when_there_is_room full_disk
    check full_disk_that_trainers_meet_first_stops_cleanly_too filled_disk
    check full_disk_that_states_fill_fails_no_model states_fill_disk
    check full_disk_is_not_suspected_when_a_model_cannot_work no_alarm
else
    skip full_disk_stops_cleanly_and_is_resumed_when_there_is_room "no file system can be mounted here"
    skip full_disk_that_trainers_meet_first_stops_cleanly_too "no file system can be mounted here"
    skip full_disk_that_states_fill_fails_no_model "no file system can be mounted here"
    skip full_disk_is_not_suspected_when_a_model_cannot_work "no file system can be mounted here"
fi

trainer_says_full() {
    run said "fail_full times=1" 1
    has err "the disk is full" "No space left on device" "rung resume said.db"
    same 0 "$(sql said 'select count(*) from failures')" failures
    rung 0 resume said.db --quiet
    same_result said good
}
check full_disk_that_a_trainer_tells_of_fails_no_model trainer_says_full

finish

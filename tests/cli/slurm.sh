#!/bin/bash
# --slurm: what is refused before anything is made.
. "$(dirname "$0")/lib.bash"

PYTHON=$(python3 -c 'import sys; print(sys.executable)')
sed -i "1s|.*|#!$PYTHON|" trainer.py # found without PATH
mkdir none some shared
for one in sbatch squeue scancel; do
    printf '#!/bin/sh\nexit 1\n' >some/$one
    chmod +x some/$one
done
spec s '"max_iter": 3' '{}'

nothing_made() {
    test ! -e s.db -a ! -e s.db.key -a ! -e events
}

refused() { # NAME ERROR OPTION…
    local name=$1 error=$2
    shift 2
    rung run s.json --events events "$@"
    expect "$name" 2 "" "$error"
    check "$name: nothing was made" nothing_made
}

PATH=$WORK/none:$PATH
(PATH=$WORK/none && rung run s.json --slurm 4; echo $rc >rc)
rc=$(cat rc)
expect "no Slurm" 2 "" '^rung: --slurm: there is no sbatch on PATH$'
check "no Slurm: a way out" holds err '^start it where .*rung run --listen'
check "no Slurm: nothing was made" nothing_made
rm some/scancel
(PATH=$WORK/some && rung run s.json --slurm 4; echo $rc >rc)
rc=$(cat rc)
expect "half a Slurm" 2 "" '^rung: --slurm: there is no scancel on PATH$'
cp some/sbatch some/scancel

PATH=$WORK/some:$PATH
refused "no workers" '^rung: --slurm: ' --slurm 0
refused "no number" '^rung: --slurm: ' --slurm many
refused "too many" '^rung: --slurm: ' --slurm 16385
refused "too many trainers" '^rung: --slurm: ' --slurm 5000 --set cluster.trainers=4
refused "a time for nobody" '^rung: --orphan-timeout: is for --slurm N$' --orphan-timeout 2s
refused "no time" '^rung: --orphan-timeout: "soon" is no duration' --slurm 2 --orphan-timeout soon
refused "no time at all" '^rung: --orphan-timeout: "0" is no duration' --slurm 2 --orphan-timeout 0
refused "no such key" '^rung: --key: ' --slurm 2 --key nowhere
refused "no place to listen" '^rung: --listen: ' --slurm 2 --listen nowhere
refused "another machine" '^rung: --listen: 192.0.2.1:7700: it is no address' --slurm 2 --listen 192.0.2.1:7700
refused "a host with a port" '^rung: s.json: cluster.address: expected .* without a port' --slurm 2 --set cluster.address=a:1
echo "no key" >bad.key
refused "a key that is none" '^rung: --key: bad.key: ' --slurm 2 --key bad.key
cp bad.key s.db.key
rung run s.json --slurm 2
expect "a key beside it that is none" 2 "" 's.db.key'
check "a key beside it that is none: nothing was made" test ! -e s.db
rm s.db.key
refused "no such folder" "^rung: cluster.folder: $WORK/nowhere: No such file" --slurm 2 --set cluster.folder=nowhere
refused "no such partition key" 'cluster.partion: unknown key' --slurm 2 --set cluster.partion=x
refused "no such limit" '^rung: --time-limit: ' --slurm 2 --time-limit soon

# Refused after a key was made: it goes again; one that was there stays.
echo text >other.db
refused "not a database" '^rung: other.db: ' --slurm 2 --db other.db
check "the new key is gone" test ! -e other.db.key
rm -f other.db
"$RUNG" key other.db.key >/dev/null
cp other.db.key before
mkdir other.db
rung run s.json --slurm 2 --db other.db
expect "not a database, with a key" 2
check "the old key is there" same before other.db.key
rmdir other.db

# An sbatch that always fails does not keep a trainer here from its work.
rung run s.json --slurm 2 --trainers 1
expect "trainers here beside Slurm's" 0 "^rank" "workers are taken"
check "a key was made" test "$(stat -c %a s.db.key)" = 600
rung run s.json --slurm 2 --trainers 1 --quiet --set cluster.folder=shared
expect "quietly" 0
check "quiet says nothing of workers" test ! -s err
check "a key in the shared folder" test "$(stat -c %a shared/rung.key)" = 600

rung run s.json --db t.db --set limits.calls=2 --trainers 1 --quiet
rung resume t.db --set cluster.partition=x --set limits.calls=null --slurm 1 --trainers 1 --quiet
expect "the cluster may be changed" 0
rung list t.db --format json
check "and is stored" grep -q '"cluster":{"partition":"x"}' <(tr -d ' \\' <out)

spec gone '"max_iter": 3'
sed -i 's|"./trainer.py"|"./nowhere.py"|' gone.json
timeout -s INT 2 "$RUNG" run gone.json --slurm 3 --orphan-timeout 9 >out 2>err
check "a program that is on the nodes alone" holds err "nowhere.py is not on this machine: only workers that have it"
check "the way out is again by Slurm" grep -qx 'rung resume gone.db --slurm 3 --orphan-timeout 9' err
rung resume t.db --slurm x
expect "a finished one: no number" 2 "" '^rung: --slurm: '
finish

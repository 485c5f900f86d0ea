# Completion for bash: commands, options and the values that are known.

_rung_options() {
    case $1 in
    run) echo "--db --trainers --set --listen --key --heartbeat --slurm --orphan-timeout --time-limit --events --quiet --help" ;;
    resume) echo "--db --search --trainers --set --listen --key --heartbeat --slurm --orphan-timeout --time-limit --events --quiet --help" ;;
    serve) echo "--db --trainers --listen --key --heartbeat --quiet --help" ;;
    submit) echo "--db --to --key --set --resume --wait --quiet --help" ;;
    stop) echo "--db --to --key --now --quiet --help" ;;
    top) echo "-n --search --format --db --to --key --help" ;;
    list) echo "--format --db --to --key --help" ;;
    show) echo "--search --format --db --to --key --help" ;;
    plan) echo "--db --probe --trainers --budget --deadline --set --format --help" ;;
    simulate)
        echo "--trainers --priority --bracket-order --unit --fit-seconds --score-seconds --overhead-seconds" \
            "--transfer-seconds --start-seconds --slow --loss --model --unknown --seed --search --set --format --svg" \
            "--svg-time --help"
        ;;
    predict) echo "--metric --to --level --search --format --svg --help" ;;
    advise)
        echo "--goal --deadline --machines --algorithm --metric --maximize --limit --bound --candidates --search --format --help"
        ;;
    check) echo "--set --help" ;;
    export) echo "--what --search --format --help" ;;
    best) echo "--search --format --state --help" ;;
    logs) echo "-n --search --format --help" ;;
    retry) echo "--search --help" ;;
    worker) echo "--key --trainers --orphan-timeout --quiet --help" ;;
    delete | key | help) echo "--help" ;;
    esac
}

# The names of the searches in the database on the command line.
_rung_searches() {
    local word
    for word in "${COMP_WORDS[@]:2}" rung.db; do
        if [[ -f $word && $word != *.json && $word != *.key ]]; then
            "${COMP_WORDS[0]}" list "$word" --format csv 2>/dev/null | sed '1d; s/,.*//'
            return
        fi
    done
}

_rung_files() { # SUFFIX
    local file
    while IFS= read -r file; do
        if [[ -d $file || $file == *"$1" ]]; then
            COMPREPLY+=("$file")
        fi
    done < <(compgen -f -- "$2")
    compopt -o filenames 2>/dev/null
}

_rung() {
    local commands="run resume top list show plan simulate predict advise check export best logs retry delete serve submit stop key worker help --version --help"
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    COMPREPLY=()

    if [[ $COMP_CWORD == 1 || $command == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
        return
    fi
    case $before in
    --format) mapfile -t COMPREPLY < <(compgen -W "table json csv" -- "$current") ;;
    --what)
        mapfile -t COMPREPLY < <(compgen -W \
            "history leaderboard models calls failures brackets searches trainers" -- "$current")
        ;;
    --search | --resume) mapfile -t COMPREPLY < <(compgen -W "$(_rung_searches)" -- "$current") ;;
    --db) _rung_files .db "$current" ;;
    --events | --key | --state | --svg | --svg-time) _rung_files "" "$current" ;;
    --priority) mapfile -t COMPREPLY < <(compgen -W "score fifo critical" -- "$current") ;;
    --bracket-order) mapfile -t COMPREPLY < <(compgen -W "planned reversed" -- "$current") ;;
    --unit) mapfile -t COMPREPLY < <(compgen -W "job call" -- "$current") ;;
    --unknown) mapfile -t COMPREPLY < <(compgen -W "leave last" -- "$current") ;;
    --model) mapfile -t COMPREPLY < <(compgen -W "synthetic ernest: lognormal:" -- "$current") ;;
    --trainers | --set | --time-limit | --*-seconds | --slow | --loss | --seed | --goal | --deadline | --machines | --algorithm | \
        --limit | --bound | --candidates | --metric | --to | --level | -n) ;;
    *)
        if [[ $current == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$(_rung_options "$command")" -- "$current")
            return
        fi
        case $command in
        run | plan | check | submit) _rung_files .json "$current" ;;
        key) _rung_files "" "$current" ;;
        stop) mapfile -t COMPREPLY < <(compgen -W "$(_rung_searches)" -- "$current") ;;
        delete)
            if [[ $COMP_CWORD == 3 ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$(_rung_searches)" -- "$current")
            else
                _rung_files .db "$current"
            fi
            ;;
        *) _rung_files .db "$current" ;;
        esac
        ;;
    esac
}

complete -F _rung rung

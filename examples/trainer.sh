#!/bin/bash
# A trainer of one's own, over the protocol, in plain bash. A model is a number that each call moves
# towards 3. Bash has integers only: the number is kept in millionths.
field() { # KEY: what stands behind it in the message, without quotes
    local value=${message#*\"$1\":}
    value=${value%%[,\}]*}
    echo "${value//\"/}"
}

while read -r message <&"$RUNG_FD"; do
    case $(field type) in
    start) echo '{"type":"ready","protocol":1,"name":"trainer.sh"}' >&"$RUNG_FD" ;;
    job)
        from=$(field from) to=$(field to) rate=$(field rate) number=0
        [ "$from" = 0 ] || read -r number <"$(field state_in)"
        for ((; from < to; from++)); do
            ((number += rate * (3000000 - number) / 1000))
        done
        echo "$number" >"$(field state_out)"
        score=$(((number - 3000000) * (number - 3000000)))
        echo "{\"type\":\"result\",\"job\":$(field job),\"score\":-${score}e-12}" >&"$RUNG_FD"
        ;;
    stop) exit 0 ;;
    esac
done

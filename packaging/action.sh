#!/usr/bin/env bash
# What the GitHub Action runs: its inputs, which come as CT_… in the environment, made into options of `ct-verify logs`.
# Lists are separated by line breaks or spaces. Nothing of an input is ever run by the shell.
set -euo pipefail

program=${CT_VERIFY:-ct-verify}
folder=${CT_REPORTS:-.}
options=()
outputs=${GITHUB_OUTPUT:-/dev/null}

# Ends it before there is a verdict.
refuse() {
    printf 'verdict=none\nexit-status=2\n' >>"$outputs"
    printf "$@" >&2
    exit 2
}

# An option with a value, where the input has one.
one() {
    if [[ -n $2 ]]; then
        options+=("$1=$2")
    fi
}

# An option that is repeated for each word of the input.
each() {
    local word
    # shellcheck disable=SC2086 # to be split, and no globs
    set -f
    for word in $2; do
        options+=("$1=$word")
    done
    set +f
}

# An option without a value.
flag() {
    case $2 in
        true) options+=("$1") ;;
        false | '') ;;
        *) refuse '%s must be true or false, and is %q\n' "$1" "$2" ;;
    esac
}

one --start-time "${CT_START_TIME:-}"
one --end-time "${CT_END_TIME:-}"
each --account "${CT_ACCOUNT:-}"
each --region "${CT_REGION:-}"
each --trail "${CT_TRAIL:-}"
each --public-keys "${CT_PUBLIC_KEYS:-}"
each --allow "${CT_ALLOW:-}"
each --deny "${CT_DENY:-}"
one --state "${CT_STATE:-}"
flag --digests-only "${CT_DIGESTS_ONLY:-}"
flag --selftest "${CT_SELFTEST:-}"

# A verdict that nobody knows would fail nothing.
fails=" "
set -f
for word in ${CT_FAIL_ON:-invalid unverified}; do
    case $word in
        invalid | unverified | none) fails+="$word " ;;
        *) refuse 'fail-on takes invalid, unverified and none, separated by spaces, and not %q\n' "$word" ;;
    esac
done
set +f
if [[ $fails == " " ]]; then
    fails=" invalid unverified "
fi
# What is told to the steps that follow is a line each.
case $folder in
    *[$'\n\r']*) refuse 'the folder for the reports cannot have a line break: %q\n' "$folder" ;;
esac
[[ -n ${CT_SOURCE:-} ]] || refuse 'the input source is needed\n'

mkdir -p -- "$folder" || refuse 'cannot make the folder for the reports: %q\n' "$folder"
for ending in json md xml sarif; do
    options+=("--report=$folder/ct-verify.$ending")
done

status=0
"$program" logs "${options[@]}" -- "$CT_SOURCE" || status=$?

case $status in
    0) verdict=valid ;;
    1) verdict=invalid ;;
    3) verdict=unverified ;;
    *) verdict=none ;;
esac
{
    printf 'verdict=%s\n' "$verdict"
    printf 'exit-status=%s\n' "$status"
    printf 'reports=%s\n' "$folder"
} >>"$outputs"
if [[ $verdict != none && -n ${GITHUB_STEP_SUMMARY:-} ]]; then
    cat -- "$folder/ct-verify.md" >>"$GITHUB_STEP_SUMMARY"
fi

case $fails in
    *" $verdict "*) exit "$status" ;;
esac
# Where it could not be set up, or was interrupted, it never passes.
if [[ $verdict == none ]]; then
    exit "$status"
fi

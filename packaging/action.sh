#!/usr/bin/env bash
# What the GitHub Action runs: its inputs, which come as CT_… in the environment, made into options of `ct-verify logs`.
# Lists are separated by line breaks or spaces. Nothing of an input is ever run by the shell.
set -euo pipefail

program=${CT_VERIFY:-ct-verify}
folder=${CT_REPORTS:-.}
options=()

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
        *)
            printf '%s must be true or false, and is %q\n' "$1" "$2" >&2
            exit 2
            ;;
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

mkdir -p "$folder"
for ending in json md xml sarif; do
    options+=("--report=$folder/ct-verify.$ending")
done

status=0
"$program" logs "${options[@]}" -- "${CT_SOURCE:?the input source is needed}" || status=$?

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
} >>"${GITHUB_OUTPUT:-/dev/null}"
if [[ $verdict != none && -n ${GITHUB_STEP_SUMMARY:-} ]]; then
    cat "$folder/ct-verify.md" >>"$GITHUB_STEP_SUMMARY"
fi

case " ${CT_FAIL_ON:-invalid unverified} " in
    *" $verdict "*) exit "$status" ;;
esac
# Where it could not be set up, or was interrupted, it never passes.
if [[ $verdict == none ]]; then
    exit "$status"
fi

#!/usr/bin/env bash
# Installs the packages that `packaging/deb.sh` made, uses what they install, and removes them again. It takes root, and
# touches no package that is installed already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    printf 'wrong: %s\n' "$1" >&2
    exit 1
}

# STATUS COMMAND...: it must end with this status.
ends() {
    local wanted=$1 status=0
    shift
    "$@" >/dev/null || status=$?
    [[ $status == "$wanted" ]] || die "exit status $status instead of $wanted: $*"
}

[[ $(id -u) == 0 ]] || die 'installing takes root'
packages=(ct-verify ct-verify-dbgsym)
for package in "${packages[@]}"; do
    ! dpkg-query --show "$package" >/dev/null 2>&1 || die "$package is installed already"
done
remove() {
    dpkg --purge "${packages[@]}" >/dev/null 2>&1 || true
}
trap remove EXIT

dpkg --install target/debian/*deb
installed=/usr/bin/ct-verify
listed=$(dpkg --listfiles "${packages[@]}")

ends 0 "$installed" --version
ends 0 "$installed" selftest
ends 0 "$installed" logs testdata/clean --public-keys testdata/clean/public-keys.json
ends 1 "$installed" logs testdata/log-modified --public-keys testdata/log-modified/public-keys.json

# A system may be told to leave out documentation: what is in the package is looked at, not what is on the disk.
for page in man/*.1; do
    grep --quiet --line-regexp --fixed-strings "/usr/share/man/man1/$(basename "$page").gz" <<<"$listed" ||
        die "there is no $page in the package"
done
bash -c 'source /usr/share/bash-completion/completions/ct-verify && complete -p ct-verify' >/dev/null ||
    die 'bash completes nothing'
for file in /usr/share/zsh/vendor-completions/_ct-verify /usr/share/fish/vendor_completions.d/ct-verify.fish; do
    [[ -s $file ]] || die "there is no $file"
done
identity=$(readelf --notes "$installed" | sed -n 's/.*Build ID: //p')
[[ -s /usr/lib/debug/.build-id/${identity:0:2}/${identity:2}.debug ]] || die 'the symbols are not those of the program'

dpkg --purge "${packages[@]}"
while read -r file; do
    [[ -d $file || ! -e $file ]] || die "$file was left behind"
done <<<"$listed"
printf 'installed, tried and removed\n'

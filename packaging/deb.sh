#!/usr/bin/env bash
# Builds the program as it is released, a Debian package of it (binary, pages for man, completions), and one of its symbols,
# which gives backtraces their lines.
# The same commit, toolchain and C compiler give the same binary wherever it is built: paths are mapped away.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
export CARGO_INCREMENTAL=0
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export RUSTFLAGS="--remap-path-prefix=$PWD=/ct-verify --remap-path-prefix=$cargo_home=/cargo"
export CFLAGS="-ffile-prefix-map=$PWD=/ct-verify -ffile-prefix-map=$cargo_home=/cargo"
export CARGO_TARGET_DIR=$PWD/target
# What is left in the program here is taken out of it, and kept, below.
export CARGO_PROFILE_RELEASE_STRIP=none

cargo build --locked --release
binary=target/release/ct-verify
ls -l "$binary"

mkdir -p target/completions
"$binary" completions bash >target/completions/ct-verify.bash
"$binary" completions zsh >target/completions/_ct-verify
"$binary" completions fish >target/completions/ct-verify.fish
"$binary" selftest

rm -rf target/debian
cargo deb --no-build --dbgsym --compress-debug-symbols=zlib --output target/debian/
ls -l target/debian

//! The `ct-verify` command.

fn main() {}

//! The fuzzers' corpus, replayed on a stable toolchain without libFuzzer: the same functions, the same bytes.

use std::{fs, path::PathBuf};

#[path = "../../../fuzz/src/targets.rs"]
#[allow(clippy::needless_pass_by_value, clippy::default_trait_access)]
mod targets;

#[path = "../../../fuzz/src/stored.rs"]
#[allow(clippy::default_trait_access)]
mod stored;

use super::mutation::plain;

#[track_caller]
fn replay(name: &str, target: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("a corpus") {
        let path = entry.expect("a file").path();
        let data = fs::read(&path).expect("a file");
        let ended = std::panic::catch_unwind(|| target(&data));
        assert!(ended.is_ok(), "{}", path.display());
        // What is cut short is read too.
        target(&data[..data.len() / 2]);
        count += 1;
    }
    assert!(count > 0, "nothing in {}", folder.display());
}

macro_rules! replayed {
    ($($module:ident::$target:ident)+) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), $module::$target);
            }
        )+

        /// The targets of fuzz/Cargo.toml are these.
        #[test]
        fn every_target_is_replayed() {
            let manifest = include_str!("../../../fuzz/Cargo.toml");
            let bins = manifest.split("[[bin]]").skip(1);
            let names: Vec<_> = bins
                .filter_map(|bin| bin.trim().strip_prefix("name = \"")?.split('"').next())
                .collect();
            assert_eq!(names, [$(stringify!($target)),+]);
        }
    };
}

replayed!(
    targets::digest targets::gzip targets::object_keys targets::key_files targets::sign_file stored::state stored::snapshot
    stored::report targets::events targets::inventory targets::sidecar targets::manifest stored::plan stored::result
);

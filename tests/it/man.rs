//! man/: a page for the program and one for each of its commands, made from the command line's own definition and from
//! what is said here by hand.
//!
//! `cargo test --test it regenerate_man -- --ignored` makes them anew.

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::CommandFactory as _;
use clap_mangen::Man;
use ct_verify::cli::Cli;

const AGAIN: &str = "`cargo test --test it regenerate_man -- --ignored` makes it anew";

/// What the definition of the command line does not say of a page: sections of roff, in order.
fn sections(page: &str) -> &'static str {
    match page {
        "ct-verify" => include_str!("man/ct-verify.roff"),
        "ct-verify-logs" => include_str!("man/ct-verify-logs.roff"),
        "ct-verify-report" => include_str!("man/ct-verify-report.roff"),
        "ct-verify-schema" => include_str!("man/ct-verify-schema.roff"),
        "ct-verify-query-results" => include_str!("man/ct-verify-query-results.roff"),
        "ct-verify-snapshot" => include_str!("man/ct-verify-snapshot.roff"),
        "ct-verify-plan" => include_str!("man/ct-verify-plan.roff"),
        "ct-verify-merge" => include_str!("man/ct-verify-merge.roff"),
        "ct-verify-selftest" => include_str!("man/ct-verify-selftest.roff"),
        "ct-verify-explain" => include_str!("man/ct-verify-explain.roff"),
        "ct-verify-completions" => include_str!("man/ct-verify-completions.roff"),
        _ => panic!(
            "{page} has no EXIT STATUS, EXAMPLES, FILES and ENVIRONMENT: write them in tests/it/man"
        ),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("man")
}

/// Every page by its file's name.
fn pages() -> BTreeMap<String, String> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let pages = std::iter::once(command.clone()).chain(command.get_subcommands().cloned());
    pages
        .map(|command| {
            let name = command
                .get_display_name()
                .unwrap_or(command.get_name())
                .to_owned();
            (format!("{name}.1"), page(&name, command))
        })
        .collect()
}

fn page(name: &str, command: clap::Command) -> String {
    let has_commands = command.has_subcommands();
    let synopsis = synopsis(&command);
    let man = Man::new(command);
    let mut page = Vec::new();
    let write = |page: &mut Vec<u8>| {
        man.render_name_section(page)?;
        page.extend(synopsis.bytes());
        man.render_description_section(page)?;
        man.render_options_section(page)?;
        if has_commands {
            man.render_subcommands_section(page)?;
        }
        Ok::<_, std::io::Error>(())
    };
    write(&mut page).expect("memory to write to");
    let page = String::from_utf8(page).expect("a page in UTF-8");
    format!("{}{page}{}", title(name), sections(name))
}

/// The title line. The one of clap_mangen drops an empty date, and takes the name of the program for the date then.
fn title(name: &str) -> String {
    let version = concat!("ct\\-verify ", env!("CARGO_PKG_VERSION"));
    format!(
        ".TH {} 1 \"\" \"{version}\" \"User Commands\"\n",
        escape(&name.to_uppercase())
    )
}

/// The synopsis in short: a line of twenty options tells nobody anything.
fn synopsis(command: &clap::Command) -> String {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let mut line = format!(".SH SYNOPSIS\n.B {}\n[\\fIOPTIONS\\fR]", escape(name));
    for positional in command.get_positionals() {
        let name = positional.get_id().as_str().to_uppercase();
        let (open, close) = if positional.is_required_set() {
            ("", "")
        } else {
            ("[", "]")
        };
        for part in [" ", open, "\\fI", &name, "\\fR", close] {
            line.push_str(part);
        }
    }
    if command.has_subcommands() {
        line.push_str(" \\fICOMMAND\\fR");
    }
    line.push('\n');
    line
}

/// A name with hyphens that stay hyphens when a page is copied from.
fn escape(name: &str) -> String {
    name.replace('-', "\\-")
}

#[test]
#[ignore = "writes man/ anew"]
fn regenerate_man() {
    let folder = folder();
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old man/ to remove");
    }
    fs::create_dir(&folder).expect("man/");
    for (name, page) in pages() {
        fs::write(folder.join(name), page).expect("a page");
    }
}

#[test]
fn pages_are_fresh() {
    let committed = fs::read_dir(folder()).expect("man/").map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name");
        (name, fs::read_to_string(entry.path()).expect("a page"))
    });
    let committed: BTreeMap<_, _> = committed.collect();
    let made = pages();
    assert!(
        committed.keys().eq(made.keys()),
        "the pages of man/: {AGAIN}"
    );
    for (name, page) in made {
        assert!(committed[&name] == page, "man/{name}: {AGAIN}");
    }
}

#[test]
fn pages_say_what_users_look_for() {
    for (name, page) in pages() {
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "EXIT STATUS",
            "EXAMPLES",
            "FILES",
            "ENVIRONMENT",
        ] {
            let quoted = format!(".SH \"{section}\"\n");
            let plain = format!(".SH {section}\n");
            assert!(
                page.contains(&quoted) || page.contains(&plain),
                "{name} lacks {section}"
            );
        }
    }
}

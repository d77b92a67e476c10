//! The AWS CLI, installed beside what the tests are built to: the reference for what is valid.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// What differs from the reference is stated for this release.
const VERSION: &str = "1.45.11";

/// The AWS CLI; nothing where it cannot be installed, which is said.
pub fn aws_cli() -> Option<Command> {
    static INSTALLED: LazyLock<Result<PathBuf, String>> = LazyLock::new(install);
    match &*INSTALLED {
        Ok(path) => {
            let mut command = Command::new(path);
            command
                .env_clear()
                .env("LANG", "C.UTF-8")
                .stdin(Stdio::null());
            Some(command)
        }
        Err(why) => {
            eprintln!("SKIPPED: the AWS CLI cannot be installed: {why}");
            None
        }
    }
}

fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("awscli-{VERSION}"));
    let (bin, done) = (folder.join("bin"), folder.join("installed"));
    if !done.exists() {
        // What an earlier run has begun is begun anew.
        let _ = fs::remove_dir_all(&folder);
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let package = format!("awscli=={VERSION}");
        run(Command::new(bin.join("pip")).args(["install", "--quiet", &package]))?;
        fs::write(&done, "").map_err(|error| error.to_string())?;
    }
    Ok(bin.join("aws"))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", told.trim()))
}

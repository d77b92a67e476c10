//! How much memory a run takes.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

/// Runs the program, and tells how many megabytes it held at most.
pub fn peak_megabytes(mut command: Command) -> (i32, u64) {
    let mut child = command
        .args(["--format", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let about = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        let text = fs::read_to_string(&about).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        if let Some(kilobytes) =
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        {
            peak = peak.max(kilobytes / 1024);
        }
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap(), peak);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

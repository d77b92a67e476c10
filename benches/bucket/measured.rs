//! A program run to its end, and what it took.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel counts a process' time in these.
const TICKS: f64 = 100.0;

/// What a run took. Memory and processor time are known on Linux only.
pub struct Measured {
    pub output: String,
    pub success: bool,
    pub time: Duration,
    /// Peak resident memory, in KiB.
    pub memory: Option<u64>,
    /// Seconds of processor time.
    pub processor: Option<f64>,
}

/// Runs `command`, and looks at it now and then: what is read last is near its end.
pub fn measured(mut command: Command) -> Measured {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("output");
    let file = fs::File::create(&path).expect("a file for the output");
    let errors = file.try_clone().expect("the same file");
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .expect("the program starts");
    let (mut memory, mut processor) = (None, None);
    let status = loop {
        memory = peak(child.id()).or(memory);
        processor = seconds(child.id()).or(processor);
        if let Some(status) = child.try_wait().expect("its status") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Measured {
        time: begun.elapsed(),
        output: fs::read_to_string(&path).expect("its output"),
        success: status.success(),
        memory,
        processor,
    }
}

fn peak(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn seconds(id: u32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    let all = (user + system) / TICKS;
    // Of what has ended nothing is told.
    (all > 0.0).then_some(all)
}

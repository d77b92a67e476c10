//! Where reports go: standard output, and files.
//!
//! Files are opened before the run, so that a report that cannot be written is told at once and
//! not after hours. What an older report holds is lost only when there is a new one.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::format::Format;
use super::json::Report;
use super::jsonl::JsonLines;
use super::look::Look;
use super::render::render;
use super::run_info::RunInfo;
use super::sink::Sink;
use crate::event::Observers;
use crate::verify::conclusion::Conclusion;

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {place}: {error}")]
pub struct OutputError {
    place: Place,
    error: io::Error,
}

#[derive(Clone, Debug)]
enum Place {
    Stdout,
    File(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("the report to standard output"),
            Self::File(path) => write!(f, "the report {}", path.display()),
        }
    }
}

impl Place {
    fn error(self, error: io::Error) -> OutputError {
        OutputError { place: self, error }
    }
}

/// All places that a command's report goes to.
#[derive(Debug)]
pub struct Outputs {
    stdout: Option<Format>,
    look: Look,
    files: Vec<ReportFile>,
    streams: Vec<(Place, JsonLines)>,
}

impl Outputs {
    /// Standard output gets `format`, text in this look; `files` are opened.
    ///
    /// # Errors
    /// Where one of the files cannot be opened.
    pub fn open(
        format: Format,
        look: Look,
        files: &[(Format, PathBuf)],
    ) -> Result<Self, OutputError> {
        let open = |(format, path): &(Format, PathBuf)| {
            ReportFile::open(*format, path).map_err(|error| Place::File(path.clone()).error(error))
        };
        Ok(Self {
            stdout: Some(format),
            look,
            files: files.iter().map(open).collect::<Result<_, _>>()?,
            streams: Vec::new(),
        })
    }

    /// From here on, streams are written as the run goes. `give_up` is called where nobody is
    /// left who would read anything of the run.
    ///
    /// # Errors
    /// Where a file cannot be written to.
    pub fn stream(
        &mut self,
        run: &RunInfo,
        observers: &mut Observers,
        give_up: impl Fn() + Send + Sync + 'static,
    ) -> Result<(), OutputError> {
        let is_alone = self.files.is_empty();
        if self.stdout.take_if(|it| *it == Format::Jsonl).is_some() {
            let out = Box::new(io::stdout());
            let sink = if is_alone {
                Sink::with_hook(out, Box::new(give_up))
            } else {
                Sink::new(out)
            };
            let stream = JsonLines::begin(sink, run);
            self.streams.push((Place::Stdout, stream));
        }
        let is_stream = |file: &mut ReportFile| file.format == Format::Jsonl;
        for mut file in self.files.extract_if(.., is_stream) {
            let place = Place::File(file.path.clone());
            let out = file.begin().map_err(|error| place.clone().error(error))?;
            let stream = JsonLines::begin(Sink::new(Box::new(out)), run);
            self.streams.push((place, stream));
        }
        for (_, stream) in &self.streams {
            observers.add(Box::new(stream.clone()));
        }
        Ok(())
    }

    /// Ends the streams, and writes all other reports of a run.
    ///
    /// # Errors
    /// The first of the reports that could not be written; those after it are written all the
    /// same.
    pub fn conclude(mut self, conclusion: &Conclusion, run: &RunInfo) -> Result<(), OutputError> {
        let mut result = Ok(());
        for (place, stream) in std::mem::take(&mut self.streams) {
            let ended = stream.finish(conclusion, run);
            result = result.and(ended.map_err(|error| place.error(error)));
        }
        result.and(self.write(&Report::new(conclusion, run)))
    }

    /// Writes a report everywhere; that of standard output comes last.
    ///
    /// # Errors
    /// The first that could not be written; those after it are written all the same.
    pub fn write(self, report: &Report<'_>) -> Result<(), OutputError> {
        self.write_with(|format, look, out| render(report, format, look, out))
    }

    /// Writes everywhere what `render` makes of a format; standard output comes last.
    ///
    /// # Errors
    /// The first that could not be written; those after it are written all the same.
    pub fn write_with(
        self,
        render: impl Fn(Format, &Look, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let mut result = Ok(());
        for file in self.files {
            let place = Place::File(file.path.clone());
            let written = file.write(&render);
            result = result.and(written.map_err(|error| place.error(error)));
        }
        let Some(format) = self.stdout else {
            return result;
        };
        let mut out = BufWriter::new(io::stdout().lock());
        let written = render(format, &self.look, &mut out).and_then(|()| out.flush());
        result.and(written.map_err(|error| Place::Stdout.error(error)))
    }
}

/// A file that is to hold a report. One that was not there before, and gets none, is removed.
#[derive(Debug)]
struct ReportFile {
    format: Format,
    path: PathBuf,
    file: File,
    is_new: bool,
}

impl ReportFile {
    fn open(format: Format, path: &Path) -> io::Result<Self> {
        let (file, is_new) = match File::options().write(true).create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // What it holds stays until there is something better. It may also be a link
                // that leads nowhere yet.
                let mut options = File::options();
                let options = options.write(true).create(true).truncate(false);
                (options.open(path)?, false)
            }
            Err(error) => return Err(error),
        };
        Ok(Self {
            format,
            path: path.to_owned(),
            file,
            is_new,
        })
    }

    /// Empties it for what is to be written.
    fn begin(&mut self) -> io::Result<File> {
        self.is_new = false;
        // Pipes and devices hold nothing.
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        self.file.try_clone()
    }

    fn write(
        mut self,
        render: impl Fn(Format, &Look, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = BufWriter::new(self.begin()?);
        render(self.format, &Look::default(), &mut out)?;
        let file = out.into_inner()?;
        if file.metadata()?.is_file() {
            file.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if self.is_new {
            // An empty file that stays is no harm that anybody could do something about.
            let _ = fs::remove_file(&self.path);
        }
    }
}

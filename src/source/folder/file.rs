//! Opening and reading files below a folder's handle, and telling why that failed.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::path::Path;

use cap_std::fs::{Dir, File, FileType, OpenOptions};

use super::super::api::{Body, Facts, Metadata, SourceError};
use crate::verify::location::MAX_KEY_LEN;
use crate::verify::text::in_utf8;

/// The output of `aws s3api head-object` is never larger.
const MAX_SIDECAR_LEN: u64 = 64 * 1024;
/// Nearly all of them are smaller.
const SMALL: usize = 4096;

/// How such a file begins (RFC 1740).
const APPLE_DOUBLE: [u8; 4] = [0x00, 0x05, 0x16, 0x07];

pub(in super::super) fn body(file: File) -> Body {
    Body {
        reader: Box::new(file),
        facts: Facts::default(),
    }
}

/// Opens a file for reading. Nothing but a regular file is waited for or read.
pub(in super::super) fn open_file(dir: &Dir, path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        // Opening a pipe would wait for its writer.
        options.custom_flags(libc_nonblock());
    }
    let file = dir.open_with(path, &options)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

#[cfg(unix)]
fn libc_nonblock() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0)
}

/// How the names of objects end that are looked at by themselves, whatever they are links to.
const OBJECTS: [&str; 2] = [".gz", ".json"];

/// Whether an entry of a folder is a link behind which a folder may hide.
pub(super) fn hides_a_folder(dir: &Dir, kind: FileType, name: &OsStr) -> bool {
    let is_object = OBJECTS
        .iter()
        .any(|end| name.as_encoded_bytes().ends_with(end.as_bytes()));
    kind.is_symlink() && !is_object && may_lead_to_a_folder(dir, name)
}

/// Whether a link may lead to a folder: one to a file, or to nothing, hides none. One that leads
/// out of the source may lead anywhere.
fn may_lead_to_a_folder(dir: &Dir, path: impl AsRef<Path>) -> bool {
    match dir.metadata(path) {
        Ok(target) => target.is_dir(),
        Err(error) => !is_absent(&error),
    }
}

/// What lies behind a link to a folder is not looked at, which must not go unsaid.
pub(super) fn not_followed() -> SourceError {
    SourceError::Failed(
        "it is a link to a folder, and such links are not followed: put a copy in its place, or verify what it leads to on its own".into(),
    )
}

/// Whether a file is what macOS writes beside another one where the file system holds no attributes
/// (`AppleDouble`). No log and no digest begins so, whoever reads it.
pub(in super::super) fn is_apple_double(dir: &Dir, path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    let is_named_so = |name: &OsStr| name.as_encoded_bytes().starts_with(b"._");
    let Some(path) = path
        .to_str()
        .filter(|_| path.file_name().is_some_and(is_named_so))
    else {
        return false;
    };
    let mut head = [0; APPLE_DOUBLE.len()];
    // What cannot be read is an object like any other, and told when it is read.
    let read = open_file(dir, path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok() && head == APPLE_DOUBLE
}

/// Opens a folder of an archive that is no link.
pub(super) fn open_folder(dir: &Dir, path: &str) -> Result<Dir, SourceError> {
    let is_link = dir.symlink_metadata(path);
    if is_link.is_ok_and(|it| it.is_symlink()) && may_lead_to_a_folder(dir, path) {
        return Err(not_followed());
    }
    dir.open_dir(path).map_err(|error| explain(&error))
}

/// Whether a key can be looked up below a folder as it stands.
pub(super) fn is_safe(path: &str) -> bool {
    path.len() <= MAX_KEY_LEN * 2
        && !path.contains('\0')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

pub(in super::super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

pub(in super::super) fn explain(error: &io::Error) -> SourceError {
    if is_absent(error) {
        SourceError::NotFound
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        SourceError::Denied(error.to_string().into())
    } else {
        SourceError::Failed(error.to_string().into())
    }
}

pub(in super::super) fn read_small(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(SMALL);
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(content)
}

/// What `aws s3api head-object` wrote beside the object.
pub(in super::super) fn read_sidecar(file: File) -> Result<Metadata, SourceError> {
    #[derive(serde::Deserialize)]
    struct HeadObject {
        #[serde(rename = "Metadata", default)]
        metadata: std::collections::BTreeMap<String, String>,
    }
    let failed = |why: String| SourceError::Failed(format!("its metadata file: {why}").into());
    let content = read_small(file, MAX_SIDECAR_LEN).map_err(|error| failed(error.to_string()))?;
    let head: HeadObject =
        serde_json::from_slice(&in_utf8(&content)).map_err(|error| failed(error.to_string()))?;
    let pairs = head.metadata.iter();
    Ok(Metadata::from_pairs(
        pairs.map(|(name, value)| (name.as_str(), value.as_str())),
    ))
}

/// The extended attributes that copying tools keep user metadata in.
#[cfg(unix)]
pub(in super::super) fn read_attributes(file: &File) -> Result<Metadata, SourceError> {
    use std::os::fd::AsFd as _;
    let mut pairs = Vec::new();
    for name in [
        "signature",
        "signature-algorithm",
        "backfill-generation-timestamp",
    ] {
        let mut value = [0; 4096];
        let attribute = format!("user.{name}");
        match rustix::fs::fgetxattr(file.as_fd(), attribute.as_str(), &mut value) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&value[..length]).into_owned();
                pairs.push((name, text));
            }
            Err(
                rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS,
            ) => {}
            Err(error) => {
                let why = format!("its attribute {attribute}: {error}");
                return Err(SourceError::Failed(why.into()));
            }
        }
    }
    Ok(Metadata::from_pairs(
        pairs.iter().map(|(name, value)| (*name, value.as_str())),
    ))
}

#[cfg(not(unix))]
pub(in super::super) fn read_attributes(_: &File) -> Result<Metadata, SourceError> {
    Ok(Metadata::default())
}

/// Why a folder could not be looked at; a path too long for the system is not an absent one.
pub(super) fn explain_folder(error: &io::Error) -> SourceError {
    if is_absent(error) && error.kind() != io::ErrorKind::NotFound {
        return SourceError::Failed(error.to_string().into());
    }
    explain(error)
}

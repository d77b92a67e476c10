//! Where objects lie: object locations, and the keys of digests and logs, parsed strictly.
//!
//! Keys are looked at from their `AWSLogs` folder on. That part is called the *path*; what stands
//! before it is the bucket's *prefix*.

mod digest_key;
mod log_path;
mod names;
mod object;
mod place;

pub use digest_key::{ChainId, DigestKey, told_from_namesake};
pub use log_path::{
    LogFolder, LogKind, LogName, LogPath, folder_day, is_among_logs, read_log_name, shows_its_day,
};
pub use names::{is_account, is_organization, is_region, is_trail};
pub use object::{ObjectLocation, RootId, join_key, split_key};
pub use place::{AWS_LOGS, AccountRegion, DIGEST_FOLDER, MAX_KEY_LEN};

//! How the server behaves towards every request.

use std::time::Duration;

/// Whose requests are checked, where signatures are.
pub(crate) const ACCESS_KEY: &str = "AKIDEXAMPLE";

/// What a listing says of whether it goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Truncation {
    /// What is true.
    Told,
    /// Nothing.
    Untold,
    /// That it does not.
    Denied,
}

/// Start from `Options::default()` and change what a test is about.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Options {
    /// At most so many keys in a page of a listing, whatever is asked for.
    pub(crate) page_size: usize,
    /// Before every listing page that holds something comes one that holds nothing.
    pub(crate) empty_pages: bool,
    /// Listings below a prefix that holds this come in the order of names, from the last to the first.
    pub(crate) backwards: Option<&'static str>,
    /// Listings begin with the first name, whichever they are asked to begin after.
    pub(crate) from_the_first: bool,
    /// Listings that are asked to begin after the key of an object show nothing.
    pub(crate) nothing_after_keys: bool,
    /// What listings say of whether they go on, beside where they do.
    pub(crate) truncation: Truncation,
    /// Passes before every response.
    pub(crate) latency: Duration,
    /// How many requests are worked on at a time, while the others wait; 0: no limit. With a
    /// latency it makes throughput level off, as a real service's does.
    pub(crate) slots: usize,
    /// How many connections are taken at a time, further ones are reset; 0: no limit.
    pub(crate) connections: usize,
    /// Where the faults' dice start.
    pub(crate) seed: u64,
    /// Set: S3's signatures must be right, and be made with this secret for `ACCESS_KEY`.
    pub(crate) secret: Option<String>,
    /// Off for benchmarks: counters only, no entry for each request.
    pub(crate) log: bool,
    /// `X-Amz-Meta-Signature` instead of `x-amz-meta-signature`.
    pub(crate) title_case: bool,
    /// Whoever asks for a part of an object gets all of it, as from the simplest servers.
    pub(crate) no_parts: bool,
    /// HTTPS, with a certificate of an authority that nobody else knows: [`super::AUTHORITY`].
    pub(crate) tls: bool,
    /// 0: any free port.
    pub(crate) port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            page_size: 1000,
            empty_pages: false,
            backwards: None,
            from_the_first: false,
            nothing_after_keys: false,
            truncation: Truncation::Told,
            latency: Duration::ZERO,
            slots: 0,
            connections: 0,
            seed: 0,
            secret: None,
            log: true,
            title_case: false,
            no_parts: false,
            tls: false,
            port: 0,
        }
    }
}

//! What goes wrong, where, and when: the same for the same seed, however the
//! requests are interleaved.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::call::{Call, Operation};

/// What happens to a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// 503 `SlowDown`.
    SlowDown,
    /// 400 `RequestLimitExceeded`; from CloudTrail 400 `ThrottlingException`.
    Throttled,
    /// 500 `InternalError`.
    InternalError,
    /// 403 `AccessDenied`; from CloudTrail 400 `AccessDeniedException`.
    AccessDenied,
    /// 400 `ExpiredToken`; from CloudTrail 400 `ExpiredTokenException`.
    ExpiredToken,
    /// Any other error of the service.
    Refused { status: u16, code: String },
    /// 301 `PermanentRedirect` to that region.
    Redirect(&'static str),
    /// What a proxy in between says: no XML, no JSON.
    Proxy { status: u16, body: String },
    /// A proxy's own page of this type in place of whatever was asked for, as a web server gives it: with an ETag.
    Page(&'static str, String),
    /// An error of the service, with what it says of it.
    Told {
        status: u16,
        code: String,
        message: String,
    },
    /// TCP reset before the first byte of the response.
    Reset,
    /// TCP reset after half of the body.
    ResetBody,
    /// The connection ends in good order after half of the body.
    CutBody,
    /// Half of the body, with no word on its length, and then its end, as if that were all.
    ShortBody,
    /// All of the body, with no word on its length.
    NoLength,
    /// All of the body, one byte of it changed.
    Flip,
    /// All of it, with another status than 200: 206 as if a part had been asked for, or what no S3 says.
    Success(u16),
    /// All of it, with no word on its ETag.
    NoEtag,
    /// All of it, with this header in place of whatever the service says there.
    Header(&'static str, &'static [u8]),
    /// All of it, with each header twice.
    Doubled,
    /// No byte for that time, then all of it.
    Stall(Duration),
    /// Half of the body, no byte for that time, then the rest.
    StallBody(Duration),
}

/// Which of the requests that fit a rule are hit.
#[derive(Clone, Debug)]
pub(crate) enum When {
    Always,
    /// By the seed, from what is asked for and how often it was before: independent of order.
    Chance(f64),
    /// By the order of arrival among those that fit the rule, from 0.
    Nth(Range<u64>),
    /// By how often the same thing was asked for, from 0.
    Attempts(Range<u64>),
    /// Those that come while more than so many requests are worked on.
    Crowded(u64),
    /// Those that come faster than so many a second.
    Faster(f64),
    /// From the nth that fits on, for that time.
    For {
        from: u64,
        lasts: Duration,
    },
}

/// A fault and the requests that it meets.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    fault: Fault,
    when: When,
    operations: Vec<Operation>,
    bucket: Option<String>,
    key: Option<String>,
    region: Option<String>,
    access_key: Option<String>,
}

impl Rule {
    /// Meets every request, until narrowed.
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            fault,
            when: When::Always,
            operations: Vec::new(),
            bucket: None,
            key: None,
            region: None,
            access_key: None,
        }
    }

    /// Listings of this prefix show nothing.
    pub(crate) fn empty_listing(prefix: &str) -> Self {
        let list = "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
        let page = Fault::Page("application/xml", list.to_owned());
        Self::new(page).on(&[Operation::ListObjectsV2]).key(prefix)
    }

    pub(crate) fn on(mut self, operations: &[Operation]) -> Self {
        self.operations = operations.to_vec();
        self
    }

    pub(crate) fn bucket(mut self, name: &str) -> Self {
        self.bucket = Some(name.to_owned());
        self
    }

    /// The object's key, or a listing's prefix; `*` stands for anything.
    pub(crate) fn key(mut self, pattern: &str) -> Self {
        self.key = Some(pattern.to_owned());
        self
    }

    /// The region that the request is signed for.
    pub(crate) fn region(mut self, name: &str) -> Self {
        self.region = Some(name.to_owned());
        self
    }

    pub(crate) fn access_key(mut self, id: &str) -> Self {
        self.access_key = Some(id.to_owned());
        self
    }

    pub(crate) fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    pub(crate) fn chance(self, probability: f64) -> Self {
        self.when(When::Chance(probability))
    }

    pub(crate) fn nth(self, range: Range<u64>) -> Self {
        self.when(When::Nth(range))
    }

    pub(crate) fn attempts(self, range: Range<u64>) -> Self {
        self.when(When::Attempts(range))
    }

    fn fits(&self, call: &Call) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == found
        };
        (self.operations.is_empty() || self.operations.contains(&call.operation))
            && same(&self.bucket, Some(&call.bucket))
            && same(&self.region, call.region.as_deref())
            && same(&self.access_key, call.access_key.as_deref())
            && self
                .key
                .as_ref()
                .is_none_or(|pattern| glob(pattern.as_bytes(), call.key.as_bytes()))
    }
}

/// Whether `text` fits `pattern`, where `*` stands for any run of bytes.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', rest @ ..] => {
            (0..=text.len()).any(|skip| glob(rest, text.get(skip..).unwrap_or_default()))
        }
        [first, rest @ ..] => text
            .split_first()
            .is_some_and(|(head, tail)| head == first && glob(rest, tail)),
    }
}

#[derive(Default)]
struct Seen {
    total: u64,
    since: Option<Instant>,
    attempts: HashMap<u64, u64>,
    allowance: Allowance,
}

/// A tenth of a second's worth can be saved up.
#[derive(Default)]
struct Allowance {
    saved: f64,
    at: Option<Instant>,
}

impl Allowance {
    fn take(&mut self, rate: f64) -> bool {
        let now = Instant::now();
        let passed = self
            .at
            .replace(now)
            .map_or(1.0, |at| (now - at).as_secs_f64());
        self.saved = (self.saved + passed * rate).min((rate / 10.0).max(1.0));
        let enough = self.saved >= 1.0;
        if enough {
            self.saved -= 1.0;
        }
        enough
    }
}

struct Armed {
    rule: Rule,
    seen: Mutex<Seen>,
}

impl Armed {
    fn strikes(&self, seed: u64, call: &Call, in_flight: u64) -> bool {
        let mut tally = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let number = tally.total;
        tally.total += 1;
        match &self.rule.when {
            When::Always => true,
            When::Nth(range) => range.contains(&number),
            When::Crowded(limit) => in_flight > *limit,
            When::Faster(rate) => !tally.allowance.take(*rate),
            When::Attempts(range) => range.contains(&tally.attempt(call)),
            When::Chance(probability) => {
                let attempt = tally.attempt(call);
                draw(&(seed, identity(call), attempt)) < *probability
            }
            When::For { from, lasts } => {
                number >= *from && tally.since.get_or_insert_with(Instant::now).elapsed() < *lasts
            }
        }
    }
}

impl Seen {
    fn attempt(&mut self, call: &Call) -> u64 {
        let count = self.attempts.entry(identity(call)).or_default();
        *count += 1;
        *count - 1
    }
}

fn identity(call: &Call) -> u64 {
    digest(&(
        call.operation,
        &call.bucket,
        &call.key,
        &call.query,
        &call.region,
    ))
}

fn digest(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Evenly spread over [0, 1).
fn draw(value: &impl Hash) -> f64 {
    let bits = u32::try_from(digest(value) >> 32).unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// The rules in force; the first that strikes decides.
pub(crate) struct Faults {
    seed: u64,
    rules: RwLock<Vec<Arc<Armed>>>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            rules: RwLock::default(),
        }
    }

    pub(crate) fn add(&self, rule: Rule) {
        let armed = Arc::new(Armed {
            rule,
            seen: Mutex::default(),
        });
        self.rules
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(armed);
    }

    pub(crate) fn clear(&self) {
        self.rules
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    pub(crate) fn decide(&self, call: &Call, in_flight: u64) -> Option<Fault> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let hit = rules.iter().enumerate().find(|(index, armed)| {
            let salt = u64::try_from(*index).unwrap_or_default() << 32;
            armed.rule.fits(call) && armed.strikes(self.seed ^ salt, call, in_flight)
        });
        hit.map(|(_, armed)| armed.rule.fault.clone())
    }
}

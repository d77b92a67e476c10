//! How S3 is to be reached.

use std::time::Duration;

/// How S3 and CloudTrail are to be reached, beyond what the environment and the AWS config files
/// say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Instead of the services' own endpoints.
    pub endpoint_url: Option<String>,
    /// A profile of the AWS config files.
    pub profile: Option<String>,
    /// Whether requests go unsigned.
    pub no_sign_request: bool,
    /// Whether the one who asks pays.
    pub requester_pays: bool,
    /// The region to begin with, where the environment names none.
    pub region: Option<String>,
    /// At most so many requests at a time.
    pub concurrency: usize,
    /// At most so many bytes of bodies at a time.
    pub body_memory: usize,
    /// How long what fails is tried again.
    pub patience: Patience,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoint_url: None,
            profile: None,
            no_sign_request: false,
            requester_pays: false,
            region: None,
            concurrency: 200,
            body_memory: 64 * 1024 * 1024,
            patience: Patience::default(),
        }
    }
}

impl Settings {
    /// The same as options of the AWS CLI, where it does not know of them by itself: it reads the same
    /// environment and the same config files.
    pub(super) fn cli_options(&self) -> Vec<String> {
        let named = |option: &str, value: &Option<String>| {
            let value = value.clone();
            value.map(|value| [option.to_owned(), value])
        };
        let payer = self.requester_pays.then_some("requester".to_owned());
        let options = [
            named("--endpoint-url", &self.endpoint_url),
            named("--profile", &self.profile),
            named("--request-payer", &payer),
        ];
        options.into_iter().flatten().flatten().collect()
    }
}

/// How long what fails is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// So often a request is made in all, where the user says so: else until the limit, and less often
    /// where it is in doubt whether anybody is there who could answer.
    pub attempts: Option<u32>,
    /// The longest first wait; each further one may last twice as long.
    pub first_wait: Duration,
    /// No wait is longer.
    pub longest_wait: Duration,
    /// After this time nothing is tried again.
    pub limit: Duration,
    /// After this time an object is not tried again while others of its bucket come, where single objects
    /// of it did not come within the limit.
    pub alone: Duration,
    /// After this time without any answer to any request, nothing is tried at all.
    pub outage: Duration,
    /// So long no byte may come.
    pub stall: Duration,
    /// So long a connection may take to be made.
    pub connect: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: None,
            first_wait: Duration::from_millis(100),
            longest_wait: Duration::from_secs(8),
            limit: Duration::from_secs(90),
            alone: Duration::from_secs(20),
            outage: Duration::from_mins(3),
            stall: Duration::from_secs(20),
            connect: Duration::from_secs(10),
        }
    }
}

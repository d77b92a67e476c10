//! Requests that got no answer, or were never sent: what lies beneath the SDK's words.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;

use super::{Fault, Kind};

/// A request that got no answer, or was never sent.
pub(super) fn not_sent(operation: &str, error: &(dyn Error + 'static), kind: Kind) -> Fault {
    if let Some(credentials) = credentials_error(error) {
        return without_credentials(credentials);
    }
    if is_certificate_refused(error) {
        return Fault::new(
            Kind::Lasting,
            format!(
                "the server's certificate is not trusted: {}",
                why_not_trusted(&innermost(error))
            ),
        );
    }
    Fault::new(
        kind,
        format!("{operation} got no answer: {}", innermost(error)),
    )
}

/// The machine does not give credentials of a role to whoever asks, or has none. The SDK tells that in words only, as a
/// failure like those that pass.
const NO_ROLE: &str = "IMDS is disabled";
/// There are none in any place: why is a list of all places that there are.
const IN_NO_PLACE: &str = "Attempted:";

fn without_credentials(error: &CredentialsError) -> Fault {
    const ADVICE: &str =
        "set them up, name a --profile, or read a public bucket with --no-sign-request";
    let why = innermost(error);
    let is_none = matches!(error, CredentialsError::CredentialsNotLoaded(_));
    let is_without = (is_none && why.contains(IN_NO_PLACE)) || why.contains(NO_ROLE);
    match error {
        _ if is_without => Fault::new(
            Kind::NoCredentials,
            format!(
                "there are no AWS credentials, neither in the environment nor in the config files nor from a role of this machine: {ADVICE}"
            ),
        ),
        // A provider that could not be asked is told as unhandled.
        CredentialsError::ProviderTimedOut(_)
        | CredentialsError::ProviderError(_)
        | CredentialsError::Unhandled(_) => Fault::new(
            Kind::Expired,
            format!("the AWS credentials could not be had: {why}"),
        ),
        _ => Fault::new(
            Kind::NoCredentials,
            format!("there are no usable AWS credentials ({why}): {ADVICE}"),
        ),
    }
}

fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// How the TLS library begins to tell of a certificate that it refuses. Whatever else goes wrong with
/// TLS is invalid data too, and may pass: alerts of a server that is overloaded, broken records.
const NOT_TRUSTED: &str = "invalid peer certificate";

fn is_certificate_refused(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            // What an I/O error holds is not what it gives as its source.
            let inner = io.get_ref().map(|inner| inner as &(dyn Error + 'static));
            let is_refusal = io.kind() == std::io::ErrorKind::InvalidData
                && inner.is_some_and(|inner| inner.to_string().starts_with(NOT_TRUSTED));
            if is_refusal || inner.is_some_and(is_certificate_refused) {
                return true;
            }
        }
        next = error.source();
    }
    false
}

/// What is wrong with a certificate, and what helps. The TLS library tells it in words for programmers.
fn why_not_trusted(told: &str) -> &'static str {
    let says = |words: &[&str]| words.iter().any(|word| told.contains(word));
    if says(&["UnknownIssuer"]) {
        "its authority is not known; name it with AWS_CA_BUNDLE"
    } else if says(&["CaUsedAsEndEntity"]) {
        "it is that of an authority, which a server may not use as its own"
    } else if says(&["not valid for name", "NotValidForName"]) {
        "it is one for other names than that of the endpoint"
    } else if says(&["not valid yet", "NotValidYet"]) {
        "it is not valid yet, or this machine's clock is wrong"
    } else if says(&["expired", "Expired"]) {
        "it has expired, or this machine's clock is wrong"
    } else if says(&["Revoked"]) {
        "it was revoked"
    } else {
        "it is broken, or of a kind that cannot be checked"
    }
}

/// What lies at the bottom of an error, which is what a person can do something about.
pub(in super::super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !text.is_empty() {
            told = text;
        }
        next = error.source();
    }
    // A person is told it in one line.
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_will_not_be_had_is_not_waited_for() {
        let refused =
            "request forbidden: IMDS is disabled or the caller has insufficient permissions.";
        let fault =
            |why: &str| without_credentials(&CredentialsError::provider_error(why.to_owned()));
        assert_eq!(fault(refused).kind, Kind::NoCredentials);
        assert!(fault(refused).told.contains("--no-sign-request"));
        assert_eq!(fault("timed out").kind, Kind::Expired);
    }

    /// As the TLS library tells it.
    #[test]
    fn what_is_wrong_with_a_certificate_is_told_in_words() {
        for (told, why) in [
            ("UnknownIssuer", "AWS_CA_BUNDLE"),
            (
                "Other(OtherError(CaUsedAsEndEntity))",
                "that of an authority",
            ),
            (
                "certificate not valid for name \"a\"; certificate is only valid for DnsName(\"b\")",
                "other names",
            ),
            (
                "certificate not valid yet: verification time 1 (UNIX)",
                "not valid yet",
            ),
            (
                "certificate expired: verification time 2 (UNIX)",
                "has expired",
            ),
            ("Revoked", "revoked"),
            ("BadEncoding", "broken"),
        ] {
            let words = why_not_trusted(&format!("invalid peer certificate: {told}"));
            assert!(words.contains(why), "{told}: {words}");
        }
    }
}

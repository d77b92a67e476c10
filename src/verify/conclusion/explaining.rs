//! What verified events explain: gaps, and findings about objects.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use super::super::chain::{Gap, GapCause};
use super::super::evidence::{Evidence, Explained, Kept, Question};
use super::super::finding::Code;
use super::super::location::{ChainId, ObjectLocation};
use super::result::{ChainResult, ExplainedGap};
use super::weighing::Weighed;

/// A gap of `chain` with the events that explain it.
pub(super) fn explain_gap(evidence: Option<&Evidence>, chain: &ChainId, gap: Gap) -> ExplainedGap {
    let question = match gap.cause {
        GapCause::StartingDigest | GapCause::NotContiguous => Some(Question::Gap(chain, gap.range)),
        GapCause::StartsLate => Some(Question::StartsLate(chain, gap.range)),
        GapCause::EndsEarly => Some(Question::EndsEarly(chain, gap.range)),
        GapCause::DigestMissing | GapCause::DigestInvalid | GapCause::DigestUnverified => None,
    };
    let explained = question.zip(evidence);
    let explained = explained.map(|(question, evidence)| evidence.explain(question));
    ExplainedGap {
        gap,
        events: explained.unwrap_or_default().events,
    }
}

/// Adds to findings which verified event explains them, and to those about time, that none does.
pub(super) fn explain_findings<'a>(
    evidence: &Evidence,
    chains: impl Iterator<Item = &'a ChainResult>,
    findings: &mut [Weighed],
) {
    let chains: BTreeMap<&str, &ChainId> = chains
        .map(|result| (&*result.name, &*result.chain))
        .collect();
    for weighed in findings {
        let object = weighed.bucket.as_ref().zip(weighed.key.as_ref());
        let object =
            object.map(|(bucket, key)| ObjectLocation::new(Arc::clone(bucket), Arc::clone(key)));
        let chain = weighed.finding.chain.as_deref();
        let chain = chain.and_then(|name| chains.get(name).copied());
        let in_time = chain.zip(weighed.finding.time);
        let question = match weighed.finding.code {
            Code::CoverageGap => in_time.map(|(chain, time)| Question::Gap(chain, time)),
            Code::CoverageStartsLate => {
                in_time.map(|(chain, time)| Question::StartsLate(chain, time))
            }
            Code::CoverageEndsEarly => {
                in_time.map(|(chain, time)| Question::EndsEarly(chain, time))
            }
            Code::DigestMissing | Code::LogMissing => object.as_ref().map(Question::Gone),
            Code::DigestModified
            | Code::DigestMalformed
            | Code::LogModified
            | Code::LogMalformed
            | Code::LogUnreferenced
            | Code::DigestOutOfChain => object.as_ref().map(Question::Written),
            Code::DigestMoved
            | Code::DigestKeyUnknown
            | Code::DigestLinkBroken
            | Code::DigestUnsigned
            | Code::DigestUnreadable
            | Code::LogUncovered
            | Code::LogUnreadable
            | Code::NoDigests
            | Code::RegionSilent
            | Code::SnapshotAltered
            | Code::KindUndigested
            | Code::LogPending
            | Code::StoredUncompressed
            | Code::SignatureFromSuccessor
            | Code::SignFileMissing
            | Code::SignFileModified
            | Code::SignFileMalformed
            | Code::ResultKeyUnknown
            | Code::ResultMissing
            | Code::ResultModified
            | Code::ResultUnreferenced
            | Code::ResultUnreadable
            | Code::NoResults => None,
        };
        let Some(question) = question else { continue };
        let explained = evidence.explain(question);
        let told = if explained.events.is_empty() {
            unexplained(weighed.finding.code, evidence)
        } else {
            Some(in_words(&explained))
        };
        if let Some(told) = told {
            weighed.finding.detail = Some(weighed.finding.message_and(&told).into());
        }
    }
}

/// Time that no digest covers must not be taken for time in which nothing happened.
fn unexplained(code: Code, evidence: &Evidence) -> Option<String> {
    let is_of_time = matches!(code, Code::CoverageGap | Code::CoverageStartsLate);
    let told = if evidence.has_overflowed() {
        "no verified event explains it, as far as events were kept: there were very many"
    } else {
        "no verified event explains it"
    };
    is_of_time.then(|| told.to_owned())
}

fn in_words(explained: &Explained) -> String {
    let mut told = String::new();
    for kept in &explained.events {
        if !told.is_empty() {
            told.push_str(", and ");
        }
        tell(&mut told, kept, explained.perhaps);
    }
    told
}

fn tell(told: &mut String, kept: &Kept, perhaps: bool) {
    let event = &kept.event;
    let may = if perhaps { "may explain" } else { "explains" };
    // Writing to a text never fails.
    let _ = write!(
        told,
        "{} by {} from {} at {} {may} it, as the verified log {} tells",
        event.deed.name(),
        or_unknown(&event.who),
        or_unknown(&event.address),
        event.at,
        kept.log
    );
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

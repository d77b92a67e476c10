//! How to check by hand what the report says, with tools that everybody has.

use std::io::{self, Write};

use crate::report::escape::{markup, shell};
use crate::report::json::Finding;
use crate::verify::finding::Code;

const GET_LOG: &str = r#"aws s3api get-object --bucket "$BUCKET" --key="$LOG" log.json.gz"#;
const HASH_LOG: &str = "gzip -dc log.json.gz | sha256sum";
const GET_DIGEST: &str =
    r#"aws s3api get-object --bucket "$BUCKET" --key="$DIGEST" digest.json.gz > digest.meta.json"#;
const HASH_DIGEST: &str = "gzip -dc digest.json.gz | sha256sum";
const NAMED_HASH: &str = r#"gzip -dc digest.json.gz | jq -r --arg log "$LOG" '.logFiles[] | select(.s3Object == $log) | .hashValue'"#;
const NAMED_DIGEST: &str = r"gzip -dc digest.json.gz | jq -r '.previousDigestS3Object, .previousDigestHashValue, .previousDigestSignature'";
const LOOK_FOR: &str = r#"aws s3api head-object --bucket "$BUCKET" --key="$KEY""#;
const LIST_DIGESTS: &str = r#"aws s3 cp --recursive "s3://$BUCKET/$(dirname "$LOG" | sed 's|/CloudTrail[^/]*/|/CloudTrail-Digest/|')" digests"#;
const SEARCH_DIGESTS: &str = r#"find digests -name '*.json.gz' -exec gzip -dc {} \; | grep -oF "$(basename "$LOG")" | wc -l"#;

/// The check of a digest's own signature. It is run by the tests as it stands here.
const SIGNATURE: &str = r#"gzip -dc digest.json.gz > digest.json
printf '%s\n%s\n%s\n%s' \
  "$(jq -r .digestEndTime digest.json)" \
  "$(jq -r '.digestS3Bucket + "/" + .digestS3Object' digest.json)" \
  "$(sha256sum < digest.json | cut -c1-64)" \
  "$(jq -r .previousDigestSignature digest.json)" > signed.txt
jq -r .Metadata.signature digest.meta.json | xxd -r -p > signature.bin
jq -r --arg f "$(jq -r .digestPublicKeyFingerprint digest.json)" \
  '(.PublicKeyList // .publicKeyList)[] | select(.Fingerprint == $f) | .Value' \
  public-keys.json | base64 -d > key.der
openssl rsa -RSAPublicKey_in -inform DER -in key.der -out key.pem
openssl dgst -sha256 -verify key.pem -signature signature.bin signed.txt"#;

/// What shows the finding by hand.
#[derive(Debug)]
pub(super) struct ByHand {
    /// Commands, a line each, names and all.
    pub(super) commands: String,
    /// What they show, in one sentence.
    pub(super) shows: &'static str,
    /// Whether the digest's signature is checked next.
    pub(super) needs_signature: bool,
}

/// How to check a finding by hand, where it is about an object that is known well enough.
pub(super) fn by_hand(finding: &Finding<'_>) -> Option<ByHand> {
    let (bucket, key) = (finding.bucket.as_deref()?, finding.key.as_deref()?);
    let digest = finding.digest.as_deref();
    let (lines, shows): (&[&str], _) = match (finding.code, digest) {
        (Code::LogModified | Code::LogMalformed, Some(_)) => (
            &[GET_LOG, GET_DIGEST, HASH_LOG, NAMED_HASH],
            "The last two lines must give one hash, and gzip no error.",
        ),
        (Code::LogMissing, Some(_)) => (
            &[
                r#"aws s3api head-object --bucket "$BUCKET" --key="$LOG""#,
                GET_DIGEST,
                NAMED_HASH,
            ],
            "The first line says whether it is there (404: it is not); the last one gives the hash that the digest names for it.",
        ),
        (Code::LogUnreadable, _) => (
            &[GET_LOG, HASH_LOG],
            "The first line says why it cannot be read; where it can, the hash must be the one that its digest names.",
        ),
        (Code::LogUnreferenced | Code::LogUncovered | Code::LogPending, _) => (
            &[LIST_DIGESTS, SEARCH_DIGESTS],
            "The number tells how many digests of its day name it. Those of the first hours of the next day can name it too.",
        ),
        (Code::DigestMissing, Some(_)) => (
            &[LOOK_FOR, GET_DIGEST, NAMED_DIGEST],
            "The first line says whether it is there (404: it is not); the last one shows that the digest after it names it.",
        ),
        (Code::DigestLinkBroken, Some(_)) => (
            &[
                r#"aws s3api get-object --bucket "$BUCKET" --key="$KEY" previous.json.gz > previous.meta.json"#,
                GET_DIGEST,
                "gzip -dc previous.json.gz | sha256sum",
                NAMED_DIGEST,
            ],
            "The hash must be the one that the digest after it names, and so must the signature in previous.meta.json.",
        ),
        (Code::LogMissing | Code::DigestMissing, None)
        | (Code::ResultMissing | Code::SignFileMissing, _) => {
            (&[LOOK_FOR], "It says whether it is there (404: it is not).")
        }
        (
            Code::DigestModified
            | Code::DigestMalformed
            | Code::DigestMoved
            | Code::DigestKeyUnknown
            | Code::DigestOutOfChain
            | Code::DigestUnsigned
            | Code::DigestUnreadable
            | Code::DigestLinkBroken,
            _,
        ) => {
            return Some(ByHand {
                commands: script(
                    &[("BUCKET", bucket), ("DIGEST", key)],
                    &[GET_DIGEST, HASH_DIGEST],
                ),
                shows: "Its signature tells whether it is CloudTrail's, and as it was.",
                needs_signature: true,
            });
        }
        (Code::ResultModified, _) => (
            &[
                r#"aws s3api get-object --bucket "$BUCKET" --key="$KEY" result.csv.gz"#,
                "sha256sum result.csv.gz",
            ],
            "The hash, taken of the file as it is stored, must be the one that the sign file names.",
        ),
        (
            Code::LogModified
            | Code::LogMalformed
            | Code::SignFileModified
            | Code::SignFileMalformed
            | Code::ResultKeyUnknown
            | Code::ResultUnreferenced
            | Code::ResultUnreadable
            | Code::NoResults
            | Code::SnapshotAltered
            | Code::CoverageEndsEarly
            | Code::NoDigests
            | Code::CoverageGap
            | Code::CoverageStartsLate
            | Code::RegionSilent
            | Code::KindUndigested
            | Code::StoredUncompressed
            | Code::SignatureFromSuccessor,
            _,
        ) => return None,
    };
    let is_log = lines.iter().any(|line| line.contains("$LOG"));
    let name = if is_log { "LOG" } else { "KEY" };
    let mut names = vec![("BUCKET", bucket), (name, key)];
    names.extend(digest.map(|digest| ("DIGEST", digest)));
    Some(ByHand {
        commands: script(&names, lines),
        shows,
        needs_signature: lines.contains(&GET_DIGEST),
    })
}

fn script(names: &[(&str, &str)], lines: &[&str]) -> String {
    let names = names
        .iter()
        .map(|(name, value)| format!("{name}={}\n", shell(value)));
    names.collect::<String>() + &lines.join("\n")
}

/// The part of the page that checks a digest's signature.
pub(super) fn appendix(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        r#"<section id="by-hand">
<h2>Check a digest's signature by hand</h2>
<p class="lead">A digest vouches for its logs as far as CloudTrail signed it. With the digest and its metadata fetched as above, and CloudTrail's
public keys in <code>public-keys.json</code> (<code>aws cloudtrail list-public-keys</code>, in the digest's region and for its time),
this prints <code>Verified OK</code>. It takes <code>openssl</code>, <code>sha256sum</code>, <code>jq</code> and <code>xxd</code>.</p>
<pre id="signature">{}</pre>
<p class="lead">Compare <code>digestS3Bucket</code> and <code>digestS3Object</code> in it with the place where it lies. From a copy of the bucket,
take the file instead of <code>aws s3api get-object</code>, and <code>FILE.metadata.json</code> for the metadata. A digest without
metadata is proven by <code>previousDigestSignature</code> in the digest after it.</p>
</section>"#,
        markup_lines(SIGNATURE)
    )
}

/// Lines of a script, each made safe, names and all.
pub(super) fn markup_lines(script: &str) -> String {
    // What is ours is plain, and a name that is not has been made so for the shell already:
    // `visible` would double the backslashes of both.
    let mut escaped = String::with_capacity(script.len() + 64);
    for character in script.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            hidden if crate::report::escape::is_hidden(hidden) => {
                escaped.push_str(&markup(&hidden.to_string()));
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

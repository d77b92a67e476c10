//! What there is to say about what is worth knowing, and proves nothing wrong.

use super::{Explanation, run, step};

pub(super) const KIND_UNDIGESTED: Explanation = Explanation {
    means: "Logs of this kind lie in the range, and no digest of the run names any log of that \
            kind. It is documented nowhere whether CloudTrail names them in digests. They were not \
            verified, and nothing vouches for them.",
    innocent: &["CloudTrail does not digest this kind of log"],
    hostile: &["Somebody made use of that: a log of this kind can be changed unnoticed"],
    next: &[
        step("Rely on these logs only as far as you trust the bucket's own protection"),
        step("If that is not acceptable, make it count: --deny kind-undigested"),
    ],
};

pub(super) const LOG_PENDING: Explanation = Explanation {
    means: "The log was delivered after the newest digest's end, so no digest names it yet. An \
            hour's digest is written up to 31 minutes after the hour. The log was not verified.",
    innocent: &["Its digest was not yet due, or not yet copied"],
    hostile: &[],
    next: &[step(
        "Verify again in two hours, or end the range earlier with --end-time",
    )],
};

pub(super) const STORED_UNCOMPRESSED: Explanation = Explanation {
    means: "The content is what CloudTrail delivered, byte for byte, but it is stored as plain JSON \
            under a name that ends in .json.gz. The hash is taken over the uncompressed bytes, so \
            it holds all the same.",
    innocent: &[
        "A tool undid the objects' `Content-Encoding: gzip` while copying, as browsers and some \
         SDKs do",
    ],
    hostile: &[],
    next: &[step(
        "Nothing has to be done. Tools that go by the name may fail to read the file",
    )],
};

pub(super) const SIGNATURE_FROM_SUCCESSOR: Explanation = Explanation {
    means: "Digests whose metadata holds no signature were proven by the next digest of the chain, \
            which names their signature and is verified itself, or by another copy of the same digest, \
            which has kept it. That proves them just as well.",
    innocent: &["The copy was made without the objects' metadata, as `aws s3 sync` does"],
    hostile: &[],
    next: &[
        step("Nothing has to be done, but for the newest digest, which no other one names"),
        run(
            "To have that one too, save its metadata beside it",
            r#"aws s3api head-object --bucket "$BUCKET" --key "$KEY" > "$FILE.metadata.json""#,
        ),
    ],
};

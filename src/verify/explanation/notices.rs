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
    means: "The log's name dates it after the newest digest's end, so the digest that would name it \
            may not be due yet. Only its name says so, and nothing vouches for it: it was not \
            verified. An hour's digest is written up to 31 minutes after the hour.",
    innocent: &["Its digest was not yet due, or not yet copied"],
    hostile: &[
        "The log was planted, or an older one was copied or renamed, under a name of that time: \
         no digest is there that could tell",
    ],
    next: &[
        step("Do not rely on its events until a digest names it"),
        step(
            "Verify again when the next digest is due, up to two hours later: a log that CloudTrail \
             delivered is named by it, and one that it did not becomes log-unreferenced. Of a \
             copy, copy the digests that have come since as well",
        ),
        step("Or end the range earlier, with --end-time, to leave that time out"),
    ],
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

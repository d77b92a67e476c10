//! What there is to say about digests.

use super::{ANOTHER_COPY, Explanation, PRESERVE, VERSIONS, WHO_TOUCHED_IT, run, step};

pub(super) const MISSING: Explanation = Explanation {
    means: "A verified digest names its predecessor by key, hash and signature, and no object is \
            there. CloudTrail writes that name only once it has written the digest itself, so the \
            digest existed. What lies before the break is still verified, but the logs of the \
            span that the finding tells are vouched for by nothing.",
    innocent: &[
        "The copy is not complete: it was cut short, or begins later than the range asked for",
        "A lifecycle rule expired old objects",
        "The trail's bucket or prefix was changed, and the place that it had before is not among \
         what is verified here",
    ],
    hostile: &[
        "Digests were deleted, so that the logs of that time can be changed or removed unnoticed",
    ],
    next: &[
        run(
            "Look whether the bucket still has it; if it does, the copy is not complete",
            r#"aws s3api head-object --bucket "$BUCKET" --key "$KEY""#,
        ),
        VERSIONS,
        run(
            "Look for a lifecycle rule that would explain it",
            r#"aws s3api get-bucket-lifecycle-configuration --bucket "$BUCKET""#,
        ),
        WHO_TOUCHED_IT,
        ANOTHER_COPY,
        step("If the copy was made to begin later, say from when on with --start-time"),
    ],
};

pub(super) const MODIFIED: Explanation = Explanation {
    means: "The digest's signature does not fit its content, or what stands in its place is not a \
            signature. Either the content or the signature is not what CloudTrail delivered. No \
            log is taken as verified on this digest's word, unless the message says that the next \
            digest proves its content all the same.",
    innocent: &[
        "A tool rewrote the JSON (formatted it, changed its line ends or its encoding)",
        "A copy gave the object the metadata of another one, or cut a long metadata value short",
        "The file beside it that holds its metadata belongs to another version of the object",
    ],
    hostile: &[
        "The digest was edited: logs taken out of its list, or hashes replaced to fit forged logs",
        "The signature was damaged, to make a true digest look false",
    ],
    next: &[
        PRESERVE,
        run(
            "Compare the signature with the one in the object's metadata in the bucket",
            r#"aws s3api head-object --bucket "$BUCKET" --key "$KEY" --query Metadata"#,
        ),
        VERSIONS,
        WHO_TOUCHED_IT,
        ANOTHER_COPY,
    ],
};

pub(super) const MALFORMED: Explanation = Explanation {
    means: "The object lies where a digest would, and cannot be one: it is not one whole gzip \
            stream or plain JSON, it lacks fields or has them in the wrong type, it is too large, \
            or no digest can have its key. Bytes after the end of a gzip stream count too: some \
            readers show them, and no signature covers them.",
    innocent: &[
        "A copy was cut off: a full disk, a broken connection",
        "Another tool put its own files between the digests",
    ],
    hostile: &[
        "Something was planted to mislead those who read the folder, or a verifier that stops at \
         what it does not know",
        "Bytes were added after the end of the stream, to be shown by readers that go on reading",
        "A digest was damaged to take away its word",
    ],
    next: &[
        PRESERVE,
        run(
            "Look at what it is",
            r#"aws s3api get-object --bucket "$BUCKET" --key "$KEY" digest.json.gz && gzip -tv digest.json.gz"#,
        ),
        VERSIONS,
        WHO_TOUCHED_IT,
        ANOTHER_COPY,
    ],
};

pub(super) const MOVED: Explanation = Explanation {
    means: "A digest states the bucket and the key that CloudTrail put it at, and that is signed. \
            This one states another place than the one where it lies. A digest out of its place \
            vouches for nothing here.",
    innocent: &[
        "The bucket is a replica of another one, or objects were copied into another bucket, \
         folder or account's folder: the copies are read as if they were the originals",
        "Two copies of buckets were merged into one folder",
    ],
    hostile: &[
        "A digest of another time, trail or account was put in this place, to cover up that the \
         true one is gone",
    ],
    next: &[
        step(
            "Compare the place that it states, which is what was found, with the place where it lies",
        ),
        run(
            "Look for the digest that belongs here",
            r#"aws s3api list-object-versions --bucket "$BUCKET" --prefix "$KEY""#,
        ),
        step(
            "If they were replicated or moved on purpose, copy them into a folder, each bucket's \
             copy below one of its own with its AWSLogs folder unchanged, and verify that",
        ),
        WHO_TOUCHED_IT,
    ],
};

pub(super) const KEY_UNKNOWN: Explanation = Explanation {
    means: "The digest says that it was signed with a key whose fingerprint is not among the \
            public keys at hand, so its signature cannot be what CloudTrail made with any of them. \
            Each region has its own keys, and a new one every few weeks.",
    innocent: &[
        "The keys at hand are those of another region, or of a shorter time",
        "The keys were saved before the digest was signed",
    ],
    hostile: &["The digest was forged and signed with a key that is not CloudTrail's"],
    next: &[
        run(
            "Ask CloudTrail for the keys of the digest's own region and time, with some hours of \
             margin, and verify again with --public-keys",
            r#"aws cloudtrail list-public-keys --region "$REGION" --start-time "$START" --end-time "$END" > keys.json"#,
        ),
        step(
            "If CloudTrail does not know the fingerprint for that region and time either, treat \
             the digest as forged",
        ),
        PRESERVE,
        VERSIONS,
        WHO_TOUCHED_IT,
    ],
};

pub(super) const LINK_BROKEN: Explanation = Explanation {
    means: "A verified digest names its predecessor's hash and signature, and the predecessor has \
            others. Where both are signed, CloudTrail's key signed two different contents for one \
            place; otherwise the predecessor was exchanged. The digest that is there, if its own \
            signature holds, still vouches for its logs.",
    innocent: &[
        "Only very rarely: CloudTrail delivered a digest twice, with different content",
        "Copies of different times were merged into one folder",
    ],
    hostile: &[
        "A digest was exchanged for another true one, such as an earlier version of it",
        "The signature in the metadata was exchanged",
    ],
    next: &[
        step("Read both digests: the one that is told, and the one after it, which names it"),
        VERSIONS,
        WHO_TOUCHED_IT,
        ANOTHER_COPY,
        step("If both are signed and nobody touched them, ask AWS Support about it"),
    ],
};

pub(super) const OUT_OF_CHAIN: Explanation = Explanation {
    means: "The object looks like a digest of this chain, but the verified digests around it pass \
            it by, and no key of CloudTrail's signed it. It was not delivered as a part of this \
            chain.",
    innocent: &["A test, or another tool, left a file of its own in the folder"],
    hostile: &[
        "A digest was planted so that forged logs seem to be vouched for, or so that a verifier \
         starts from it and never reads the true chain",
    ],
    next: &[
        PRESERVE,
        step("Look at the logs that it names: they may be the forged ones"),
        VERSIONS,
        WHO_TOUCHED_IT,
    ],
};

pub(super) const UNSIGNED: Explanation = Explanation {
    means: "There is no signature to check the digest by: its metadata holds none, and there is no \
            verified successor that names one. Nothing speaks against the digest, and nothing \
            vouches for it or its logs. In a copy without metadata that is true of the newest \
            digest of every chain.",
    innocent: &[
        "The copy was made without the objects' metadata (as `aws s3 sync` does)",
        "The digest is the newest one that was copied",
    ],
    hostile: &[
        "The metadata was stripped off a forged digest, or the digests after it were deleted",
    ],
    next: &[
        run(
            "Save the metadata beside the file, and verify again",
            r#"aws s3api head-object --bucket "$BUCKET" --key "$KEY" > "$FILE.metadata.json""#,
        ),
        step("Or copy the digest that follows it too: its successor names its signature"),
        step("Or end the range before it with --end-time, where later time is not asked about"),
    ],
};

pub(super) const UNREADABLE: Explanation = Explanation {
    means: "The digest is listed, and could not be read; the message says why. That is no sign of \
            tampering and none of its absence: nothing is known about the object, nor about the \
            logs that only it names.",
    innocent: &[
        "The rights to read it, or to use the key that it is encrypted with, are lacking",
        "It was moved to an archive tier, and has to be restored first",
        "The network, the disk or S3 failed",
    ],
    hostile: &["A policy or an encryption key was changed to keep the evidence from being read"],
    next: &[
        run(
            "Look at its storage class, its encryption, and whether you may read it",
            r#"aws s3api head-object --bucket "$BUCKET" --key "$KEY""#,
        ),
        run(
            "If it is archived, restore it, and verify again once that is done",
            r#"aws s3api restore-object --bucket "$BUCKET" --key "$KEY" --restore-request Days=7"#,
        ),
        step("If it failed for the network's sake, verify again"),
    ],
};

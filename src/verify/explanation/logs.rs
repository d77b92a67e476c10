//! What there is to say about logs.

use super::{ANOTHER_COPY, Explanation, PRESERVE, VERSIONS, WHO_TOUCHED_IT, run, step};

pub(super) const MISSING: Explanation = Explanation {
    means: "A verified digest names the log and its hash, so CloudTrail delivered it; no object is \
            there now. The events in it are lost to this archive.",
    innocent: &[
        "The copy is not complete: it was cut short, or left out what it could not read",
        "A lifecycle rule expired logs sooner than digests",
        "Logs were moved elsewhere, to an archive or to another bucket",
        "Increments lie in folders of their own, the range begins right after a cut, and the log \
         lies in the increment before: begin a day earlier, or bring them together in one folder",
    ],
    hostile: &["The log was deleted, to hide the events in it"],
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
        run(
            "See what was recorded in that time: for 90 days CloudTrail keeps management events \
             apart from the bucket",
            r#"aws cloudtrail lookup-events --region "$REGION" --start-time "$START" --end-time "$END""#,
        ),
        ANOTHER_COPY,
    ],
};

pub(super) const MODIFIED: Explanation = Explanation {
    means: "The log's content has another SHA-256 than the one that a verified digest names for \
            it. It is not what CloudTrail delivered: events may have been changed, added or \
            removed. The hash is taken over the uncompressed bytes, so compressing it anew is no \
            change.",
    innocent: &[
        "A tool rewrote the JSON: formatted it, masked fields, changed its encoding",
        "The copy holds another version of the object, or was damaged on its way",
    ],
    hostile: &["The log was edited, to hide events or to make up some"],
    next: &[
        PRESERVE,
        run(
            "Check by hand: the hash must be the one in `expected`",
            r#"aws s3 cp "s3://$BUCKET/$KEY" - | gzip -dc | sha256sum"#,
        ),
        VERSIONS,
        WHO_TOUCHED_IT,
        run(
            "Compare with what CloudTrail recorded in that time: for 90 days it keeps management \
             events apart from the bucket",
            r#"aws cloudtrail lookup-events --region "$REGION" --start-time "$START" --end-time "$END""#,
        ),
        ANOTHER_COPY,
    ],
};

pub(super) const MALFORMED: Explanation = Explanation {
    means: "The log's gzip stream is broken: it is cut off, its checksum or length is wrong, or \
            bytes follow its end. CloudTrail delivers one whole stream, so this is not what it \
            delivered. Bytes after the end matter even where the stream itself is intact: zcat, \
            Athena and others read on, and would show events that no digest vouches for. A log that \
            holds more than 4 GiB is this too: CloudTrail delivers none that is nearly so large, \
            and no more of it is read.",
    innocent: &[
        "A copy was cut off: a full disk, a broken connection",
        "Files were joined, or padded to a block's length, by a tool",
    ],
    hostile: &[
        "Events were added after the end of the stream, where a hash of the first part does not \
         see them",
        "The log was damaged, to make its events unreadable",
        "Something that inflates without end was put in its place, to keep a run busy",
    ],
    next: &[
        PRESERVE,
        run(
            "Check by hand",
            r#"aws s3 cp "s3://$BUCKET/$KEY" log.json.gz && gzip -tv log.json.gz"#,
        ),
        VERSIONS,
        WHO_TOUCHED_IT,
        ANOTHER_COPY,
    ],
};

pub(super) const UNREFERENCED: Explanation = Explanation {
    means: "The log lies in time that verified digests cover, and none of them names it, nor does \
            a backfill digest that is here. Either CloudTrail delivered it for another trail, \
            whose digests are not here, or CloudTrail did not deliver it at all. Its events must \
            not be relied on.",
    innocent: &[
        "A second trail without log file validation delivers into the same bucket and prefix: its \
         logs look the same, and no digest ever names them",
        "A second trail's digests, or backfill digests, were not copied",
        "Somebody copied logs of another bucket into this one",
    ],
    hostile: &["The log was planted, to lay a false trail or to fake an alibi"],
    next: &[
        run(
            "Look for another trail that delivers into this bucket, and whether it validates",
            r#"aws cloudtrail describe-trails --include-shadow-trails --query "trailList[?S3BucketName=='$BUCKET'].[TrailARN,S3KeyPrefix,LogFileValidationEnabled]" --output table"#,
        ),
        step(
            "If such a trail explains all of them, turn on its log file validation, and take the \
             finding down to a notice for the time until then: --allow log-unreferenced. That \
             allows a planted log just as well, so allow it for no longer than you must",
        ),
        run(
            "If none does, find out who put the object there: its time and owner come first",
            r#"aws s3api list-object-versions --bucket "$BUCKET" --prefix "$KEY""#,
        ),
        WHO_TOUCHED_IT,
        PRESERVE,
    ],
};

pub(super) const UNCOVERED: Explanation = Explanation {
    means: "The log lies in time that no verified digest covers, so nothing can be said of it: \
            neither that CloudTrail delivered it, nor that it did not. Where no end was asked for, \
            that may be time after the last verified digest, up to which the range is told.",
    innocent: &[
        "Log file validation was off at that time",
        "The trail's logging was being stopped or started",
        "The digests of that time are not here: see the other findings",
    ],
    hostile: &[
        "Validation was turned off, or digests were deleted, so that logs of that time can be \
         changed or planted unnoticed",
    ],
    next: &[
        step(
            "First see to the digests of the same chain that are missing, invalid, unsigned or \
             unreadable, if any",
        ),
        run(
            "Find out who turned logging or validation off and on",
            r#"for e in StopLogging StartLogging UpdateTrail DeleteTrail CreateTrail; do aws cloudtrail lookup-events --region "$REGION" --lookup-attributes "AttributeKey=EventName,AttributeValue=$e"; done"#,
        ),
        step("Use the log as information only; it proves nothing"),
    ],
};

pub(super) const UNREADABLE: Explanation = Explanation {
    means: "A verified digest names the log, and it could not be read, or what could hold logs \
            could not be listed; the message says why. That is no sign of tampering and none of \
            its absence: nothing is known about it.",
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

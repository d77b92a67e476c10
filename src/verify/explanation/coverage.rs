//! What there is to say about time that is not covered.

use super::{ANOTHER_COPY, Explanation, Step, run, step};

const WHO_STOPPED_IT: Step = run(
    "Find out who stopped, deleted or changed the trail; for 90 days CloudTrail keeps management \
     events apart from the bucket",
    r#"for e in StopLogging DeleteTrail UpdateTrail StartLogging CreateTrail; do aws cloudtrail lookup-events --region "$HOME_REGION" --lookup-attributes "AttributeKey=EventName,AttributeValue=$e" --start-time "$START" --end-time "$END"; done"#,
);

pub(super) const ENDS_EARLY: Explanation = Explanation {
    means: "CloudTrail writes a digest every hour, also when nothing happened, within 31 minutes \
            of the hour's end. The newest verified digest of this chain ended more than 1 h 45 min \
            before the end of the range, so digests that should be there are not, or are not \
            verified. Time after that digest is vouched for by nothing.",
    innocent: &[
        "The trail was stopped or deleted, or its validation turned off",
        "The copy was made before the end of the range, or is not complete",
        "CloudTrail may no longer write to the bucket: a policy, a key, a deleted bucket",
        "The newest digests are there, and are not verified: see the other findings",
    ],
    hostile: &["The newest digests and logs were deleted, which no later digest can tell of"],
    next: &[
        run(
            "See whether the trail is logging, and when it last delivered a digest",
            r#"aws cloudtrail get-trail-status --name "$TRAIL" --region "$HOME_REGION""#,
        ),
        WHO_STOPPED_IT,
        run(
            "Look for delete markers on later digests",
            r#"aws s3api list-object-versions --bucket "$BUCKET" --prefix "$DIGEST_FOLDER" --query DeleteMarkers"#,
        ),
        step("If the archive ends there on purpose, say so with --end-time"),
    ],
};

pub(super) const NO_DIGESTS: Explanation = Explanation {
    means: "There was nothing to verify: no digest lies in the range or covers any of it, no AWSLogs \
            folder was found, or the source is empty; or an account, a region or a trail was asked for \
            by name, and no digest of it was found; or of a chain backfill digests alone are left, each \
            of which stands beside an hourly one. Nothing verified is not success.",
    innocent: &[
        "The source, the range or a filter names another place or time than was meant",
        "Log file validation was never turned on, so there are no digests",
        "Only logs were copied, and not the CloudTrail-Digest folders",
        "It is saved query results of CloudTrail Lake that lie there: `ct-verify query-results` verifies them",
    ],
    hostile: &[
        "The whole archive was deleted",
        "All that was kept of one account, region or trail was deleted, but for a backfill digest perhaps",
    ],
    next: &[
        step("Check the source, the range and the filters"),
        run(
            "See whether the trail validates its log files",
            r#"aws cloudtrail describe-trails --query "trailList[].[Name,S3BucketName,S3KeyPrefix,LogFileValidationEnabled]" --output table"#,
        ),
        run(
            "See what is in the bucket",
            r#"aws s3 ls --recursive "s3://$BUCKET/$PREFIX" | head"#,
        ),
    ],
};

pub(super) const GAP: Explanation = Explanation {
    means: "A chain ended, and a new one began with a starting digest: a digest that names no \
            predecessor. No digest covers the time between. Whether logs were delivered in it is \
            not known, and those that lie there are vouched for by nothing. Where an intact log \
            records who stopped, deleted or changed the trail, or began it anew, the message names \
            the event; where none does, it says so.",
    innocent: &[
        "Logging was stopped and started again",
        "Validation was turned off and on again",
        "The trail was deleted, and made again under the same name",
    ],
    hostile: &["Somebody turned logging or validation off, to act unrecorded"],
    next: &[
        WHO_STOPPED_IT,
        step(
            "Read the verified logs right before and right after the gap: StopLogging is recorded \
             in the last of them, StartLogging in the first",
        ),
        step("If gaps are not acceptable, make them count: --deny coverage-gap"),
    ],
};

pub(super) const STARTS_LATE: Explanation = Explanation {
    means: "The chain's first digest starts after the start of the range, and nothing of the chain \
            is older. No digest covers the time before.",
    innocent: &[
        "The trail, or its validation, was turned on only then",
        "The account or region joined the organization's trail only then",
        "Older objects expired by a lifecycle rule, or were not copied",
    ],
    hostile: &["The oldest digests and logs were deleted, which no later starting digest tells of"],
    next: &[
        run(
            "See when the trail began",
            r#"aws cloudtrail get-trail-status --name "$TRAIL" --region "$HOME_REGION" --query StartLoggingTime"#,
        ),
        run(
            "Look for a lifecycle rule that would explain it",
            r#"aws s3api get-bucket-lifecycle-configuration --bucket "$BUCKET""#,
        ),
        ANOTHER_COPY,
        step("If that is not acceptable, make it count: --deny coverage-starts-late"),
    ],
};

pub(super) const REGION_SILENT: Explanation = Explanation {
    means: "The trail has digests in the range, and none in this region, though this region has a \
            folder, and digests show that the trail records other regions than its own: in the \
            range, or on its first or last day. A trail for all regions has a chain in each of \
            them, with a digest every hour whether anything happened or not.",
    innocent: &[
        "The trail recorded this region only at other times",
        "The region is opt-in, and was turned off",
        "The copy left out this region's digests",
    ],
    hostile: &["All digests of the region were deleted, which no other chain can tell of"],
    next: &[
        run(
            "See whether the trail records all regions",
            r#"aws cloudtrail describe-trails --trail-name-list "$TRAIL" --region "$HOME_REGION" --query "trailList[].IsMultiRegionTrail""#,
        ),
        run(
            "See whether the region is turned on for the account",
            r#"aws account get-region-opt-status --region-name "$REGION""#,
        ),
        step("If that is not acceptable, make it count: --deny region-silent"),
    ],
};

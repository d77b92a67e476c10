//! What there is to say about saved query results of CloudTrail Lake.

use super::{ANOTHER_COPY, Explanation, PRESERVE, Step, VERSIONS, WHO_TOUCHED_IT, run, step};

const QUERY_AGAIN: Step = run(
    "Fetch the results of the query anew: CloudTrail keeps them for seven days, and an event data \
     store can be asked again for as long as it keeps its events",
    r#"aws cloudtrail get-query-results --region "$REGION" --query-id "$QUERY_ID""#,
);
const KEYS: Step = run(
    "Fetch the keys of the region that the sign file names, from its queryCompleteTime to 20 days \
     later, and name the file with --public-keys",
    r#"aws cloudtrail list-public-keys --region "$REGION" --start-time "$START" --end-time "$END" > keys.json"#,
);

pub(super) const SIGN_FILE_MISSING: Explanation = Explanation {
    means: "Result files lie in a folder without a result_sign.json. Nothing vouches for them: \
            they may be what CloudTrail Lake wrote, or anything else.",
    innocent: &[
        "The copy is not complete: it left out the sign file",
        "The export is still being written: the sign file comes last",
    ],
    hostile: &[
        "The sign file was deleted, so that changed results do not show",
        "The results were made up",
    ],
    next: &[
        run(
            "Look whether the bucket still has it; if it does, the copy is not complete",
            r#"aws s3api head-object --bucket "$BUCKET" --key "$KEY""#,
        ),
        VERSIONS,
        WHO_TOUCHED_IT,
        QUERY_AGAIN,
    ],
};

pub(super) const SIGN_FILE_MODIFIED: Explanation = Explanation {
    means: "The signature in the sign file is not one of any key at hand over the hashes that it \
            names, though the key that it names is at hand. Hashes were changed, added, removed \
            or put in another order, or the signature was. Its result files are not verified.",
    innocent: &["The file was damaged, or a tool rewrote it"],
    hostile: &["Results were exchanged, and the hashes in the sign file with them"],
    next: &[
        PRESERVE,
        VERSIONS,
        WHO_TOUCHED_IT,
        QUERY_AGAIN,
        ANOTHER_COPY,
    ],
};

pub(super) const SIGN_FILE_MALFORMED: Explanation = Explanation {
    means: "The object named result_sign.json is no sign file: not its JSON, fields absent, twice \
            or of the wrong type, larger than 16 MiB, or it names files that cannot be those of \
            its own folder: a name that leads out of the folder, stands there twice, or differs \
            from another only by case. None of the files that it names is read.",
    innocent: &[
        "The file was damaged or cut",
        "Another program uses the same name",
    ],
    hostile: &[
        "The sign file was edited, so that a verifier reads other files than those that lie beside it",
    ],
    next: &[PRESERVE, VERSIONS, WHO_TOUCHED_IT, QUERY_AGAIN],
};

pub(super) const KEY_UNKNOWN: Explanation = Explanation {
    means: "No public key at hand has the fingerprint that the sign file names, and its signature \
            is not one of any of those that are. So it cannot be told who signed it. Its result \
            files are not verified.",
    innocent: &[
        "The keys at hand are those of another region, or of another time",
        "CloudTrail no longer lists a key so old",
    ],
    hostile: &["Somebody signed results of their own with a key of their own"],
    next: &[
        KEYS,
        step(
            "Compare the region and time in the sign file with what you know of the query: neither \
             is signed, and they decide which keys CloudTrail is asked for",
        ),
        QUERY_AGAIN,
    ],
};

pub(super) const MISSING: Explanation = Explanation {
    means: "A proven sign file names a result file, and there is none of that name beside it. A \
            part of the query's results is not there.",
    innocent: &[
        "The copy is not complete",
        "The file was renamed or unpacked: its name counts as it stands in the sign file",
    ],
    hostile: &["The file was deleted, to hide the events in it"],
    next: &[
        run(
            "Look whether the bucket still has it; if it does, the copy is not complete",
            r#"aws s3api head-object --bucket "$BUCKET" --key "$KEY""#,
        ),
        VERSIONS,
        WHO_TOUCHED_IT,
        QUERY_AGAIN,
        ANOTHER_COPY,
    ],
};

pub(super) const MODIFIED: Explanation = Explanation {
    means: "The result file has another SHA-256 than the one that a proven sign file names for it. \
            The hash is taken over the file as it is stored: unlike a log, a result file that was \
            compressed anew is changed, even where its rows are the same.",
    innocent: &[
        "A tool unpacked the file, or compressed it anew",
        "Two result files were renamed",
        "The copy was damaged on its way",
    ],
    hostile: &["The results were edited, to hide events or to make up some"],
    next: &[
        PRESERVE,
        run(
            "Check by hand: the hash must be the one in `expected`",
            r#"aws s3 cp "s3://$BUCKET/$KEY" - | sha256sum"#,
        ),
        VERSIONS,
        WHO_TOUCHED_IT,
        QUERY_AGAIN,
        ANOTHER_COPY,
    ],
};

pub(super) const UNREFERENCED: Explanation = Explanation {
    means: "A file beside a proven sign file looks like a result file, and the sign file does not \
            name it. CloudTrail Lake names every result file that it writes, so this one came from \
            elsewhere; whoever queries the folder reads it like the others.",
    innocent: &[
        "Somebody put a copy, an extract or an unpacked file beside the results",
        "Two exports were copied into one folder",
    ],
    hostile: &["Results were planted"],
    next: &[
        PRESERVE,
        step("Ask whoever works with these results whether the file is theirs"),
        WHO_TOUCHED_IT,
        QUERY_AGAIN,
    ],
};

pub(super) const UNREADABLE: Explanation = Explanation {
    means: "A sign file, a result file or a folder could not be read, the keys for a sign file \
            could not be had, or the sign file is of a version or names an algorithm that this \
            release does not know. Nothing is said of the content: it may be intact or not.",
    innocent: &[
        "The permission to read the object, or to use its KMS key, is lacking",
        "The object is archived, and not restored",
        "The network, the disk or the service failed",
        "CloudTrail Lake has come to write another version of sign files",
    ],
    hostile: &[
        "The permission was taken away, so that a change does not show",
        "The version or an algorithm in the sign file was changed: neither is signed",
    ],
    next: &[
        run(
            "Try to read the object, and see what the service says",
            r#"aws s3api get-object --bucket "$BUCKET" --key "$KEY" /dev/null"#,
        ),
        step("Get the permission, restore the object, or get a newer release; then verify again"),
    ],
};

pub(super) const NO_RESULTS: Explanation = Explanation {
    means: "There was nothing to verify: no sign file and no result file was found below the \
            source, or a sign file names no file at all. Nothing verified is no success.",
    innocent: &[
        "The source is another bucket, prefix or folder than the one that results are saved to",
        "The query was not saved to S3",
        "It is a trail's logs and digests that lie there: `ct-verify logs` verifies them",
    ],
    hostile: &["All results were deleted, or a sign file was exchanged for one that names none"],
    next: &[
        run(
            "Look where query results lie: below CloudTrail-Lake/Query",
            r#"aws s3 ls --recursive "s3://$BUCKET/$PREFIX/AWSLogs/" | grep CloudTrail-Lake/Query"#,
        ),
        VERSIONS,
    ],
};

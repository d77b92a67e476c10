//! What became of a snapshot.

use super::{Explanation, PRESERVE, run, step};

pub(super) const ALTERED: Explanation = Explanation {
    means: "A file of the snapshot is missing, was changed or was added since the snapshot was \
            taken: it is not what the snapshot's manifest says. What CloudTrail delivered may \
            still be intact, and the other findings tell that; but the folder is no longer the \
            evidence that was secured.",
    innocent: &[
        "A copy of the snapshot was cut off, or left out files that a tool took for hidden",
        "A tool that copied it packed or unpacked files, or changed line ends",
        "Somebody put a file into the snapshot's own folders",
    ],
    hostile: &[
        "Evidence was taken out of the snapshot, such as a planted log that it had secured",
        "A log, a digest, a digest's metadata or a key was exchanged",
    ],
    next: &[
        PRESERVE,
        run(
            "Check by hand, in the folder of the snapshot",
            "sha256sum --quiet -c MANIFEST.sha256",
        ),
        step(
            "Compare the manifest's own SHA-256 with the one that was written down or signed when \
             the snapshot was taken: where it is another one, the manifest was exchanged too",
        ),
        step("Go back to another copy of the snapshot, and verify that"),
    ],
};

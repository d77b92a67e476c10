//! The archive that most scenarios start from, and what its usual faults look like.

use crate::{
    forge::{Archive, At, Time, Trail},
    harness::{Expect, Finding, code},
};

pub const REGION: &str = "111122223333/us-east-1";
pub const CHAIN: &str = "111122223333/us-east-1/audit";
pub const HOURS: u32 = 6;
/// The index of the newest digest of [`audit`]; 0 is its starting digest.
pub const NEWEST: usize = 6;

/// Six hours of the trail `audit` in one region, from 2024-03-10T00:00:00Z on, two logs an hour.
pub fn audit() -> Archive {
    trail(HOURS).archive()
}

pub fn trail(hours: u32) -> Trail {
    Trail::new("audit", "2024-03-10T00:00:00Z", hours)
}

pub fn at(time: &str) -> Time {
    Time::parse(&format!("2024-03-{time}Z"))
}

/// First hour, one in the middle, newest.
pub const POSITIONS: [usize; 3] = [1, 3, NEWEST];

/// The finding about an object of the chain `audit`.
pub fn in_chain(name: &str, at: &At) -> Finding {
    code(name).at(at).chain(CHAIN)
}

/// The finding about a log that no digest names.
pub fn in_region(name: &str, at: &At) -> Finding {
    code(name).at(at).chain(REGION)
}

/// What becomes of the logs of a digest of [`audit`] that fails with this code, and vouches for nothing: out of what is
/// covered. Where the newest digest is gone, they may have been delivered after it.
pub fn abandoned(archive: &Archive, index: usize, code: &str) -> Vec<Finding> {
    let name = match code {
        "digest-missing" if index == NEWEST => "log-pending",
        _ => "log-uncovered",
    };
    archive.first().digests[index]
        .logs
        .iter()
        .map(|log| in_region(name, log))
        .collect()
}

/// The digest at `index` of [`audit`] fails with this code, and vouches for nothing.
pub fn digest_fails(expect: Expect, archive: &Archive, index: usize, name: &str) -> Expect {
    let (slot, cause) = match name {
        "digest-missing" => (2, "digest-missing"),
        "digest-unsigned" | "digest-unreadable" => (3, "digest-unverified"),
        _ => (1, "digest-invalid"),
    };
    let digest = archive.first().digests[index].clone();
    let expect = expect
        .finding(in_chain(name, &digest.at))
        .findings(abandoned(archive, index, name));
    let expect = if index == NEWEST {
        expect.ends(digest.start)
    } else {
        expect
    };
    expect.chain(CHAIN, |chain| {
        chain.digests[0] -= 1;
        chain.digests[slot] += 1;
        chain.logs[0] -= digest.logs.len() as u64;
        if index == NEWEST {
            chain.covered.last_mut().unwrap().1 = digest.start;
        } else {
            chain.gap(digest.start, digest.end, cause);
        }
    })
}

//! One object that does not come, while others of its bucket do: with little patience, by the library.

use std::time::Duration;

use ct_verify::source::{Connection, Patience, S3Place, S3Source, Settings, Source};
use ct_verify::verify::conclusion::Verdict;

use super::served::Served;
use crate::forge::{Archive, At};
use crate::scenarios::common::audit;
use crate::server::{Fault, Operation, Rule, When};
use crate::trust::judge::{Run, judge_source};

/// Told of what was not waited for as long as there is patience.
const EARLY: &str = "while another object of the bucket came";

/// An archive that is served, and a source that waits for an object as long as `limit`, and for a tenth of that once
/// it knows of others that did not come.
fn source(archive: &Archive, limit: Duration) -> (Served, S3Source) {
    let served = Served::new(archive);
    let settings = Settings {
        endpoint_url: Some(served.server.url()),
        no_sign_request: true,
        patience: Patience {
            first_wait: Duration::from_millis(10),
            longest_wait: Duration::from_millis(50),
            limit,
            alone: limit / 10,
            ..Patience::default()
        },
        ..Settings::default()
    };
    let connection = Connection::open(settings, drop).expect("a connection");
    let source = S3Source::new(connection, S3Place::new("audit-logs", ""));
    (served, source)
}

/// Why a log of the only root cannot be read, if it cannot.
fn why_not(source: &S3Source, (_, key): &At) -> Option<String> {
    let (roots, _) = source.roots().expect("roots");
    let read = source.log(roots[0].id, key);
    read.err().map(|error| error.to_string())
}

/// What is wrong with a few objects alone is waited for, and with more of them no longer.
#[test]
fn many_objects_that_do_not_come_do_not_hold_up_a_run_each() {
    let archive = audit();
    let page = Fault::Proxy {
        status: 200,
        body: "<html><body>the proxy says no</body></html>".into(),
    };
    for fault in [Fault::InternalError, Fault::Reset, page] {
        let (served, source) = source(&archive, Duration::from_millis(500));
        let digests = archive.first().digests.iter();
        let mut logs = digests.flat_map(|digest| &digest.logs);
        assert_eq!(why_not(&source, logs.next().expect("a log")), None);
        for is_early in [false, false, true, true] {
            let log = logs.next().expect("another log");
            let rule = Rule::new(fault.clone()).on(&[Operation::GetObject]);
            served.server.faults().add(rule.key(&log.1));
            let told = why_not(&source, log).expect("a log that does not come");
            assert_eq!(told.contains(EARLY), is_early, "{told}");
        }
    }
}

/// As from a server one of whose parts is started anew.
#[test]
fn one_object_that_comes_late_is_waited_for() {
    let archive = audit();
    let (served, source) = source(&archive, Duration::from_secs(10));
    let late = Rule::new(Fault::InternalError).on(&[Operation::GetObject]);
    let lasts = Duration::from_millis(1500);
    let late = late.key(&archive.log(2, 0).1);
    let faults = served.server.faults();
    faults.add(late.when(When::For { from: 0, lasts }));
    let judged = judge_source(&source, Run::default());
    assert_eq!(judged.verdict, Verdict::Valid, "{judged:#?}");
}

use std::time::{Duration, Instant};

use aws_sdk_s3::config::timeout::TimeoutConfig;

use super::super::{Fault, Object, Operation, Options, Rule, Server, When};
use super::client::{BUCKET, block_on, body, builder, s3, serve};

fn faulty(rule: Rule) -> Server {
    let server = serve(&["key", "other"], Options::default());
    server
        .store()
        .put(BUCKET, "large", Object::new(vec![7; 1_000_000]));
    server.faults().add(rule);
    server
}

#[test]
fn refusals_have_their_status_and_code() {
    for (fault, told) in [
        (Fault::SlowDown, "503 SlowDown"),
        (Fault::Throttled, "400 RequestLimitExceeded"),
        (Fault::InternalError, "500 InternalError"),
        (Fault::AccessDenied, "403 AccessDenied"),
        (Fault::ExpiredToken, "400 ExpiredToken"),
        (
            Fault::Refused {
                status: 403,
                code: "InvalidAccessKeyId".to_owned(),
            },
            "403 InvalidAccessKeyId",
        ),
        (
            Fault::Proxy {
                status: 502,
                body: "<html>Bad Gateway".to_owned(),
            },
            "502 -",
        ),
    ] {
        let server = faulty(Rule::new(fault).key("k*y"));
        assert_eq!(block_on(body(&s3(&server, 1), "key")).unwrap_err(), told);
        assert_eq!(block_on(body(&s3(&server, 1), "other")).unwrap(), b"other");
        server.faults().clear();
        assert_eq!(block_on(body(&s3(&server, 1), "key")).unwrap(), b"key");
    }
}

#[test]
fn what_passes_is_retried_by_the_sdk() {
    for fault in [
        Fault::SlowDown,
        Fault::Throttled,
        Fault::InternalError,
        Fault::Reset,
    ] {
        let server = faulty(
            Rule::new(fault.clone())
                .on(&[Operation::GetObject])
                .attempts(0..2),
        );
        assert_eq!(
            block_on(body(&s3(&server, 3), "key")),
            Ok(b"key".to_vec()),
            "{fault:?}"
        );
        let log = server.log().requests_for(BUCKET, "key");
        assert_eq!(log.len(), 3);
        assert_eq!(log[2].status, Some(200));
        if matches!(fault, Fault::Reset) {
            assert_eq!(log[0].status, None);
        }
    }
}

#[test]
fn a_reset_is_a_failed_dispatch() {
    let server = faulty(Rule::new(Fault::Reset));
    assert_eq!(
        block_on(body(&s3(&server, 1), "key")).unwrap_err(),
        "dispatch"
    );
}

#[test]
fn a_broken_body_is_an_error_and_never_short() {
    for fault in [Fault::ResetBody, Fault::CutBody] {
        for key in ["key", "large"] {
            let server = faulty(Rule::new(fault.clone()).nth(0..1));
            let client = s3(&server, 3);
            let error = block_on(body(&client, key)).unwrap_err();
            assert!(error.starts_with("body: "), "{fault:?}: {error}");
            assert!(
                block_on(body(&client, key)).is_ok(),
                "the next one comes through"
            );
        }
    }
}

/// Straight from the socket: the head and the first half are sent before the break.
#[test]
fn half_of_a_broken_body_arrives() {
    use std::io::{Read as _, Write as _};
    let server = faulty(Rule::new(Fault::CutBody));
    let address = server.url();
    let mut stream = std::net::TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    write!(stream, "GET /{BUCKET}/other HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("content-length: 5\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\not"), "{answer}");
}

#[test]
fn stalls_run_into_the_clients_timeouts() {
    let stall = Duration::from_hours(1);
    let server = faulty(Rule::new(Fault::Stall(stall)).nth(0..1));
    let timeouts = TimeoutConfig::builder()
        .read_timeout(Duration::from_secs(2))
        .build();
    let client =
        aws_sdk_s3::Client::from_conf(builder(&server, 1).timeout_config(timeouts).build());
    let started = Instant::now();
    assert_eq!(block_on(body(&client, "key")).unwrap_err(), "timeout");
    assert_eq!(block_on(body(&client, "key")).unwrap(), b"key");
    drop(server);
    assert!(
        started.elapsed() < stall,
        "a stall does not hold up the server's end"
    );
}

#[test]
fn a_stall_in_the_body_ends_by_itself() {
    let server = faulty(Rule::new(Fault::StallBody(Duration::from_millis(300))));
    let started = Instant::now();
    assert_eq!(
        block_on(body(&s3(&server, 1), "large")).unwrap().len(),
        1_000_000
    );
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[test]
fn an_expired_token_expires_for_its_time_and_its_key_alone() {
    let for_a_while = When::For {
        from: 1,
        lasts: Duration::from_secs(3),
    };
    let server = faulty(
        Rule::new(Fault::ExpiredToken)
            .access_key("AKID")
            .when(for_a_while),
    );
    let client = s3(&server, 1);
    assert!(block_on(body(&client, "key")).is_ok());
    assert_eq!(
        block_on(body(&client, "key")).unwrap_err(),
        "400 ExpiredToken"
    );
    let fresh = aws_sdk_s3::config::Credentials::new("NEW", "secret", None, None, "test");
    let refreshed =
        aws_sdk_s3::Client::from_conf(builder(&server, 1).credentials_provider(fresh).build());
    assert!(block_on(body(&refreshed, "key")).is_ok());
    std::thread::sleep(Duration::from_secs(3));
    assert!(block_on(body(&client, "key")).is_ok());
}

#[test]
fn chance_depends_on_the_seed_and_not_on_the_order() {
    let hits = |seed: u64, backwards: bool| {
        let server = serve(
            &[],
            Options {
                seed,
                ..Options::default()
            },
        );
        server.faults().add(Rule::new(Fault::SlowDown).chance(0.5));
        let client = s3(&server, 1);
        let mut names: Vec<String> = (0..40).map(|number| format!("key-{number:02}")).collect();
        if backwards {
            names.reverse();
        }
        let hit = |name: &String| block_on(body(&client, name)).unwrap_err() == "503 SlowDown";
        let mut hits: Vec<String> = names.into_iter().filter(hit).collect();
        hits.sort();
        hits
    };
    let first = hits(1, false);
    assert!((8..=32).contains(&first.len()), "{} of 40", first.len());
    assert_eq!(first, hits(1, true));
    assert_ne!(first, hits(2, false));
}

/// How many of 40 requests, sent as fast as they go and `parallel` at a time, were refused.
fn refused(server: &Server, parallel: usize) -> usize {
    block_on(async {
        let client = s3(server, 1);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..parallel {
            let client = client.clone();
            tasks.spawn(async move {
                let mut refused = 0;
                for _ in 0..40 / parallel {
                    refused += usize::from(body(&client, "key").await.is_err());
                }
                refused
            });
        }
        tasks.join_all().await.into_iter().sum()
    })
}

#[test]
fn too_many_at_a_time_are_slowed_down() {
    let options = Options {
        latency: Duration::from_millis(200),
        ..Options::default()
    };
    let server = serve(&["key"], options);
    server
        .faults()
        .add(Rule::new(Fault::SlowDown).when(When::Crowded(8)));
    assert_eq!(refused(&server, 4), 0);
    assert!(refused(&server, 20) >= 10);
}

#[test]
fn too_many_in_a_time_are_slowed_down() {
    let server = serve(&["key"], Options::default());
    server
        .faults()
        .add(Rule::new(Fault::SlowDown).when(When::Faster(2.0)));
    assert!(refused(&server, 4) >= 10);
    let slow = Options {
        latency: Duration::from_millis(60),
        ..Options::default()
    };
    let server = serve(&["key"], slow);
    server
        .faults()
        .add(Rule::new(Fault::SlowDown).when(When::Faster(20.0)));
    assert_eq!(refused(&server, 1), 0);
}

#[test]
fn throughput_levels_off_at_the_slots() {
    let options = Options {
        latency: Duration::from_millis(20),
        slots: 4,
        ..Options::default()
    };
    let server = serve(&["key"], options);
    let started = Instant::now();
    assert_eq!(refused(&server, 20), 0);
    assert!(
        started.elapsed() >= Duration::from_millis(200),
        "40 requests, 4 at a time"
    );
}

#[test]
fn latency_is_added_and_concurrency_is_seen() {
    let options = Options {
        latency: Duration::from_secs(1),
        ..Options::default()
    };
    let server = serve(&["key"], options);
    let started = Instant::now();
    block_on(async {
        let client = s3(&server, 1);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let client = client.clone();
            tasks.spawn(async move { body(&client, "key").await.unwrap() });
        }
        while tasks.join_next().await.is_some() {}
    });
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert!(
        server.log().high_water() > 10,
        "{} at a time",
        server.log().high_water()
    );
    server.log().reset();
    assert_eq!(server.log().requests(), 0);
    assert!(server.log().entries().is_empty());
}

//! The ways to a server: TLS, proxies, and the names of AWS's own endpoints.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use super::endpoint;
use super::served::{DAY, Served, expect};
use crate::scenarios::common::audit;
use crate::server::{AUTHORITY, Options};

const SOURCE: &str = "s3://audit-logs";

fn secure() -> Served {
    let options = Options {
        tls: true,
        ..Options::default()
    };
    Served::with(&audit(), options).args(DAY)
}

fn bundle() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("authority.pem");
    std::fs::write(&path, AUTHORITY).expect("a file");
    let path = path.to_str().expect("a path").to_owned();
    (folder, path)
}

#[test]
fn an_authority_is_named_by_the_environment() {
    let (_folder, bundle) = bundle();
    let served = secure().env("AWS_CA_BUNDLE", &bundle);
    expect(&served.run(SOURCE), "valid", &[]);
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_trusted() {
    let output = secure().output(SOURCE);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("AWS_CA_BUNDLE") && told.contains("not trusted"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn a_bundle_that_holds_no_certificate_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [
        ("empty", ""),
        ("text", "hello"),
        (
            "broken",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        let served = secure().env("AWS_CA_BUNDLE", path.to_str().expect("a path"));
        let output = served.output(SOURCE);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("AWS_CA_BUNDLE"), "{told}");
    }
}

/// What becomes of a CONNECT.
#[derive(Clone)]
struct Relay {
    /// Where to, if anywhere.
    server: Option<String>,
    /// How many connections end with an alert of TLS in place of the server's first word.
    alerts: Arc<AtomicU32>,
}

/// A proxy that takes every CONNECT to one place, or none; and what it was asked for.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(server: Option<&str>) -> Self {
        Self::alerting(server, 0)
    }

    fn alerting(server: Option<&str>, alerts: u32) -> Self {
        let relay = Relay {
            server: server.map(str::to_owned),
            alerts: Arc::new(AtomicU32::new(alerts)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(vec![]));
        let list = Arc::clone(&asked);
        // It ends with the tests.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (list, relay) = (Arc::clone(&list), relay.clone());
                std::thread::spawn(move || pass(client, &list, &relay));
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().expect("the list").clone();
        asked.sort();
        asked.dedup();
        asked
    }
}

fn pass(mut client: TcpStream, asked: &Mutex<Vec<String>>, relay: &Relay) {
    let Some(head) = endpoint::head(&mut client) else {
        return;
    };
    let line = head.lines().next().unwrap_or_default().to_owned();
    asked.lock().expect("the list").push(line);
    let Some(server) = &relay.server else {
        let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
        return;
    };
    let Ok(server) = TcpStream::connect(server) else {
        return;
    };
    let _ = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
    let fewer = |left: u32| left.checked_sub(1);
    let is_alert = { &relay.alerts }.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer);
    if is_alert.is_ok() {
        // Behind the client's hello: a fatal alert, `internal_error`.
        let _ = client.read(&mut [0; 4096]);
        let _ = client.write_all(&[0x15, 3, 3, 0, 2, 2, 0x50]);
        let _ = client.shutdown(Shutdown::Write);
        // What is still to come shall not make a reset of it.
        let _ = std::io::copy(&mut client, &mut std::io::sink());
        return;
    }
    std::thread::scope(|scope| {
        scope.spawn(|| copy(&client, &server));
        copy(&server, &client);
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn address(served: &Served) -> String {
    served.server.url().replace("https://", "")
}

#[test]
fn a_proxy_is_gone_through() {
    let (_folder, bundle) = bundle();
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let served = secure()
            .env("AWS_CA_BUNDLE", &bundle)
            .env("AWS_ENDPOINT_URL", "https://s3.test.invalid")
            .env("NO_PROXY", "");
        let proxy = Proxy::to(Some(&address(&served)));
        let served = served.env(name, &proxy.url);
        expect(&served.run(SOURCE), "valid", &[]);
        assert_eq!(
            proxy.asked(),
            ["CONNECT s3.test.invalid:443 HTTP/1.1"],
            "{name}"
        );
    }
}

/// An alert is no word on whom the server's certificate is of.
#[test]
fn a_server_that_breaks_off_while_it_shakes_hands_is_asked_again() {
    let (_folder, bundle) = bundle();
    let served = secure()
        .env("AWS_CA_BUNDLE", &bundle)
        .env("AWS_ENDPOINT_URL", "https://s3.test.invalid")
        .env("NO_PROXY", "");
    let proxy = Proxy::alerting(Some(&address(&served)), 2);
    let served = served.env("HTTPS_PROXY", &proxy.url);
    expect(&served.run(SOURCE), "valid", &[]);
}

#[test]
fn some_hosts_need_no_proxy() {
    let (_folder, bundle) = bundle();
    let proxy = Proxy::to(None);
    let served = secure()
        .env("AWS_CA_BUNDLE", &bundle)
        .env("HTTPS_PROXY", &proxy.url)
        .env("NO_PROXY", "localhost,127.0.0.1");
    expect(&served.run(SOURCE), "valid", &[]);
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());
}

#[test]
fn plain_requests_go_through_a_proxy_of_their_own() {
    // The server is itself the proxy: it takes requests for any host.
    let served = Served::new(&audit()).args(DAY);
    let url = served.server.url();
    let served = served
        .env("AWS_ENDPOINT_URL", "http://s3.test.invalid")
        .env("HTTP_PROXY", &url)
        .env("NO_PROXY", "");
    expect(&served.run(SOURCE), "valid", &[]);
}

/// Which of AWS's hosts are asked for, where the environment says so and so.
#[track_caller]
fn hosts(source: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let proxy = Proxy::to(None);
    let mut served = Served::new(&audit())
        .args(DAY)
        .args(arguments.iter().copied())
        .env("HTTPS_PROXY", &proxy.url)
        .env("NO_PROXY", "")
        .env("AWS_MAX_ATTEMPTS", "1");
    for (name, value) in environment {
        served = served.env(name, value);
    }
    let output = served
        .command(source)
        .env_remove("AWS_ENDPOINT_URL")
        .output()
        .expect("a run");
    assert_ne!(output.status.code(), Some(0));
    let asked = proxy.asked().into_iter();
    asked
        .map(|line| line.replace("CONNECT ", "").replace(":443 HTTP/1.1", ""))
        .collect()
}

#[test]
fn aws_is_asked_by_the_names_that_the_environment_calls_for() {
    let fips = ("AWS_USE_FIPS_ENDPOINT", "true");
    let dual_stack = ("AWS_USE_DUALSTACK_ENDPOINT", "true");
    let region = ("AWS_REGION", "us-gov-west-1");
    for (environment, host) in [
        (&[][..], "audit-logs.s3.us-east-1.amazonaws.com"),
        (&[fips], "audit-logs.s3-fips.us-east-1.amazonaws.com"),
        (
            &[dual_stack],
            "audit-logs.s3.dualstack.us-east-1.amazonaws.com",
        ),
        (
            &[fips, dual_stack],
            "audit-logs.s3-fips.dualstack.us-east-1.amazonaws.com",
        ),
        (
            &[("AWS_REGION", "cn-north-1")],
            "audit-logs.s3.cn-north-1.amazonaws.com.cn",
        ),
        (
            &[region, fips],
            "audit-logs.s3-fips.us-gov-west-1.amazonaws.com",
        ),
    ] {
        assert_eq!(hosts(SOURCE, environment, &[]), [host]);
    }
    // A name with dots has no certificate of its own.
    assert_eq!(
        hosts("s3://audit.logs", &[], &[]),
        ["s3.us-east-1.amazonaws.com"]
    );
    let arn = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit";
    assert_eq!(hosts(arn, &[], &[]), ["cloudtrail.eu-west-1.amazonaws.com"]);
    assert_eq!(
        hosts(
            "arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/audit",
            &[],
            &[]
        ),
        ["cloudtrail.us-gov-west-1.amazonaws.com"]
    );
}

//! The URL of a server of one's own, checked before anything is asked of it: what is no URL would
//! otherwise be taken for a network that fails, and be tried again for half a minute.

use std::net::Ipv6Addr;

use anyhow::{Result, anyhow};

use crate::cli::AwsArgs;

/// Where the environment names one, for all services or for one of those that are asked.
const VARIABLES: [&str; 3] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_CLOUDTRAIL",
];

/// Whether what was typed, or what the environment says, can be asked at all.
///
/// # Errors
/// Which of them cannot, and why.
pub(super) fn check(args: &AwsArgs) -> Result<()> {
    if let Some(url) = &args.endpoint_url {
        return told("--endpoint-url", url);
    }
    let ignored = std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    if ignored.is_ok_and(|it| it.eq_ignore_ascii_case("true")) {
        return Ok(());
    }
    for name in VARIABLES {
        if let Some(url) = std::env::var_os(name).filter(|url| !url.is_empty()) {
            told(name, &url.to_string_lossy())?;
        }
    }
    Ok(())
}

fn told(name: &str, url: &str) -> Result<()> {
    usable(url).map_err(|why| anyhow!("{name} {url:?} {why}"))
}

/// Whether requests can be made of a URL: its scheme, its host and its port.
fn usable(url: &str) -> Result<(), &'static str> {
    const FORM: &str =
        "is no URL that can be asked: write http://HOST[:PORT] or https://HOST[:PORT]";
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("holds a character that no URL may have");
    }
    let (scheme, rest) = url.split_once("://").ok_or(FORM)?;
    if !["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return Err(FORM);
    }
    if rest.contains(['?', '#']) {
        return Err("has a query or a fragment, which an endpoint cannot have");
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = if let Some(bracketed) = place.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']').ok_or(FORM)?;
        host.parse::<Ipv6Addr>()
            .map_err(|_| "names no IPv6 address between its brackets")?;
        let port = match after.strip_prefix(':') {
            None if !after.is_empty() => return Err(FORM),
            port => port,
        };
        (host, port)
    } else {
        let (host, port) = place.split_once(':').unzip();
        (host.unwrap_or(place), port)
    };
    if host.is_empty() {
        return Err("names no host");
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if !host.bytes().all(fits) {
        return Err("names a host that none can be called");
    }
    let is_port = |port: &str| {
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        digits && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    if port.is_some_and(|port| !port.is_empty() && !is_port(port)) {
        return Err("names no port: they go from 1 to 65535");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_asked() {
        for url in [
            "http://127.0.0.1:9000",
            "https://minio.example.com/",
            "HTTPS://s3.example.com/base/path",
            "http://[::1]:9000",
            "http://localhost",
            "http://my_host:1",
        ] {
            assert_eq!(usable(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "foo",
            "http://",
            "http:///path",
            "http://:80",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:0",
            "http://127.0.0.1:x",
            "http://127.0.0.1:+80",
            "127.0.0.1:80",
            "ftp://x",
            "http://foo bar",
            "http://foo\n",
            "http://[::1",
            "http://[::g]",
            "http://[::1]9",
            "http://host/?a=b",
            "http://ho%st",
            "http://é.example.com",
        ] {
            assert!(usable(url).is_err(), "{url}");
        }
    }
}

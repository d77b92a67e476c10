//! Where credentials come from, beside the environment: whatever gives them out to other AWS tools gives them to this one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::endpoint::{Request, serving};
use super::served::{DAY, Served};
use crate::scenarios::common::audit;

const SOURCE: &str = "s3://audit-logs";
/// The key that all of them give out.
const GIVEN: &str = "AKIDGIVEN";
const JSON: &str = "application/json";
/// SHA-1 of `corp`, which is what the token of a session of that name is kept under.
const TOKEN: &str = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";

/// A run in an environment without credentials, to which `prepare` adds where some can be had. Its home is the folder.
#[track_caller]
fn signs_with_what_is_given(prepare: impl FnOnce(&mut Command, &Path)) {
    let served = Served::new(&audit()).args(DAY);
    let home = tempfile::tempdir().expect("a folder");
    let mut command = served.command(SOURCE);
    command
        .env("HOME", home.path())
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    prepare(&mut command, home.path());
    let output = command.output().expect("a run");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let entries = served.server.log().entries().into_iter();
    let signed_with: BTreeSet<_> = entries.map(|entry| entry.call.access_key).collect();
    assert_eq!(signed_with, BTreeSet::from([Some(GIVEN.to_owned())]));
}

/// Writes a config file and names it.
fn config(command: &mut Command, home: &Path, text: &str) {
    let path = home.join("config");
    fs::write(&path, text).expect("a config file");
    command.env("AWS_CONFIG_FILE", path);
}

/// What the token service gives for one of its actions.
fn assumed(action: &str) -> (&'static str, String) {
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
         <AccessKeyId>{GIVEN}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token</SessionToken><Expiration>2040-01-01T00:00:00Z</Expiration>\
         </Credentials></{action}Result></{action}Response>"
    );
    ("text/xml", body)
}

#[test]
fn a_process_gives_them() {
    signs_with_what_is_given(|command, home| {
        let given = json!({"Version": 1, "AccessKeyId": GIVEN, "SecretAccessKey": "secret"});
        fs::write(home.join("given.json"), given.to_string()).expect("a file");
        let process = format!("credential_process = cat {}/given.json", home.display());
        config(command, home, &format!("[profile audit]\n{process}\n"));
        command.args(["--profile", "audit"]);
    });
}

#[test]
fn a_profile_of_the_environment_names_a_file_of_its_own() {
    signs_with_what_is_given(|command, home| {
        let path = home.join("credentials");
        let keys = format!("aws_access_key_id = {GIVEN}\naws_secret_access_key = secret\n");
        fs::write(&path, format!("[audit]\n{keys}")).expect("a file");
        config(command, home, "[profile audit]\nregion = us-east-1\n");
        command
            .env("AWS_SHARED_CREDENTIALS_FILE", path)
            .env("AWS_PROFILE", "audit");
    });
}

/// Whoever has logged in with `aws sso login` has a token, and it buys a role's credentials.
#[test]
fn the_token_of_a_single_sign_on_buys_them() {
    let portal = |_, asked: &Request| {
        let head = asked.head.to_ascii_lowercase();
        let is_right = head.starts_with("get /federation/credentials?")
            && head.contains("role_name=auditor")
            && head.contains("account_id=111122223333")
            && head.contains("x-amz-sso_bearer_token: the-token");
        let given = json!({"roleCredentials": {
            "accessKeyId": GIVEN,
            "secretAccessKey": "secret",
            "sessionToken": "token",
            "expiration": 2_208_988_800_000_u64,
        }});
        is_right.then(|| (JSON, given.to_string()))
    };
    signs_with_what_is_given(|command, home| {
        let text = "[default]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = auditor\n\
                    [sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";
        config(command, home, text);
        let token = json!({
            "accessToken": "the-token",
            "expiresAt": "2040-01-01T00:00:00Z",
            "region": "eu-west-1",
            "startUrl": "https://corp.awsapps.com/start",
        });
        let path = home.join(TOKEN);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, token.to_string()).expect("a file");
        command.env("AWS_ENDPOINT_URL_SSO", serving(portal));
    });
}

#[test]
fn a_role_is_taken_with_those_of_another_profile() {
    let tokens = |_, asked: &Request| {
        let is_right = asked.head.contains("Credential=BASE/")
            && asked.body.contains("Action=AssumeRole&")
            && asked.body.contains("role%2Fauditor");
        is_right.then(|| assumed("AssumeRole"))
    };
    signs_with_what_is_given(|command, home| {
        let text = "[default]\nrole_arn = arn:aws:iam::111122223333:role/auditor\nsource_profile = base\n\
                    [profile base]\naws_access_key_id = BASE\naws_secret_access_key = secret\n";
        config(command, home, text);
        command.env("AWS_ENDPOINT_URL_STS", serving(tokens));
    });
}

/// As jobs of CI systems and pods have them.
#[test]
fn a_role_is_taken_with_a_token_of_another_service() {
    let tokens = |_, asked: &Request| {
        let is_right = asked.body.contains("Action=AssumeRoleWithWebIdentity&")
            && asked.body.contains("WebIdentityToken=of-the-job");
        is_right.then(|| assumed("AssumeRoleWithWebIdentity"))
    };
    signs_with_what_is_given(|command, home| {
        let token = home.join("token");
        fs::write(&token, "of-the-job").expect("a file");
        command
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
            .env("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/auditor")
            .env("AWS_ENDPOINT_URL_STS", serving(tokens));
    });
}

//! Events out of a log: parsed as JSON, from its top on, so that nothing passes for an event that
//! only stands in the text or in the parameters of another one.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::super::time::parse_digest_time;
use super::event::{Deed, RecordedEvent};

/// Of one log so many events are taken, the first ones.
const MOST_EVENTS: usize = 1000;
/// No ARN, no key is longer.
const MAX_TEXT: usize = 2048;

/// The events in a log that may be evidence. The log is read as a stream: only these are held.
///
/// # Errors
/// Where it could not be read, or is not the JSON of a log.
pub fn read_events(log: impl Read) -> serde_json::Result<Vec<RecordedEvent>> {
    let mut found = Vec::new();
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(log));
    Log(&mut found).deserialize(&mut json)?;
    json.end()?;
    Ok(found)
}

/// `{"Records": [...]}`.
struct Log<'a>(&'a mut Vec<RecordedEvent>);

impl<'de> DeserializeSeed<'de> for Log<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a log")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "Records" {
                map.next_value_seed(Records(&mut *self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Records<'a>(&'a mut Vec<RecordedEvent>);

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(record) = records.next_element::<Record>()? {
            let event = record.event().filter(|_| self.0.len() < MOST_EVENTS);
            self.0.extend(event);
        }
        Ok(())
    }
}

/// A record, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_time: Option<String>,
    event_source: Option<String>,
    event_name: Option<String>,
    #[serde(rename = "eventID")]
    event_id: Option<String>,
    #[serde(rename = "sourceIPAddress")]
    source_address: Option<String>,
    aws_region: Option<String>,
    recipient_account_id: Option<String>,
    error_code: Option<String>,
    user_identity: Option<Identity>,
    request_parameters: Option<Parameters>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    arn: Option<String>,
    principal_id: Option<String>,
    invoked_by: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// What was asked for. Other services put there what they like, so nothing is expected of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Parameters {
    Fields(Box<Fields>),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    name: Option<Value>,
    trail_name: Option<Value>,
    enable_log_file_validation: Option<Value>,
    s3_bucket_name: Option<Value>,
    bucket_name: Option<Value>,
    key: Option<Value>,
}

impl Record {
    /// The event, where it was done and may be evidence.
    fn event(self) -> Option<RecordedEvent> {
        let deed = Deed::from_name(self.event_name.as_deref()?)?;
        let is_its_own = self.event_source.as_deref() == Some(deed.service().source());
        if !is_its_own || self.error_code.is_some() {
            return None;
        }
        let Some(Parameters::Fields(asked)) = self.request_parameters else {
            return None;
        };
        let identity = self.user_identity.unwrap_or_default();
        let is_delivery = deed == Deed::PutObject
            && identity.invoked_by.as_deref() == Some("cloudtrail.amazonaws.com");
        if is_delivery {
            return None;
        }
        let who = [
            identity.arn,
            identity.invoked_by,
            identity.principal_id,
            identity.kind,
        ];
        Some(RecordedEvent {
            at: parse_digest_time(self.event_time.as_deref()?)?,
            id: short(self.event_id.unwrap_or_default()),
            deed,
            who: short(who.into_iter().flatten().next().unwrap_or_default()),
            address: short(self.source_address.unwrap_or_default()),
            account: short(self.recipient_account_id.unwrap_or_default()),
            region: short(self.aws_region.unwrap_or_default()),
            trail: text(asked.name).or(text(asked.trail_name)),
            validation: asked.enable_log_file_validation.and_then(|it| it.as_bool()),
            bucket: text(asked.s3_bucket_name).or(text(asked.bucket_name)),
            key: text(asked.key),
        })
    }
}

fn text(value: Option<Value>) -> Option<Box<str>> {
    match value {
        Some(Value::String(text)) => Some(short(text)),
        Some(
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_),
        )
        | None => None,
    }
}

fn short(mut text: String) -> Box<str> {
    if text.len() > MAX_TEXT {
        let cut = (0..=MAX_TEXT).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(cut.unwrap_or(0));
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, source: &str, more: &str) -> String {
        format!(
            r#"{{"eventVersion":"1.09","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::1:user/eve"}},
            "eventTime":"2024-03-10T02:10:00Z","eventSource":"{source}.amazonaws.com","eventName":"{name}",
            "awsRegion":"us-east-1","sourceIPAddress":"192.0.2.1","userAgent":"StopLogging",
            "requestParameters":{{"name":"audit"}},{more}"eventID":"1","recipientAccountId":"111122223333"}}"#
        )
    }

    fn names(records: &[String]) -> Vec<&'static str> {
        let log = format!(r#"{{"Records":[{}]}}"#, records.join(","));
        let events = read_events(log.as_bytes()).unwrap();
        events.iter().map(|event| event.deed.name()).collect()
    }

    #[test]
    fn an_event_is_read() {
        let log = format!(
            r#"{{"Records":[{}]}}"#,
            record("StopLogging", "cloudtrail", "")
        );
        let events = read_events(log.as_bytes()).unwrap();
        let event = &events[0];
        assert_eq!(event.deed, Deed::StopLogging);
        assert_eq!(&*event.who, "arn:aws:iam::1:user/eve");
        assert_eq!(&*event.address, "192.0.2.1");
        assert_eq!(event.trail.as_deref(), Some("audit"));
    }

    #[test]
    fn only_what_was_done_counts() {
        let nested = r#""additionalEventData":{"eventVersion":"1.09","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"},"#;
        let failed = r#""errorCode":"AccessDenied","#;
        assert_eq!(
            names(&[
                record("StopLogging", "cloudtrail", failed),
                record("StopLogging", "evil", ""),
                record("DescribeTrails", "cloudtrail", nested),
                record("DeleteTrail", "cloudtrail", ""),
            ]),
            ["DeleteTrail"]
        );
    }

    #[test]
    fn parameters_of_any_kind_are_no_fault() {
        for parameters in [
            "null",
            "\"text\"",
            "[1]",
            "{\"name\":{\"a\":1}}",
            "{\"key\":7}",
        ] {
            let other =
                record("RunInstances", "ec2", "").replace("{\"name\":\"audit\"}", parameters);
            assert_eq!(
                names(&[other, record("StopLogging", "cloudtrail", "")]),
                ["StopLogging"],
                "{parameters}"
            );
        }
        assert!(read_events(&b"[]"[..]).is_err());
        assert!(read_events(&b"{\"Records\":[]}x"[..]).is_err());
    }

    #[test]
    fn what_is_no_log_is_told_by_what_was_expected() {
        for (text, expected) in [("[]", "a log"), (r#"{"Records":{}}"#, "records")] {
            let told = read_events(text.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(&format!("expected {expected}")), "{told}");
        }
    }

    #[test]
    fn what_cloudtrail_delivers_is_no_evidence() {
        let by = |service: &str| format!(r#""invokedBy":"{service}.amazonaws.com","type":"#);
        let of = |name, source, service: &str| {
            record(name, source, "").replace(r#""type":"#, &by(service))
        };
        for (name, service, is_one) in [
            ("PutObject", "cloudtrail", false),
            ("PutObject", "config", true),
            ("DeleteObject", "cloudtrail", true),
        ] {
            let names = names(&[of(name, "s3", service)]);
            assert_eq!(names, Vec::from_iter(is_one.then_some(name)), "{service}");
        }
    }

    #[test]
    fn so_many_events_of_a_log_and_so_much_of_a_text_are_taken() {
        let stopped = record("StopLogging", "cloudtrail", "");
        for (events, taken) in [(999, 999), (1000, 1000), (1001, 1000)] {
            assert_eq!(names(&vec![stopped.clone(); events]).len(), taken);
        }
        for (text, taken) in [
            ("x".repeat(2047), 2047),
            ("x".repeat(2048), 2048),
            ("x".repeat(2049), 2048),
            (format!("{}é", "x".repeat(2046)), 2048),
            (format!("{}é", "x".repeat(2047)), 2047),
            (format!("{}é", "x".repeat(2048)), 2048),
        ] {
            assert_eq!(*short(text.clone()), text[..taken]);
        }
    }
}

//! Public keys as users hold them: `list-public-keys` output in its shapes. (PEM and DER are in `der`.)

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    der,
    json::Json,
    keys::{TestKey, fingerprint},
    time::{DAY, HOUR, Time},
};

/// The shapes that saved `list-public-keys` output takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyJson {
    /// Times as numbers: AWS CLI v1 and the service itself.
    Epoch,
    /// Times as numeric strings, as in AWS's examples.
    NumericText,
    /// Times in ISO 8601 with an offset: AWS CLI v2.
    IsoOffset,
    /// `publicKeyList` with `fingerprint`, `value` and so on.
    CamelCase,
    /// `publicKeyList` with `Fingerprint`, `Value` and so on.
    CamelCaseList,
}

impl KeyJson {
    pub const ALL: [Self; 5] = [
        Self::Epoch,
        Self::NumericText,
        Self::IsoOffset,
        Self::CamelCase,
        Self::CamelCaseList,
    ];
}

/// One row of the list.
pub struct KeyRow {
    pub value: Vec<u8>,
    pub fingerprint: String,
    pub from: Time,
    pub to: Time,
}

impl KeyRow {
    /// A key in PKCS#1, valid for all times that the forge writes.
    pub fn of(key: &TestKey) -> Self {
        let (value, fingerprint) = (key.pkcs1(), key.fingerprint());
        Self {
            value,
            fingerprint,
            from: Time::parse("2024-01-01T00:00:00Z"),
            to: Time::parse("2034-01-01T00:00:00Z"),
        }
    }

    /// A key in SPKI, as an older one that AWS published.
    pub fn spki(key: &TestKey) -> Self {
        let value = der::spki(key);
        Self {
            fingerprint: fingerprint(&value),
            value,
            ..Self::of(key)
        }
    }

    /// Valid for thirty days from then on.
    pub fn since(mut self, from: Time) -> Self {
        self.from = from;
        self.to = from + 30 * DAY;
        self
    }
}

pub fn list_public_keys(rows: &[KeyRow], shape: KeyJson) -> String {
    let list = Json::Array(rows.iter().map(|row| row_json(row, shape)).collect());
    let name = if matches!(shape, KeyJson::CamelCase | KeyJson::CamelCaseList) {
        "publicKeyList"
    } else {
        "PublicKeyList"
    };
    let value: serde_json::Value = serde_json::from_str(&Json::object([(name, list)]).write(false))
        .expect("JSON of the forge");
    format!("{value:#}\n")
}

/// The list of both of CloudTrail's keys.
pub fn trusted_keys() -> String {
    list_public_keys(
        &[KeyRow::of(TestKey::a()), KeyRow::of(TestKey::b())],
        KeyJson::IsoOffset,
    )
}

fn row_json(row: &KeyRow, shape: KeyJson) -> Json {
    let time = |time: Time| match shape {
        KeyJson::Epoch | KeyJson::CamelCase => Json::Number(format!("{}.0", time.0)),
        KeyJson::NumericText => Json::text(format!("{}.0", time.0)),
        KeyJson::IsoOffset | KeyJson::CamelCaseList => {
            Json::text((time + HOUR).iso().replace('Z', "+01:00"))
        }
    };
    let names = if shape == KeyJson::CamelCase {
        [
            "fingerprint",
            "value",
            "validityStartTime",
            "validityEndTime",
        ]
    } else {
        [
            "Fingerprint",
            "Value",
            "ValidityStartTime",
            "ValidityEndTime",
        ]
    };
    Json::object([
        (names[0], Json::text(&row.fingerprint)),
        (names[1], Json::text(BASE64_STANDARD.encode(&row.value))),
        (names[2], time(row.from)),
        (names[3], time(row.to)),
    ])
}

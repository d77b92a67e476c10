//! Query results as CloudTrail Lake saves them: result files, and the sign file that names them.

use super::{
    gzip,
    json::Json,
    keys::{TestKey, sha256},
    store::{At, Sink, Store, StoredObject},
    time::Time,
};

/// One saved query result, before it is delivered.
#[derive(Clone, Debug)]
pub struct Export {
    pub bucket: String,
    /// With its closing slash, where there is one.
    pub prefix: String,
    pub account: String,
    pub id: String,
    pub completed: Time,
    pub region: String,
    pub version: Option<String>,
    pub results: Vec<(String, Vec<u8>)>,
    pub key: &'static TestKey,
}

/// What a sign file says, to be changed before it is written.
#[derive(Clone, Debug)]
pub struct SignDoc {
    pub version: Option<String>,
    pub region: String,
    /// Names and hashes.
    pub files: Vec<(String, String)>,
    pub hash_algorithm: String,
    pub signature_algorithm: String,
    pub completed: String,
    pub signature: String,
    pub fingerprint: String,
}

impl Export {
    /// The query `id`, with so many result files of a few rows each.
    pub fn new(id: &str, files: usize) -> Self {
        let results = (1..=files).map(|number| {
            let rows: Vec<_> = (0..8)
                .map(|row| format!("\"{id}\",\"{number}\",\"event {row}\",\"192.0.2.{row}\"\n"))
                .collect();
            let rows = rows.concat();
            let table = format!("\"query\",\"file\",\"eventName\",\"sourceIPAddress\"\n{rows}");
            (
                format!("result_{number}.csv.gz"),
                gzip::gzip(table.as_bytes()),
            )
        });
        Self {
            bucket: "query-results".into(),
            prefix: String::new(),
            account: "111122223333".into(),
            id: id.into(),
            completed: Time::parse("2024-03-10T04:17:59Z"),
            region: "us-east-1".into(),
            version: Some("1.0".into()),
            results: results.collect(),
            key: TestKey::a(),
        }
    }

    pub fn below(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    pub fn signed_with(mut self, key: &'static TestKey) -> Self {
        self.key = key;
        self
    }

    /// `AWSLogs/…/QUERY_ID`, below the prefix.
    pub fn folder(&self) -> String {
        format!(
            "{}AWSLogs/{}/CloudTrail-Lake/Query/{}/{}",
            self.prefix,
            self.account,
            self.completed.day_folder(),
            self.id
        )
    }

    /// A file of it.
    pub fn at(&self, name: &str) -> At {
        (self.bucket.clone(), format!("{}/{name}", self.folder()))
    }

    /// The n-th result file, from 1.
    pub fn result(&self, number: usize) -> At {
        self.at(&self.results[number - 1].0)
    }

    pub fn sign_file(&self) -> At {
        self.at("result_sign.json")
    }

    pub fn doc(&self) -> SignDoc {
        let hashed = self.results.iter();
        let files: Vec<_> = hashed
            .map(|(name, body)| (name.clone(), sha256(body)))
            .collect();
        let mut doc = SignDoc {
            version: self.version.clone(),
            region: self.region.clone(),
            files,
            hash_algorithm: "SHA-256".into(),
            signature_algorithm: "SHA256withRSA".into(),
            completed: self.completed.iso(),
            signature: String::new(),
            fingerprint: self.key.fingerprint(),
        };
        doc.sign(self.key);
        doc
    }

    pub fn deliver(&self, to: &mut dyn Sink) {
        for (name, body) in &self.results {
            to.put(self.at(name), plain(body.clone()));
        }
        to.put(self.sign_file(), plain(self.doc().write()));
    }

    /// Puts another sign file in the place of its own.
    pub fn replace_sign_file(&self, store: &mut Store, change: impl FnOnce(&mut SignDoc)) {
        let mut doc = self.doc();
        change(&mut doc);
        store.put(self.sign_file(), plain(doc.write()));
    }
}

impl SignDoc {
    /// Signs the hashes as they stand.
    pub fn sign(&mut self, key: &TestKey) {
        let hashes: Vec<_> = self.files.iter().map(|(_, hash)| hash.as_str()).collect();
        self.signature = key.sign(hashes.join(" ").as_bytes());
        self.fingerprint = key.fingerprint();
    }

    pub fn write(&self) -> Vec<u8> {
        let files = self.files.iter().map(|(name, hash)| {
            Json::object([
                ("fileHashValue", Json::text(hash)),
                ("fileName", Json::text(name)),
            ])
        });
        let text = |name: &str, value: &str| (name.to_owned(), Json::text(value));
        let mut fields = Vec::new();
        fields.extend(self.version.as_deref().map(|it| text("version", it)));
        fields.push(text("region", &self.region));
        fields.push(("files".to_owned(), Json::Array(files.collect())));
        fields.push(text("hashAlgorithm", &self.hash_algorithm));
        fields.push(text("signatureAlgorithm", &self.signature_algorithm));
        fields.push(text("queryCompleteTime", &self.completed));
        fields.push(text("hashSignature", &self.signature));
        fields.push(text("publicKeyFingerprint", &self.fingerprint));
        Json::Object(fields).write(false).into_bytes()
    }
}

/// An object without metadata.
pub fn plain(body: Vec<u8>) -> StoredObject {
    StoredObject {
        body,
        ..StoredObject::default()
    }
}

/// The exports, delivered into one store.
pub fn delivered(exports: &[&Export]) -> Store {
    let mut store = Store::default();
    for export in exports {
        export.deliver(&mut store);
    }
    store
}

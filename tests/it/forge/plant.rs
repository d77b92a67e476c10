//! Objects that CloudTrail never delivered.

use std::collections::BTreeMap;

use super::{
    chain::{ALGORITHM, ChainId, SIGNATURE},
    digest::{Doc, Entry, Fields, Previous, Sign},
    events::LogBody,
    gzip,
    keys::{TestKey, sha256},
    names::{Further, Kind, LogName, Place, digest_key, log_key},
    seed::Seed,
    store::{At, Store, StoredObject},
    time::{HOUR, Time},
};

/// A log in the name of an account and region.
pub struct PlantedLog {
    pub place: Place,
    pub organization: Option<String>,
    pub account: String,
    pub region: String,
    pub kind: Kind,
    pub further: Option<Further<'static>>,
    pub time: Time,
    pub sixteen: String,
}

impl PlantedLog {
    /// In the account and region of a chain.
    pub fn of(id: &ChainId, place: &Place, time: Time) -> Self {
        Self {
            place: place.clone(),
            organization: id.organization.clone(),
            account: id.account.clone(),
            region: id.region.clone(),
            kind: Kind::CloudTrail,
            further: None,
            time,
            sixteen: "PlantedByForger0".into(),
        }
    }

    pub fn at(&self) -> At {
        let name = LogName {
            organization: self.organization.as_deref(),
            account: &self.account,
            region: &self.region,
            kind: self.kind,
            further: self.further,
            time: self.time,
            sixteen: &self.sixteen,
        };
        (self.place.bucket.clone(), log_key(&self.place, &name))
    }

    fn content(&self) -> Vec<u8> {
        let (kind, account, region, time) = (
            self.kind,
            self.account.as_str(),
            self.region.as_str(),
            self.time,
        );
        LogBody {
            kind,
            account,
            region,
            time,
            events: 1,
            special: None,
            more: vec![],
        }
        .write(&mut Seed::of(99, &[&self.at().1]))
    }

    pub fn put(&self, store: &mut Store) -> At {
        let at = self.at();
        let object = StoredObject {
            body: gzip::gzip(&self.content()),
            metadata: BTreeMap::new(),
        };
        store.objects.insert(at.clone(), object);
        at
    }

    /// As a digest would name it.
    pub fn entry(&self) -> Entry {
        Entry {
            at: self.at(),
            hash: sha256(&self.content()),
            newest: self.time,
            oldest: self.time,
        }
    }
}

/// A digest of a forger's making.
pub struct PlantedDigest<'a> {
    pub id: ChainId,
    pub place: Place,
    pub start: Time,
    pub end: Time,
    pub logs: Vec<Entry>,
    pub previous: Option<Previous>,
    /// Whose fingerprint it claims.
    pub claims: &'a TestKey,
    /// `Keep` is as `Remove`: there is nothing to keep.
    pub sign: Sign,
}

impl PlantedDigest<'_> {
    /// An empty hour that ends at `end`, with no predecessor, unsigned, claiming CloudTrail's key.
    pub fn of(id: &ChainId, place: &Place, end: Time) -> Self {
        Self {
            id: id.clone(),
            place: place.clone(),
            start: end - HOUR,
            end,
            logs: vec![],
            previous: None,
            claims: TestKey::a(),
            sign: Sign::Remove,
        }
    }

    pub fn at(&self) -> At {
        (
            self.place.bucket.clone(),
            digest_key(&self.place, &self.id, self.end),
        )
    }

    pub fn put(&self, store: &mut Store) -> At {
        self.put_edited(store, |_| {})
    }

    /// Puts it after an edit of its document.
    pub fn put_edited(&self, store: &mut Store, edit: impl FnOnce(&mut Doc)) -> At {
        let at = self.at();
        let mut doc = Fields {
            account: &self.id.account,
            start: self.start,
            end: self.end,
            at: &at,
            fingerprint: self.claims.fingerprint(),
            previous: self.previous.as_ref(),
            logs: &self.logs,
        }
        .doc();
        edit(&mut doc);
        let body = doc.0.write(false).into_bytes();
        let mut metadata = BTreeMap::new();
        if let Sign::With(key) = self.sign {
            metadata.insert(
                SIGNATURE.into(),
                key.sign(doc.signed_text(&body).as_bytes()),
            );
            metadata.insert(ALGORITHM.into(), "SHA256withRSA".into());
        }
        store.objects.insert(
            at.clone(),
            StoredObject {
                body: gzip::gzip(&body),
                metadata,
            },
        );
        at
    }
}

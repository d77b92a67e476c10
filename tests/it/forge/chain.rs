//! What was delivered, chain by chain, so that scenarios can point at "the third digest's second log".

use super::{
    digest::{Doc, Previous, Sign},
    gzip,
    json::Json,
    keys::{TestKey, sha256},
    store::{At, Sink, Store, StoredObject},
    time::Time,
};

pub const SIGNATURE: &str = "signature";
pub const ALGORITHM: &str = "signature-algorithm";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainId {
    pub organization: Option<String>,
    pub account: String,
    pub region: String,
    pub trail: String,
    pub home_region: String,
    pub backfill: bool,
}

impl ChainId {
    /// As the report names it.
    pub fn name(&self) -> String {
        let backfill = if self.backfill { " (backfill)" } else { "" };
        format!("{}/{}{backfill}", self.region_name(), self.trail)
    }

    /// As the report names the chain of what no digest names.
    pub fn region_name(&self) -> String {
        let organization = self
            .organization
            .as_ref()
            .map(|it| format!("{it}/"))
            .unwrap_or_default();
        format!("{organization}{}/{}", self.account, self.region)
    }
}

/// One digest, and where its logs lie.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub at: At,
    pub start: Time,
    pub end: Time,
    pub starting: bool,
    pub logs: Vec<At>,
    pub key: &'static TestKey,
}

#[derive(Clone, Debug)]
pub struct Chain {
    pub id: ChainId,
    /// Oldest first.
    pub digests: Vec<Delivered>,
}

/// A store, and the chains that were delivered to it.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    pub store: Store,
    pub chains: Vec<Chain>,
}

impl Sink for Archive {
    fn put(&mut self, at: At, object: StoredObject) {
        self.store.put(at, object);
    }

    fn delivered(&mut self, chain: &ChainId, digest: Delivered) {
        match self.chains.iter_mut().find(|known| known.id == *chain) {
            Some(known) => known.digests.push(digest),
            None => self.chains.push(Chain {
                id: chain.clone(),
                digests: vec![digest],
            }),
        }
    }
}

impl Archive {
    /// The chain with this name in the report.
    pub fn chain(&self, name: &str) -> &Chain {
        let names: Vec<_> = self.chains.iter().map(|chain| chain.id.name()).collect();
        let index = names
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| panic!("{name} is none of {names:?}"));
        &self.chains[index]
    }

    /// The only chain, or the first.
    pub fn first(&self) -> &Chain {
        &self.chains[0]
    }

    /// The digest at `index` of the first chain: 0 is the starting digest, n the n-th hour's.
    pub fn digest(&self, index: usize) -> At {
        self.chains[0].digests[index].at.clone()
    }

    /// A log of the digest at `index` of the first chain.
    pub fn log(&self, index: usize, log: usize) -> At {
        self.chains[0].digests[index].logs[log].clone()
    }

    /// Edits a digest's document, writes it anew and deals with its signature.
    pub fn edit_digest(&mut self, at: &At, sign: Sign, edit: impl FnOnce(&mut Doc)) {
        let before = self.store.content(at);
        let slashes = before.windows(2).any(|pair| pair == b"\\/");
        let mut doc = Doc(Json::parse(&before));
        edit(&mut doc);
        let body = doc.0.write(slashes).into_bytes();
        let object = self.store.get_mut(at);
        object.body = gzip::gzip(&body);
        match sign {
            Sign::Keep => {}
            Sign::Remove => {
                object.metadata.remove(SIGNATURE);
                object.metadata.remove(ALGORITHM);
            }
            Sign::With(key) => {
                object.metadata.insert(
                    SIGNATURE.into(),
                    key.sign(doc.signed_text(&body).as_bytes()),
                );
                object
                    .metadata
                    .insert(ALGORITHM.into(), "SHA256withRSA".into());
            }
        }
    }

    /// What a successor would say of the digest at `at` as it is now.
    pub fn as_previous(&self, at: &At) -> Previous {
        let signature = self
            .store
            .get(at)
            .metadata
            .get(SIGNATURE)
            .cloned()
            .unwrap_or_default();
        Previous {
            at: at.clone(),
            hash: sha256(&self.store.content(at)),
            signature,
        }
    }

    /// Makes every successor of the digest at `from` in `chain` name its predecessor as it is now, and signs it with
    /// `key`, or with the key that signed it first.
    pub fn relink(&mut self, chain: usize, from: usize, key: Option<&'static TestKey>) {
        let digests = self.chains[chain].digests.clone();
        for pair in digests[from..].windows(2) {
            if pair[1].starting {
                break;
            }
            let previous = self.as_previous(&pair[0].at);
            let sign = Sign::With(key.unwrap_or(pair[1].key));
            self.edit_digest(&pair[1].at, sign, |doc| set_previous(doc, &previous));
        }
    }
}

pub fn set_previous(doc: &mut Doc, previous: &Previous) {
    doc.set("previousDigestS3Bucket", Json::text(&previous.at.0));
    doc.set("previousDigestS3Object", Json::text(&previous.at.1));
    doc.set("previousDigestHashValue", Json::text(&previous.hash));
    doc.set("previousDigestHashAlgorithm", Json::text("SHA-256"));
    doc.set("previousDigestSignature", Json::text(&previous.signature));
}

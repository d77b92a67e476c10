//! Tampering with objects, whatever they are.

use super::{
    gzip,
    store::{At, Store, StoredObject},
};

impl Store {
    pub fn delete(&mut self, at: &At) -> StoredObject {
        self.objects
            .remove(at)
            .unwrap_or_else(|| panic!("no object at {at:?}"))
    }

    pub fn replace_body(&mut self, at: &At, body: impl Into<Vec<u8>>) {
        self.get_mut(at).body = body.into();
    }

    /// Edits what the object holds, and compresses it anew.
    pub fn edit_content(&mut self, at: &At, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut content = self.content(at);
        edit(&mut content);
        self.replace_body(at, gzip::gzip(&content));
    }

    /// Replaces a word in what the object holds.
    pub fn edit_text(&mut self, at: &At, from: &str, to: &str) {
        self.edit_content(at, |content| {
            let text = String::from_utf8(std::mem::take(content)).expect("the forge writes UTF-8");
            assert!(text.contains(from), "{from} is not in {text}");
            *content = text.replacen(from, to, 1).into_bytes();
        });
    }

    /// Flips one bit of the stored (compressed) bytes.
    pub fn flip_byte(&mut self, at: &At, offset: usize) {
        self.get_mut(at).body[offset] ^= 0x01;
    }

    /// Cuts bytes off the end.
    pub fn truncate(&mut self, at: &At, by: usize) {
        let body = &mut self.get_mut(at).body;
        body.truncate(body.len() - by);
    }

    pub fn append_member(&mut self, at: &At, content: &[u8]) {
        let member = gzip::gzip(content);
        self.get_mut(at).body.extend(member);
    }

    pub fn append_zeros(&mut self, at: &At, count: usize) {
        let body = &mut self.get_mut(at).body;
        body.resize(body.len() + count, 0);
    }

    /// The same content, compressed another way.
    pub fn regzip(&mut self, at: &At, level: u8) {
        let content = self.content(at);
        self.replace_body(at, gzip::gzip_level(&content, level));
    }

    pub fn store_uncompressed(&mut self, at: &At) {
        let content = self.content(at);
        self.replace_body(at, content);
    }

    pub fn set_metadata(&mut self, at: &At, name: &str, value: &str) {
        self.get_mut(at).metadata.insert(name.into(), value.into());
    }

    pub fn remove_metadata(&mut self, at: &At, name: &str) {
        self.get_mut(at).metadata.remove(name);
    }

    pub fn clear_metadata(&mut self, at: &At) {
        self.get_mut(at).metadata.clear();
    }

    pub fn clear_all_metadata(&mut self) {
        for object in self.objects.values_mut() {
            object.metadata.clear();
        }
    }

    pub fn copy(&mut self, from: &At, to: &At, with_metadata: bool) {
        let mut object = self.get(from).clone();
        if !with_metadata {
            object.metadata.clear();
        }
        self.objects.insert(to.clone(), object);
    }

    pub fn move_to(&mut self, from: &At, to: &At, with_metadata: bool) {
        self.copy(from, to, with_metadata);
        self.delete(from);
    }

    /// Swaps two bodies, and their metadata too if asked for.
    pub fn swap(&mut self, one: &At, other: &At, with_metadata: bool) {
        let (mut first, mut second) = (self.get(one).clone(), self.get(other).clone());
        if !with_metadata {
            std::mem::swap(&mut first.metadata, &mut second.metadata);
        }
        self.objects.insert(one.clone(), second);
        self.objects.insert(other.clone(), first);
    }
}

//! What the versions of an object have told already needs not be looked for.

use super::Code;

/// What begins the history of an object that can be brought back.
pub const INTACT_VERSION: &str = "an intact version of it is still there";
/// What begins that of one that cannot.
pub const NO_INTACT_VERSION: &str = "no intact version of it is left";

impl Code {
    /// What to do first about findings with these messages.
    pub fn first_step<'m>(self, messages: impl IntoIterator<Item = &'m str>) -> &'static str {
        let usual = self.explanation().next.first();
        let usual = usual.map_or("", |step| step.what);
        if !matches!(self, Self::LogMissing | Self::DigestMissing) {
            return usual;
        }
        let mut is_gone = false;
        for message in messages {
            if message.contains(INTACT_VERSION) {
                return "Note who deleted or hid it, and when; then bring it back, with the command that \
                        the finding gives, and verify again";
            }
            is_gone |= message.contains(NO_INTACT_VERSION);
        }
        if is_gone {
            "Look for another copy: a replica of the bucket, a snapshot or a backup; and find out who \
             deleted it"
        } else {
            usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_not_to_be_asked_again() {
        let code = Code::LogMissing;
        let usual = code.first_step(["it is not there"]);
        assert!(usual.contains("whether the bucket still has it"));
        let gone = format!("it is not there; {NO_INTACT_VERSION}");
        assert!(code.first_step([&*gone]).contains("another copy"));
        let intact = format!("it is not there; {INTACT_VERSION}, 3");
        assert!(
            code.first_step([&*gone, &*intact])
                .contains("bring it back")
        );
        let other = Code::LogModified;
        assert_eq!(other.first_step([&*intact]), other.first_step([]));
    }
}

//! The little DER that public keys and certificates need.

use super::{keys::TestKey, time::Time};

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(u8::try_from(length).expect("below 128"));
    } else if length <= 0xff {
        out.extend([0x81, u8::try_from(length).expect("a byte")]);
    } else {
        out.push(0x82);
        out.extend(
            u16::try_from(length)
                .expect("a test key is short")
                .to_be_bytes(),
        );
    }
    out.extend(content);
    out
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// AlgorithmIdentifier for 1.2.840.113549.1.1.`last` with NULL parameters.
fn rsa_algorithm(last: u8) -> Vec<u8> {
    sequence(&[
        &tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last]),
        &tlv(5, &[]),
    ])
}

fn bit_string(content: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], content].concat())
}

/// SubjectPublicKeyInfo around a PKCS#1 key: 294 bytes.
pub fn spki(key: &TestKey) -> Vec<u8> {
    sequence(&[&rsa_algorithm(1), &bit_string(&key.pkcs1())])
}

/// A certificate of the key, signed by itself.
pub fn certificate(key: &TestKey, from: Time, to: Time) -> Vec<u8> {
    let common_name = sequence(&[
        &tlv(6, &[0x55, 0x04, 0x03]),
        &tlv(12, b"ct-verify test key"),
    ]);
    let name = sequence(&[&tlv(0x31, &common_name)]);
    let validity = sequence(&[
        &tlv(0x17, from.utc_time().as_bytes()),
        &tlv(0x17, to.utc_time().as_bytes()),
    ]);
    let version = tlv(0xa0, &tlv(2, &[2]));
    let algorithm = rsa_algorithm(11);
    let signed = sequence(&[
        &version,
        &tlv(2, &[1]),
        &algorithm,
        &name,
        &validity,
        &name,
        &spki(key),
    ]);
    let signature = key.sign_bytes(&signed);
    sequence(&[&signed, &algorithm, &bit_string(&signature)])
}

pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in BASE64_STANDARD.encode(der).as_bytes().chunks(64) {
        out.push_str(std::str::from_utf8(line).expect("base64"));
        out.push('\n');
    }
    out + &format!("-----END {label}-----\n")
}

#[test]
fn an_spki_key_has_the_size_of_cloudtrails_older_one() {
    assert_eq!(spki(TestKey::a()).len(), 294);
}

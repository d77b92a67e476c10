//! Keys of every shape.

use rsa::Pkcs1v15Sign;
use rsa::sha2::Sha256;

use super::*;

const PUBLISHED: &[u8] = include_bytes!("../../../testdata/published/public-keys.json");
const SIGNATURES: &str = include_str!("../../../testdata/published/signatures.json");

#[test]
fn published_keys_carry_their_own_fingerprints() {
    let keys = parse_keys(PUBLISHED).unwrap();
    let names: Vec<_> = keys
        .iter()
        .map(|key| key.fingerprint().to_string())
        .collect();
    assert_eq!(
        names,
        [
            "8eba5db5bea9b640d1c96a77256fe7f2",
            "8933b39ddc64d26d8e14ffbf6566fee4",
            "31e8b5433410dfb61a9dc45cc65b22ff",
            "7f3f401420072e50a65a141430817ab3",
            "28f6b7a258b62ece75008b18eaffc92b",
        ]
    );
}

/// What was signed is redacted, but not its hash.
#[test]
fn published_signatures_open_under_published_keys() {
    let keys = KeySet::new(parse_keys(PUBLISHED).unwrap()).unwrap();
    let signatures: Vec<serde_json::Value> = serde_json::from_str(SIGNATURES).unwrap();
    assert_eq!(signatures.len(), 3);
    for signature in signatures {
        let bytes = |name: &str| hex::decode(signature[name].as_str().unwrap()).unwrap();
        let fingerprint = Fingerprint::from_hex(signature["key"].as_str().unwrap()).unwrap();
        let opened = keys.get(&fingerprint).unwrap().rsa().verify(
            Pkcs1v15Sign::new::<Sha256>(),
            &bytes("opened_sha256"),
            &bytes("signature"),
        );
        assert_eq!(opened, Ok(()));
    }
}

#[test]
fn a_key_must_carry_its_own_fingerprint() {
    let text = std::str::from_utf8(PUBLISHED).unwrap();
    let other = text.replace("8eba5db5", "8eba5db6");
    assert!(matches!(
        parse_keys(other.as_bytes()),
        Err(KeyError::WrongFingerprint { .. })
    ));
}

/// Editors and shells begin a text with it.
#[test]
fn a_byte_order_mark_is_skipped() {
    let marked = |bytes: &[u8]| [b"\xef\xbb\xbf", bytes].concat();
    let keys = parse_keys(PUBLISHED).unwrap();
    assert_eq!(parse_keys(&marked(PUBLISHED)).unwrap().len(), keys.len());
    let spki = keys[0].rsa().to_public_key_der().unwrap();
    let text = pem("PUBLIC KEY", spki.as_bytes());
    assert!(parse_keys(&marked(text.as_bytes())).is_ok());
    assert_eq!(parse_keys(&marked(b"")).unwrap_err(), KeyError::NotAKey);
    assert_eq!(
        parse_keys(&marked(&marked(PUBLISHED))).unwrap_err(),
        KeyError::NotAKey
    );
}

#[test]
fn what_is_no_key_is_refused() {
    assert_eq!(parse_keys(b"").unwrap_err(), KeyError::NotAKey);
    assert_eq!(parse_keys(b"hello").unwrap_err(), KeyError::NotAKey);
    assert!(matches!(parse_keys(b"{}"), Err(KeyError::Json(_))));
    assert_eq!(
        parse_keys(b"{\"PublicKeyList\": []}").unwrap_err(),
        KeyError::Empty
    );
    assert!(matches!(
        parse_keys(b"[{\"Value\": \"%%\", \"Fingerprint\": \"a\"}]"),
        Err(KeyError::NotBase64(_))
    ));
    assert_eq!(
        parse_keys(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").unwrap_err(),
        KeyError::NotAKey
    );
}

/// Bytes in PEM, of 64 letters a line.
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// A DER element.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length = match (high, low) {
        (0, 0..0x80) => vec![low],
        (0, _) => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], &*length, &content].concat()
}

/// A certificate for the key of this SPKI, issued by nobody.
fn certificate(spki: &[u8]) -> Vec<u8> {
    // sha256WithRSAEncryption, no name, and two dates.
    let algorithm = hex::decode("300d06092a864886f70d01010b0500").unwrap();
    let nobody = [0x30, 0];
    let dates = [
        &[0x30, 30][..],
        b"\x17\x0d200101000000Z",
        b"\x17\x0d300101000000Z",
    ]
    .concat();
    let version = [0xa0, 3, 2, 1, 2];
    let serial = [2, 1, 1];
    let signed = der(
        0x30,
        &[
            &version, &serial, &algorithm, &nobody, &dates, &nobody, spki,
        ],
    );
    der(0x30, &[&signed, &algorithm, &[3, 2, 0, 0]])
}

fn rsa() -> RsaPublicKey {
    parse_keys(PUBLISHED).unwrap()[0].rsa().clone()
}

#[test]
fn a_key_is_read_from_every_shape() {
    let listed = parse_keys(PUBLISHED).unwrap();
    let rsa = rsa();
    let pkcs1 = rsa.to_pkcs1_der().unwrap();
    let spki = rsa.to_public_key_der().unwrap();
    let certificate = certificate(spki.as_bytes());
    let names = [pkcs1.as_bytes(), spki.as_bytes()].map(Fingerprint::of);
    for (label, der) in [
        ("RSA PUBLIC KEY", pkcs1.as_bytes()),
        ("PUBLIC KEY", spki.as_bytes()),
        ("CERTIFICATE", &certificate),
    ] {
        let pem = format!("some words\n{}", pem(label, der));
        for bytes in [der, pem.as_bytes()] {
            let keys = parse_keys(bytes).unwrap();
            let told: Vec<_> = keys.iter().map(PublicKey::fingerprint).collect();
            assert_eq!(told, names, "{label}");
            assert!(keys.iter().all(|key| *key.rsa() == rsa), "{label}");
        }
    }
    let others = listed[1].rsa().to_public_key_der().unwrap();
    let two = pem("RSA PUBLIC KEY", pkcs1.as_bytes()) + &pem("PUBLIC KEY", others.as_bytes());
    let keys = parse_keys(two.as_bytes()).unwrap();
    let told: Vec<_> = keys.iter().map(PublicKey::rsa).collect();
    let [one, other] = [&rsa, listed[1].rsa()];
    assert_eq!(told, [one, one, other, other]);
    for cut in [two.len() - 5, two.len() - 20, two.len() - 40] {
        assert_eq!(
            parse_keys(&two.as_bytes()[..cut]).unwrap_err(),
            KeyError::NotAKey
        );
    }
}

#[test]
fn a_value_is_what_the_fingerprint_was_taken_of() {
    let rsa = rsa();
    let pkcs1 = rsa.to_pkcs1_der().unwrap();
    let spki = rsa.to_public_key_der().unwrap();
    for value in [pkcs1.as_bytes(), spki.as_bytes()] {
        let key = PublicKey::from_value(value, None).unwrap();
        assert_eq!(key.fingerprint(), Fingerprint::of(value));
        assert_eq!(key.value().as_deref(), Some(value));
    }
    let elsewhere = Fingerprint::of(b"some other encoding");
    assert_eq!(PublicKey::known_as(elsewhere, rsa).unwrap().value(), None);
}

#[test]
fn short_keys_prove_nothing_and_long_ones_do() {
    let key = |bytes: usize| {
        let mut modulus = vec![0, 0xc0];
        modulus.resize(bytes, 0x55);
        modulus.push(1);
        der(0x30, &[&der(2, &[&modulus]), &[2, 3, 1, 0, 1]])
    };
    for (bytes, bits) in [(128, 1024), (255, 2040)] {
        let read = PublicKey::from_value(&key(bytes), None);
        assert_eq!(read.unwrap_err(), KeyError::TooShort(bits));
    }
    for bytes in [256, 384] {
        assert!(PublicKey::from_value(&key(bytes), None).is_ok(), "{bytes}");
    }
}

#[test]
fn a_set_of_keys_holds_what_was_put_in() {
    let keys = parse_keys(PUBLISHED).unwrap();
    let set = KeySet::new(keys.clone()).unwrap();
    let mut names: Vec<_> = keys.iter().map(PublicKey::fingerprint).collect();
    names.sort();
    assert_eq!(set.fingerprints().collect::<Vec<_>>(), names);
    let held: Vec<_> = set.iter().map(PublicKey::fingerprint).collect();
    assert_eq!(held, names);
    assert!(KeySet::new([]).is_none());
    assert_eq!(
        set.get(&Fingerprint::of(b"another"))
            .map(PublicKey::fingerprint),
        None
    );
    let name = names[0];
    assert_eq!(Fingerprint::from_hex(&name.to_string()), Some(name));
    assert_eq!(format!("{name:?}"), name.to_string());
}

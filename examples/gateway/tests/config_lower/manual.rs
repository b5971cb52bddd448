//! Keys set by hand.

use crypto_provider::{CipherAlgorithm, HashAlgorithm};
use gateway::ios::{Protection, Refusal};

use crate::{lower, only, refusals};

pub(crate) const MANUAL: &str = "\
crypto ipsec transform-set t ah-md5-hmac esp-des esp-sha-hmac
crypto map m 10 ipsec-manual
 set peer 20.20.20.20
 set transform-set t
 match address 101
 set session-key inbound ah 256 000102030405060708090a0b0c0d0e0f
 set session-key outbound ah 257 000102030405060708090a0b0c0d0e0f
 set session-key inbound esp 258 cipher 0123456789abcdef authenticator 000102030405060708090a0b0c0d0e0f10111213
 set session-key outbound esp 259 cipher 0123456789abcdef authenticator 000102030405060708090a0b0c0d0e0f10111213
interface Serial0
 ip address 20.20.20.21 255.255.255.0
 crypto map m
access-list 101 permit ip any host 60.60.60.60
";

#[test]
fn manual_keys_fit_their_transforms() {
    let policies = lower(MANUAL);
    let Protection::Manual(sas) = &only(&policies).protection else { panic!() };
    let (inbound, outbound) = (sas.inbound_esp.as_ref().unwrap(), sas.outbound_esp.as_ref().unwrap());
    assert_eq!((inbound.spi, outbound.spi, inbound.cipher), (258, 259, CipherAlgorithm::DesCbc));
    assert_eq!(inbound.cipher_key.expose(), [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
    assert_eq!(sas.inbound_ah.as_ref().map(|ah| (ah.spi, ah.hash)), Some((256, HashAlgorithm::Md5)));
    for (from, to, part) in [
        (
            "cipher 0123456789abcdef",
            "cipher 0123456789abcd",
            "cipher key does not have the 8 octets that the transform needs",
        ),
        ("ah 256 00", "ah 256 ", "inbound AH key does not have the 16 octets that the transform needs"),
        (
            " set session-key inbound ah 256 000102030405060708090a0b0c0d0e0f\n",
            "",
            "needs 'set session-key inbound ah'",
        ),
        ("t ah-md5-hmac esp-des", "t esp-des", "no use for 'set session-key inbound ah'"),
    ] {
        let found = refusals(&MANUAL.replace(from, to));
        let [(2, 12, Refusal::ManualKey(reason))] = found.as_slice() else { panic!("{found:?}") };
        assert!(reason.contains(part), "{reason}");
    }
}

/// T096: a counter that starts again under the same key would repeat nonces.
#[test]
fn t096_no_counter_mode_with_manual_keys() {
    let text = MANUAL.replace("t ah-md5-hmac esp-des esp-sha-hmac", "t ah-md5-hmac esp-gcm");
    assert_eq!(refusals(&text), [(2, 12, Refusal::ManualCounter("esp-gcm"))]);
}

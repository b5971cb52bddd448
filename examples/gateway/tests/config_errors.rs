//! Where errors stand and what they say; abbreviations; what a secret may never do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test may panic"
)]

use gateway::ios::model::{Authentication, Encryption};
use gateway::ios::{self, ConfigError, ErrorKind, Reader};

fn first_error(text: &str) -> ConfigError {
    match ios::parse("x.cfg", text) {
        Ok(config) => panic!("accepted: {}", ios::print(&config)),
        Err(errors) => errors.into_iter().next().unwrap(),
    }
}

/// Text, line, column, a part of the message.
const WRONG: &[(&str, u32, u32, &str)] = &[
    ("crpyto isakmp policy 1", 1, 1, "unknown command 'crpyto'; accepted here: access-list,"),
    (
        "!\nversion 11.3\ncrypto isakpm policy 1",
        3,
        8,
        "unknown word 'isakpm'; accepted here: ca, dynamic-map, ipsec, isakmp, key, map, pki",
    ),
    ("crypto isakmp policy 0", 1, 22, "unknown word '0'; accepted here: <1-10000>"),
    ("crypto isakmp policy 10001", 1, 22, "accepted here: <1-10000>"),
    ("crypto isakmp policy +1", 1, 22, "accepted here: <1-10000>"),
    ("crypto isakmp policy", 1, 21, "the line is incomplete; accepted here: <1-10000>"),
    ("crypto isakmp policy 1 2", 1, 24, "unknown word '2'; accepted here: <end of line>"),
    (
        "crypto isakmp policy 1\n group 3",
        2,
        8,
        "unknown word '3'; accepted here: 1, 14, 15, 16, 17, 18, 19, 2, 20, 21, 5",
    ),
    ("crypto isakmp policy 1\n group 24", 2, 8, "unknown word '24'"),
    ("crypto isakmp policy 1\n hash s", 2, 7, "'s' is ambiguous; it could be: sha, sha256, sha384, sha512"),
    (
        "crypto isakmp policy 1\n hash sha1",
        2,
        7,
        "unknown word 'sha1'; accepted here: md5, sha, sha256, sha384, sha512",
    ),
    ("crypto isakmp policy 1\n\tlifetime 59", 2, 11, "accepted here: <60-86400>"),
    ("crypto isakmp policy 1\n encryption aes 127", 2, 17, "accepted here: 128, 192, 256"),
    ("crypto isakmp policy 1\n encryption 3dess", 2, 13, "unknown word '3dess'"),
    (
        "crypto isakmp policy 1\n authentication rsa",
        2,
        17,
        "'rsa' is ambiguous; it could be: rsa-encr, rsa-sig",
    ),
    ("crypto isakmp key abc address 1.2.3.256", 1, 31, "unknown word '***'; accepted here: A.B.C.D, ipv6"),
    ("crypto isakmp key abc address 1.2.3.0 255.0.255.0", 1, 39, "accepted here: MASK"),
    ("crypto isakmp key abc address ipv6 2001:db8::/129", 1, 36, "accepted here: X:X::X/<0-128>"),
    ("crypto isakmp key 6 abc address 1.2.3.4", 1, 19, "encrypted keys (type 6) cannot be read"),
    (
        "crypto isakmp key a address 1.2.3.4\ncrypto isakmp key b address 1.2.3.4",
        2,
        19,
        "this peer already has a key",
    ),
    ("crypto isakmp keepalive 9", 1, 25, "accepted here: <10-3600>"),
    ("crypto ipsec transform-set t esp-md5-hmac", 1, 30, "an ESP authenticator needs an ESP cipher"),
    ("crypto ipsec transform-set t esp-gcm esp-sha-hmac", 1, 38, "esp-gcm authenticates by itself"),
    (
        "crypto ipsec transform-set t esp-des esp-3des",
        1,
        38,
        "at most one AH, one ESP cipher and one ESP authenticator",
    ),
    ("crypto ipsec transform-set t ah-rfc1828 esp-des", 1, 41, "ah-rfc1828 goes with esp-rfc1829 only"),
    ("crypto ipsec transform-set t esp-seal", 1, 30, "unknown word 'esp-seal'"),
    ("crypto ipsec transform-set t", 1, 29, "the line is incomplete; accepted here: ah-md5-hmac,"),
    ("crypto map m 10", 1, 16, "accepted here: ipsec-isakmp, ipsec-manual"),
    ("crypto map m 0 ipsec-isakmp", 1, 14, "accepted here: <1-65535>"),
    (
        "crypto map m 10 ipsec-isakmp\n set peer 300.1.1.1",
        2,
        11,
        "unknown word '300.1.1.1'; accepted here: A.B.C.D, HOSTNAME, X:X::X",
    ),
    (
        "crypto map m 10 ipsec-isakmp\n set session-key inbound ah 256 00",
        2,
        18,
        "session keys belong to an entry of kind ipsec-manual",
    ),
    ("crypto map m 10 ipsec-manual\n set pfs", 2, 9, "does not negotiate"),
    (
        "crypto map m 10 ipsec-manual\n set session-key inbound ah 255 00",
        2,
        29,
        "accepted here: <256-4294967295>",
    ),
    (
        "crypto map m 10 ipsec-isakmp dynamic d\n set peer 1.2.3.4",
        2,
        11,
        "has its settings from the dynamic map",
    ),
    ("crypto map m 10 ipsec-isakmp\ncrypto map m 10 ipsec-manual", 2, 17, "of another kind"),
    ("crypto map m 10 ipsec-isakmp\n match address 299", 2, 16, "accepted here: <1-199>, <1300-2699>, NAME"),
    ("crypto map m 10 ipsec-isakmp\n set pfs 2", 2, 10, "accepted here: group1, group14,"),
    (
        "crypto map m 10 ipsec-isakmp\n set security-association lifetime seconds 119",
        2,
        44,
        "accepted here: <120-86400>",
    ),
    (
        "access-list 200 permit ip any any",
        1,
        13,
        "accepted here: <1-99>, <100-199>, <1300-1999>, <2000-2699>",
    ),
    ("access-list 101 permit ip any", 1, 30, "accepted here: A.B.C.D, any, host"),
    ("access-list 101 permit tcp any eq wwww any", 1, 35, "unknown word 'wwww'"),
    ("access-list 101 permit tcp any range 9 8 any", 1, 40, "a range begins with its lower port"),
    (
        "access-list 101 permit ip any eq 80 any",
        1,
        31,
        "unknown word 'eq'; accepted here: A.B.C.D, any, host",
    ),
    (
        "access-list 101 permit tcp any any established",
        1,
        36,
        "unknown word 'established'; accepted here: <end of line>, log",
    ),
    ("access-list 1 permit tcp any any", 1, 22, "unknown word 'tcp'"),
    ("interface Frob0", 1, 11, "unknown word 'Frob0'; accepted here: ATM, Async, BRI,"),
    ("interface T0", 1, 11, "'T0' is ambiguous; it could be: TenGigabitEthernet, TokenRing, Tunnel"),
    ("interface Ethernet0\n ip address 1.2.3.4 255.255.0.255", 2, 21, "accepted here: MASK"),
    (
        "interface Ethernet0\n ip address 1.2.3.4 255.255.255.0 secondary",
        2,
        13,
        "a primary address must come first",
    ),
    ("interface Ethernet0\n ip access-group 101 in", 2, 5, "unknown word 'access-group'"),
    ("interface Ethernet0\n ip nat inside", 2, 5, "unknown word 'nat'"),
    ("ip route 10.0.0.1 255.0.0.0 1.2.3.4", 1, 19, "inconsistent address and mask"),
    ("ip host a", 1, 10, "accepted here: A.B.C.D, X:X::X"),
    ("hostname 1.2.3.4", 1, 10, "accepted here: HOSTNAME"),
    ("service timestamp debug uptime\nservce pad", 2, 1, "unknown command 'servce'"),
    ("service timestamps debug uptime x", 1, 33, "accepted here: <end of line>"),
    ("service timestamps log datetime years", 1, 33, "accepted here: localtime, msec, show-timezone"),
    ("service t", 1, 9, "'t' is ambiguous; it could be: tcp-keepalives-in"),
    (
        "crypto key pubkey-chain rsa\n named-key a\n key-string\n  3059\n  305\n quit",
        5,
        3,
        "not pairs of hexadecimal digits; 'quit' ends the block",
    ),
    ("crypto ca certificate chain a\n certificate ca zz", 2, 17, "accepted here: HEX"),
    ("crypto ca identity a\n enrollment url nowhere", 2, 17, "accepted here: URL"),
    ("end\nhostname a", 2, 1, "nothing may follow 'end'"),
    ("banner motd #a\nb\nc", 3, 1, "the file ends inside a key, certificate or banner"),
    ("hostname a\u{7}", 1, 11, "a control character"),
    ("hostname a\u{0}", 1, 11, "a control character"),
    ("h\u{e9}", 1, 1, "unknown command 'h\\u{e9}'"),
    ("exit", 1, 1, "unknown command 'exit'"),
    ("no crypto map m", 1, 15, "there is no such crypto map"),
    ("no group 2", 1, 4, "unknown word 'group'"),
];

#[test]
fn each_error_names_line_column_and_what_is_accepted() {
    let mut wrong = Vec::new();
    for &(text, line, column, message) in WRONG {
        let shown = match ios::parse("x.cfg", text) {
            Ok(_) => "no error".to_owned(),
            Err(errors) => errors[0].to_string(),
        };
        let begin = format!("x.cfg:{line}:{column}: ");
        if !shown.starts_with(&begin) || !shown.contains(message) {
            wrong.push(format!("{text:?}\n  gives      {shown}\n  instead of {begin}... {message}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_caret_stands_below_the_word() {
    let error = first_error("crypto isakmp policy 1\n group 3 and more");
    assert_eq!(error.caret().unwrap(), " group 3\n       ^");
    let error = first_error("crypto isakmp policy");
    assert_eq!(error.caret().unwrap(), "crypto isakmp policy\n                    ^");
}

/// IOS accepts every beginning of a word that fits one word only.
#[test]
fn abbreviations_mean_what_the_whole_words_mean() {
    let pairs = [
        (
            "cry isa pol 1\n auth pre\n enc aes 256\n h sha256\n g 14\n life 3600",
            "crypto isakmp policy 1\n authentication pre-share\n encryption aes 256\n hash sha256\n group 14\n lifetime 3600",
        ),
        ("crypto is key abc addr 1.2.3.4", "crypto isakmp key abc address 1.2.3.4"),
        ("CRYPTO ISAKMP KEY abc ADDRESS 1.2.3.4", "crypto isakmp key abc address 1.2.3.4"),
        (
            "cr ips tr t ah-m esp-d esp-sha-\n mo trans",
            "crypto ipsec transform-set t ah-md5-hmac esp-des esp-sha-hmac\n mode transport",
        ),
        (
            "cry m v 5 ipsec-i\n se pe 1.2.3.4\n s t a b\n ma a 101\n s pf group2",
            "crypto map v 5 ipsec-isakmp\n set peer 1.2.3.4\n set transform-set a b\n match address 101\n set pfs group2",
        ),
        (
            "int e0\n ip addr 1.2.3.4 255.255.255.0\n shut",
            "interface Ethernet0\n ip address 1.2.3.4 255.255.255.0\n shutdown",
        ),
        ("int se 1/0.5", "interface Serial1/0.5"),
        (
            "acc 101 per tc an eq www ho 1.2.3.4 gt 1023 l",
            "access-list 101 permit tcp any eq 80 host 1.2.3.4 gt 1023 log",
        ),
        (
            "access-list 101 permit ip 10.1.2.3 0.0.0.255 0.0.0.0 255.255.255.255",
            "access-list 101 permit ip 10.1.2.0 0.0.0.255 any",
        ),
        ("access-list 101 permit 6 any any", "access-list 101 permit tcp any any"),
        ("crypto isakmp key a address 10.1.2.3 255.0.0.0", "crypto isakmp key a address 10.0.0.0 255.0.0.0"),
        ("crypto isakmp key a address 0.0.0.0", "crypto isakmp key a address 0.0.0.0 0.0.0.0"),
        ("crypto isakmp key 0 a address 1.2.3.4", "crypto isakmp key a address 1.2.3.4"),
        ("crypto pki trustpoint t\n revocation-check none", "crypto ca identity t\n crl optional"),
        (
            "ip domain name example.net\nno ip domain lookup",
            "ip domain-name example.net\nno ip domain-lookup",
        ),
        ("crypto isakmp policy 1\ngroup 2\nexit\nhostname a", "crypto isakmp policy 1\n group 2\nhostname a"),
        ("crypto isakmp policy 1\n group 2\n no group", "crypto isakmp policy 1"),
    ];
    for (short, long) in pairs {
        let read = |text| ios::parse("x.cfg", text).unwrap_or_else(|errors| panic!("{text:?}: {errors:?}"));
        assert_eq!(read(short), read(long), "{short:?}");
    }
}

/// `0` and `6` announce the type of a secret, and may be secrets themselves.
#[test]
fn a_key_that_reads_like_its_type() {
    for (text, secret) in [
        ("crypto isakmp key 0 address 1.2.3.4", "0"),
        ("crypto isakmp key 0 0 address 1.2.3.4", "0"),
        ("crypto isakmp key 0 address address 1.2.3.4", "address"),
        ("crypto isakmp key 6 hostname a", "6"),
        ("crypto isakmp key address address 1.2.3.4", "address"),
    ] {
        let config = ios::parse("x.cfg", text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
        let [key] = config.isakmp.keys.as_slice() else { panic!("{text}") };
        assert_eq!(key.secret.expose(), secret.as_bytes(), "{text}");
    }
}

#[test]
fn a_policy_keeps_what_was_written_apart_from_defaults() {
    let config =
        ios::parse("x.cfg", "crypto isakmp policy 7\n encryption 3des\n authentication pre-share").unwrap();
    let policy = config.isakmp.policies.get(&7).unwrap();
    assert_eq!(policy.encryption.unwrap().value, Encryption::TripleDes);
    assert_eq!(policy.authentication.unwrap().value, Authentication::PreShare);
    assert_eq!((policy.hash, policy.group, policy.lifetime), (None, None, None));
    assert_eq!(policy.authentication.unwrap().origin.line, 3);
}

/// A block below a wrong line belongs to it; the errors after it are real ones.
#[test]
fn one_mistake_is_one_error() {
    let text = "crypto mapp m 10 ipsec-isakmp\n set peer 1.2.3.4\n match address 101\nhostname a\nhostnam\n";
    let lines: Vec<u32> = ios::parse("x.cfg", text).unwrap_err().iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 5]);
    let text = "crypto ca certificate chain a\n certificate 01\n  zz\n  3030\n quit\nhostnam";
    let lines: Vec<u32> = ios::parse("x.cfg", text).unwrap_err().iter().map(|error| error.line).collect();
    assert_eq!(lines, [3, 6]);
    let text = "crypto ca certificate chian a\n certificate 01\n  3030\n quit\nhostnam";
    let lines: Vec<u32> = ios::parse("x.cfg", text).unwrap_err().iter().map(|error| error.line).collect();
    assert_eq!(lines, [1, 5]);
}

/// T132: bombs end early, with a line number; a wrong line leaves everything as it was.
#[test]
fn t132_configuration_bombs() {
    assert_eq!(first_error(&"x".repeat(1 << 20)).line, 1);
    let many = "hostnam\n".repeat(100_000);
    assert_eq!(ios::parse("x.cfg", &many).unwrap_err().len(), ios::MAX_ERRORS);
    let good = "!\n".repeat(1_000_000);
    assert!(ios::parse("x.cfg", &good).is_ok());
    let banner = format!("banner motd #\n{}", "text\n".repeat(100_000));
    assert!(ios::parse("x.cfg", &banner).unwrap_err()[0].line < 20_000);
    let hex = format!("crypto ca certificate chain a\n certificate 01\n{}", "  30303030\n".repeat(100_000));
    assert!(ios::parse("x.cfg", &hex).unwrap_err()[0].line < 20_000);

    let text = include_str!("data/wan2516.cfg");
    let mut reader = Reader::new("x.cfg");
    for line in text.lines() {
        let before = reader.config().clone();
        for wrong in [
            "crypto map",
            "no such thing",
            "crypto map test 0 ipsec-manual",
            "no crypto map nothing",
            " set",
            "match address 144 145",
        ] {
            // Inside a key every line is hexadecimal: those are refused as well.
            if reader.prompt() != "(config-pubkey)" {
                assert!(reader.line(wrong).is_err(), "{wrong}");
                assert_eq!(*reader.config(), before, "{wrong}");
            }
        }
        reader.line(line).unwrap();
        if reader.ended() {
            break;
        }
    }
    assert_eq!(reader.finish().unwrap(), ios::parse("x.cfg", text).unwrap());
}

/// T137: what a file holds reaches the terminal as printable ASCII, on one line, cut.
#[test]
fn t137_words_are_made_printable() {
    for text in ["\u{202e}evil", "hostname a \u{202e}b", "\u{9b}31m", "caf\u{e9} \u{1f600}"] {
        let error = first_error(text);
        for shown in [error.to_string(), error.caret().unwrap_or_default().replace('\n', "")] {
            assert!(shown.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{shown:?}");
        }
    }
    let long = first_error(&"y".repeat(1000));
    let ErrorKind::UnknownCommand { word, .. } = &long.kind else { panic!("{long}") };
    assert_eq!(word.len(), 43);
}

#[test]
fn not_utf8_has_a_position() {
    let mut out = Vec::new();
    let status = gateway::check::check_text("x.cfg", b"!\nhostname \xff\n", false, &mut out).unwrap();
    assert_eq!((status, String::from_utf8(out).unwrap().as_str()), (2, "x.cfg:2:10: not UTF-8\n"));
}

//! Where the recordings come from. What stands here by hand is how the daemons were configured.

use core::net::{IpAddr, SocketAddr};

use crypto_provider::{AeadAlgorithm, CipherAlgorithm, GroupId, HashAlgorithm};
use isakmp_wire::PayloadKind;
use oakley::{
    AuthMethod, Confidentiality, Encapsulation, Identity, Lifetime, Mode, Phase1Suite, Phase2Transform,
    Protocol, Role, TrafficSelector,
};
use serde_json::Value;

use super::keyfile::KeyFile;
use super::recording::{Known, Proof, Recorded, Recording, Sa, Secrets, Setting, open, other, side};
use super::scripted::Secret;
use super::{capture, octets, text, unhex};

use CipherAlgorithm::{AesCbc, AesCtr, DesCbc, TripleDesCbc};
use HashAlgorithm::{Md5, Sha1, Sha256, Sha384, Sha512};

fn suite(cipher: (CipherAlgorithm, usize), hash: HashAlgorithm, group: GroupId, seconds: u64) -> Phase1Suite {
    let (cipher, key_len) = cipher;
    let lifetime = Lifetime { seconds: Some(seconds), kilobytes: None };
    Phase1Suite { priority: 1, cipher, key_len, hash, method: AuthMethod::PreShared, group, lifetime }
}

fn esp(cipher: (CipherAlgorithm, usize), hash: HashAlgorithm) -> Phase2Transform {
    let confidentiality = Confidentiality::Cipher(cipher.0, cipher.1);
    Phase2Transform { protocol: Protocol::Esp, confidentiality, integrity: Some(hash) }
}

fn ah(hash: HashAlgorithm) -> Phase2Transform {
    let confidentiality = Confidentiality::None;
    Phase2Transform { protocol: Protocol::Ah, confidentiality, integrity: Some(hash) }
}

fn selector(first: &str, last: &str) -> TrafficSelector {
    TrafficSelector { addresses: first.parse().unwrap()..=last.parse().unwrap(), protocol: 0, port: 0 }
}

fn nets() -> [TrafficSelector; 2] {
    [selector("10.1.0.0", "10.1.0.255"), selector("10.2.0.0", "10.2.0.255")]
}

/// Main Mode with a pre-shared key, between two strongSwans.
pub const MAIN_PRE_SHARED: &[&str] = &[
    "k-ah-sha1-tunnel",
    "k-esp-des-sha1-transport",
    "main-3des-sha1-modp1024-psk",
    "main-aes128-sha1-modp1024-ctr",
    "main-aes128-sha1-modp1536-pfs",
    "main-aes128-sha256-ecp256-ctr",
    "main-aes256-sha256-modp2048-gcm",
    "main-aes256-sha384-ecp384-pfs",
    "main-aes256-sha512-ecp521",
    "main-des-md5-modp768-psk",
    "v6-main-aes128-sha1-modp1024",
];
pub const AGGRESSIVE_PRE_SHARED: &str = "aggressive-des-sha1-modp768";
pub const MAIN_SIGNATURE: &str = "main-3des-sha1-modp1024-rsa1024";
pub const RACOON: &str = "racoon-main-ah-esp";

/// The suites of a recording between two strongSwans.
fn suites(name: &str) -> (Phase1Suite, Phase2Transform) {
    let gcm = Phase2Transform {
        protocol: Protocol::Esp,
        confidentiality: Confidentiality::Aead(AeadAlgorithm::AesGcm16, 32),
        integrity: None,
    };
    let (cipher, hash, group, transform) = match name {
        "k-ah-sha1-tunnel" => ((TripleDesCbc, 24), Sha1, GroupId::MODP_1024, ah(Sha1)),
        "k-esp-des-sha1-transport" => ((DesCbc, 8), Sha1, GroupId::MODP_768, esp((DesCbc, 8), Sha1)),
        "main-3des-sha1-modp1024-psk" | "main-3des-sha1-modp1024-rsa1024" => {
            ((TripleDesCbc, 24), Sha1, GroupId::MODP_1024, esp((TripleDesCbc, 24), Sha1))
        }
        "main-aes128-sha1-modp1024-ctr" => ((AesCbc, 16), Sha1, GroupId::MODP_1024, esp((AesCtr, 32), Sha1)),
        "main-aes128-sha256-ecp256-ctr" => ((AesCbc, 16), Sha256, GroupId::ECP_256, esp((AesCtr, 16), Sha1)),
        "main-aes256-sha384-ecp384-pfs" => {
            ((AesCbc, 32), Sha384, GroupId::ECP_384, esp((AesCbc, 32), Sha384))
        }
        "main-aes256-sha512-ecp521" => ((AesCbc, 32), Sha512, GroupId::ECP_521, esp((AesCbc, 24), Sha512)),
        "main-aes128-sha1-modp1536-pfs" => ((AesCbc, 16), Sha1, GroupId::MODP_1536, esp((AesCbc, 16), Sha1)),
        "main-aes256-sha256-modp2048-gcm" => ((AesCbc, 32), Sha256, GroupId::MODP_2048, gcm),
        "main-des-md5-modp768-psk" => ((DesCbc, 8), Md5, GroupId::MODP_768, esp((DesCbc, 8), Md5)),
        "v6-main-aes128-sha1-modp1024" => ((AesCbc, 16), Sha1, GroupId::MODP_1024, esp((AesCtr, 16), Sha1)),
        "aggressive-des-sha1-modp768" => ((DesCbc, 8), Sha1, GroupId::MODP_768, esp((DesCbc, 8), Sha1)),
        other => panic!("{other}"),
    };
    (suite(cipher, hash, group, 15_840), transform)
}

/// The settings of a recording between two strongSwans, whose Quick Modes repeat the group of phase 1 if any.
fn setting(name: &str, group: GroupId, transform: Phase2Transform) -> Setting {
    let (encapsulation, flow) = match name {
        "k-ah-sha1-tunnel" => (Encapsulation::Tunnel, nets()),
        "k-esp-des-sha1-transport" => {
            let hosts = [selector("10.9.0.1", "10.9.0.1"), selector("10.9.0.2", "10.9.0.2")];
            (Encapsulation::Transport, hosts)
        }
        "v6-main-aes128-sha1-modp1024" => {
            let last = |net| format!("{net}::ffff:ffff:ffff:ffff");
            let flow = [selector("fd01::", &last("fd01")), selector("fd02::", &last("fd02"))];
            (Encapsulation::UdpTunnel, flow)
        }
        _ => (Encapsulation::UdpTunnel, nets()),
    };
    Setting {
        identities: ["a.lab", "b.lab"].map(|name| Identity::Fqdn(name.into())),
        identity_without_port: true,
        // It comes inside message 5.
        initial_contact: false,
        narrowed_identities: false,
        protections: vec![transform],
        encapsulation,
        pfs: name.ends_with("-pfs").then_some(group),
        phase2_lifetime: Lifetime { seconds: Some(3960), kilobytes: None },
        flow,
    }
}

fn secrets(file: &KeyFile) -> Secrets {
    let secret = |name: &str| file.secrets[name].clone();
    Secrets {
        g_xy: secret("DH"),
        quick_g_xy: file.secrets.get("DH_quick").cloned(),
        skeyid: secret("SKEYID"),
        skeyid_d: secret("SKEYID_d"),
        skeyid_a: secret("SKEYID_a"),
        skeyid_e: secret("SKEYID_e"),
        ka: file.ka.clone(),
        iv: file.iv.clone(),
    }
}

/// A folder of `recordings`.
fn captured(name: &'static str, parts: (Phase1Suite, Proof, Setting)) -> Recording {
    let (suite, proof, setting) = parts;
    let file = KeyFile::parse(&text(&format!("recordings/{name}/keys.txt")));
    let datagrams = capture::messages(&octets(&format!("recordings/{name}/capture.pcap")));
    let ends = [datagrams[0].from, datagrams[0].to];
    let from = |end: SocketAddr| {
        if end.ip() == ends[0].ip() { Role::Initiator } else { Role::Responder }
    };
    let receiver = |to: IpAddr| if to == ends[0].ip() { Role::Initiator } else { Role::Responder };
    let sas = file.sas.iter().map(|sa| Sa {
        protocol: sa.protocol,
        receiver: receiver(sa.to),
        spi: sa.spi,
        encryption: sa.encryption.clone(),
        integrity: sa.integrity.clone(),
    });
    let sas = sas.collect();
    let secrets = secrets(&file);
    let datagrams = datagrams.into_iter().map(|datagram| {
        assert_eq!(datagram.from.port(), datagram.to.port(), "{name}");
        (from(datagram.from), datagram.to.port(), datagram.octets)
    });
    let datagrams = datagrams.collect();
    let mut recording = Recording {
        name,
        mode: if name.starts_with("aggressive") { Mode::Aggressive } else { Mode::Main },
        messages: open(datagrams, &suite, &secrets),
        suite,
        proof,
        ends,
        secrets,
        sas,
        known: Vec::new(),
        exponents: [Secret::Private(Vec::new()), Secret::Private(Vec::new())],
        setting,
    };
    assert_eq!(recording.cookies(), file.cookies, "{name}");
    recording.known = known(&recording, |which| {
        let data = file.hashes.get(&format!("{which}_data")).cloned();
        (file.hashes.get(which).cloned().unwrap_or_default(), data)
    });
    recording.exponents = [Role::Initiator, Role::Responder].map(|role| outcome(&recording, role));
    recording
}

/// The exponent of one side as far as its outcome tells.
fn outcome(recording: &Recording, role: Role) -> Secret {
    let (public, peer) = (recording.public(role), recording.public(other(role)));
    Secret::Outcome { public, peer, g_xy: recording.secrets.g_xy.clone() }
}

/// A recording between two strongSwans.
pub fn strongswan(name: &'static str) -> Recording {
    let (suite, transform) = suites(name);
    let proof = match name {
        MAIN_SIGNATURE => Proof::Signature,
        _ => Proof::PreShared(b"lab secret".to_vec()),
    };
    let setting = setting(name, suite.group, transform);
    captured(name, (suite, proof, setting))
}

/// What was derived, from logged keys and from the HASHes and IVs of the messages. `hash` gives HASH_I and HASH_R with the
/// inputs where they were logged.
fn known(recording: &Recording, hash: impl Fn(&str) -> (Vec<u8>, Option<Vec<u8>>)) -> Vec<Known> {
    let Secrets { skeyid, skeyid_d, skeyid_a, skeyid_e, ka, iv, .. } = &recording.secrets;
    let mut known = vec![
        Known::new("SKEYID", 0, skeyid),
        Known::new("SKEYID_d", 0, skeyid_d),
        Known::new("SKEYID_a", 0, skeyid_a),
        Known::new("SKEYID_e", 0, skeyid_e),
        Known::new("Ka", 0, ka),
        Known::new("IV", 0, iv),
    ];
    for which in ["HASH_I", "HASH_R"] {
        let (value, inputs) = hash(which);
        known.push(Known { inputs, ..Known::new(which, 0, &value) });
    }
    let quick = recording.quick();
    let id = quick[0].header().message_id.0;
    known.push(Known::new("IV", id, quick[0].iv.as_ref().unwrap()));
    for (name, recorded) in ["HASH(1)", "HASH(2)", "HASH(3)"].into_iter().zip(quick) {
        known.push(Known::new(name, id, recorded.message.payloads()[0].raw()));
    }
    if recording.knows_keymat() {
        for sa in &recording.sas {
            let keymat = Known::new("KEYMAT", id, &[&sa.encryption[..], &sa.integrity].concat());
            let keymat = keymat.of(&recording.keymat_inputs(sa));
            known.push(Known { sa: Some((sa.protocol, sa.spi)), ..keymat });
        }
    }
    known
}

fn json(name: &str) -> Value {
    serde_json::from_str(&text(name)).unwrap()
}

fn field(of: &Value, name: &str) -> Vec<u8> {
    unhex(of[name].as_str().expect(name))
}

/// Main and Quick Mode with a real responder, `main-psk.json`. The initiator's exponent is known.
pub fn main_psk() -> Recording {
    let file = json("main-psk.json");
    let derived = &file["derived"];
    let suite = suite((AesCbc, 16), Sha1, GroupId::MODP_1024, 28_800);
    let secrets = Secrets {
        g_xy: field(derived, "g_xy"),
        quick_g_xy: None,
        skeyid: field(derived, "SKEYID"),
        skeyid_d: field(derived, "SKEYID_d"),
        skeyid_a: field(derived, "SKEYID_a"),
        skeyid_e: field(derived, "SKEYID_e"),
        ka: field(derived, "encryption_key"),
        iv: field(derived, "phase1_iv"),
    };
    let role = |message: &Value| match message["from"].as_str() {
        Some("initiator") => Role::Initiator,
        _ => Role::Responder,
    };
    let messages = file["messages"].as_array().unwrap();
    let datagrams = messages.iter().map(|message| (role(message), 500, field(message, "hex"))).collect();
    let sa = |receiver, spi: &str, keymat: &str| {
        let (spi, keymat) = (field(derived, spi), field(derived, keymat));
        let (encryption, integrity) = (keymat[..16].to_vec(), keymat[16..].to_vec());
        let spi = u32::from_be_bytes(spi.try_into().unwrap());
        Sa { protocol: Protocol::Esp, receiver, spi, encryption, integrity }
    };
    let any = || selector("0.0.0.0", "255.255.255.255");
    let address = |text: &str| SocketAddr::new(text.parse().unwrap(), 500);
    let ends = [address("10.0.3.1"), address("10.0.3.10")];
    let mut recording = Recording {
        name: "main-psk",
        mode: Mode::Main,
        messages: open(datagrams, &suite, &secrets),
        suite,
        proof: Proof::PreShared(file["psk_or_none"].as_str().unwrap().as_bytes().to_vec()),
        ends,
        secrets,
        sas: vec![
            sa(Role::Initiator, "spi_initiator", "KEYMAT_to_initiator_aes128_sha1"),
            sa(Role::Responder, "spi_responder", "KEYMAT_to_responder_aes128_sha1"),
        ],
        known: Vec::new(),
        exponents: [Secret::Private(field(&file, "initiator_dh_private")), Secret::Private(Vec::new())],
        setting: Setting {
            identities: ends.map(|end| Identity::Address(end.ip())),
            identity_without_port: true,
            initial_contact: false,
            // Asked for everything to everything, the responder answers with the flow that it is configured for.
            narrowed_identities: true,
            protections: vec![esp((AesCbc, 16), Sha1)],
            encapsulation: Encapsulation::Tunnel,
            pfs: None,
            phase2_lifetime: Lifetime { seconds: Some(3600), kilobytes: None },
            flow: [any(), any()],
        },
    };
    check_main_psk(&file, &recording);
    recording.known = known(&recording, |which| {
        let prover = if which == "HASH_I" { Role::Initiator } else { Role::Responder };
        (field(derived, which), Some(recording.proof_inputs(prover)))
    });
    recording
}

/// The file states what its messages hold.
fn check_main_psk(file: &Value, recording: &Recording) {
    let derived = &file["derived"];
    let encrypted: Vec<&Recorded> =
        recording.messages.iter().filter(|recorded| recorded.iv.is_some()).collect();
    let stated = file["decrypted"].as_array().unwrap();
    assert_eq!(stated.len(), encrypted.len());
    for (stated, recorded) in stated.iter().zip(encrypted) {
        let plaintext = [&recorded.message.encode_payloads()[..], recorded.message.padding()].concat();
        assert_eq!(field(stated, "plaintext"), plaintext);
        assert_eq!(field(stated, "padding"), recorded.message.padding().as_ref());
        assert_eq!(Some(field(stated, "iv")), recorded.iv);
    }
    let raw = |role, kind: PayloadKind| recording.phase1(role, kind).unwrap().raw().to_vec();
    assert_eq!(field(derived, "SAi_b"), raw(Role::Initiator, PayloadKind::SA));
    assert_eq!(field(derived, "IDii_b"), raw(Role::Initiator, PayloadKind::IDENTIFICATION));
    assert_eq!(field(derived, "IDir_b"), raw(Role::Responder, PayloadKind::IDENTIFICATION));
    assert_eq!(field(derived, "Ni_b"), recording.nonce(Role::Initiator));
    assert_eq!(field(derived, "Nr_b"), recording.nonce(Role::Responder));
    assert_eq!([field(derived, "qm_Ni"), field(derived, "qm_Nr")], recording.quick_nonces());
    let quick = recording.quick();
    for (name, recorded) in ["qm_HASH1", "qm_HASH2", "qm_HASH3"].iter().zip(quick) {
        assert_eq!(field(derived, name), recorded.message.payloads()[0].raw().as_ref(), "{name}");
    }
}

/// AH and ESP in one proposal between two racoons: both exponents are known, and everything that either side logged.
pub fn racoon(logger: Role) -> Recording {
    let name = RACOON;
    let setting = Setting {
        identities: ["10.9.0.1", "10.9.0.2"].map(|address| Identity::Address(address.parse().unwrap())),
        identity_without_port: false,
        initial_contact: true,
        narrowed_identities: false,
        protections: vec![ah(Sha1), esp((DesCbc, 8), Sha1)],
        encapsulation: Encapsulation::Tunnel,
        pfs: None,
        phase2_lifetime: Lifetime { seconds: Some(300), kilobytes: None },
        flow: nets(),
    };
    let suite = suite((DesCbc, 8), Sha1, GroupId::MODP_768, 600);
    // HASH_I and HASH_R come from the log, below.
    let mut recording = captured(name, (suite, Proof::PreShared(b"secret".to_vec()), setting));
    let logs = ["a.json", "b.json"].map(|file| log(&format!("recordings/{name}/{file}")));
    recording.exponents = logs.each_ref().map(|log| {
        let private = log.iter().find(|(heading, _)| heading == "compute DH's private.");
        Secret::Private(private.unwrap().1.clone())
    });
    recording.known = racoon_known(&logs[side(logger)], &recording);
    recording
}

/// A racoon's log: hex blocks under their headings, in order.
pub type Log = Vec<(String, Vec<u8>)>;

fn log(name: &str) -> Log {
    let value = json(name);
    let block = |block: &Value| (block[0].as_str().unwrap().to_string(), unhex(block[1].as_str().unwrap()));
    value.as_array().unwrap().iter().map(block).collect()
}

/// Everything that a racoon computed, with its inputs.
fn racoon_known(log: &Log, recording: &Recording) -> Vec<Known> {
    let quick = recording.quick()[0].header().message_id.0;
    let g_xy = &log.iter().find(|(heading, _)| heading == "compute DH's shared.").unwrap().1;
    let [cky_i, cky_r] = recording.cookies();
    let mut known: Vec<Known> = Vec::new();
    let mut nonces = Vec::new();
    let mut inputs = Vec::new();
    let mut before: Vec<u8> = Vec::new();
    let mut hashes = 0;
    for (heading, value) in log {
        let skeyid =
            |name, n| Known::new(name, 0, value).of(&[&before[..], g_xy, &cky_i, &cky_r, &[n]].concat());
        match heading.as_str() {
            "nonce 1:" | "nonce 2:" => nonces.extend_from_slice(value),
            "SKEYID computed:" => known.push(Known::new("SKEYID", 0, value).of(&nonces)),
            "SKEYID_d computed:" => {
                known.push(skeyid("SKEYID_d", 0));
                before.clone_from(value);
            }
            "SKEYID_a computed:" => {
                known.push(skeyid("SKEYID_a", 1));
                before.clone_from(value);
            }
            "SKEYID_e computed:" => {
                known.push(skeyid("SKEYID_e", 2));
                before.clone_from(value);
            }
            "final encryption key computed:" => known.push(Known::new("Ka", 0, value).of(&before)),
            "IV computed:" => {
                let publics = [Role::Initiator, Role::Responder].map(|role| recording.public(role));
                known.push(Known::new("IV", 0, value).of(&publics.concat()));
            }
            "HASH with:" | "KEYMAT compute with" | "phase1 last IV:" => inputs.clone_from(value),
            "HASH (init) computed:" | "HASH (resp) computed:" => {
                hashes += 1;
                let name = if hashes == 1 { "HASH_I" } else { "HASH_R" };
                known.push(Known::new(name, 0, value).of(&inputs));
            }
            "phase2 IV computed:" => {
                let id = u32::from_be_bytes(inputs[inputs.len() - 4..].try_into().unwrap());
                known.push(Known::new("IV", id, value).of(&inputs));
            }
            "HASH computed:" => {
                let id = u32::from_be_bytes(inputs[..4].try_into().unwrap());
                let earlier = known.iter().filter(|known| known.name.starts_with("HASH(")).count();
                // Two Informationals come before the Quick Mode.
                let name = ["HASH(1)", "HASH(1)", "HASH(1)", "HASH(2)", "HASH(3)"][earlier];
                let id = if name == "HASH(3)" { quick } else { id };
                known.push(Known::new(name, id, value).of(&inputs));
            }
            "hmac(hmac_sha1)" => {
                let protocol = if inputs[0] == 2 { Protocol::Ah } else { Protocol::Esp };
                let spi = u32::from_be_bytes(inputs[1..5].try_into().unwrap());
                let octets = if protocol == Protocol::Ah { 20 } else { 8 + 20 };
                let keymat = Known::new("KEYMAT", quick, &value[..octets]).of(&inputs);
                known.push(Known { sa: Some((protocol, spi)), ..keymat });
            }
            _ => {}
        }
    }
    known
}

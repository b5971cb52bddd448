//! Where keys may not be seen, and where they are written when asked for.

use std::fs;
use std::process::Command;

use crypto_provider::SecretBytes;
use gateway::demo::{Expectation, Options, SCENARIOS, Source, run};

use crate::pair::{HOST_A, HOST_B, PRESHARE, Pair, packet};

const PSK: &str = "canary-of-the-pre-shared-key";

fn folder(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("gateway-secrets-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn contains(octets: &[u8], secret: &[u8]) -> bool {
    octets.windows(secret.len()).any(|window| window == secret)
}

#[test]
fn t134_keys_are_in_the_key_log_and_nowhere_else() {
    let folder = folder("canary");
    for scenario in &SCENARIOS {
        let source = |(name, text): (&str, &str)| Source {
            name: name.to_owned(),
            text: SecretBytes::copy_of(text.replace("sharedkey", PSK).as_bytes()),
        };
        let mut options = Options::new(scenario, 5);
        options.configs = Some(scenario.configs.iter().copied().map(source).collect());
        options.pcap = Some(folder.join("wire.pcapng"));
        options.keylog = Some(folder.join("keys"));
        options.log = Some(folder.join("log"));
        let mut out = Vec::new();
        run(&options, &mut out).unwrap();
        let mut outputs = vec![out, fs::read(folder.join("wire.pcapng")).unwrap()];
        for log in fs::read_dir(folder.join("log")).unwrap() {
            outputs.push(fs::read(log.unwrap().path()).unwrap());
        }
        let mut secrets = vec![PSK.to_owned(), hex(PSK.as_bytes())];
        for router in fs::read_dir(folder.join("keys")).unwrap() {
            let text = fs::read_to_string(router.unwrap().path().join("keys.txt")).unwrap();
            assert!(!text.contains(PSK) && !text.contains(&hex(PSK.as_bytes())));
            secrets.extend(text.split_whitespace().filter(|word| word.len() >= 32).map(str::to_owned));
        }
        assert!(secrets.len() > 2 || scenario.expectation != Expectation::Tunnel, "{}", scenario.name);
        for output in &outputs {
            for secret in &secrets {
                assert!(!contains(output, secret.as_bytes()), "{}: {secret}", scenario.name);
                let raw: Vec<u8> = secret
                    .as_bytes()
                    .chunks(2)
                    .filter_map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok())
                    .collect();
                assert!(raw.len() < 16 || !contains(output, &raw), "{}: {secret} in binary", scenario.name);
            }
        }
        fs::remove_dir_all(folder.join("keys")).unwrap();
        fs::remove_dir_all(folder.join("log")).unwrap();
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn t134_happenings_and_snapshots_show_no_key() {
    let mut pair = Pair::new(PRESHARE);
    pair.send_inside(0, &packet(HOST_A, HOST_B, b"x"));
    let keys = pair.routers[0].key_log().unwrap().keys_txt();
    let secrets: Vec<&str> =
        keys.split_whitespace().filter(|word| word.len() >= 16 && !word.contains('.')).collect();
    assert!(secrets.len() >= 5, "{keys}");
    let cookies: Vec<&str> = keys.lines().next().unwrap().split(' ').skip(1).take(2).collect();
    let shown = format!("{:?} {:?}", pair.happenings, pair.routers[0].snapshot(pair.now));
    for secret in secrets.into_iter().filter(|word| !cookies.contains(word) && !word.contains("HMAC")) {
        assert!(!shown.contains(secret), "{secret}");
    }
    assert!(!shown.contains("sharedkey"));
}

#[test]
fn t135_a_key_log_needs_its_flag_and_says_so() {
    let folder = folder("flag");
    let demo = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_gateway"))
            .args(["demo", "--seed", "1"])
            .args(arguments)
            .env("SSLKEYLOGFILE", folder.join("environment"))
            .env("GATEWAY_KEYLOG", folder.join("environment"))
            .env("KEYLOG", folder.join("environment"))
            .current_dir(&folder)
            .output()
            .unwrap()
    };
    assert!(demo(&[]).status.success());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "a variable alone wrote a file");
    let done = demo(&["--keylog", "keys"]);
    assert!(done.status.success());
    assert!(
        String::from_utf8(done.stdout).unwrap().contains("ATTENTION: the keys of all SAs are being written")
    );
    for name in ["ikev1_decryption_table", "esp_sa", "keys.txt"] {
        let path = folder.join("keys/cl-2513-2A").join(name);
        assert!(path.exists(), "{name}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

#[cfg(unix)]
#[test]
fn t135_a_symbolic_link_is_refused_and_its_target_left_alone() {
    let folder = folder("link");
    let target = folder.join("target");
    fs::write(&target, "precious").unwrap();
    let router = folder.join("keys/cl-2513-2A");
    fs::create_dir_all(&router).unwrap();
    std::os::unix::fs::symlink(&target, router.join("keys.txt")).unwrap();
    let mut options = Options::new(&SCENARIOS[0], 1);
    options.keylog = Some(folder.join("keys"));
    let error = run(&options, &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    fs::remove_dir_all(folder).unwrap();
}

/// The lines of Wireshark's tables, as its own dialog writes them.
#[test]
fn the_key_files_have_wiresharks_form() {
    let mut pair = Pair::new(PRESHARE);
    pair.send_inside(0, &packet(HOST_A, HOST_B, b"x"));
    let log = pair.routers[0].key_log().unwrap();
    let ike = log.ikev1_decryption_table();
    let [line] = ike.lines().collect::<Vec<_>>()[..] else { panic!("{ike}") };
    let (cookie, key) = line.split_once(',').unwrap();
    assert!(
        cookie.len() == 16 && key.len() == 16 && line.chars().all(|c| c.is_ascii_hexdigit() || c == ','),
        "{line}"
    );
    let esp = log.esp_sa();
    assert_eq!(esp.lines().count(), 2);
    for line in esp.lines() {
        let fields: Vec<_> = line
            .split(',')
            .map(|field| field.strip_prefix('"').unwrap().strip_suffix('"').unwrap())
            .collect();
        assert_eq!(
            (fields[0], fields[4], fields[6]),
            ("IPv4", "DES-CBC [RFC2405]", "HMAC-SHA-1-96 [RFC2404]")
        );
        assert_eq!((fields[3].len(), fields[5].len(), fields[7].len()), (10, 2 + 16, 2 + 40));
    }
}

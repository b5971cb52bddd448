//! Two processes negotiate over the loopback interface and are given the same SAs, crosswise.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test may panic")]

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};

/// Two addresses that are free.
fn addresses() -> [SocketAddr; 2] {
    let sockets = [0; 2].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    sockets.map(|socket| socket.local_addr().unwrap())
}

fn embed(local: SocketAddr, remote: SocketAddr, more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_embed"))
        .args([local.to_string(), remote.to_string()])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The SPI of each direction that one side printed.
fn spis(child: Child) -> BTreeMap<String, String> {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let spi = |rest: &str| rest.split("Spi(").nth(1).unwrap().split(')').next().unwrap().to_owned();
    text.lines().filter_map(|line| line.split_once(' ')).map(|(way, rest)| (way.into(), spi(rest))).collect()
}

#[test]
fn two_processes_agree() {
    let [a, b] = addresses();
    let responder = embed(b, a, &["a key that both have"]);
    // A responder that is not there yet misses the first message and gets the second.
    let initiator = embed(a, b, &["a key that both have", "initiate"]);
    let (one, other) = (spis(initiator), spis(responder));
    assert_eq!(one.len(), 2);
    assert_eq!((&one["Inbound"], &one["Outbound"]), (&other["Outbound"], &other["Inbound"]));
}

#[test]
fn it_fits_on_two_pages() {
    let text = include_str!("../../embed.rs");
    assert!(text.lines().count() <= 100, "{}", text.lines().count());
}

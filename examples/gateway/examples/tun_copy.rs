//! What a tunnel costs without cryptography: packets from a TUN interface into UDP, and back.
//!
//! `tun_copy NAME LOCAL:PORT REMOTE:PORT`
//!
//! What `interop/bench` measures the gateway against.

#![cfg_attr(not(target_os = "linux"), allow(unused, reason = "TUN interfaces are Linux's here"))]

use std::net::UdpSocket;
use std::sync::Arc;
use std::{env, io, thread};

#[cfg(target_os = "linux")]
fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [name, local, remote] = words.as_slice() else {
        return Err(io::Error::other("usage: tun_copy NAME LOCAL:PORT REMOTE:PORT"));
    };
    let tun = Arc::new(tun_rs::DeviceBuilder::new().name(name).mtu(1400).enable(true).build_sync()?);
    let socket = Arc::new(UdpSocket::bind(local)?);
    socket.connect(remote)?;
    let (inward, from) = (Arc::clone(&tun), Arc::clone(&socket));
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        loop {
            // An error here says that the other end is not there yet.
            let count = from.recv(&mut buffer).unwrap_or(0);
            if let Some(packet) = buffer.get(..count).filter(|packet| !packet.is_empty()) {
                let _ = inward.send(packet);
            }
        }
    });
    let mut buffer = [0; 2048];
    loop {
        let count = tun.recv(&mut buffer)?;
        if let Some(packet) = buffer.get(..count) {
            let _ = socket.send(packet);
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {}

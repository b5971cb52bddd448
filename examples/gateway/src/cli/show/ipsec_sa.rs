//! `show crypto ipsec sa`.

use core::fmt::{self, Write as _};

use oakley::Protocol;

use crate::cli::debug::{selector_text, transform_words};
use crate::router::{FlowCounters, FlowView, RouterSnapshot, SaView};

/// Flows and their SAs, interface by interface.
#[must_use]
pub fn ipsec_sa(router: &RouterSnapshot) -> String {
    let mut out = String::new();
    let mut interface = None;
    for flow in &router.flows {
        if interface != Some(&flow.interface) {
            // Writing to a String cannot fail.
            let _ = write!(
                out,
                "\ninterface: {}\n    Crypto map tag: {}, local addr. {}\n",
                flow.interface, flow.map, flow.local
            );
            interface = Some(&flow.interface);
        }
        let _ = flow_text(&mut out, flow);
    }
    out
}

fn flow_text(out: &mut String, flow: &FlowView) -> fmt::Result {
    let FlowCounters { encaps, encrypt, digest, decaps, decrypt, verify, send_errors, receive_errors } =
        flow.counters;
    writeln!(out)?;
    writeln!(out, "   local  ident (addr/mask/prot/port): ({})", selector_text(&flow.selectors.local))?;
    writeln!(out, "   remote ident (addr/mask/prot/port): ({})", selector_text(&flow.selectors.remote))?;
    writeln!(out, "   current_peer: {}", flow.peer)?;
    writeln!(out, "     PERMIT, flags={{origin_is_acl,ident_is_ipsec,}}")?;
    writeln!(out, "    #pkts encaps: {encaps}, #pkts encrypt: {encrypt}, #pkts digest {digest}")?;
    writeln!(out, "    #pkts decaps: {decaps}, #pkts decrypt: {decrypt}, #pkts verify {verify}")?;
    writeln!(out, "    #send errors {send_errors}, #recv errors {receive_errors}")?;
    writeln!(out)?;
    writeln!(out, "     local crypto endpt.: {}, remote crypto endpt.: {}", flow.local, flow.peer)?;
    writeln!(out, "     path mtu {}, media mtu {}", flow.path_mtu, flow.mtu)?;
    // With two protocols the outer one's: the one that a packet shows.
    let outermost = flow.outbound.first().map_or(0, |sa| sa.spi);
    writeln!(out, "     current outbound spi: {outermost:X}")?;
    writeln!(out)?;
    let blocks = [
        ("inbound esp", &flow.inbound, Protocol::Esp),
        ("inbound ah", &flow.inbound, Protocol::Ah),
        ("outbound esp", &flow.outbound, Protocol::Esp),
        ("outbound ah", &flow.outbound, Protocol::Ah),
    ];
    for (title, sas, protocol) in blocks {
        writeln!(out, "     {title} sas:")?;
        for sa in sas.iter().filter(|sa| sa.transform.protocol == protocol) {
            sa_text(out, sa, &flow.map)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn sa_text(out: &mut String, sa: &SaView, map: &str) -> fmt::Result {
    let SaView { spi, connection, .. } = sa;
    let udp = if sa.in_udp { " UDP-Encaps" } else { "" };
    let mode = if sa.is_tunnel { "Tunnel" } else { "Transport" };
    // An SA without a limit has no number to show; the routers of 1998 had none such.
    let number = |left: Option<u64>| left.map_or_else(|| "-".to_owned(), |left| left.to_string());
    let (kilobytes, seconds) = (number(sa.remaining_kilobytes), number(sa.remaining_seconds));
    writeln!(out, "      spi: 0x{spi:X}({spi})")?;
    writeln!(out, "        transform: {} ,", transform_words(&sa.transform))?;
    writeln!(out, "        in use settings ={{{mode}{udp}, }}")?;
    writeln!(out, "        slot: 0, conn id: {connection}, crypto map: {map}")?;
    writeln!(out, "        sa timing: remaining key lifetime (k/sec): ({kilobytes}/{seconds})")?;
    if let Some(iv_len) = sa.iv_len {
        writeln!(out, "        IV size: {iv_len} bytes")?;
    }
    writeln!(out, "        replay detection support: {}", if sa.replay_detection { "Y" } else { "N" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::show::tests::{document, wan2511};

    #[test]
    fn as_the_document_shows_it() {
        assert_eq!(ipsec_sa(&wan2511()), document("show crypto ipsec sa"));
    }

    #[test]
    fn a_flow_without_sas_has_its_empty_blocks() {
        let mut router = wan2511();
        router.flows[0].inbound.clear();
        router.flows[0].outbound.clear();
        let text = ipsec_sa(&router);
        assert!(
            text.contains("current outbound spi: 0\n\n     inbound esp sas:\n\n     inbound ah sas:\n\n"),
            "{text}"
        );
    }
}

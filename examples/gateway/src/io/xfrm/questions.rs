//! SAs that the kernel has asked for. For each it keeps a state without an SPI, and while that is there it drops the packets and
//! does not ask again: for half a minute (net.core.xfrm_acq_expires), unless somebody takes the question back. That knob is
//! the machine's, and would stay turned if we were killed; so it is left alone, and the question taken back in time.

use core::time::Duration;
use std::collections::BTreeMap;

use netlink_packet_xfrm::monitor::AcquireMessage;
use netlink_packet_xfrm::state::AllocSpiMessage;
use netlink_packet_xfrm::{Id, UserSaInfo, UserSpiInfo, XfrmAttrs, XfrmMessage};
use oakley::Direction;

use super::spd::{ASK, Ask};
use super::{PROBE, left, policy, state};

/// As long as the router waits after a failed negotiation.
const PATIENCE: Duration = Duration::from_secs(5);

/// Questions without an answer, by reqid and protocol, and when they are to be taken back.
#[derive(Default)]
pub(super) struct Questions(BTreeMap<(u32, u8), (Duration, UserSaInfo)>);

impl Questions {
    /// Notes a question; the flow that it is about, if it is one of ours.
    pub(super) fn heard(&mut self, now: Duration, acquire: &AcquireMessage) -> Option<u32> {
        let Id { daddr, proto, .. } = acquire.acquire.id;
        let templates = acquire.nlas.iter().find_map(|attribute| match attribute {
            XfrmAttrs::Template(templates) => Some(templates),
            _ => None,
        });
        let template = templates?.iter().find(|template| template.id.proto == proto)?;
        let flow = policy::flow(template.reqid)?;
        let question = UserSaInfo {
            id: Id { daddr, spi: 0, proto },
            saddr: acquire.acquire.saddr,
            family: template.family,
            mode: template.mode,
            reqid: template.reqid,
            ..UserSaInfo::default()
        };
        self.0.insert((template.reqid, proto), (now.saturating_add(PATIENCE), question));
        Some(flow)
    }

    /// SAs of a flow have come, and if it sends by them the kernel's question has gone.
    pub(super) fn answered(&mut self, flow: u32, direction: Direction) {
        let is_answered = |reqid: u32| direction == Direction::Outbound && reqid == policy::reqid(flow);
        self.0.retain(|(reqid, _), _| !is_answered(*reqid));
    }

    /// When [`Questions::take_back`] has something to do.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.values().map(|(at, _)| *at).min()
    }

    /// Takes back what has waited long enough, so that the next packet asks again.
    pub(super) fn take_back(&mut self, now: Duration, kernel: &dyn Ask) {
        self.0.retain(|_, (at, question)| {
            let waits = *at > now;
            if !waits {
                take_back(kernel, question);
            }
            waits
        });
    }
}

/// A state can be removed by its SPI only: it gets one first.
pub(super) fn take_back(kernel: &dyn Ask, question: &UserSaInfo) {
    let mut info = UserSaInfo { seq: 0, ..*question };
    let request =
        AllocSpiMessage { spi_info: UserSpiInfo { info, min: PROBE, max: PROBE }, nlas: Vec::new() };
    // A kernel that does not do it takes the question back itself, later.
    if kernel.ask(XfrmMessage::AllocSpi(request), ASK).is_ok() {
        info.id.spi = PROBE;
        left::remove(kernel, state::id(&info));
    }
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use netlink_packet_xfrm::{IPPROTO_AH, IPPROTO_ESP, UserAcquire, UserTemplate, XFRM_MODE_TUNNEL};

    use super::super::tests::Obliging;
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    /// What Linux says when a policy with ESP within AH lacks the SA of one of them.
    fn acquire(flow: u32, missing: u8) -> AcquireMessage {
        let ends: [IpAddr; 2] = [[10, 9, 0, 1].into(), [10, 9, 0, 2].into()];
        let template = |protocol| {
            let mut template = UserTemplate::default();
            template.source(&ends[0]);
            template.destination(&ends[1]);
            template.protocol(protocol);
            template.mode(XFRM_MODE_TUNNEL);
            template.reqid(policy::reqid(flow));
            template
        };
        let templates = vec![template(IPPROTO_ESP), template(IPPROTO_AH)];
        let mut acquire = UserAcquire { saddr: templates[0].saddr, ..UserAcquire::default() };
        acquire.id = Id { proto: missing, ..templates[0].id };
        AcquireMessage { acquire, nlas: vec![XfrmAttrs::Template(templates)] }
    }

    #[test]
    fn a_question_without_an_answer_is_taken_back() {
        let (kernel, mut questions) = (Obliging::default(), Questions::default());
        assert_eq!(questions.heard(NOW, &acquire(7, IPPROTO_AH)), Some(7));
        assert_eq!(questions.next(), Some(NOW + PATIENCE));
        // The outbound half may fail after the inbound one.
        questions.answered(7, Direction::Inbound);
        questions.take_back(NOW + PATIENCE - Duration::from_millis(1), &kernel);
        assert!(kernel.asked().is_empty());
        questions.take_back(NOW + PATIENCE, &kernel);
        assert_eq!(questions.next(), None);
        let asked = kernel.asked();
        let [XfrmMessage::AllocSpi(named), XfrmMessage::DeleteSa(gone)] = asked.as_slice() else {
            panic!("{asked:?}")
        };
        let UserSpiInfo { info, min, max } = named.spi_info;
        assert_eq!((info.reqid, info.mode, min, max), (policy::reqid(7), XFRM_MODE_TUNNEL, PROBE, PROBE));
        assert_eq!((info.id.proto, info.saddr), (IPPROTO_AH, acquire(7, IPPROTO_AH).acquire.saddr));
        let gone = gone.user_sa_id;
        assert_eq!((gone.daddr, gone.family), (info.id.daddr, info.family));
        assert_eq!((gone.proto, gone.spi), (IPPROTO_AH, PROBE));
    }

    #[test]
    fn an_answered_question_and_those_of_others_are_left_alone() {
        let (kernel, mut questions) = (Obliging::default(), Questions::default());
        questions.heard(NOW, &acquire(7, IPPROTO_ESP));
        questions.answered(7, Direction::Outbound);
        let mut foreign = acquire(7, IPPROTO_ESP);
        for attribute in &mut foreign.nlas {
            if let XfrmAttrs::Template(templates) = attribute {
                templates.iter_mut().for_each(|template| template.reqid(7));
            }
        }
        assert_eq!(questions.heard(NOW, &foreign), None);
        questions.take_back(NOW + 2 * PATIENCE, &kernel);
        assert!(kernel.asked().is_empty());
    }
}

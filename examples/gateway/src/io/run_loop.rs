//! The loop: whatever is ready goes into the router, whatever the router says comes out.

mod admin;
mod mend;

use core::net::IpAddr;
use core::sync::atomic::Ordering;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsRawFd, RawFd};

use crypto_provider::default::provider;
use ipsec_core::IpHeader;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use netsim::{Node as _, Port};

use super::clock::Clock;
use super::control::Control;
use super::error::{NET_ADMIN, RunError};
use super::files::Files;
use super::guard::{Guard, Protected};
use super::keep_out::KeepOut;
use super::machine::Machine;
use super::netlink::Netlink;
use super::side::{Side, guards_of_devices, sides};
use super::signals::Signals;
use super::table::Table;
use super::tun::Tun;
use super::xfrm::Kernel;
use super::{Backend, RunOptions};
use crate::check;
use crate::ios::model::RunningConfig;
use crate::router::{InterfaceIndex, Router, RouterOptions};

/// Octets of the longest IP packet.
const PACKET: usize = 65_535;
/// Packets of one source in a row, so that none keeps the others out.
const TURN: usize = 64;
/// A client of the control socket is looked after so often.
const CLIENT_TURN: Duration = Duration::from_millis(20);

/// Where packets come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Tun,
    Kernel,
    /// News of the machine.
    Machine,
    /// A socket of a local address.
    Outside(usize, usize),
    Control,
    Signal,
}

/// Runs the gateway until it is told to stop. `out` gets a line when it is ready.
///
/// # Errors
/// [`RunError`]: a start that fails leaves the machine as it was; a gateway that fails later leaves what keeps clear packets
/// from leaving and from coming in.
pub fn run(options: &RunOptions, out: &mut dyn Write) -> Result<(), RunError> {
    let mut gateway = Gateway::open(options)?;
    // Whoever started us may have gone.
    let _ = writeln!(out, "{}", gateway.introduction()).and_then(|()| out.flush());
    if let Err(error) = gateway.work() {
        // Not by an operator's will: what was protected stays so, as if we had been killed.
        core::mem::forget(gateway);
        return Err(error);
    }
    gateway.stop();
    Ok(())
}

struct Gateway<'a> {
    options: &'a RunOptions,
    clock: Clock,
    netlink: Netlink,
    machine: Machine,
    router: Router,
    outside: Vec<Side>,
    /// Interfaces without a map: the host is behind them.
    inside: Vec<InterfaceIndex>,
    data_path: DataPath,
    /// When the kernel was last asked what it has counted.
    counted: Duration,
    guards: Vec<(Option<InterfaceIndex>, Guard)>,
    keep_out: KeepOut,
    control: Option<Control>,
    files: Files,
    poll: Poll,
    sources: Vec<Source>,
    signals: Signals,
    /// Clear packets that the router would have sent outside: the host's own routing does that.
    not_ours: u64,
}

/// The TUN interface, and what leads to it.
struct Inside {
    tun: Tun,
    table: Table,
    /// Why the machine is not what it should be, as it was told last.
    fault: Option<String>,
}

/// Who seals and opens packets.
enum DataPath {
    /// The router, for a host behind a TUN interface.
    Own(Inside),
    Kernel(Box<Kernel>),
}

/// Reads the configuration; addresses that were named by `--listen` take the place of the map interface's own.
fn configuration(options: &RunOptions) -> Result<RunningConfig, RunError> {
    let text = check::read(&options.config).map_err(|error| RunError::at(&options.config, error))?;
    let name = options.config.display().to_string();
    let (mut config, _policies) = check::load(&name, text.expose()).map_err(RunError::Config)?;
    let outside = config.interfaces.iter_mut().find(|interface| interface.crypto_map.is_some());
    if let Some(interface) = outside {
        for listen in &options.listen {
            match listen {
                IpAddr::V4(address) => {
                    if let Some(first) = interface.addresses.first_mut() {
                        first.address = *address;
                    }
                }
                IpAddr::V6(address) => {
                    if let Some(first) = interface.ipv6_addresses.first_mut() {
                        first.0 = *address;
                    }
                }
            }
        }
    }
    Ok(config)
}

impl<'a> Gateway<'a> {
    fn open(options: &'a RunOptions) -> Result<Self, RunError> {
        let config = configuration(options)?;
        let router = router(options, config)?;
        let netlink = open_netlink()?;
        let outside = sides(options, &router, &netlink)?;
        let inside = inside(&router);
        let data_path = match options.backend {
            Backend::User => {
                let tun = Tun::open(&options.tun, options.tun_mtu)?;
                let table = Table::of(open_netlink()?, &options.tun);
                DataPath::Own(Inside { tun, table, fault: None })
            }
            Backend::Kernel => DataPath::Kernel(Box::new(Kernel::open(options, &router)?)),
        };
        let control = options.socket.as_deref().map(Control::listen).transpose()?;
        let mut files = Files::open(options)?;
        files.stamp(router.config().timestamps);
        let failed = |error| RunError::Io { what: "the event loop".to_owned(), error };
        let mut this = Self {
            options,
            clock: Clock::start(),
            netlink,
            machine: Machine::open().map_err(failed)?,
            router,
            outside,
            inside,
            data_path,
            counted: Duration::ZERO,
            guards: Vec::new(),
            keep_out: KeepOut::open()?,
            control,
            files,
            poll: Poll::new().map_err(failed)?,
            sources: Vec::new(),
            signals: Signals::open().map_err(failed)?,
            not_ours: 0,
        };
        this.watch().map_err(failed)?;
        let took_over = this.takes_over();
        match this.protect() {
            Ok(()) => Ok(this),
            Err(error) => {
                if !took_over {
                    this.release();
                }
                Err(error)
            }
        }
    }

    /// Whether a gateway that was killed has left what protects.
    fn takes_over(&self) -> bool {
        match &self.data_path {
            DataPath::Own(inside) => inside.table.is_there() || self.netlink.has_rules_of_ours(),
            DataPath::Kernel(_) => false,
        }
    }

    /// The machine becomes what the maps want. That comes last, so that a start that fails earlier has changed nothing of what
    /// protects, and policies first: nothing is led to a device, or no longer kept out of it, without them.
    fn protect(&mut self) -> Result<(), RunError> {
        if let DataPath::Kernel(kernel) = &mut self.data_path {
            kernel.apply(kernel.plan(&self.router)?)?;
            self.guards = guards_of_devices(&self.outside, self.source())?;
        }
        self.guard()?;
        if let DataPath::Kernel(kernel) = &mut self.data_path {
            kernel.settle()?;
            // What a gateway with its own ESP and AH has left would lead nowhere.
            Table::of(open_netlink()?, &self.options.tun).release();
        }
        Ok(())
    }

    /// The machine's rules and routes, as the maps want them: first what keeps out, so that nothing is taken in between.
    fn guard(&mut self) -> Result<(), RunError> {
        self.keep_out.apply(self.options, &self.router, &self.outside)?;
        let router = &self.router;
        self.guards.iter_mut().try_for_each(|(only, guard)| guard.apply(&Protected::of(router, *only)))?;
        self.lead()
    }

    /// Takes back what keeps clear packets from leaving and from coming in.
    fn release(&mut self) {
        if let DataPath::Own(inside) = &self.data_path {
            inside.table.release();
        }
        self.guards.iter_mut().for_each(|(_, guard)| guard.release());
        self.keep_out.release();
    }

    fn watch(&mut self) -> io::Result<()> {
        let inside = match &self.data_path {
            DataPath::Own(inside) => (Source::Tun, inside.tun.as_raw_fd()),
            DataPath::Kernel(kernel) => (Source::Kernel, kernel.descriptor()),
        };
        let mut sources = vec![inside, (Source::Signal, self.signals.wake.as_raw_fd())];
        sources.push((Source::Machine, self.machine.descriptor()));
        sources.extend(self.control.as_ref().map(|control| (Source::Control, control.descriptor())));
        for (side, outside) in self.outside.iter().enumerate() {
            let sockets = outside.sockets.descriptors().enumerate();
            sources.extend(sockets.map(|(socket, descriptor)| (Source::Outside(side, socket), descriptor)));
        }
        for (source, descriptor) in sources {
            self.register(source, descriptor)?;
        }
        Ok(())
    }

    fn register(&mut self, source: Source, descriptor: RawFd) -> io::Result<()> {
        let token = Token(self.sources.len());
        self.poll.registry().register(&mut SourceFd(&descriptor), token, Interest::READABLE)?;
        self.sources.push(source);
        Ok(())
    }

    fn introduction(&self) -> String {
        let locals: Vec<_> = self.outside.iter().map(|side| side.local.to_string()).collect();
        let inside = match self.data_path {
            DataPath::Own(_) => self.options.tun.as_str(),
            DataPath::Kernel(_) => "the kernel's ESP and AH",
        };
        let hostname = self.router.hostname();
        let mut text = format!("{hostname} is running at {}, inside by {inside}", locals.join(", "));
        if let Some(socket) = &self.options.socket {
            text.push_str(&format!("; gateway exec --socket {} \"show crypto isakmp sa\"", socket.display()));
        }
        let table = match &self.data_path {
            DataPath::Own(inside) => inside.table.gaps(),
            DataPath::Kernel(_) => &[],
        };
        self.keep_out.gaps().iter().chain(table).for_each(|gap| text.push_str(&format!("\n{gap}")));
        if self.options.keylog.is_some() {
            text.push_str("\nATTENTION: the keys of all SAs are being written to files.");
        }
        text
    }

    fn work(&mut self) -> Result<(), RunError> {
        let mut events = Events::with_capacity(64);
        let mut ready: BTreeMap<usize, ()> = BTreeMap::new();
        let mut buffer = vec![0; PACKET];
        while !self.signals.stop.load(Ordering::Relaxed) {
            let wait = self.wait(!ready.is_empty());
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(RunError::Io { what: "the event loop".to_owned(), error });
                }
                _ => {}
            }
            ready.extend(events.iter().map(|event| (event.token().0, ())));
            // Each source has a turn; one that has more keeps its place for the next round.
            ready.retain(|token, ()| self.turn(*token, &mut buffer));
            let now = self.clock.now();
            if self.router.poll_timeout().is_some_and(|at| at <= now) {
                self.router.handle_timeout(now);
            }
            self.count(now);
            if self.machine.handle_timeout(now) {
                self.mend(now);
            }
            self.files.handle_timeout(now);
            self.drain();
            if self.signals.reload.swap(false, Ordering::Relaxed) {
                self.files.reopen();
                self.reload();
            }
            if self.signals.ignored.swap(false, Ordering::Relaxed) {
                self.files.say("a signal without a meaning here was ignored: SIGHUP reads the configuration, SIGTERM stops");
            }
            self.serve();
        }
        Ok(())
    }

    /// Asks the kernel what it has counted, as often as the router wants to know, and takes back what it asks in vain.
    fn count(&mut self, now: Duration) {
        let due = self.next_count().is_some_and(|due| due <= now);
        let DataPath::Kernel(kernel) = &mut self.data_path else { return };
        kernel.handle_timeout(now);
        if due {
            self.counted = now;
            kernel.count(now, &mut self.router);
        }
    }

    fn next_of_kernel(&self) -> Option<Duration> {
        let DataPath::Kernel(kernel) = &self.data_path else { return None };
        kernel.poll_timeout().into_iter().chain(self.next_count()).min()
    }

    fn next_count(&self) -> Option<Duration> {
        let DataPath::Kernel(_) = self.data_path else { return None };
        self.router.counting_interval().map(|every| self.counted.saturating_add(every))
    }

    fn wait(&self, more: bool) -> Option<Duration> {
        if more {
            return Some(Duration::ZERO);
        }
        let timeout = self
            .router
            .poll_timeout()
            .into_iter()
            .chain(self.next_of_kernel())
            .chain(self.machine.poll_timeout())
            .chain(self.files.poll_timeout())
            .min()
            .map(|at| at.saturating_sub(self.clock.now()));
        let client = self.control.as_ref().is_some_and(Control::is_busy).then_some(CLIENT_TURN);
        timeout.into_iter().chain(client).min()
    }

    /// Whether the source may have more.
    fn turn(&mut self, token: usize, buffer: &mut [u8]) -> bool {
        match self.sources.get(token) {
            Some(Source::Tun) => self.take_from_host(buffer),
            Some(Source::Kernel) => self.take_from_kernel(),
            Some(Source::Machine) => self.hear_of_machine(),
            Some(&Source::Outside(side, socket)) => self.take_from_outside(side, socket, buffer),
            Some(Source::Signal) => {
                // The flags say what it was.
                while matches!(io::Read::read(&mut self.signals.wake, buffer), Ok(len) if len > 0) {}
                false
            }
            Some(Source::Control) | None => false,
        }
    }

    fn take_from_kernel(&mut self) -> bool {
        for _ in 0..TURN {
            let now = self.clock.now();
            let DataPath::Kernel(kernel) = &mut self.data_path else { return false };
            if !kernel.listen(now, &mut self.router) {
                return false;
            }
            self.drain();
        }
        true
    }

    fn take_from_host(&mut self, buffer: &mut [u8]) -> bool {
        for _ in 0..TURN {
            let DataPath::Own(inside) = &self.data_path else { return false };
            let Ok(len) = inside.tun.receive(buffer) else { return false };
            let packet = buffer.get(..len).unwrap_or_default();
            let Ok(header) = IpHeader::parse(packet) else { continue };
            let now = self.clock.now();
            if self.router.routing().owner(header.source()).is_some() {
                self.router.originate(now, packet);
            } else {
                let routing = self.router.routing();
                let on_net = |index: &&InterfaceIndex| {
                    routing.interface(**index).is_some_and(|one| one.is_on_net(header.source()))
                };
                let by_route = routing.egress(header.source()).filter(|index| self.inside.contains(index));
                let from = self.inside.iter().find(on_net).copied().or(by_route);
                // A source that no inside interface knows is one that the router refuses and counts.
                if let Some(from) = from.or_else(|| self.inside.first().copied()) {
                    self.router.handle_packet(now, Port(from.0), &packet.to_vec());
                }
            }
            self.drain();
        }
        true
    }

    fn take_from_outside(&mut self, side: usize, socket: usize, buffer: &mut [u8]) -> bool {
        for _ in 0..TURN {
            let Some(outside) = self.outside.get(side) else { return false };
            let interface = outside.interface;
            // An error of a socket is that of an earlier packet, which its peer does not want: it is gone with it.
            let packet = match outside.sockets.receive(socket, buffer) {
                Ok(Some(packet)) => packet,
                Ok(None) => return false,
                Err(_) => continue,
            };
            self.files.packet(Clock::time_of_day(), &packet);
            self.router.handle_packet(self.clock.now(), Port(interface.0), &packet);
            self.drain();
        }
        true
    }

    /// Does what the router wants.
    fn drain(&mut self) {
        if let DataPath::Kernel(kernel) = &mut self.data_path {
            // Before anything is sent: a peer may use an SA as soon as it has heard of it.
            while let Some(action) = self.router.poll_data_path() {
                kernel.act(self.clock.now(), &mut self.router, action);
            }
        }
        while let Some((port, packet)) = self.router.poll_transmit() {
            if self.inside.contains(&InterfaceIndex(port.0)) {
                self.give_host(&packet);
            } else {
                self.send_outside(&packet);
            }
        }
        while let Some(packet) = self.router.poll_local() {
            self.give_host(&packet);
        }
        let mut happened = false;
        while let Some(happening) = self.router.poll_happening() {
            happened |= self.files.happening(&happening);
        }
        if happened {
            self.files.flush(&self.router);
        }
    }

    fn give_host(&self, packet: &[u8]) {
        if let DataPath::Own(inside) = &self.data_path {
            // A host that does not take a packet loses it, as on any wire.
            let _ = inside.tun.send(packet);
        }
    }

    fn send_outside(&mut self, packet: &[u8]) {
        let Ok(header) = IpHeader::parse(packet) else { return };
        for side in &self.outside {
            match side.sockets.send(&header, packet) {
                Ok(false) => {}
                Ok(true) => return self.files.packet(Clock::time_of_day(), packet),
                // The network's answer to an earlier packet, or no room: lost as on any wire.
                Err(_) => return,
            }
        }
        self.not_ours = self.not_ours.saturating_add(1);
    }

    /// Tells the peers, and leaves nothing behind.
    fn stop(mut self) {
        self.router.clear_isakmp(self.clock.now());
        self.drain();
        self.release();
        self.files.finish(&self.router, self.clock.now());
    }
}

fn open_netlink() -> Result<Netlink, RunError> {
    Netlink::open().map_err(|error| RunError::of("rtnetlink", NET_ADMIN, error))
}

fn router(options: &RunOptions, config: RunningConfig) -> Result<Router, RunError> {
    let mut settings = RouterOptions { key_log: options.keylog.is_some(), ..RouterOptions::default() };
    if options.backend == Backend::Kernel {
        settings.data_path = crate::router::DataPath::Caller;
    }
    Ok(Router::new(&options.config.display().to_string(), config, provider(), settings)?)
}

fn inside(router: &Router) -> Vec<InterfaceIndex> {
    let count = u16::try_from(router.routing().interfaces.len()).unwrap_or(u16::MAX);
    let has_map = |index: &InterfaceIndex| router.maps().iter().any(|map| map.interface == *index);
    (0..count).map(InterfaceIndex).filter(|index| !has_map(index)).collect()
}

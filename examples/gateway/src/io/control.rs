//! The control socket: one command a connection, one line in, text out.

use core::time::Duration;
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Uid;

use super::error::RunError;

/// Octets of the longest command.
const MAX_COMMAND: usize = 1024;
/// Clients that are heard at one time. One more takes the place of the one that has done nothing for the longest time.
const MAX_CLIENTS: usize = 8;
/// Clients that are let in before the others are looked after.
const AT_ONCE: usize = 64;
/// A client that does nothing for so long is let go.
const IDLE: Duration = Duration::from_secs(5);
/// How long `gateway exec` waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The line before a refusal.
const REFUSED: &str = "%";

/// The listening end.
pub(super) struct Control {
    path: PathBuf,
    listener: UnixListener,
    clients: Vec<Client>,
    /// More clients may wait than were let in.
    more: bool,
}

struct Client {
    stream: UnixStream,
    /// When it has last said or taken something.
    active: Duration,
    command: Vec<u8>,
    /// The answer and how much of it was taken; an answer that is empty was not given yet.
    answer: Vec<u8>,
    taken: usize,
}

impl Control {
    /// Listens at `path`. What a gateway that was killed has left there is replaced; anything else is not.
    pub(super) fn listen(path: &Path) -> Result<Self, RunError> {
        let failed = |error| RunError::at(path, error);
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() || found.uid() != Uid::effective().as_raw() => {
                let text = "there is something else already, which is not a socket of ours";
                return Err(failed(io::Error::new(ErrorKind::AlreadyExists, text)));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(failed(io::Error::new(ErrorKind::AddrInUse, "another gateway is running here")));
            }
            Ok(_) => fs::remove_file(path).map_err(failed)?,
            Err(_) => {}
        }
        // From the first moment on only its owner may open it.
        let before = umask(Mode::S_IRWXG | Mode::S_IRWXO | Mode::S_IXUSR);
        let listener = UnixListener::bind(path);
        umask(before);
        let listener = listener.map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self { path: path.to_owned(), listener, clients: Vec::new(), more: false })
    }

    /// What to watch for new clients.
    pub(super) fn descriptor(&self) -> RawFd {
        self.listener.as_raw_fd()
    }

    /// Whether a client is being heard, so that it has to be looked after soon.
    pub(super) fn is_busy(&self) -> bool {
        self.more || !self.clients.is_empty()
    }

    /// Lets new clients in, hears the others, answers whole commands by `answer`. Never waits.
    pub(super) fn serve(&mut self, now: Duration, mut answer: impl FnMut(&str) -> Result<String, String>) {
        self.clients.retain_mut(|client| client.go_on(now, &mut answer));
        self.more = true;
        for _ in 0..AT_ONCE {
            let Ok((stream, _)) = self.listener.accept() else {
                self.more = false;
                break;
            };
            let own = getsockopt(&stream, PeerCredentials)
                .is_ok_and(|peer| peer.uid() == Uid::effective().as_raw() || peer.uid() == 0);
            if !own || stream.set_nonblocking(true).is_err() {
                continue;
            }
            let mut client =
                Client { stream, active: now, command: Vec::new(), answer: Vec::new(), taken: 0 };
            // Whoever has asked already is answered before anybody could take his place.
            if client.go_on(now, &mut answer) {
                if self.clients.len() >= MAX_CLIENTS
                    && let Some(longest) = self.clients.iter().enumerate().min_by_key(|(_, one)| one.active)
                {
                    self.clients.remove(longest.0);
                }
                self.clients.push(client);
            }
        }
    }
}

impl Client {
    /// Whether there is more to do for it.
    fn go_on(&mut self, now: Duration, answer: &mut impl FnMut(&str) -> Result<String, String>) -> bool {
        let before = (self.command.len(), self.taken);
        let more = self.hear(answer).unwrap_or(false);
        if before != (self.command.len(), self.taken) {
            self.active = now;
        }
        more && now < self.active.saturating_add(IDLE)
    }

    fn hear(&mut self, answer: &mut impl FnMut(&str) -> Result<String, String>) -> io::Result<bool> {
        while self.answer.is_empty() {
            let mut part = [0; MAX_COMMAND];
            let ended = match self.stream.read(&mut part) {
                Ok(len) => {
                    self.command.extend_from_slice(part.get(..len).unwrap_or_default());
                    len == 0
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let line = self.command.split(|octet| *octet == b'\n').next().unwrap_or_default();
            let whole = ended || line.len() < self.command.len();
            if line.len() > MAX_COMMAND || self.command.len() > 2 * MAX_COMMAND {
                self.answer = format!("{REFUSED}a command has at most {MAX_COMMAND} octets\n").into_bytes();
            } else if whole {
                let text = core::str::from_utf8(line).unwrap_or_default().trim();
                self.answer = match answer(text) {
                    Ok(text) => format!("\n{text}"),
                    Err(reason) => format!("{REFUSED}{reason}\n"),
                }
                .into_bytes();
            }
        }
        while let Some(rest) = self.answer.get(self.taken..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(len) => self.taken = self.taken.saturating_add(len),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // It may have been removed by hand.
        let _ = fs::remove_file(&self.path);
    }
}

/// Asks the gateway that listens at `path`, and gives what it answers.
///
/// # Errors
/// [`RunError::Io`] if none listens there, [`RunError::Refused`] if it does not take the command.
pub fn exec(path: &Path, command: &str) -> Result<String, RunError> {
    let failed = |error| RunError::at(path, error);
    let mut stream = UnixStream::connect(path).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.write_all(format!("{command}\n").as_bytes()).map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    match answer.strip_prefix('\n') {
        Some(text) => Ok(text.to_owned()),
        None => Err(RunError::Refused(answer.trim_start_matches(REFUSED).trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(command: &str) -> Result<String, String> {
        if command == "show" { Ok("something\n".to_owned()) } else { Err(format!("no {command}")) }
    }

    fn with_control(work: impl FnOnce(&Path, &mut Control)) {
        let folder = std::env::temp_dir().join(format!("gateway-control-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{:?}.sock", std::thread::current().id()));
        let mut control = Control::listen(&path).unwrap();
        work(&path, &mut control);
        drop(control);
        assert!(!path.exists());
    }

    fn asked(path: &Path, control: &mut Control, command: &'static str) -> Result<String, String> {
        let path = path.to_owned();
        let client = std::thread::spawn(move || exec(&path, command).map_err(|error| error.to_string()));
        while !client.is_finished() {
            control.serve(Duration::ZERO, answers);
        }
        client.join().unwrap()
    }

    /// T136: only its owner may open it, and commands are bounded.
    #[test]
    fn t136_one_command_one_answer() {
        with_control(|path, control| {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
            assert_eq!(asked(path, control, "show"), Ok("something\n".to_owned()));
            assert_eq!(asked(path, control, "reload"), Err("no reload".to_owned()));
            let long: &'static str = "x".repeat(3 * MAX_COMMAND).leak();
            assert!(asked(path, control, long).is_err());
        });
    }

    /// T136: idle clients that hang on while the question is asked, more than are heard at a time, keep nobody out; in time they
    /// are let go.
    #[test]
    fn t136_clients_that_say_nothing() {
        with_control(|path, control| {
            let idle: Vec<_> = (0..100).filter_map(|_| UnixStream::connect(path).ok()).collect();
            assert_eq!(asked(path, control, "show"), Ok("something\n".to_owned()));
            assert!(control.clients.len() <= MAX_CLIENTS && control.is_busy());
            let just_before = IDLE - Duration::from_millis(1);
            control.serve(just_before, answers);
            assert!(control.is_busy());
            control.serve(IDLE, answers);
            assert!(!control.is_busy(), "nothing is left to look after");
            drop(idle);
        });
    }

    /// T136: many that ask at once are all answered without anything else waking the gateway, in one turn.
    #[test]
    fn t136_nine_at_once() {
        with_control(|path, control| {
            let mut askers: Vec<_> = (0..9).map(|_| UnixStream::connect(path).unwrap()).collect();
            askers.iter_mut().for_each(|asker| asker.write_all(b"show\n").unwrap());
            control.serve(Duration::ZERO, answers);
            assert!(!control.is_busy());
            for mut asker in askers {
                let mut text = String::new();
                asker.read_to_string(&mut text).unwrap();
                assert_eq!(text, "\nsomething\n");
            }
        });
    }

    /// T136: a client that does not take its answer keeps nobody out, and is let go in time.
    #[test]
    fn t136_a_reader_who_does_not_read() {
        with_control(|path, control| {
            let long = |command: &str| match command {
                "long" => Ok("x".repeat(4 << 20)),
                other => answers(other),
            };
            let mut slow = UnixStream::connect(path).unwrap();
            slow.write_all(b"long\n").unwrap();
            control.serve(Duration::ZERO, long);
            assert!(control.is_busy());
            assert_eq!(asked(path, control, "show"), Ok("something\n".to_owned()));
            control.serve(IDLE, long);
            assert!(!control.is_busy());
        });
    }

    /// T136: commands without an octet, of the longest length and one more, and one without an end.
    #[test]
    fn t136_lengths_of_commands() {
        with_control(|path, control| {
            let mut said = |command: &[u8], is_ended: bool| {
                let mut client = UnixStream::connect(path).unwrap();
                client.write_all(command).unwrap();
                if is_ended {
                    client.shutdown(std::net::Shutdown::Write).unwrap();
                }
                control.serve(Duration::ZERO, answers);
                assert!(!control.is_busy());
                let mut text = Vec::new();
                // What was not read of it may reset the connection behind the answer.
                let _ = client.read_to_end(&mut text);
                String::from_utf8(text).unwrap()
            };
            assert_eq!(said(b"", true), "%no \n");
            let longest = "x".repeat(MAX_COMMAND);
            assert_eq!(said(format!("{longest}\n").as_bytes(), false), format!("%no {longest}\n"));
            let refusal = format!("%a command has at most {MAX_COMMAND} octets\n");
            assert_eq!(said(format!("{longest}x\n").as_bytes(), false), refusal);
            assert_eq!(said(&vec![b'x'; 100_000], false), refusal);
        });
    }

    /// T136: what a killed gateway left is replaced, a running one and other files are not.
    #[test]
    fn t136_what_is_in_the_way() {
        with_control(|path, _| {
            assert!(matches!(Control::listen(path), Err(RunError::Io { .. })));
            let stale = path.with_extension("stale");
            drop(UnixListener::bind(&stale).unwrap());
            drop(Control::listen(&stale).unwrap());
            fs::write(&stale, "a file").unwrap();
            assert!(matches!(Control::listen(&stale), Err(RunError::Io { .. })));
            fs::remove_file(&stale).unwrap();
        });
    }
}

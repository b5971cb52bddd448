//! Lines for people, on standard error and in a file, by threads that may wait for whoever reads them: nobody else does.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread;

/// Lines that wait for a reader; later ones are lost, and counted.
const WAITING: usize = 4096;
/// How long the end waits for a reader of what is left.
const PATIENCE: Duration = Duration::from_secs(1);

enum Order {
    Line(String),
    /// Goes on in the file of this name, which may be another one by now.
    Reopen(PathBuf),
    /// All before it is written; whoever waits is told.
    Finish(SyncSender<()>),
}

/// One place to which lines go.
pub(super) struct Log {
    orders: SyncSender<Order>,
    lost: Arc<AtomicU64>,
}

impl Log {
    /// Standard error.
    pub(super) fn on_standard_error() -> io::Result<Self> {
        Self::on("standard error", io::stderr(), |_| Err(io::ErrorKind::Unsupported.into()))
    }

    /// A new file that only its owner may read.
    pub(super) fn in_file(path: &Path) -> io::Result<Self> {
        let open = |path: &Path| options().append(true).open(path).map(BufWriter::new);
        Self::on("log", BufWriter::new(private(path)?), open)
    }

    fn on<W: Write + Send + 'static>(
        name: &str,
        out: W,
        reopen: impl Fn(&Path) -> io::Result<W> + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, received) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { out, lost: Arc::clone(&lost) };
        thread::Builder::new().name(name.to_owned()).spawn(move || writer.work(&received, reopen))?;
        Ok(Self { orders, lost })
    }

    /// Writes a line when there is time; never waits. One for which there is no room is lost, which is said as soon as there is.
    pub(super) fn line(&self, line: &str) {
        if self.orders.try_send(Order::Line(line.to_owned())).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Opens the file of this name again, so that one that was moved away is let go. Where nobody reads for so long that there is no
    /// room for this either, the next one does it.
    pub(super) fn reopen(&self, path: &Path) {
        let _ = self.orders.try_send(Order::Reopen(path.to_owned()));
    }

    /// Waits a moment until everything so far is written.
    pub(super) fn finish(&self) {
        let (done, is_done) = sync_channel(1);
        if self.orders.try_send(Order::Finish(done)).is_ok() {
            // Whoever does not read by then has had the time to.
            let _ = is_done.recv_timeout(PATIENCE);
        }
    }
}

struct Writer<W> {
    out: W,
    lost: Arc<AtomicU64>,
}

impl<W: Write> Writer<W> {
    fn work(mut self, orders: &Receiver<Order>, reopen: impl Fn(&Path) -> io::Result<W>) {
        loop {
            let order = match orders.try_recv() {
                Ok(order) => order,
                Err(TryRecvError::Disconnected) => return self.flush(),
                Err(TryRecvError::Empty) => {
                    self.flush();
                    let Ok(order) = orders.recv() else { return };
                    order
                }
            };
            match order {
                Order::Line(line) => self.line(&line),
                Order::Reopen(path) => {
                    self.flush();
                    match reopen(&path) {
                        Ok(out) => self.out = out,
                        // The one that is open is better than none.
                        Err(error) => self.line(&format!("{}: {error}", path.display())),
                    }
                }
                Order::Finish(done) => {
                    self.flush();
                    let _ = done.try_send(());
                }
            }
        }
    }

    /// What cannot be written is lost: a reader that has gone, or a disk that is full, stops nothing.
    fn line(&mut self, line: &str) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let told = if lost == 0 {
            Ok(())
        } else {
            writeln!(self.out, "{lost} lines were lost here: nobody took them")
        };
        if told.and_then(|()| writeln!(self.out, "{line}")).is_err() {
            self.lost.fetch_add(lost.saturating_add(1), Ordering::Relaxed);
        }
    }

    fn flush(&mut self) {
        // As above.
        let _ = self.out.flush();
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

/// A new file that only its owner may read.
pub(super) fn private(path: &Path) -> io::Result<File> {
    options().write(true).truncate(true).open(path)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Where nobody reads, lines are lost and counted, and nobody waits; when somebody does, he learns how many.
    #[test]
    fn a_reader_who_does_not_read_stops_nobody() {
        let (mut reader, writer) = UnixStream::pair().unwrap();
        let log = Log::on("test", writer, |_| Err(io::ErrorKind::Unsupported.into())).unwrap();
        let line = "x".repeat(1000);
        for _ in 0..2 * WAITING {
            log.line(&line);
        }
        let lost = log.lost.load(Ordering::Relaxed);
        assert!(lost > 0, "a socket takes {} lines", 2 * WAITING);
        let mut text = vec![0; 1 << 20];
        let mut heard = String::new();
        while !heard.contains("were lost here") {
            let len = reader.read(&mut text).unwrap();
            heard = core::str::from_utf8(&text[..len]).unwrap().to_owned();
            log.line("again");
        }
    }

    /// A reader that has gone ends nothing either.
    #[test]
    fn a_reader_that_is_gone_stops_nobody() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let log = Log::on("test", writer, |_| Err(io::ErrorKind::Unsupported.into())).unwrap();
        drop(reader);
        (0..10).for_each(|_| log.line("x"));
        log.finish();
        assert_eq!(log.lost.load(Ordering::Relaxed), 10);
    }

    /// A file that was moved away is let go, and a new one of the old name is written on.
    #[test]
    fn a_file_that_was_moved_is_opened_again() {
        let folder = std::env::temp_dir().join(format!("gateway-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (path, moved) = (folder.join("log"), folder.join("log.1"));
        let log = Log::in_file(&path).unwrap();
        log.line("first");
        log.finish();
        std::fs::rename(&path, &moved).unwrap();
        log.reopen(&path);
        log.line("second");
        log.reopen(&path);
        log.line("third");
        log.finish();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "first\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second\nthird\n");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

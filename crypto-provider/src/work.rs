//! Work that may take its time.

/// The result of an operation that an HSM, another thread or a directory may answer later.
#[derive(Debug)]
#[must_use]
pub enum Work<T> {
    /// The answer.
    Done(T),
    /// The answer follows under this ticket; the exchange that asked waits for it.
    Pending(Ticket),
}

/// Names one pending operation. Whoever answers [`Work::Pending`] chooses the number and keeps it unique among
/// the operations outstanding at one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

impl<T> Work<T> {
    /// Applies `f` to an answer that is there.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Work<U> {
        match self {
            Self::Done(value) => Work::Done(f(value)),
            Self::Pending(ticket) => Work::Pending(ticket),
        }
    }
}

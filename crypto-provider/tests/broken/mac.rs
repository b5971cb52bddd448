use crypto_provider::{Digest, Hash, HashAlgorithm, MacJob, Mismatch, Prf, PrfKey};

use super::flip;

#[derive(Clone, Copy, PartialEq)]
pub enum HashFault {
    FlipBit,
    Short,
    FirstPartOnly,
}

pub struct BadHash {
    pub inner: &'static dyn Hash,
    pub fault: HashFault,
}

impl Hash for BadHash {
    fn algorithm(&self) -> HashAlgorithm {
        self.inner.algorithm()
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let taken = if self.fault == HashFault::FirstPartOnly { &parts[..parts.len().min(1)] } else { parts };
        let mut octets = self.inner.digest(taken).as_ref().to_vec();
        match self.fault {
            HashFault::FlipBit => flip(&mut octets),
            HashFault::Short => octets.truncate(octets.len() - 1),
            HashFault::FirstPartOnly => {}
        }
        Digest::new(&octets)
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum PrfFault {
    FlipBit,
    TruncatesToTheEnd,
    NeverVerifies,
    KeepsTheRest,
    AcceptsEmpty,
    AcceptsLonger,
    IgnoresOneBit,
    FirstPartOnly,
    BatchForgetsOne,
}

pub struct BadPrf {
    pub inner: &'static dyn Prf,
    pub fault: PrfFault,
}

impl Prf for BadPrf {
    fn algorithm(&self) -> HashAlgorithm {
        self.inner.algorithm()
    }

    fn key(&self, key: &[u8]) -> Box<dyn PrfKey> {
        let len = self.inner.algorithm().output_len();
        Box::new(BadPrfKey { inner: self.inner.key(key), fault: self.fault, len })
    }
}

struct BadPrfKey {
    inner: Box<dyn PrfKey>,
    fault: PrfFault,
    len: usize,
}

impl PrfKey for BadPrfKey {
    fn compute(&self, parts: &[&[u8]], out: &mut [u8]) {
        let mut full = vec![0; self.len];
        self.inner.compute(parts, &mut full);
        match self.fault {
            PrfFault::FlipBit => flip(&mut full),
            PrfFault::TruncatesToTheEnd if out.len() < self.len => {
                let start = self.len - out.len();
                full.drain(..start);
            }
            _ => {}
        }
        let len = full.len().min(out.len());
        out[..len].copy_from_slice(&full[..len]);
        if self.fault != PrfFault::KeepsTheRest {
            out[len..].fill(0);
        }
    }

    fn verify(&self, parts: &[&[u8]], icv: &[u8]) -> Result<(), Mismatch> {
        let taken = if self.fault == PrfFault::FirstPartOnly { &parts[..parts.len().min(1)] } else { parts };
        let mut full = vec![0; self.len];
        self.inner.compute(taken, &mut full);
        match self.fault {
            PrfFault::FlipBit => flip(&mut full),
            PrfFault::NeverVerifies => return Err(Mismatch),
            PrfFault::AcceptsEmpty if icv.is_empty() => return Ok(()),
            PrfFault::AcceptsLonger if icv.len() > self.len && icv.starts_with(&full) => return Ok(()),
            PrfFault::IgnoresOneBit if !icv.is_empty() => {
                let mut close = icv.to_vec();
                let last = close.len() - 1;
                close[last] = close[last] & !0x80 | full.get(last).unwrap_or(&0) & 0x80;
                return self.inner.verify(taken, &close);
            }
            _ => {}
        }
        self.inner.verify(taken, icv)
    }

    fn compute_each(&self, jobs: &mut [MacJob<'_>]) {
        let number = jobs.len() - usize::from(self.fault == PrfFault::BatchForgetsOne);
        for job in &mut jobs[..number] {
            self.compute(job.parts, job.out);
        }
    }
}

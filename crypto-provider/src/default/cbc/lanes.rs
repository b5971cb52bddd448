//! CBC encryption of several pieces at once. Each block of a piece waits for the one before it, so that a
//! processor that can work on many blocks is idle with one piece; with one block of each piece it is not.

use core::marker::PhantomData;

use ::cbc::cipher::array::Array;
use ::cbc::cipher::{
    Block, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, ParBlocks,
    array::ArraySize,
};

use crate::{CipherJob, InvalidLength};

/// Encrypts each job under the same key, as single calls would.
pub(super) fn encrypt_each<C: BlockCipherEncrypt>(cipher: &C, jobs: &mut [CipherJob<'_>]) {
    // The cipher looks up once which instructions the processor has, not for each block.
    cipher.encrypt_with_backend(Batch { jobs, block: PhantomData });
}

struct Batch<'a, 'b, N> {
    jobs: &'a mut [CipherJob<'b>],
    block: PhantomData<N>,
}

impl<N: ArraySize> BlockSizeUser for Batch<'_, '_, N> {
    type BlockSize = N;
}

impl<N: ArraySize> BlockCipherEncClosure for Batch<'_, '_, N> {
    fn call<B: BlockCipherEncBackend<BlockSize = N>>(self, backend: &B) {
        let mut waiting = self.jobs.iter_mut().filter_map(start::<B>);
        let mut lanes = Lanes::<B> {
            chains: core::array::from_fn(|_| Block::<B>::default()),
            rests: core::array::from_fn(|_| Default::default()),
            used: 0,
        };
        loop {
            while lanes.used < LANES
                && let Some((chain, rest)) = waiting.next()
            {
                lanes.push(chain, rest);
            }
            if lanes.used == 0 {
                return;
            }
            lanes.encrypt_shortest(backend);
        }
    }
}

/// A block of IV or of encrypted data, and what is to be encrypted after it.
type Piece<'a, C> = (Block<C>, &'a mut [Block<C>]);

/// Sets the job's result; nothing if it is refused or empty.
fn start<'a, C: BlockSizeUser>(job: &'a mut CipherJob<'_>) -> Option<Piece<'a, C>> {
    job.result = Err(InvalidLength);
    let chain = Block::<C>::try_from(job.iv).ok()?;
    let (rest, []) = Array::slice_as_chunks_mut(job.data) else { return None };
    job.result = Ok(());
    if rest.is_empty() { None } else { Some((chain, rest)) }
}

/// Pieces that are being encrypted; the first `used` places are taken.
struct Lanes<'a, C: BlockSizeUser> {
    chains: [Block<C>; LANES],
    rests: [&'a mut [Block<C>]; LANES],
    used: usize,
}

impl<'a, C: BlockCipherEncBackend> Lanes<'a, C> {
    fn push(&mut self, chain: Block<C>, rest: &'a mut [Block<C>]) {
        if let (Some(to_chain), Some(to_rest)) =
            (self.chains.get_mut(self.used), self.rests.get_mut(self.used))
        {
            *to_chain = chain;
            *to_rest = rest;
            self.used = self.used.saturating_add(1);
        }
    }

    /// Encrypts as many blocks of every piece as the shortest has, and takes out those that end there.
    #[inline]
    fn encrypt_shortest(&mut self, cipher: &C) {
        let (Some(chains), Some(rests)) = (self.chains.get_mut(..self.used), self.rests.get_mut(..self.used))
        else {
            return;
        };
        let steps = rests.iter().map(|rest| rest.len()).min().unwrap_or(0);
        // Three loops, because only blocks that are encrypted one right after the other overlap in the processor.
        for index in 0..steps {
            for (chain, rest) in chains.iter_mut().zip(rests.iter()) {
                if let Some(plain) = rest.get(index) {
                    chain.iter_mut().zip(plain).for_each(|(chain, plain)| *chain ^= plain);
                }
            }
            let (groups, tail) = ParBlocks::<C>::slice_as_chunks_mut(chains);
            groups.iter_mut().for_each(|group| cipher.encrypt_par_blocks_inplace(group));
            tail.iter_mut().for_each(|block| cipher.encrypt_block_inplace(block));
            for (chain, rest) in chains.iter().zip(rests.iter_mut()) {
                if let Some(block) = rest.get_mut(index) {
                    block.copy_from_slice(chain);
                }
            }
        }
        for index in (0..self.used).rev() {
            let Some(rest) = self.rests.get_mut(index) else { continue };
            *rest = core::mem::take(rest).get_mut(steps..).unwrap_or_default();
            if rest.is_empty() {
                self.used = self.used.saturating_sub(1);
                self.chains.swap(index, self.used);
                self.rests.swap(index, self.used);
            }
        }
    }
}

/// More gain little: this many blocks fill the pipeline of AES instructions.
const LANES: usize = 8;

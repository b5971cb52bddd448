//! The Montgomery parameters of each prime, computed at compile time.

use crypto_bigint::{U768, U1024, U1536, U2048, U3072, U4096, U6144, U8192, const_monty_params};

use crate::primes;

const_monty_params!(Prime768, U768, primes::MODP_768, "The prime of group 1.");
const_monty_params!(Prime1024, U1024, primes::MODP_1024, "The prime of group 2.");
const_monty_params!(Prime1536, U1536, primes::MODP_1536, "The prime of group 5.");
const_monty_params!(Prime2048, U2048, primes::MODP_2048, "The prime of group 14.");
const_monty_params!(Prime3072, U3072, primes::MODP_3072, "The prime of group 15.");
const_monty_params!(Prime4096, U4096, primes::MODP_4096, "The prime of group 16.");
const_monty_params!(Prime6144, U6144, primes::MODP_6144, "The prime of group 17.");
const_monty_params!(Prime8192, U8192, primes::MODP_8192, "The prime of group 18.");

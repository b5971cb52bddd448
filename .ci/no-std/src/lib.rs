//! Every core crate in one library that has a panic handler of its own. A dependency that links std brings std's handler
//! with it, and the build fails with "duplicate lang item"; one that only needs an allocator finds the one below.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};

use crypto_provider as _;
use ipsec_ah as _;
use ipsec_core as _;
use ipsec_esp as _;
use ipsec_pki as _;
use isakmp_wire as _;
use oakley as _;

struct Never;

// SAFETY: it never hands out memory; a null pointer is how the trait says so.
unsafe impl GlobalAlloc for Never {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Never = Never;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

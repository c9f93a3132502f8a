//! Random numbers whose seed is printed, so that a failure can be repeated.

use std::hash::{BuildHasher, RandomState};

/// A sequence of random numbers (SplitMix64). `NEWSDESK_TEST_SEED=SEED` repeats the sequence of an earlier test.
pub struct Random(u64);

impl Random {
    // The test harness prints standard output if the test fails.
    #[allow(clippy::print_stdout)]
    pub fn new() -> Self {
        let seed = match std::env::var("NEWSDESK_TEST_SEED") {
            Ok(seed) => seed.parse().expect("NEWSDESK_TEST_SEED is a number"),
            Err(_) => RandomState::new().hash_one(0) % 1_000_000,
        };
        println!("NEWSDESK_TEST_SEED={seed}");
        Self(seed)
    }

    /// Returns a number from 0 to `end - 1`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Returns a number from 0 to 1, in steps of a thousandth.
    pub fn fraction(&mut self) -> f64 {
        self.below(1001) as f64 / 1000.0
    }
}

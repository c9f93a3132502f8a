//! Random numbers of a run. All are drawn from the seed, a purpose, the epoch and the step, so a resumed run draws the same.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Returns a random number generator for one purpose in one step of an epoch.
pub(crate) fn random(seed: u64, purpose: u64, epoch: usize, step: usize) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream((purpose << 56) | ((epoch as u64) << 32) | step as u64);
    random
}

/// Returns the seed of the dropout masks in one micro-batch of a step.
pub(crate) fn dropout_seed(seed: u64, epoch: usize, step: usize, micro_batch: usize) -> u64 {
    random(seed, 255 - (micro_batch as u64 % 64), epoch, step | (micro_batch / 64) << 24).random()
}

//! Dropout whose mask follows from a seed and the index of each value.
//!
//! So the backward pass finds the same mask again without storing it, and the number of threads changes nothing.

use crate::instructions::InstructionSet;

/// A dropout mask, which is computed where it is applied.
#[derive(Debug, Clone, Copy)]
pub struct Dropout {
    seed: u32,
    /// Values whose hash is below this are dropped.
    threshold: u32,
    /// The factor for the values that are kept.
    scale: f32,
}

impl Dropout {
    /// Returns a mask that drops values with probability `rate`, 0 up to but not including 1.
    pub fn new(rate: f64, seed: u64) -> Self {
        let rate = rate.clamp(0.0, 1.0 - f64::from(f32::EPSILON));
        let threshold = (rate * 2f64.powi(32)) as u32;
        let scale = (1.0 / (1.0 - f64::from(threshold) / 2f64.powi(32))) as f32;
        Self { seed: hash(seed as u32, (seed >> 32) as u32), threshold, scale }
    }

    /// Returns an independent mask with the same rate, for example for another layer or head.
    pub fn substream(self, number: usize) -> Self {
        Self { seed: hash(number as u32, self.seed), ..self }
    }

    /// Applies the mask to `values`, where `first` is the index of the first value in the mask. The same call on gradients
    /// is the backward pass.
    pub fn apply(self, first: usize, values: &mut [f32]) {
        if self.threshold == 0 {
            return;
        }
        InstructionSet::best().run(
            #[inline(always)]
            || {
                for (number, value) in values.iter_mut().enumerate() {
                    let kept = hash((first as u32).wrapping_add(number as u32), self.seed) >= self.threshold;
                    *value = if kept { *value * self.scale } else { 0.0 };
                }
            },
        );
    }
}

/// Returns the finaliser of MurmurHash3 over a number and a seed.
#[inline(always)]
fn hash(number: u32, seed: u32) -> u32 {
    let mut bits = number.wrapping_mul(0x9e37_79b1) ^ seed;
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
    bits ^ (bits >> 16)
}

#[cfg(test)]
mod tests {
    use super::Dropout;

    const COUNT: usize = 100_000;

    fn dropped(dropout: Dropout) -> Vec<f32> {
        let mut values = vec![1f32; COUNT];
        dropout.apply(0, &mut values);
        values
    }

    #[test]
    fn dropout_has_its_rate_and_keeps_the_mean() {
        let values = dropped(Dropout::new(0.1, 7));
        let zeros = values.iter().filter(|&&x| x == 0.0).count() as f64 / COUNT as f64;
        let mean = values.iter().sum::<f32>() as f64 / COUNT as f64;
        assert!((zeros - 0.1).abs() < 0.005 && (mean - 1.0).abs() < 0.01, "{zeros} dropped, mean {mean}");
        // Neighbours are dropped independently of each other.
        let pairs = values.windows(2).filter(|pair| pair == &[0.0, 0.0]).count() as f64 / COUNT as f64;
        assert!((pairs - 0.01).abs() < 0.002, "{pairs} pairs");
        assert_eq!(dropped(Dropout::new(0.0, 7)), vec![1f32; COUNT]);
    }

    #[test]
    fn mask_depends_on_seed_and_substream_and_index() {
        let dropout = Dropout::new(0.5, 7);
        assert_eq!(dropped(dropout), dropped(Dropout::new(0.5, 7)));
        let others = [
            Dropout::new(0.5, 8),
            Dropout::new(0.5, 7 << 32),
            dropout.substream(0),
            dropout.substream(1),
            dropout.substream(0).substream(1),
        ];
        for (i, other) in others.iter().enumerate() {
            let same = dropped(dropout).iter().zip(dropped(*other)).filter(|(a, b)| **a == *b).count();
            assert!((same as f64 / COUNT as f64 - 0.5).abs() < 0.01, "{i}: {same}");
        }
        let mut rest = vec![1f32; COUNT - 100];
        dropout.apply(100, &mut rest);
        assert_eq!(rest, dropped(dropout)[100..]);
    }
}

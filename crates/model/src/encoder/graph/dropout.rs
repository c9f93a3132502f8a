//! Dropout drawn from a seed. The same seed gives the same masks on every device and machine.

use crate::error::Result;
use candle_core::Tensor;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Dropout rates and the random number generator of one pass through the encoder.
pub struct Dropout {
    hidden: f64,
    attention: f64,
    random: ChaCha8Rng,
}

impl Dropout {
    /// Creates dropout with the rates of hidden states and of attention probabilities, each within 0..1.
    pub fn new(hidden: f64, attention: f64, seed: u64) -> Self {
        Self { hidden, attention, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Applies dropout to hidden states.
    ///
    /// # Errors
    /// If the device fails.
    pub fn hidden(&mut self, input: Tensor) -> Result<Tensor> {
        self.apply(input, self.hidden)
    }

    /// Applies dropout to attention probabilities.
    ///
    /// # Errors
    /// If the device fails.
    pub fn attention(&mut self, input: Tensor) -> Result<Tensor> {
        self.apply(input, self.attention)
    }

    fn apply(&mut self, input: Tensor, rate: f64) -> Result<Tensor> {
        if rate <= 0.0 {
            return Ok(input);
        }
        // A 16-bit number decides about each value. Four come from one draw, which keeps this cheap.
        let threshold = (rate * 65_536.0).round().min(65_535.0);
        let keep = (1.0 / (1.0 - threshold / 65_536.0)) as f32;
        let threshold = threshold as u16;
        let count = input.elem_count();
        let mut mask = vec![0f32; count];
        for values in mask.chunks_mut(4) {
            let mut bits = self.random.next_u64();
            for value in values {
                *value = if (bits as u16) < threshold { 0.0 } else { keep };
                bits >>= 16;
            }
        }
        let mask = Tensor::from_vec(mask, input.shape(), input.device())?;
        Ok((input * mask)?)
    }
}

/// Applies dropout to hidden states in training, and returns them unchanged in inference.
pub(crate) fn drop_hidden(input: Tensor, dropout: Option<&mut Dropout>) -> Result<Tensor> {
    match dropout {
        Some(dropout) => dropout.hidden(input),
        None => Ok(input),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn dropout_drops_at_its_rate_and_keeps_the_mean() -> Result<()> {
        let ones = Tensor::ones((100, 1000), candle_core::DType::F32, &Device::Cpu)?;
        let dropped = Dropout::new(0.1, 0.0, 7).hidden(ones.clone())?.flatten_all()?.to_vec1::<f32>()?;
        let zeros = dropped.iter().filter(|&&x| x == 0.0).count() as f64 / 1e5;
        let mean = dropped.iter().sum::<f32>() as f64 / 1e5;
        assert!((zeros - 0.1).abs() < 0.005 && (mean - 1.0).abs() < 0.01, "{zeros} dropped, mean {mean}");
        let again = Dropout::new(0.1, 0.0, 7).hidden(ones.clone())?.flatten_all()?.to_vec1::<f32>()?;
        let other = Dropout::new(0.1, 0.0, 8).hidden(ones)?.flatten_all()?.to_vec1::<f32>()?;
        assert!(dropped == again && dropped != other);
        Ok(())
    }
}

//! The AdamW optimizer, with weight decay on matrices only, gradient clipping, and moments that can be saved.
//!
//! On the CPU a step is one pass over memory per variable. On other devices it is composed of tensor operations.

use crate::error::Result;
use crate::settings::Settings;
use candle_core::{CpuStorage, InplaceOp1, Layout, Tensor, Var};
use newsdesk_kernels::adamw::{self, Step};
use newsdesk_model::checkpoint::{Variables, Weights};
use newsdesk_model::workers::parallel;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Gradients by variable name.
pub(crate) type Gradients<'a> = BTreeMap<&'a str, Gradient<'a>>;

/// The gradient of a variable.
pub(crate) enum Gradient<'a> {
    /// On the CPU, row-major.
    Values(&'a [f32]),
    /// On any device.
    Tensor(Tensor),
}

impl Gradient<'_> {
    fn square_sum(&self) -> Result<f64> {
        match self {
            Self::Values(values) => Ok(adamw::square_sum(values)),
            Self::Tensor(tensor) => Ok(f64::from(tensor.sqr()?.sum_all()?.to_scalar::<f32>()?)),
        }
    }
}

/// A variable with its optimizer state.
struct Slot {
    name: String,
    variable: Var,
    decay: f64,
    /// Factor of the learning rate.
    rate_factor: f64,
    moments: Mutex<Moments>,
}

/// Moving averages of a variable's gradient and of its square.
enum Moments {
    Cpu { first: Vec<f32>, second: Vec<f32> },
    Device { first: Tensor, second: Tensor },
}

impl Moments {
    fn new(first: Tensor, second: Tensor) -> Result<Self> {
        if !first.device().is_cpu() {
            return Ok(Self::Device { first, second });
        }
        let values = |tensor: Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        Ok(Self::Cpu { first: values(first)?, second: values(second)? })
    }

    fn tensors(&self, variable: &Var) -> Result<(Tensor, Tensor)> {
        let tensor = |values: &[f32]| Tensor::from_slice(values, variable.shape(), variable.device());
        Ok(match self {
            Self::Cpu { first, second } => (tensor(first)?, tensor(second)?),
            Self::Device { first, second } => (first.clone(), second.clone()),
        })
    }
}

impl Slot {
    fn moments(&self) -> MutexGuard<'_, Moments> {
        // A panic in another thread ends the run, so a half-updated state is never used.
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The optimizer's state.
pub(crate) struct AdamW {
    slots: Vec<Slot>,
    /// Steps so far.
    count: i32,
    max_grad_norm: f64,
    threads: usize,
}

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

impl AdamW {
    /// Starts with zero moments. `rate_factor` returns the factor of the learning rate for a variable, by its name; variables
    /// with a factor of zero are frozen.
    pub(crate) fn new(variables: &Variables, settings: &Settings, rate_factor: impl Fn(&str) -> f64) -> Result<Self> {
        let slot = |(name, variable): (&str, &Var)| -> Result<Slot> {
            // Biases and layer norms are vectors. Only matrices decay.
            let decay = if variable.rank() > 1 { settings.weight_decay } else { 0.0 };
            let rate_factor = rate_factor(name);
            let moments = Moments::new(variable.zeros_like()?, variable.zeros_like()?)?;
            Ok(Slot { name: name.into(), variable: variable.clone(), decay, rate_factor, moments: Mutex::new(moments) })
        };
        let trained = variables.iter().filter(|(name, _)| rate_factor(name) != 0.0);
        let slots = trained.map(slot).collect::<Result<_>>()?;
        Ok(Self { slots, count: 0, max_grad_norm: settings.max_grad_norm, threads: settings.threads })
    }

    /// Updates every variable that has a gradient. Returns the norm over all gradients before clipping. If it is not finite,
    /// no variable is changed.
    pub(crate) fn step(&mut self, gradients: &Gradients, rate: f64) -> Result<f32> {
        self.count += 1;
        let squares = parallel(self.slots.len(), self.threads, |i| {
            gradients.get(self.slots[i].name.as_str()).map_or(Ok(0.0), Gradient::square_sum)
        })?;
        let norm = squares.iter().sum::<f64>().sqrt() as f32;
        if !norm.is_finite() {
            self.count -= 1;
            return Ok(norm);
        }
        let clips = self.max_grad_norm > 0.0 && norm as f64 > self.max_grad_norm;
        let scale = if clips { self.max_grad_norm as f32 / norm } else { 1.0 };
        parallel(self.slots.len(), self.threads, |i| -> Result<()> {
            let slot = &self.slots[i];
            let Some(gradient) = gradients.get(slot.name.as_str()) else { return Ok(()) };
            let step = Step {
                learning_rate: (rate * slot.rate_factor) as f32,
                beta1: BETA1,
                beta2: BETA2,
                epsilon: EPSILON,
                weight_decay: slot.decay as f32,
                count: self.count,
            };
            let moments = &mut *slot.moments();
            update(&slot.variable, gradient, step, scale, moments)
        })?;
        Ok(norm)
    }

    /// Returns the moments as tensors `first.<name>` and `second.<name>`, for a checkpoint.
    pub(crate) fn moments(&self) -> Result<Weights> {
        let mut tensors = BTreeMap::new();
        for slot in &self.slots {
            let (first, second) = slot.moments().tensors(&slot.variable)?;
            tensors.insert(format!("first.{}", slot.name), first);
            tensors.insert(format!("second.{}", slot.name), second);
        }
        Ok(Weights::from_tensors(tensors, "the optimizer's moments"))
    }

    /// Restores the moments that [`AdamW::moments`] returned after `count` steps.
    pub(crate) fn restore(&mut self, moments: &Weights, count: i32) -> Result<()> {
        for slot in &self.slots {
            let take = |kind: &str| moments.get_shaped(slot.variable.dims(), &format!("{kind}.{}", slot.name));
            *slot.moments() = Moments::new(take("first")?, take("second")?)?;
        }
        self.count = count;
        Ok(())
    }

    /// Returns the number of steps so far.
    pub(crate) fn count(&self) -> i32 {
        self.count
    }
}

/// Updates one variable.
fn update(variable: &Var, gradient: &Gradient, step: Step, scale: f32, moments: &mut Moments) -> Result<()> {
    match moments {
        Moments::Cpu { first, second } => {
            let copied;
            let gradient = match gradient {
                Gradient::Values(values) => values,
                Gradient::Tensor(tensor) => {
                    copied = tensor.flatten_all()?.to_vec1::<f32>()?;
                    copied.as_slice()
                }
            };
            Ok(variable.inplace_op1(&Update { step, scale, gradient, moments: Mutex::new((first, second)) })?)
        }
        Moments::Device { first, second } => {
            let gradient = match gradient {
                Gradient::Values(values) => Tensor::from_slice(values, variable.shape(), variable.device())?,
                Gradient::Tensor(tensor) => tensor.clone(),
            };
            let gradient = (gradient * scale as f64)?;
            let mix = |old: &Tensor, new: &Tensor, beta: f32| (old * beta as f64)? + (new * (1.0 - beta as f64))?;
            *first = mix(first, &gradient, step.beta1)?;
            *second = mix(second, &gradient.sqr()?, step.beta2)?;
            let corrected = |moment: &Tensor, beta: f32| moment / (1.0 - beta.powi(step.count)) as f64;
            let denominator = (corrected(second, step.beta2)?.sqrt()? + step.epsilon as f64)?;
            let change = ((corrected(first, step.beta1)? / denominator)? * step.learning_rate as f64)?;
            let kept = (variable.as_tensor() * (1.0 - step.learning_rate * step.weight_decay) as f64)?;
            Ok(variable.set(&(kept - change)?)?)
        }
    }
}

/// One step on the CPU, in place.
struct Update<'a> {
    step: Step,
    scale: f32,
    gradient: &'a [f32],
    moments: Mutex<(&'a mut Vec<f32>, &'a mut Vec<f32>)>,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, weights: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let range = layout.contiguous_offsets().ok_or(candle_core::Error::RequiresContiguous { op: "adamw" })?;
        let CpuStorage::F32(weights) = weights else { candle_core::bail!("adamw: weights are not f32") };
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, second) = &mut *moments;
        adamw::step(&self.step, self.gradient, self.scale, first, second, &mut weights[range.0..range.1]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use candle_core::Device;

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn in_place_and_composed_steps_agree() {
        let start = Tensor::from_slice(&[1f32, -2.0, 0.5, 3.0], (2, 2), &Device::Cpu).unwrap();
        let gradient = Tensor::from_slice(&[0.3f32, -0.1, 0.0, 2.0], (2, 2), &Device::Cpu).unwrap();
        let (one, other) = (Var::from_tensor(&start).unwrap(), Var::from_tensor(&start).unwrap());
        let zeros = || start.zeros_like().unwrap();
        let mut on_cpu = Moments::new(zeros(), zeros()).unwrap();
        let mut composed = Moments::Device { first: zeros(), second: zeros() };
        for count in 1..4 {
            let step =
                Step { learning_rate: 0.01, beta1: BETA1, beta2: BETA2, epsilon: EPSILON, weight_decay: 0.1, count };
            let numbers = values(&gradient);
            update(&one, &Gradient::Values(&numbers), step, 0.5, &mut on_cpu).unwrap();
            update(&other, &Gradient::Tensor(gradient.clone()), step, 0.5, &mut composed).unwrap();
        }
        for (a, b) in values(&one).iter().zip(values(&other)) {
            assert!((a - b).abs() < 1e-6, "{a} is not {b}");
        }
        assert_ne!(values(&one), values(&start));
    }
}

//! Runs windows through the network: packed on a processor, as tensors on a GPU.

use crate::batch::{Batch, PackedBatch, plan};
use crate::dtype::Dtype;
use crate::error::Result;
use crate::head::Logits;
use crate::network::{Network, PackedNetwork, Scratch};
use crate::tokenize::TokenId;
use candle_core::Device;

/// Tokens that a worker takes at once on a processor: few enough for a batch to stay in the caches and for the last ones
/// to end together, enough for all of a model's weights to be read once for them. More brings nothing, since nothing is
/// padded.
fn cpu_batch_tokens(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F32 => 1024,
        Dtype::Int16 | Dtype::Bf16 | Dtype::Int8 => 384,
    }
}

/// Less than this is not split between workers.
const CPU_LEAST_TOKENS: usize = 64;
/// A GPU wants more at once, and enough to choose from that windows of one length come together.
const GPU_BATCH_TOKENS: usize = 32_768;
const GPU_LOOK_AHEAD_TOKENS: usize = 8 * GPU_BATCH_TOKENS;

pub(super) enum Engine {
    Packed {
        network: PackedNetwork,
        dtype: Dtype,
    },
    Graph {
        network: Network,
        device: Device,
    },
    /// Nothing at all, for benches: zeros for each head of so many labels.
    Idle {
        labels: Vec<usize>,
    },
}

/// What a worker keeps from batch to batch.
#[derive(Default)]
pub(super) struct WorkerMemory {
    batch: PackedBatch,
    scratch: Scratch,
}

impl Engine {
    /// Least and most tokens that a worker should take at once.
    pub(super) fn batch_tokens(&self) -> (usize, usize) {
        match self {
            Self::Packed { dtype, .. } => (CPU_LEAST_TOKENS, cpu_batch_tokens(*dtype)),
            Self::Idle { .. } => (CPU_LEAST_TOKENS, cpu_batch_tokens(Dtype::F32)),
            Self::Graph { .. } => (GPU_LOOK_AHEAD_TOKENS, GPU_LOOK_AHEAD_TOKENS),
        }
    }

    /// Workers that may encode at the same time.
    pub(super) fn encoders(&self) -> usize {
        match self {
            Self::Packed { .. } | Self::Idle { .. } => usize::MAX,
            Self::Graph { .. } => 1,
        }
    }

    /// Logits of each head for each window (special tokens included): the outer vector is by window.
    pub(super) fn run(
        &self,
        windows: &[&[TokenId]],
        padding: TokenId,
        memory: &mut WorkerMemory,
    ) -> Result<Vec<Vec<Logits>>> {
        let mut answers: Vec<Vec<Logits>> = vec![vec![]; windows.len()];
        match self {
            Self::Idle { labels } => {
                let nothing = || labels.iter().map(|&labels| Logits(vec![0.0; labels])).collect();
                answers.iter_mut().for_each(|answer| *answer = nothing());
            }
            Self::Packed { network, .. } => {
                memory.batch.clear();
                for window in windows {
                    memory.batch.push(window.iter().copied());
                }
                for head in network.forward(&memory.batch, &mut memory.scratch) {
                    answers.iter_mut().zip(head).for_each(|(answer, logits)| answer.push(logits));
                }
            }
            Self::Graph { network, device } => {
                let lengths: Vec<usize> = windows.iter().map(|w| w.len()).collect();
                for part in plan(&lengths, GPU_BATCH_TOKENS) {
                    let chosen: Vec<&[TokenId]> = part.iter().map(|&i| windows[i]).collect();
                    for head in network.forward(&Batch::new(&chosen, padding, device)?, None)? {
                        let rows = head.to_vec2::<f32>()?;
                        part.iter().zip(rows).for_each(|(&window, row)| answers[window].push(Logits(row)));
                    }
                }
            }
        }
        Ok(answers)
    }
}

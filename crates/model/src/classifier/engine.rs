//! Runs windows through the network: with packed weights on a CPU, as tensors on a GPU.

use crate::batch::{Batch, PackedBatch, plan};
use crate::dtype::Dtype;
use crate::error::Result;
use crate::head::Logits;
use crate::network::{Network, PackedNetwork, Scratch};
use crate::tokenize::TokenId;
use candle_core::Device;

/// Returns the maximum number of tokens in a batch on a CPU.
///
/// A batch must be small enough to stay in the caches and to let the workers finish together. It must be large enough
/// to load the weights once for many tokens. Larger batches bring nothing, because nothing is padded.
fn max_cpu_tokens(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F32 => 1024,
        Dtype::Int16 | Dtype::Bf16 | Dtype::Int8 => 384,
    }
}

/// Fewer tokens are not split between workers.
const MIN_CPU_TOKENS: usize = 64;
/// A GPU needs larger batches.
const GPU_BATCH_TOKENS: usize = 32_768;
/// A GPU gets several batches at once, so that windows of similar length can be batched together.
const GPU_LOOK_AHEAD_TOKENS: usize = 8 * GPU_BATCH_TOKENS;

/// A network in the form that its device runs.
pub(super) enum Engine {
    Packed { network: PackedNetwork, dtype: Dtype },
    Graph { network: Network, device: Device },
}

/// Memory that a worker reuses from batch to batch.
#[derive(Default)]
pub(super) struct WorkerMemory {
    batch: PackedBatch,
    scratch: Scratch,
}

impl Engine {
    /// Returns the minimum and the maximum number of tokens that a worker should take at once.
    pub(super) fn batch_tokens(&self) -> (usize, usize) {
        match self {
            Self::Packed { dtype, .. } => (MIN_CPU_TOKENS, max_cpu_tokens(*dtype)),
            Self::Graph { .. } => (GPU_LOOK_AHEAD_TOKENS, GPU_LOOK_AHEAD_TOKENS),
        }
    }

    /// Returns the number of workers that may encode at the same time.
    pub(super) fn max_encoders(&self) -> usize {
        match self {
            Self::Packed { .. } => usize::MAX,
            Self::Graph { .. } => 1,
        }
    }

    /// Returns the logits by window, then by head. The windows include special tokens.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn logits(
        &self,
        windows: &[&[TokenId]],
        padding: TokenId,
        memory: &mut WorkerMemory,
    ) -> Result<Vec<Vec<Logits>>> {
        let mut logits: Vec<Vec<Logits>> = vec![vec![]; windows.len()];
        match self {
            Self::Packed { network, .. } => {
                memory.batch.clear();
                for window in windows {
                    memory.batch.push(window.iter().copied());
                }
                for head in network.forward(&memory.batch, &mut memory.scratch) {
                    logits.iter_mut().zip(head).for_each(|(window, row)| window.push(row));
                }
            }
            Self::Graph { network, device } => {
                let lengths: Vec<usize> = windows.iter().map(|w| w.len()).collect();
                for indices in plan(&lengths, GPU_BATCH_TOKENS) {
                    let batch: Vec<&[TokenId]> = indices.iter().map(|&i| windows[i]).collect();
                    for head in network.forward(&Batch::new(&batch, padding, device)?, None)? {
                        let rows = head.to_vec2::<f32>()?;
                        indices.iter().zip(rows).for_each(|(&window, row)| logits[window].push(Logits(row)));
                    }
                }
            }
        }
        Ok(logits)
    }
}

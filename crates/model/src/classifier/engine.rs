//! Runs windows through the network: with packed weights on a CPU, as tensors on a GPU.

use super::windows::Window;
use super::zero_shot::{Pair, Pairs};
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
pub(super) struct Engine {
    pub(super) network: DeviceNetwork,
    /// Pairs each window with hypotheses, for zero-shot classification.
    pub(super) pairs: Option<Pairs>,
    /// Pads batches on a GPU.
    pub(super) padding: TokenId,
}

pub(super) enum DeviceNetwork {
    Packed { network: Box<PackedNetwork>, dtype: Dtype },
    Graph { network: Box<Network>, device: Device },
}

/// Memory that a worker reuses from batch to batch.
#[derive(Default)]
pub(super) struct WorkerMemory {
    batch: PackedBatch,
    scratch: Scratch,
}

/// Token ids with special tokens, and the index of the first token of segment 1.
type Input<'a> = (&'a [TokenId], usize);

impl Engine {
    /// Returns the minimum and the maximum number of tokens that a worker should take at once.
    pub(super) fn batch_tokens(&self) -> (usize, usize) {
        match self.network {
            DeviceNetwork::Packed { dtype, .. } => (MIN_CPU_TOKENS, max_cpu_tokens(dtype)),
            DeviceNetwork::Graph { .. } => (GPU_LOOK_AHEAD_TOKENS, GPU_LOOK_AHEAD_TOKENS),
        }
    }

    /// Returns the number of workers that may encode at the same time.
    pub(super) fn max_encoders(&self) -> usize {
        match self.network {
            DeviceNetwork::Packed { .. } => usize::MAX,
            DeviceNetwork::Graph { .. } => 1,
        }
    }

    /// Returns the logits by window, then by head.
    ///
    /// # Errors
    /// If the device fails.
    pub(super) fn logits(&self, windows: &[&Window], memory: &mut WorkerMemory) -> Result<Vec<Vec<Logits>>> {
        let Some(pairs) = &self.pairs else {
            let inputs: Vec<Input> = windows.iter().map(|window| (window.ids.as_slice(), usize::MAX)).collect();
            return self.run(&inputs, memory);
        };
        let mut of_pairs: Vec<Logits> = vec![];
        let (_, max_tokens) = self.batch_tokens();
        let all: Vec<Pair> = windows.iter().flat_map(|window| pairs.of(&window.ids, window.index == 0)).collect();
        // Pairs repeat the window, so those of a few windows may be many tokens.
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let fits = |tokens: &mut usize, pair: &Pair| {
                *tokens += pair.ids.len();
                Some(*tokens <= max_tokens)
            };
            let count = rest.iter().scan(0, fits).take_while(|&fits| fits).count().max(1);
            let (now, later) = rest.split_at(count);
            let inputs: Vec<Input> = now.iter().map(|pair| (pair.ids.as_slice(), pair.second_segment)).collect();
            of_pairs.extend(self.run(&inputs, memory)?.into_iter().flatten());
            rest = later;
        }
        Ok(of_pairs.chunks(pairs.labels()).map(|pairs_of_window| vec![pairs.logits(pairs_of_window)]).collect())
    }

    fn run(&self, inputs: &[Input], memory: &mut WorkerMemory) -> Result<Vec<Vec<Logits>>> {
        let mut logits: Vec<Vec<Logits>> = vec![vec![]; inputs.len()];
        match &self.network {
            DeviceNetwork::Packed { network, .. } => {
                memory.batch.clear();
                for (ids, second_segment) in inputs {
                    memory.batch.push_pair(ids.iter().copied(), *second_segment);
                }
                for head in network.forward(&memory.batch, &mut memory.scratch) {
                    logits.iter_mut().zip(head).for_each(|(window, row)| window.push(row));
                }
            }
            DeviceNetwork::Graph { network, device } => {
                let lengths: Vec<usize> = inputs.iter().map(|(ids, _)| ids.len()).collect();
                for indices in plan(&lengths, GPU_BATCH_TOKENS) {
                    let ids: Vec<&[TokenId]> = indices.iter().map(|&i| inputs[i].0).collect();
                    let mut batch = Batch::new(&ids, self.padding, device)?;
                    if self.pairs.is_some() {
                        let starts: Vec<usize> = indices.iter().map(|&i| inputs[i].1).collect();
                        batch = batch.with_second_segments(&starts)?;
                    }
                    for head in network.forward(&batch, None)? {
                        let rows = head.to_vec2::<f32>()?;
                        indices.iter().zip(rows).for_each(|(&window, row)| logits[window].push(Logits(row)));
                    }
                }
            }
        }
        Ok(logits)
    }
}

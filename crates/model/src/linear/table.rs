//! The weights of a linear model, laid out so that a feature costs one place in memory.

use crate::encoder::Weights;
use crate::error::{ModelError, Result};
use crate::folder::WEIGHTS_FILE;
use crate::head::{Head, Logits};
use candle_core::Device;
use half::bf16;
use newsdesk_kernels::gather::add_rows;
use newsdesk_kernels::instructions::InstructionSet;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// Numbers of a row are padded to a multiple of this, so that no row of a few labels lies on two lines of the cache.
const LANES: usize = 8;

/// The tensor of the features' squared inverse document frequencies.
pub(crate) const SQUARES: &str = "idf_squared";

/// What features weigh, by feature and label, in bf16: an answer is the sum of many, whose roundings even out.
pub struct LinearTable {
    /// `[buckets, width]` in bf16: how rare a feature is, squared, then its weight for each label of each head, times how rare it is.
    rows: Vec<u16>,
    width: usize,
    /// Labels by head.
    labels: Vec<usize>,
    /// By head, then by label.
    biases: Vec<Vec<f32>>,
    /// SHA-256 of the weights file, where it is known.
    sha256: OnceLock<String>,
}

/// One head's part of a table, as training leaves it.
pub struct HeadTable {
    /// `[buckets, labels]`.
    pub weights: Vec<f32>,
    /// `[labels]`.
    pub bias: Vec<f32>,
}

impl LinearTable {
    /// A table of what features weigh: `rarity` is the inverse document frequency by feature, `heads` the weights that a
    /// feature of rarity 1 would need.
    ///
    /// # Panics
    /// If a head has weights for another number of features.
    pub fn new(rarity: &[f32], heads: &[HeadTable]) -> Self {
        let mut table = Self::empty(rarity.len(), heads.iter().map(|head| head.bias.len()).collect());
        table.fill(0, 1, rarity, |rarity, _| rarity * rarity);
        let mut place = 1;
        for head in heads {
            assert_eq!(head.weights.len(), rarity.len() * head.bias.len(), "a weight for each feature and label");
            table.fill(place, head.bias.len(), &head.weights, |weight, feature| weight * rarity[feature]);
            table.biases.push(head.bias.clone());
            place += head.bias.len();
        }
        table
    }

    /// A table of zeros, without biases.
    fn empty(buckets: usize, labels: Vec<usize>) -> Self {
        let width = (1 + labels.iter().sum::<usize>()).next_multiple_of(LANES);
        Self { rows: vec![0; buckets * width], width, labels, biases: vec![], sha256: OnceLock::new() }
    }

    /// Fills columns from `place` on with numbers `[buckets, columns]`, each as `change` makes it for its feature.
    fn fill(&mut self, place: usize, columns: usize, numbers: &[f32], change: impl Fn(f32, usize) -> f32) {
        let rows = self.rows.chunks_exact_mut(self.width).zip(numbers.chunks_exact(columns));
        for (feature, (row, numbers)) in rows.enumerate() {
            let places = row[place..place + columns].iter_mut().zip(numbers);
            places.for_each(|(to, &x)| *to = bf16::from_f32(change(x, feature)).to_bits());
        }
    }

    /// Reads a weights file; `file` names it in errors.
    ///
    /// # Errors
    /// If a tensor is missing or has another shape than the heads ask for.
    pub(crate) fn from_bytes(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        file: &str,
        buckets: usize,
        heads: &[Head],
    ) -> Result<Self> {
        let sha256 = format!("{:x}", Sha256::digest(bytes.as_ref()));
        let weights = Weights::from_bytes(bytes, file, &Device::Cpu)?;
        let mut table = Self::empty(buckets, heads.iter().map(|head| head.labels.len()).collect());
        let mut numbers = vec![];
        let finite = |numbers: &[f32], name: &str| match numbers.iter().all(|x| x.is_finite()) {
            true => Ok(()),
            false => {
                let cause = "it holds something that is no number".into();
                Err(ModelError::Invalid { file: file.into(), key: name.into(), cause })
            }
        };
        weights.read(&[buckets], SQUARES, &mut numbers)?;
        finite(&numbers, SQUARES)?;
        table.fill(0, 1, &numbers, |x, _| x);
        let mut place = 1;
        for head in heads {
            let labels = head.labels.len();
            // Values are appended.
            numbers.clear();
            let [weight, name_of_bias] = ["weight", "bias"].map(|part| format!("heads.{}.{part}", head.name));
            weights.read(&[buckets, labels], &weight, &mut numbers)?;
            finite(&numbers, &weight)?;
            table.fill(place, labels, &numbers, |x, _| x);
            let mut bias = vec![];
            weights.read(&[labels], &name_of_bias, &mut bias)?;
            finite(&bias, &name_of_bias)?;
            table.biases.push(bias);
            place += labels;
        }
        Ok(Self { sha256: sha256.into(), ..table })
    }

    /// The bytes of a weights file of this table.
    ///
    /// # Errors
    /// If a head's name occurs twice.
    pub(crate) fn to_bytes(&self, heads: &[Head]) -> Result<Vec<u8>> {
        let column = |from: usize, to: usize| -> Vec<u8> {
            let rows = self.rows.chunks_exact(self.width);
            rows.flat_map(|row| row[from..to].iter().flat_map(|x| x.to_le_bytes())).collect()
        };
        let mut tensors = vec![(SQUARES.to_string(), Dtype::BF16, vec![self.buckets()], column(0, 1))];
        let mut place = 1;
        for ((head, &labels), bias) in heads.iter().zip(&self.labels).zip(&self.biases) {
            let shape = vec![self.buckets(), labels];
            tensors.push((format!("heads.{}.weight", head.name), Dtype::BF16, shape, column(place, place + labels)));
            let bytes = bias.iter().flat_map(|x| x.to_le_bytes()).collect();
            tensors.push((format!("heads.{}.bias", head.name), Dtype::F32, vec![labels], bytes));
            place += labels;
        }
        let invalid = |cause: String| ModelError::Invalid { file: WEIGHTS_FILE.into(), key: "tensors".into(), cause };
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| invalid(e.to_string()))?;
            Ok((name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        safetensors::serialize(views, None).map_err(|e| invalid(e.to_string()))
    }

    /// How many features it tells apart.
    pub fn buckets(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Labels by head.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Numbers in it, those that pad it not counted.
    pub fn parameters(&self) -> usize {
        let labels: usize = self.labels.iter().sum();
        self.buckets() * (1 + labels) + labels
    }

    /// SHA-256 of its file with these heads, as `sha256sum` says it.
    pub(crate) fn sha256(&self, heads: &[Head]) -> Result<String> {
        if let Some(known) = self.sha256.get() {
            return Ok(known.clone());
        }
        let found = format!("{:x}", Sha256::digest(self.to_bytes(heads)?));
        Ok(self.sha256.get_or_init(|| found).clone())
    }

    /// What each head says about a text of these features.
    pub(super) fn logits(&self, features: &[u32], set: InstructionSet) -> Vec<Logits> {
        let mut sums = vec![0f32; self.width];
        add_rows(&self.rows, features, &mut sums, set);
        let factor = if sums[0] > 0.0 { 1.0 / sums[0].sqrt() } else { 0.0 };
        let mut place = 1;
        let logits = |bias: &Vec<f32>| {
            let of_head = &sums[place..place + bias.len()];
            place += bias.len();
            Logits(of_head.iter().zip(bias).map(|(sum, bias)| sum * factor + bias).collect())
        };
        self.biases.iter().map(logits).collect()
    }
}

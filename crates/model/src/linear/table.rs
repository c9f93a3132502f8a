//! The weights of a linear model, laid out so that all weights of a feature are adjacent in memory.

use crate::checkpoint::Weights;
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

/// Rows are padded to a multiple of this length, so that short rows do not span two cache lines.
const LANES: usize = 8;

/// Name of the tensor with the squared inverse document frequency (IDF) of each feature.
const IDF_SQUARED: &str = "idf_squared";

/// The largest squared IDF that is accepted. That of a feature in one of 10^18 articles is below 2,000.
const MAX_IDF_SQUARED: f32 = 1e6;

/// The weights of a linear model by feature and label.
///
/// bf16 is precise enough: a logit is the sum of many weights, whose rounding errors cancel.
pub struct LinearTable {
    /// `[buckets, width]` in bf16: the squared IDF of a feature, then its weight for each label of each head times its
    /// IDF.
    rows: Vec<u16>,
    width: usize,
    /// Number of labels of each head.
    labels: Vec<usize>,
    /// Biases by head, then by label.
    biases: Vec<Vec<f32>>,
    /// SHA-256 of the weights file, once it is known.
    sha256: OnceLock<String>,
}

/// The weights of one head as training returns them.
pub struct HeadTable {
    /// `[buckets, labels]`.
    pub weights: Vec<f32>,
    /// `[labels]`.
    pub bias: Vec<f32>,
}

impl LinearTable {
    /// Creates a table from the inverse document frequency of each feature and the weights of each head. The weights
    /// are those of features with an IDF of 1.
    ///
    /// # Panics
    /// If the weights of a head do not match the number of features and labels.
    pub fn new(idf: &[f32], heads: &[HeadTable]) -> Self {
        let mut table = Self::empty(idf.len(), heads.iter().map(|head| head.bias.len()).collect());
        table.fill(0, 1, idf, |idf, _| idf * idf);
        let mut column = 1;
        for head in heads {
            assert_eq!(
                head.weights.len(),
                idf.len() * head.bias.len(),
                "linear table: a head needs one weight per feature and label"
            );
            table.fill(column, head.bias.len(), &head.weights, |weight, feature| weight * idf[feature]);
            table.biases.push(head.bias.clone());
            column += head.bias.len();
        }
        table
    }

    /// Creates a table of zeros without biases.
    fn empty(buckets: usize, labels: Vec<usize>) -> Self {
        let width = (1 + labels.iter().sum::<usize>()).next_multiple_of(LANES);
        Self { rows: vec![0; buckets * width], width, labels, biases: vec![], sha256: OnceLock::new() }
    }

    /// Fills `columns` columns, starting at `start`, with `numbers` (`[buckets, columns]`). `convert` maps each number
    /// and its feature to the stored number.
    fn fill(&mut self, start: usize, columns: usize, numbers: &[f32], convert: impl Fn(f32, usize) -> f32) {
        let rows = self.rows.chunks_exact_mut(self.width).zip(numbers.chunks_exact(columns));
        for (feature, (row, numbers)) in rows.enumerate() {
            let cells = row[start..start + columns].iter_mut().zip(numbers);
            cells.for_each(|(to, &x)| *to = bf16::from_f32(convert(x, feature)).to_bits());
        }
    }

    /// Parses the contents of a weights file; `file` names it in errors.
    ///
    /// # Errors
    /// If a tensor is missing, does not have the shape that the heads require, or holds a number that bf16 cannot represent.
    pub(crate) fn from_bytes(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        file: &str,
        buckets: usize,
        heads: &[Head],
    ) -> Result<Self> {
        let sha256 = format!("{:x}", Sha256::digest(bytes.as_ref()));
        let weights = Weights::from_bytes(bytes, file, &Device::Cpu)?;
        let names = |head: &Head| ["weight", "bias"].map(|part| format!("heads.{}.{part}", head.name));
        // The manifest may claim any size, so nothing is allocated before the tensors are known to have it.
        weights.check([buckets], IDF_SQUARED).map_err(required_by_manifest)?;
        for head in heads {
            let [weight, bias] = names(head);
            weights.check([buckets, head.labels.len()], &weight)?;
            weights.check([head.labels.len()], &bias)?;
        }
        weights.check_finite()?;
        let mut table = Self::empty(buckets, heads.iter().map(|head| head.labels.len()).collect());
        let mut numbers = vec![];
        // Large f32 numbers become infinite in bf16.
        let finite = |numbers: &[f32], name: &str| {
            let spoilt = numbers.iter().map(|&x| bf16::from_f32(x).to_f32()).find(|x| !x.is_finite());
            spoilt.map_or(Ok(()), |value| Err(weights.not_finite(name, value)))
        };
        weights.read(&[buckets], IDF_SQUARED, &mut numbers)?;
        if let Some(value) = numbers.iter().find(|x| !(0.0..=MAX_IDF_SQUARED).contains(*x)) {
            let cause = format!("{value} is not the square of an inverse document frequency");
            return Err(ModelError::Invalid { file: file.into(), key: IDF_SQUARED.into(), cause });
        }
        table.fill(0, 1, &numbers, |x, _| x);
        let mut column = 1;
        for head in heads {
            let labels = head.labels.len();
            // `read` appends.
            numbers.clear();
            let [weight_name, bias_name] = names(head);
            weights.read(&[buckets, labels], &weight_name, &mut numbers)?;
            finite(&numbers, &weight_name)?;
            table.fill(column, labels, &numbers, |x, _| x);
            let mut bias = vec![];
            weights.read(&[labels], &bias_name, &mut bias)?;
            table.biases.push(bias);
            column += labels;
        }
        Ok(Self { sha256: sha256.into(), ..table })
    }

    /// Returns the bytes of a weights file for this table.
    ///
    /// # Errors
    /// If two heads have the same name.
    pub(crate) fn to_bytes(&self, heads: &[Head]) -> Result<Vec<u8>> {
        let columns = |from: usize, to: usize| -> Vec<u8> {
            let rows = self.rows.chunks_exact(self.width);
            rows.flat_map(|row| row[from..to].iter().flat_map(|x| x.to_le_bytes())).collect()
        };
        let mut tensors = vec![(IDF_SQUARED.to_string(), Dtype::BF16, vec![self.buckets()], columns(0, 1))];
        let mut column = 1;
        for ((head, &labels), bias) in heads.iter().zip(&self.labels).zip(&self.biases) {
            let shape = vec![self.buckets(), labels];
            tensors.push((format!("heads.{}.weight", head.name), Dtype::BF16, shape, columns(column, column + labels)));
            let bytes = bias.iter().flat_map(|x| x.to_le_bytes()).collect();
            tensors.push((format!("heads.{}.bias", head.name), Dtype::F32, vec![labels], bytes));
            column += labels;
        }
        let invalid = |cause: String| ModelError::Invalid { file: WEIGHTS_FILE.into(), key: "tensors".into(), cause };
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| invalid(e.to_string()))?;
            Ok((name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        safetensors::serialize(views, None).map_err(|e| invalid(e.to_string()))
    }

    /// Returns the number of features.
    pub fn buckets(&self) -> usize {
        self.rows.len() / self.width
    }

    /// Returns the number of labels of each head.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Returns the number of weights and biases, without padding.
    pub fn parameters(&self) -> usize {
        let labels: usize = self.labels.iter().sum();
        self.buckets() * (1 + labels) + labels
    }

    /// Returns the SHA-256 of the weights file with these heads in hexadecimal, as `sha256sum` prints it.
    ///
    /// # Errors
    /// If two heads have the same name.
    pub(crate) fn sha256(&self, heads: &[Head]) -> Result<String> {
        if let Some(known) = self.sha256.get() {
            return Ok(known.clone());
        }
        let found = format!("{:x}", Sha256::digest(self.to_bytes(heads)?));
        Ok(self.sha256.get_or_init(|| found).clone())
    }

    /// Returns the logits of each head for a text with these features.
    pub(super) fn logits(&self, features: &[u32], set: InstructionSet) -> Vec<Logits> {
        let mut sums = vec![0f32; self.width];
        add_rows(&self.rows, features, &mut sums, set);
        let factor = if sums[0] > 0.0 { 1.0 / sums[0].sqrt() } else { 0.0 };
        let mut column = 1;
        let logits = |bias: &Vec<f32>| {
            let head_sums = &sums[column..column + bias.len()];
            column += bias.len();
            Logits(head_sums.iter().zip(bias).map(|(sum, bias)| sum * factor + bias).collect())
        };
        self.biases.iter().map(logits).collect()
    }
}

/// Names the manifest as the file that requires a shape: a linear model has no `config.json`.
fn required_by_manifest(error: ModelError) -> ModelError {
    match error {
        ModelError::WrongShape { file, name, found, expected, .. } => {
            ModelError::WrongShape { file, name, found, expected, required_by: "newsdesk.toml" }
        }
        other => other,
    }
}

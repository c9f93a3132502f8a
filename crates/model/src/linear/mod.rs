//! Linear models: features of the text to labels, without an encoder.
//!
//! They are a hundred to a thousand times as fast as an encoder, and the baseline that an encoder must beat.
//!
//! A text is represented by its set of features. Each feature is weighted by its inverse document frequency in the
//! training articles, and the vector of a text is normalised to length 1. A head is one matrix on this vector (softmax
//! or logistic regression).

mod features;
mod table;

use crate::error::{ModelError, Result};
use crate::folder::Manifest;
use crate::head::Logits;
pub use features::{FeatureReader, FeatureRecord};
use newsdesk_kernels::instructions::InstructionSet;
use std::sync::Arc;
pub use table::{HeadTable, LinearTable};

/// A linear model in memory. Clones share the table.
#[derive(Clone)]
pub struct LinearModel {
    /// The manifest; [`Manifest::linear`] describes the features.
    pub manifest: Manifest,
    features: FeatureRecord,
    table: Arc<LinearTable>,
}

impl LinearModel {
    /// Creates a model from a manifest and a table.
    ///
    /// # Errors
    /// If the manifest describes an encoder, or if the table does not match its features and heads.
    pub fn new(manifest: Manifest, table: LinearTable) -> Result<Self> {
        let invalid =
            |key: &str, cause: String| Err(ModelError::Invalid { file: manifest.name.clone(), key: key.into(), cause });
        let Some(features) = manifest.linear else {
            return invalid("linear", "it is missing, so this is not a linear model".into());
        };
        let labels: Vec<usize> = manifest.heads.iter().map(|head| head.labels.len()).collect();
        if table.buckets() != features.buckets as usize || table.labels() != labels {
            let cause =
                format!("the weights have {} features and heads of {:?} labels", table.buckets(), table.labels());
            return invalid("linear.buckets", cause);
        }
        Ok(Self { features, table: Arc::new(table), manifest })
    }

    /// Returns the configuration of the features.
    pub fn features(&self) -> FeatureRecord {
        self.features
    }

    /// Returns the weights.
    pub fn table(&self) -> &LinearTable {
        &self.table
    }

    /// Creates a feature reader for [`LinearModel::logits`].
    pub fn reader(&self) -> FeatureReader {
        FeatureReader::new(self.features)
    }

    /// Returns the logits of each head for a text, and the number of words in the text. The result is the same for
    /// every instruction set.
    pub fn logits(&self, text: &str, reader: &mut FeatureReader, set: InstructionSet) -> (Vec<Logits>, usize) {
        let (features, words) = reader.read(text);
        (self.table.logits(features, set), words)
    }
}

//! Linear models: text to features to labels, without an encoder. A hundred to a thousand times as fast, and what an encoder has to
//! be better than.
//!
//! A text is the set of its features. Each counts as much as it is rare in the training articles (its inverse document
//! frequency), and a text as much as any other, however long: the vector of its features has the length 1. A head is one matrix
//! on that (softmax or logistic regression).

mod features;
mod table;

use crate::error::{ModelError, Result};
use crate::folder::Manifest;
use crate::head::Logits;
pub use features::{FeatureReader, FeatureRecord};
use newsdesk_kernels::instructions::InstructionSet;
use std::sync::Arc;
pub(crate) use table::SQUARES;
pub use table::{HeadTable, LinearTable};

/// A linear model in memory. Clones share their table.
#[derive(Clone)]
pub struct LinearModel {
    /// Heads and history; [`Manifest::linear`] says what it looks at.
    pub manifest: Manifest,
    features: FeatureRecord,
    table: Arc<LinearTable>,
}

impl LinearModel {
    /// A model of a manifest and a table.
    ///
    /// # Errors
    /// If the manifest is that of an encoder, or the table has other heads or sizes than it says.
    pub fn new(manifest: Manifest, table: LinearTable) -> Result<Self> {
        let invalid =
            |key: &str, cause: String| Err(ModelError::Invalid { file: manifest.name.clone(), key: key.into(), cause });
        let Some(features) = manifest.linear else {
            return invalid("linear", "it is missing, so this is no linear model".into());
        };
        let labels: Vec<usize> = manifest.heads.iter().map(|head| head.labels.len()).collect();
        if table.buckets() != features.buckets as usize || table.labels() != labels {
            let cause = format!("{} features and {:?} labels by head in the weights", table.buckets(), table.labels());
            return invalid("linear.buckets", cause);
        }
        Ok(Self { features, table: Arc::new(table), manifest })
    }

    /// What it looks at.
    pub fn features(&self) -> FeatureRecord {
        self.features
    }

    /// Its weights.
    pub fn table(&self) -> &LinearTable {
        &self.table
    }

    /// A reader of texts for [`LinearModel::logits`].
    pub fn reader(&self) -> FeatureReader {
        FeatureReader::new(self.features)
    }

    /// What each head says about a text, and the number of its words. The instructions change nothing but the time.
    pub fn logits(&self, text: &str, reader: &mut FeatureReader, set: InstructionSet) -> (Vec<Logits>, usize) {
        let (features, words) = reader.read(text);
        (self.table.logits(features, set), words)
    }
}

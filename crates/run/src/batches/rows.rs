//! Collects the results of a batch's rows.

use super::labeller::{BatchLabeller, LabelledBatch, Unusable};
use crate::error::RunError;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::ArrowError;
use arrow_select::filter::filter_record_batch;
use newsdesk_data::{DataError, Reject, Value, added_array};
use std::io;
use std::sync::Arc;

/// A batch, and the results of its rows so far.
pub(super) struct LabelledRows {
    batch: Arc<RecordBatch>,
    /// The values of the added columns. Empty for a row that could not be labelled.
    values: Vec<Vec<Value>>,
    rejects: Vec<(usize, Reject)>,
}

impl LabelledRows {
    pub fn new(batch: RecordBatch) -> Self {
        let values = vec![vec![]; batch.num_rows()];
        Self { batch: Arc::new(batch), values, rejects: vec![] }
    }

    pub fn label(&mut self, index: usize, values: Vec<Value>) {
        self.values[index] = values;
    }

    pub fn reject(&mut self, index: usize, reject: Reject) {
        self.rejects.push((index, reject));
    }

    /// Returns the batch with the added columns.
    ///
    /// # Errors
    /// If the batch does not have the columns of the labeller.
    pub fn finish(mut self, labeller: &BatchLabeller) -> Result<LabelledBatch, RunError> {
        let count = labeller.added().len();
        let mut batch = RecordBatch::clone(&self.batch);
        match labeller.unusable {
            Unusable::ErrorColumn => {
                for (index, reject) in &self.rejects {
                    let mut values = vec![Value::Null; count];
                    if let Some(error) = values.last_mut() {
                        *error = Value::Text(reject.cause.clone());
                    }
                    self.values[*index] = values;
                }
            }
            Unusable::LeaveOut if !self.rejects.is_empty() => {
                let mut is_kept = vec![true; self.values.len()];
                self.rejects.iter().for_each(|(index, _)| is_kept[*index] = false);
                batch = filter_record_batch(&batch, &BooleanArray::from(is_kept)).map_err(failed)?;
                self.values.retain(|values| !values.is_empty());
            }
            Unusable::LeaveOut => {}
        }
        let kept = labeller.kept.iter().map(|&index| Ok(Arc::clone(batch.column(index))));
        let added = labeller
            .added()
            .iter()
            .enumerate()
            .map(|(index, field)| added_array(self.values.iter().map(|values| &values[index]), field.data_type()));
        let columns: Vec<ArrayRef> = kept.chain(added).collect::<Result<_, _>>().map_err(failed)?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(labeller.schema()), columns, &options).map_err(failed)?;
        Ok(LabelledBatch { batch, rejects: self.rejects.into_iter().map(|(_, reject)| reject).collect() })
    }
}

fn failed(error: ArrowError) -> RunError {
    DataError::Write { source: io::Error::other(error) }.into()
}

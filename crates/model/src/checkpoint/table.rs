//! A matrix that is read row by row: the word embeddings, which are most of a model's memory.

use super::quantised::QuantisedMatrix;
use super::stored::{Region, Stored};
use crate::error::Result;

/// A matrix whose rows are converted to f32 when they are read.
pub struct RowTable {
    source: Source,
    width: usize,
}

enum Source {
    Memory(Vec<f32>),
    File(Region),
    Quantised(QuantisedMatrix),
}

impl RowTable {
    /// Wraps a stored matrix of `width` columns.
    pub(super) fn new(stored: &Stored, width: usize) -> Result<Self> {
        let source = match stored {
            Stored::Bytes(region) => Source::File(region.clone()),
            Stored::Quantised(matrix) => Source::Quantised(matrix.clone()),
            Stored::Tensor(_) => {
                let mut values = vec![];
                stored.read(&mut values)?;
                Source::Memory(values)
            }
        };
        Ok(Self { source, width })
    }

    /// Copies the row with this index.
    ///
    /// # Panics
    /// If there is no such row, or `out` is not as long as a row.
    pub fn row(&self, index: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.width, "row table: the output is not as long as a row");
        match &self.source {
            Source::Memory(values) => out.copy_from_slice(&values[index * self.width..(index + 1) * self.width]),
            Source::File(region) => {
                let size = self.width * region.format.size();
                region.format.widen(&region.bytes()[index * size..(index + 1) * size], out);
            }
            Source::Quantised(matrix) => matrix.widen(index..index + 1, out),
        }
    }
}

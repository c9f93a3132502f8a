//! The columns of labelled batches.

use crate::column_choice::ColumnChoice;
use crate::column_names::ColumnNotes;
use crate::columns::{ERROR_COLUMN, LANGUAGE_COLUMN, PredictionColumns};
use crate::error::RunError;
use crate::reader::{Header, RunOptions};
use crate::state::RunState;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, SchemaRef};
use newsdesk_data::{
    BatchRows, Language, ReadError, ReadOptions, Reject, TableForm, Value, added_fields, schema_with_added,
};
use newsdesk_model::Prediction;
use std::sync::Arc;

/// What happens to rows that cannot be labelled: those without an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unusable {
    /// They are kept. Their added columns are null, but for the column `error`, which gives the cause.
    #[default]
    ErrorColumn,
    /// They are left out, and returned as rejects.
    LeaveOut,
}

/// How batches are labelled.
#[derive(Debug, Clone, Default)]
pub struct BatchOptions {
    /// Which columns contain the article, and what is done with HTML in it.
    pub read: ReadOptions,
    /// The input columns that the output keeps, in their order. `None` keeps all of them.
    pub columns: Option<Vec<String>>,
    /// Whether added columns replace input columns of the same name. Otherwise the added ones get other names.
    pub overwrite_columns: bool,
    /// Whether the column of the article's language is added.
    pub language_column: bool,
    /// What happens to rows that cannot be labelled.
    pub unusable: Unusable,
}

/// A labelled batch.
#[derive(Debug)]
pub struct LabelledBatch {
    /// The columns that are kept, then the added ones.
    pub batch: RecordBatch,
    /// The rows that could not be labelled, in their order.
    pub rejects: Vec<Reject>,
}

/// Labels record batches with one schema.
pub struct BatchLabeller {
    pub(super) rows: BatchRows,
    pub(super) columns: PredictionColumns,
    /// The indices of the input columns that are kept.
    pub(super) kept: Vec<usize>,
    /// The columns of the output.
    schema: SchemaRef,
    notes: ColumnNotes,
    language_column: bool,
    pub(super) unusable: Unusable,
}

impl BatchLabeller {
    /// Chooses the columns of the output for batches with this schema. `name` names the batches in messages.
    ///
    /// Added columns of text have the type of the text column, so that an engine with large strings or string views gets
    /// what it declared. Input columns keep their fields.
    ///
    /// # Errors
    /// If the schema has no text column or not the requested columns, or has columns with all names that an added column
    /// may get.
    pub fn new(
        schema: &SchemaRef,
        name: &str,
        columns: &PredictionColumns,
        options: &BatchOptions,
    ) -> Result<Self, RunError> {
        let BatchOptions { read, columns: only, overwrite_columns, language_column, unusable } = options.clone();
        let read = ReadOptions { allows_null_type: true, ..read };
        let rows = BatchRows::new(Arc::clone(schema), name, &read)?;
        let run = RunOptions { read, columns: only, overwrite_columns, ..RunOptions::default() };
        let header = Header { table: None, columns: rows.table().columns.clone(), is_partial: false };
        let mut other = vec![];
        other.extend(language_column.then_some(LANGUAGE_COLUMN));
        other.extend((unusable == Unusable::ErrorColumn).then_some(ERROR_COLUMN));
        let choice = ColumnChoice::new(columns, &run, &header, &other, &mut RunState::start())?;
        let kept = choice.selection.table(rows.table().clone());
        // Names are unique, which `BatchRows` checked.
        let kept: Vec<usize> = kept.columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        let ColumnChoice { columns, notes, .. } = choice;
        let mut example = columns.example();
        example.extend(language_column.then(|| columns.language(Some("en"))));
        example.extend((unusable == Unusable::ErrorColumn).then(|| columns.error(None)));
        let text = rows.text_type();
        let sized = |field: Field| match field.data_type() {
            DataType::Utf8 => field.with_data_type(text.clone()),
            _ => field,
        };
        let added = added_fields(&example).into_iter().map(sized).collect();
        let fields = kept.iter().map(|&index| Arc::clone(&schema.fields()[index]));
        let schema = Arc::new(schema_with_added(fields, schema.metadata().clone(), added));
        Ok(Self { rows, columns, kept, schema, notes, language_column, unusable })
    }

    /// Returns the columns of the output.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns what there is to report about the columns.
    pub fn notes(&self) -> &ColumnNotes {
        &self.notes
    }

    /// Returns the added columns.
    pub fn added(&self) -> &[Arc<Field>] {
        &self.schema.fields()[self.kept.len()..]
    }

    /// Returns the columns that the input has.
    pub fn input_schema(&self) -> &SchemaRef {
        match &self.rows.table().form {
            TableForm::Typed(schema) => schema,
            // `BatchRows` has typed tables only.
            _ => &self.schema,
        }
    }

    /// Returns the text of a row, or its reject. `first` is the number of the batch's first row in the table, counted from 0.
    pub(super) fn article(
        &self,
        batch: &Arc<RecordBatch>,
        index: usize,
        first: u64,
    ) -> Result<Result<RowText, Reject>, RunError> {
        match self.rows.row(batch, index, first + index as u64 + 1) {
            Ok(row) => {
                let text = row.article.input();
                let language = if self.language_column { Language::of(&text) } else { None };
                Ok(Ok(RowText { text, language }))
            }
            Err(ReadError::Reject(reject)) => Ok(Err(reject)),
            Err(ReadError::Fatal(error)) => Err(error.into()),
        }
    }

    /// Returns the values of the added columns of a labelled row.
    pub(super) fn values(&self, prediction: &Prediction, language: Option<Language>) -> Vec<Value> {
        let mut values: Vec<Value> = self.columns.values(prediction).into_iter().map(|(_, value)| value).collect();
        values.extend(self.language_column.then(|| self.columns.language(language.map(Language::code)).1));
        values.extend((self.unusable == Unusable::ErrorColumn).then_some(Value::Null));
        values
    }
}

/// The text of a row, and its language where that is asked for.
pub(super) struct RowText {
    pub text: String,
    pub language: Option<Language>,
}

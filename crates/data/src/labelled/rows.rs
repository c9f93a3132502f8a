//! A stream of labelled rows. The labels are the strings of the file, which are not looked up in a label set.
//!
//! No row is kept, so a data set of any size can be processed.

use std::path::Path;

use super::gold_labels::LabelField;
use super::options::LabelledFileOptions;
use super::recipe::Recipe;
use crate::error::DataError;
use crate::markup::HtmlMode;
use crate::open::Source;
use crate::read::{ReadError, ReadOptions, RowReader, read};
use crate::reject::Reject;
use crate::remedy::{ColumnRole, Remedy};
use crate::row::Row;
use crate::write::row_to_json;

/// A row and its labels.
#[derive(Debug, Clone)]
pub struct LabelledRow {
    /// The row.
    pub row: Row,
    /// The labels of each head as the row writes them. `None` if the row is not labelled for the head.
    pub labels: Vec<Option<Vec<String>>>,
    /// Further labels of each head that also count as correct. Empty if the recipe names no field for them.
    pub also_correct: Vec<Vec<String>>,
    /// Whether the row may have several labels for a head: they are in a list, or a separator was given.
    pub(super) has_list: bool,
}

impl LabelledRow {
    /// Returns whether the row is labelled for any head.
    pub fn is_labelled(&self) -> bool {
        self.labels.iter().any(Option::is_some)
    }
}

/// The labelled rows of one file, in order.
///
/// A row whose label cannot be read is a reject. A row without a label is not.
pub struct LabelledRows {
    rows: RowReader,
    label_columns: LabelColumns,
    columns: Vec<String>,
}

/// The columns that contain the labels.
enum LabelColumns {
    /// One column per head, and optionally one with further correct labels.
    Named(Vec<(String, Option<String>)>),
    /// Chosen when the first row is read, so that all rows of a file use the same column.
    Detected { options: Box<LabelledFileOptions>, column: Option<String> },
}

impl LabelledRows {
    /// Opens a split of a recipe's data set. `root` is the folder that contains all data sets.
    ///
    /// # Errors
    /// If the recipe has no such split, or its file does not exist or cannot be opened.
    pub fn of_recipe(recipe: &Recipe, root: &Path, split: &str) -> Result<LabelledRows, DataError> {
        let path = recipe.split_file(root, split)?;
        let options = ReadOptions {
            text_field: recipe.fields.text.clone(),
            title_field: recipe.fields.title.clone(),
            target_fields: recipe.target_fields.clone(),
            // Published data sets are read as they are published, so that figures are comparable.
            html: HtmlMode::Keep,
            ..ReadOptions::default()
        };
        let rows = read(&Source::File(path), &options)?;
        let fields = recipe.heads.iter().map(|(_, head)| (head.field.clone(), head.also_correct.clone())).collect();
        Ok(LabelledRows { rows, label_columns: LabelColumns::Named(fields), columns: Vec::new() })
    }

    /// Opens a user's own file, which has one head.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn of_file(source: &Source, options: &LabelledFileOptions) -> Result<LabelledRows, DataError> {
        let label_columns = LabelColumns::Detected { options: Box::new(options.clone()), column: None };
        Ok(LabelledRows { rows: read(source, &options.read)?, label_columns, columns: Vec::new() })
    }

    /// Returns the columns of the first row that could be read. They are empty before that.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    fn read_labels(&mut self, row: Row) -> Result<LabelledRow, Reject> {
        if self.columns.is_empty() {
            self.columns = row.column_names();
        }
        let (mut has_list, mut also_correct) = (false, vec![]);
        let labels = match &mut self.label_columns {
            LabelColumns::Named(fields) => {
                let read = |field: &String| {
                    LabelField::read(row.field(field).as_deref())
                        .map(|value| value.labels().map(<[String]>::to_vec))
                        .map_err(|cause| label_reject(&row, field, cause, "field"))
                };
                let read_also = |field: &Option<String>| match field {
                    Some(field) => read(field).map(Option::unwrap_or_default),
                    None => Ok(vec![]),
                };
                also_correct = fields.iter().map(|(_, field)| read_also(field)).collect::<Result<_, _>>()?;
                fields.iter().map(|(field, _)| read(field)).collect::<Result<_, _>>()?
            }
            LabelColumns::Detected { options, column } => {
                if column.is_none() {
                    *column = options.label_column(&row);
                }
                let name = column.as_deref().or(options.label_field.as_deref()).unwrap_or("label");
                let value = LabelField::read(row.field(name).as_deref());
                let value = value.map_err(|cause| label_reject(&row, name, cause, "column"))?;
                let separator = options.separator.as_deref();
                has_list = separator.is_some() || matches!(value, LabelField::List(_));
                vec![match (value, separator) {
                    (LabelField::Empty, _) => None,
                    (LabelField::List(labels), _) => Some(labels),
                    (LabelField::One(labels), Some(separator)) if !separator.is_empty() => {
                        let labels = labels.split(separator).map(str::trim).filter(|label| !label.is_empty());
                        Some(labels.map(str::to_owned).collect())
                    }
                    (LabelField::One(label), _) => Some(vec![label]),
                }]
            }
        };
        Ok(LabelledRow { row, labels, also_correct, has_list })
    }
}

impl Iterator for LabelledRows {
    type Item = Result<LabelledRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.and_then(|row| self.read_labels(row).map_err(ReadError::Reject)))
    }
}

/// Returns the reject of a row whose label cannot be read.
fn label_reject(row: &Row, name: &str, cause: &str, kind: &str) -> Reject {
    let cause = format!("the label {kind} `{name}` {cause}");
    let remedy = Remedy::ChooseColumn { role: ColumnRole::Label, columns: row.column_names() };
    Reject::new(row.position.clone(), cause, Some(remedy), row_to_json(row))
}

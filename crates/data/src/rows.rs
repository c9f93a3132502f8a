//! Labelled rows as a stream: each row with the labels that it carries, in the words of its file. Nothing is looked up
//! in a label set here, and nothing is held, so sets of any size can be looked at.

use std::path::{Path, PathBuf};

use crate::article::Row;
use crate::error::{DataError, quoted};
use crate::plain::{PlainOptions, label_column};
use crate::read::{ReadError, ReadOptions, Reject, RowReader, read};
use crate::recipe::Recipe;
use crate::source::Source;
use crate::target::Written;

/// A row and its labels.
#[derive(Debug, Clone)]
pub struct LabelledRow {
    /// The row.
    pub row: Row,
    /// The labels as the row writes them, one entry for each head; nothing where it is not labelled for that head.
    pub labels: Vec<Option<Vec<String>>>,
    /// Other labels that are right, too, one entry for each head; empty where a recipe names no field of them.
    pub also: Vec<Vec<String>>,
    /// Whether the row may have several labels for a head: they stand in a list, or a separator was given.
    pub(crate) several: bool,
}

impl LabelledRow {
    /// Whether the row is labelled for any head.
    pub fn is_labelled(&self) -> bool {
        self.labels.iter().any(Option::is_some)
    }
}

/// The labelled rows of one file, in order. Rows whose labels cannot be read are rejects, rows without a label are not.
pub struct LabelledRows {
    rows: RowReader,
    columns: Columns,
    found: Vec<String>,
}

/// Which columns hold the labels.
enum Columns {
    /// One for each head, by name, and one of other right labels where there is one.
    Named(Vec<(String, Option<String>)>),
    /// To be chosen by the first row, so that all rows of a file agree.
    Chosen { options: Box<PlainOptions>, column: Option<String> },
}

impl LabelledRows {
    /// The rows of a split of a recipe's set. `root` is the folder that holds all sets.
    pub fn of_recipe(recipe: &Recipe, root: &Path, split: &str) -> Result<LabelledRows, DataError> {
        let path = recipe.split_file(root, split)?;
        let (text_field, title_field) = (recipe.fields.text.clone(), recipe.fields.title.clone());
        let options =
            ReadOptions { text_field, title_field, mention: recipe.mention.clone(), ..ReadOptions::default() };
        let rows = read(&Source::File(path), &options)?;
        let fields = recipe.heads.iter().map(|(_, head)| (head.field.clone(), head.also.clone())).collect();
        Ok(LabelledRows { rows, columns: Columns::Named(fields), found: Vec::new() })
    }

    /// The rows of a user's own file. There is one head.
    pub fn of_file(source: &Source, options: &PlainOptions) -> Result<LabelledRows, DataError> {
        let columns = Columns::Chosen { options: Box::new(options.clone()), column: None };
        Ok(LabelledRows { rows: read(source, &options.read)?, columns, found: Vec::new() })
    }

    /// The columns of the first row that could be read, once it was.
    pub fn found(&self) -> &[String] {
        &self.found
    }

    fn labels(&mut self, row: Row) -> Result<LabelledRow, Reject> {
        if self.found.is_empty() {
            self.found = row.columns.iter().map(|(name, _)| name.to_string()).collect();
        }
        let (mut several, mut also) = (false, vec![]);
        let labels = match &mut self.columns {
            Columns::Named(fields) => {
                let written = |field: &String| {
                    Written::read(row.column(field))
                        .map(|written| written.names().map(<[String]>::to_vec))
                        .map_err(|cause| unlabelled(&row, field, cause, "field"))
                };
                let others = |field: &Option<String>| match field {
                    Some(field) => written(field).map(Option::unwrap_or_default),
                    None => Ok(vec![]),
                };
                also = fields.iter().map(|(_, field)| others(field)).collect::<Result<_, _>>()?;
                fields.iter().map(|(field, _)| written(field)).collect::<Result<_, _>>()?
            }
            Columns::Chosen { options, column } => {
                if column.is_none() {
                    *column = label_column(&row, options);
                }
                let name = column.as_deref().or(options.label_field.as_deref()).unwrap_or("label");
                let written = Written::read(row.column(name));
                let written = written.map_err(|cause| unlabelled(&row, name, cause, "column"))?;
                let separator = options.separator.as_deref();
                several = separator.is_some() || matches!(written, Written::List(_));
                vec![match (written, separator) {
                    (Written::Nothing, _) => None,
                    (Written::List(labels), _) => Some(labels),
                    (Written::One(labels), Some(separator)) if !separator.is_empty() => {
                        let labels = labels.split(separator).map(str::trim).filter(|label| !label.is_empty());
                        Some(labels.map(str::to_owned).collect())
                    }
                    (Written::One(label), _) => Some(vec![label]),
                }]
            }
        };
        Ok(LabelledRow { row, labels, also, several })
    }
}

impl Iterator for LabelledRows {
    type Item = Result<LabelledRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        Some(row.and_then(|row| self.labels(row).map_err(ReadError::Reject)))
    }
}

impl Recipe {
    /// The file of a split. `root` is the folder that holds all sets.
    pub fn split_file(&self, root: &Path, split: &str) -> Result<PathBuf, DataError> {
        let file = self.files.get(split).ok_or_else(|| DataError::NoSplit {
            recipe: self.name.clone(),
            split: split.to_owned(),
            found: self.files.keys().cloned().collect(),
        })?;
        let path = root.join(&self.folder).join(file);
        if !path.exists() {
            let (recipe, origin) = (self.name.clone(), self.origin.clone());
            return Err(DataError::NoSplitFile { recipe, split: split.to_owned(), path, origin });
        }
        Ok(path)
    }
}

/// The reject of a row whose label cannot be read.
fn unlabelled(row: &Row, field: &str, cause: &str, what: &str) -> Reject {
    let found: Vec<String> = row.columns.iter().map(|(name, _)| name.to_string()).collect();
    Reject {
        position: row.position.clone(),
        cause: format!("the label {what} `{field}` {cause}"),
        hint: Some(format!("its columns are {}", quoted(&found))),
        raw: row.to_json(),
    }
}

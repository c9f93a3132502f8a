//! The columns of a typed table, and the rows of its batches.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};

use super::error::{ReadError, SAMPLE};
use super::options::{Nested, Place, ReadOptions, all_names};
use crate::error::DataError;
use crate::reject::Reject;
use crate::remedy::Remedy;
use crate::row::{Article, Cell, Position, Row, Table, TableForm, TypedCell, is_text_or_list, nested_type};

/// The columns of a typed table, of which some contain the articles.
pub(super) struct TypedColumns {
    /// The name of the table in messages.
    name: Arc<str>,
    table: Table,
    text: Place,
    title: Option<Place>,
    /// The maximum length of a text in bytes.
    limit: usize,
}

impl TypedColumns {
    /// Finds the text and the title among the columns of a schema.
    ///
    /// # Errors
    /// If there are too many columns, a name occurs twice, or a requested column or the text column does not exist or
    /// does not contain text.
    pub fn new(
        schema: SchemaRef,
        name: Arc<str>,
        options: &ReadOptions,
        limit: usize,
    ) -> Result<TypedColumns, DataError> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let (text, title) = options.article_places(&name, &names, Nested::Typed(&schema))?;
        let type_of = |place: &Place| match (schema.field(place.column).data_type(), &place.path) {
            (kind, None) => Some(kind),
            (kind, Some(path)) => nested_type(kind, path),
        };
        // A column called `title` that is not text is ignored, unless the caller asked for it.
        let is_usable = |kind: &DataType| is_text_or_list(kind) || options.allows_null_type && *kind == DataType::Null;
        let has_text = |place: &Place| type_of(place).is_some_and(is_usable);
        let title = title.filter(|title| options.title_field.is_some() || has_text(title));
        if let Some(place) = title.iter().chain([&text]).find(|place| !has_text(place) && !options.rows_only) {
            let column = schema.field(place.column).name();
            let column = place.path.as_ref().map_or(column.clone(), |path| format!("{column}.{path}"));
            let kind = type_of(place).map(ToString::to_string).unwrap_or_default();
            let columns = all_names(&names, Some(&schema));
            return Err(DataError::NotText { name: name.to_string(), column, kind, columns });
        }
        let columns = names.iter().map(|column| Arc::from(*column)).collect();
        let table = Table { columns, form: TableForm::Typed(schema) };
        Ok(TypedColumns { name, table, text, title, limit })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the columns and their types.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the index of the text column, unless the text is nested in it.
    pub fn text_column(&self) -> Option<usize> {
        self.text.path.is_none().then_some(self.text.column)
    }

    /// Returns a row of a batch. `number` is its number in the table, counted from 1.
    ///
    /// # Errors
    /// A reject if the text is too long.
    pub fn row(&self, batch: &Arc<RecordBatch>, index: usize, number: u64) -> Result<Row, ReadError> {
        let position = Position { source: Arc::clone(&self.name), row: number, line: 0, offset: 0 };
        let cell = |column| Cell::Typed(TypedCell::new(Arc::clone(batch), column, index));
        let text_of = |place: &Place| {
            let cell = match &place.path {
                None => cell(place.column),
                Some(path) => cell(place.column).nested(path)?,
            };
            // The types were checked: the only values without a text are nulls.
            cell.joined_text().ok().filter(|_| !cell.is_null()).map(|text| text.into_owned())
        };
        let text = text_of(&self.text).unwrap_or_default();
        let title = self.title.as_ref().and_then(text_of);
        if text.len() > self.limit {
            let start = text.chars().take(SAMPLE).collect();
            let cause = format!("the text is longer than {} bytes", self.limit);
            return Err(ReadError::Reject(Reject::new(position, cause, Some(Remedy::CheckLength), start)));
        }
        let columns = self.table.columns.iter().cloned().zip((0..self.table.columns.len()).map(cell)).collect();
        let article = Article { title, text, target_entity: None };
        Ok(Row { position, columns, article, raw_line: None, was_html: false })
    }
}

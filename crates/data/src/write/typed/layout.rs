//! The columns of a typed output, and whether a row fits them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};

use super::super::row_writer::Value;
use super::added::{added_fields, schema_with_added};
use super::values::{Kind, Scalar, can_hold, to_scalar};
use crate::error::DataError;
use crate::row::{Cell, Row, Table, TableForm, TypedCell};

/// The columns of an output in their order: those of the input, then the added ones.
pub(super) struct Layout {
    schema: SchemaRef,
    /// The number of added columns.
    added: usize,
    /// The index of each column that comes from the input.
    index: HashMap<String, usize>,
    /// The schema of the last typed row, and the map to its columns.
    last: Option<(SchemaRef, ColumnMap)>,
}

/// The index of each output column in an input table, or `None` if the input lacks it.
pub(super) type ColumnMap = Arc<[Option<usize>]>;

/// A row that fits the columns of the output.
pub(super) enum FittedRow {
    /// A row of an input batch.
    Typed { batch: Arc<RecordBatch>, row: usize, columns: ColumnMap },
    /// One value per column.
    Scalars(Vec<Scalar>),
}

/// Why a row does not fit.
pub(super) enum Misfit {
    /// The output does not have this column.
    NewColumn(String),
    /// An added column has the name of this column.
    TakenName(String),
    /// A value does not have the type of its column.
    Type { column: String, cause: String },
}

impl Misfit {
    /// Returns the error of a row.
    pub fn into_error(self, row: &Row) -> DataError {
        let position = row.position.clone();
        match self {
            Misfit::NewColumn(column) => DataError::NewColumn { position, column },
            Misfit::TakenName(column) => DataError::TakenName { column },
            Misfit::Type { column, cause } => DataError::OtherType { position, column, cause },
        }
    }
}

impl Layout {
    /// Returns the columns of an output that is continued. [`Layout::set_added`] declares how many were added.
    pub fn of_schema(schema: SchemaRef) -> Layout {
        Layout { index: index_of(schema.fields()), schema, added: 0, last: None }
    }

    /// Returns the columns of a table. Typed columns keep their types.
    pub fn of_table(table: &Table, added: &[(String, Value)]) -> Layout {
        match &table.form {
            TableForm::Typed(schema) => Layout::of_typed(schema, added),
            _ => {
                let fields = table.columns.iter().map(|name| Field::new(&**name, DataType::Utf8, true));
                Layout::new(fields.collect(), HashMap::new(), added)
            }
        }
    }

    /// Returns the columns of a row of a typed table, whose batches have this schema.
    pub fn of_typed_row(schema: &SchemaRef, columns: &[(Arc<str>, Cell)], added: &[(String, Value)]) -> Layout {
        let field = |(name, cell): &(Arc<str>, Cell)| match cell {
            Cell::Typed(cell) => Arc::clone(&schema.fields()[cell.location().1]),
            _ => Arc::new(Field::new(&**name, DataType::Utf8, true)),
        };
        let fields: Fields = columns.iter().map(field).collect();
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        Layout::of_typed(&Arc::new(schema), added)
    }

    /// Returns the columns of a typed table.
    fn of_typed(schema: &SchemaRef, added: &[(String, Value)]) -> Layout {
        let field = |field: &Arc<Field>| {
            let kind = match field.data_type() {
                // Another file, or another part of this one, may have more categories than a small key can count.
                DataType::Dictionary(key, values) if key.primitive_width().is_some_and(|width| width < 4) => {
                    DataType::Dictionary(Box::new(DataType::Int32), values.clone())
                }
                // Another file may have values in a column that is all null here.
                DataType::Null => DataType::Utf8,
                kind => kind.clone(),
            };
            // A row of another file may lack the column.
            field.as_ref().clone().with_data_type(kind).with_nullable(true)
        };
        Layout::new(schema.fields().iter().map(field).collect(), schema.metadata().clone(), added)
    }

    /// Returns the columns of these rows. Each has the narrowest type that holds all its values.
    pub fn of_rows<'a>(rows: impl Iterator<Item = &'a [(Arc<str>, Cell)]>, added: &[(String, Value)]) -> Layout {
        let mut kinds: Vec<(Arc<str>, Option<Kind>)> = Vec::new();
        let mut known: HashMap<Arc<str>, usize> = HashMap::new();
        for columns in rows {
            for (index, (name, cell)) in columns.iter().enumerate() {
                // Most rows have the same columns in the same order, so the same index is tried first.
                let same = kinds.get(index).is_some_and(|(known, _)| known == name).then_some(index);
                let index = match same.or_else(|| known.get(name).copied()) {
                    Some(index) => index,
                    None => {
                        kinds.push((Arc::clone(name), None));
                        known.insert(Arc::clone(name), kinds.len() - 1);
                        kinds.len() - 1
                    }
                };
                kinds[index].1 = Kind::common(kinds[index].1, Kind::of(cell));
            }
        }
        let fields = kinds.into_iter().map(|(name, kind)| kind.unwrap_or(Kind::Text).field(&name)).collect();
        Layout::new(fields, HashMap::new(), added)
    }

    fn new(fields: Vec<Field>, metadata: HashMap<String, String>, added: &[(String, Value)]) -> Layout {
        let schema = schema_with_added(fields.into_iter().map(Arc::new), metadata, added_fields(added));
        let mut layout = Layout::of_schema(Arc::new(schema));
        layout.set_added(added.len());
        layout
    }

    /// Returns all columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Declares that the last `added` columns are added ones.
    pub fn set_added(&mut self, added: usize) {
        self.added = added.min(self.schema.fields().len());
        self.index = index_of(self.kept());
    }

    /// Returns the columns that come from the input.
    pub fn kept(&self) -> &[Arc<Field>] {
        let fields = self.schema.fields();
        &fields[..fields.len() - self.added]
    }

    /// Returns the added columns.
    pub fn added(&self) -> &[Arc<Field>] {
        &self.schema.fields()[self.kept().len()..]
    }

    /// Assigns the values of a row to the columns.
    ///
    /// # Errors
    /// If the row has another column, or a value of another type.
    pub fn fit(&mut self, columns: &[(Arc<str>, Cell)]) -> Result<FittedRow, Misfit> {
        match typed_cell(columns) {
            Some(cell) => {
                let (batch, _, row) = cell.location();
                let columns = self.column_map(batch.schema_ref(), columns)?;
                Ok(FittedRow::Typed { batch: Arc::clone(batch), row, columns })
            }
            None => self.fit_scalars(columns).map(FittedRow::Scalars),
        }
    }

    fn fit_scalars(&self, columns: &[(Arc<str>, Cell)]) -> Result<Vec<Scalar>, Misfit> {
        let kept = self.kept();
        let mut values = vec![Scalar::Null; kept.len()];
        for (index, (name, cell)) in columns.iter().enumerate() {
            let known = kept.get(index).is_some_and(|field| field.name() == &**name).then_some(index);
            let Some(index) = known.or_else(|| self.index.get(&**name).copied()) else {
                return Err(self.unknown(name));
            };
            values[index] =
                to_scalar(cell, &kept[index]).map_err(|cause| Misfit::Type { column: name.to_string(), cause })?;
        }
        Ok(values)
    }

    /// Returns the map from the output columns to those of a typed table, of which these columns of a row are written.
    fn column_map(&mut self, schema: &SchemaRef, columns: &[(Arc<str>, Cell)]) -> Result<ColumnMap, Misfit> {
        if let Some((known, columns)) = &self.last
            && Arc::ptr_eq(known, schema)
        {
            return Ok(Arc::clone(columns));
        }
        let mut map = vec![None; self.kept().len()];
        for (name, cell) in columns {
            // A column that this input lacks stays null.
            let Cell::Typed(cell) = cell else { continue };
            let Some(index) = self.index.get(&**name).copied() else {
                return Err(self.unknown(name));
            };
            let (output, input) = (self.kept()[index].data_type(), cell.data_type());
            if !can_hold(output, input) {
                let cause = format!("has the type {input}, but its type in the output is {output}");
                return Err(Misfit::Type { column: name.to_string(), cause });
            }
            map[index] = Some(cell.location().1);
        }
        let map: ColumnMap = map.into();
        self.last = Some((Arc::clone(schema), Arc::clone(&map)));
        Ok(map)
    }

    /// Returns why a column that does not come from the input does not fit.
    fn unknown(&self, name: &str) -> Misfit {
        match self.added().iter().any(|field| field.name() == name) {
            true => Misfit::TakenName(name.to_owned()),
            false => Misfit::NewColumn(name.to_owned()),
        }
    }
}

/// Returns a cell of a typed table, if the row comes from one.
pub(super) fn typed_cell(columns: &[(Arc<str>, Cell)]) -> Option<&TypedCell> {
    columns.iter().find_map(|(_, cell)| match cell {
        Cell::Typed(cell) => Some(cell),
        _ => None,
    })
}

fn index_of(fields: &[Arc<Field>]) -> HashMap<String, usize> {
    // Of several columns of one name, the first one counts.
    fields.iter().enumerate().rev().map(|(index, field)| (field.name().clone(), index)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::value::RawValue;

    fn columns(values: &[(&str, &str)]) -> Vec<(Arc<str>, Cell)> {
        let cell = |json: &str| Cell::Json(RawValue::from_string(json.to_owned()).unwrap());
        values.iter().map(|(name, json)| ((*name).into(), cell(json))).collect()
    }

    fn types(rows: &[Vec<(Arc<str>, Cell)>]) -> Vec<String> {
        let layout = Layout::of_rows(rows.iter().map(Vec::as_slice), &[]);
        let shown = |field: &Arc<Field>| {
            let mark = if field.metadata().is_empty() { "" } else { " of JSON" };
            format!("{} {}{mark}", field.name(), field.data_type())
        };
        layout.schema().fields().iter().map(shown).collect()
    }

    #[test]
    fn column_gets_the_narrowest_type_that_holds_all_its_values() {
        let one = columns(&[("a", "1"), ("b", "true"), ("c", "\"x\""), ("d", "null"), ("e", "[1]"), ("f", "1.0")]);
        assert_eq!(
            types(std::slice::from_ref(&one)),
            ["a Int64", "b Boolean", "c Utf8", "d Utf8", "e Utf8 of JSON", "f Float64"]
        );
        let other = columns(&[("a", "2.5"), ("b", "0"), ("c", "null"), ("d", "7"), ("g", "{}")]);
        assert_eq!(
            types(&[one, other]),
            ["a Float64", "b Utf8 of JSON", "c Utf8", "d Int64", "e Utf8 of JSON", "f Float64", "g Utf8 of JSON"]
        );
        // No number is rounded.
        let wide = columns(&[("a", "9007199254740993")]);
        assert_eq!(types(&[wide.clone(), columns(&[("a", "1")])]), ["a Int64"]);
        assert_eq!(types(&[wide, columns(&[("a", "0.5")])]), ["a Utf8 of JSON"]);
        assert_eq!(
            types(&[columns(&[("a", "123456789012345678901234567890"), ("b", "1e400")])]),
            ["a Utf8 of JSON", "b Utf8 of JSON"]
        );
    }

    #[test]
    fn later_row_fits_or_gives_the_cause() {
        let first = columns(&[("a", "1"), ("b", "1.5"), ("c", "\"x\""), ("d", "[1]")]);
        let mut layout = Layout::of_rows([first.as_slice()].into_iter(), &[]);
        let mut fit = |values: &[(&str, &str)]| match layout.fit(&columns(values)) {
            Ok(FittedRow::Scalars(values)) => format!("{values:?}"),
            Ok(FittedRow::Typed { .. }) => "typed".into(),
            Err(Misfit::NewColumn(name)) => format!("new {name}"),
            Err(Misfit::TakenName(name)) => format!("taken {name}"),
            Err(Misfit::Type { column, cause }) => format!("{column} {cause}"),
        };
        assert_eq!(fit(&[("b", "2"), ("d", "\"y\"")]), r#"[Null, Float(2.0), Null, Text("\"y\"")]"#);
        assert_eq!(fit(&[("c", "3")]), r#"[Null, Null, Text("3"), Null]"#);
        assert_eq!(fit(&[("a", "2.5")]), "a contains `2.5`, but its type in the output is Int64");
        assert_eq!(
            fit(&[("b", "9007199254740993")]),
            "b contains `9007199254740993`, but its type in the output is Float64"
        );
        assert_eq!(fit(&[("e", "3")]), "new e");
    }
}

//! The columns of a typed output, and what fits into them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};

use super::super::Value;
use super::values::{Kind, Plain, holds, plain};
use crate::article::{Cell, Row};
use crate::error::DataError;
use crate::table::{Table, TableForm};

/// What the datasets library writes beside a table: a list of all columns, which is out of date once some are added.
const STALE: &str = "huggingface";

/// Columns in their order: those of the input, then the added ones.
pub(super) struct Layout {
    schema: SchemaRef,
    /// How many of the columns are added ones.
    added: usize,
    /// The schema of the last typed row, and which of its columns stand in ours.
    last: Option<(SchemaRef, Places)>,
}

/// For each of our columns, which one of a typed table's it is.
pub(super) type Places = Arc<[Option<usize>]>;

/// A row that fits into the columns of the input.
pub(super) enum Fitted {
    /// It stands in a batch; for each column, which one of the batch it is.
    Typed { batch: Arc<RecordBatch>, row: usize, columns: Places },
    /// A value for each column.
    Plain(Vec<Plain>),
}

/// Why a row does not fit.
pub(super) enum Misfit {
    /// It has a column that there is no place for.
    NewColumn(String),
    /// A column holds something of another type.
    Type { column: String, cause: String },
}

impl Misfit {
    /// The error of this row.
    pub fn of(self, row: &Row) -> DataError {
        let position = row.position.clone();
        match self {
            Misfit::NewColumn(column) => DataError::NewColumn { position, column },
            Misfit::Type { column, cause } => DataError::OtherType { position, column, cause },
        }
    }
}

impl Layout {
    /// The columns of an output that is gone on with. How many were added is said later.
    pub fn of_schema(schema: SchemaRef) -> Layout {
        Layout { schema, added: 0, last: None }
    }

    /// The columns of a table, typed ones with their types.
    pub fn of_table(table: &Table, added: &[(String, Value)]) -> Layout {
        match &table.form {
            TableForm::Typed(schema) => Layout::of_typed(schema, added),
            _ => {
                let fields = table.columns.iter().map(|name| Field::new(&**name, DataType::Utf8, true));
                Layout::new(fields.collect(), HashMap::new(), added)
            }
        }
    }

    /// The columns of a typed table.
    pub fn of_typed(schema: &SchemaRef, added: &[(String, Value)]) -> Layout {
        let field = |field: &Arc<Field>| {
            let kind = match field.data_type() {
                // Another file, or another part of this one, may have more categories than small keys can count.
                DataType::Dictionary(key, values) if key.primitive_width().is_some_and(|width| width < 4) => {
                    DataType::Dictionary(Box::new(DataType::Int32), values.clone())
                }
                // And values where this one has none.
                DataType::Null => DataType::Utf8,
                kind => kind.clone(),
            };
            // A row of another file may lack the column.
            field.as_ref().clone().with_data_type(kind).with_nullable(true)
        };
        Layout::new(schema.fields().iter().map(field).collect(), schema.metadata().clone(), added)
    }

    /// The columns that these rows have, each of the narrowest type that holds all its values.
    pub fn of_rows<'a>(rows: impl Iterator<Item = &'a [(Arc<str>, Cell)]>, added: &[(String, Value)]) -> Layout {
        let mut kinds: Vec<(Arc<str>, Option<Kind>)> = Vec::new();
        for columns in rows {
            for (at, (name, cell)) in columns.iter().enumerate() {
                // Rows mostly have the same columns in the same order: look there first.
                let known = kinds.get(at).is_some_and(|(known, _)| known == name).then_some(at);
                let at = match known.or_else(|| kinds.iter().position(|(known, _)| known == name)) {
                    Some(at) => at,
                    None => {
                        kinds.push((Arc::clone(name), None));
                        kinds.len() - 1
                    }
                };
                kinds[at].1 = Kind::both(kinds[at].1, Kind::of(cell));
            }
        }
        let fields = kinds.into_iter().map(|(name, kind)| kind.unwrap_or(Kind::Text).field(&name)).collect();
        Layout::new(fields, HashMap::new(), added)
    }

    fn new(fields: Vec<Field>, mut metadata: HashMap<String, String>, added: &[(String, Value)]) -> Layout {
        let kept = fields.into_iter().filter(|field| !added.iter().any(|(name, _)| name == field.name()));
        let new = added.iter().map(|(name, value)| {
            let kind = match value {
                Value::Number(_) => DataType::Float64,
                Value::Integer(_) => DataType::Int64,
                Value::Text(_) | Value::Null => DataType::Utf8,
            };
            Field::new(name, kind, true)
        });
        metadata.remove(STALE);
        let schema = Schema::new_with_metadata(kept.chain(new).collect::<Fields>(), metadata);
        Layout { schema: Arc::new(schema), added: added.len(), last: None }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Says how many of the columns are added ones.
    pub fn expect_added(&mut self, added: usize) {
        self.added = added.min(self.schema.fields().len());
    }

    /// The columns that come from the input.
    pub fn kept(&self) -> &[Arc<Field>] {
        let fields = self.schema.fields();
        &fields[..fields.len() - self.added]
    }

    /// The columns that are added.
    pub fn added(&self) -> &[Arc<Field>] {
        &self.schema.fields()[self.kept().len()..]
    }

    /// Puts the values of a row in their places.
    pub fn fit(&mut self, columns: &[(Arc<str>, Cell)]) -> Result<Fitted, Misfit> {
        match columns.first() {
            Some((_, Cell::Typed(cell))) => {
                let (batch, _, row) = cell.place();
                Ok(Fitted::Typed { batch: Arc::clone(batch), row, columns: self.places(batch.schema_ref())? })
            }
            _ => self.fit_plain(columns).map(Fitted::Plain),
        }
    }

    fn fit_plain(&self, columns: &[(Arc<str>, Cell)]) -> Result<Vec<Plain>, Misfit> {
        let kept = self.kept();
        let mut values = vec![Plain::Null; kept.len()];
        for (at, (name, cell)) in columns.iter().enumerate() {
            let known = kept.get(at).is_some_and(|field| field.name() == &**name).then_some(at);
            let Some(at) = known.or_else(|| kept.iter().position(|field| field.name() == &**name)) else {
                if self.is_added(name) {
                    continue;
                }
                return Err(Misfit::NewColumn(name.to_string()));
            };
            values[at] = plain(cell, &kept[at]).map_err(|cause| Misfit::Type { column: name.to_string(), cause })?;
        }
        Ok(values)
    }

    /// For each of our columns, which one of a typed table's it is.
    fn places(&mut self, schema: &SchemaRef) -> Result<Places, Misfit> {
        if let Some((known, places)) = &self.last
            && Arc::ptr_eq(known, schema)
        {
            return Ok(Arc::clone(places));
        }
        let mut places = vec![None; self.kept().len()];
        for (column, field) in schema.fields().iter().enumerate() {
            match self.kept().iter().position(|kept| kept.name() == field.name()) {
                Some(at) => {
                    let (ours, theirs) = (self.kept()[at].data_type(), field.data_type());
                    if !holds(ours, theirs) {
                        let cause = format!("is {theirs}, and {ours} in the output");
                        return Err(Misfit::Type { column: field.name().clone(), cause });
                    }
                    places[at] = Some(column);
                }
                None if self.is_added(field.name()) => {}
                None => return Err(Misfit::NewColumn(field.name().clone())),
            }
        }
        let places: Places = places.into();
        self.last = Some((Arc::clone(schema), Arc::clone(&places)));
        Ok(places)
    }

    fn is_added(&self, name: &str) -> bool {
        self.added().iter().any(|field| field.name() == name)
    }
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
    fn a_column_has_the_narrowest_type_that_holds_all_its_values() {
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
        // Nothing is rounded.
        let wide = columns(&[("a", "9007199254740993")]);
        assert_eq!(types(&[wide.clone(), columns(&[("a", "1")])]), ["a Int64"]);
        assert_eq!(types(&[wide, columns(&[("a", "0.5")])]), ["a Utf8 of JSON"]);
        assert_eq!(
            types(&[columns(&[("a", "123456789012345678901234567890"), ("b", "1e400")])]),
            ["a Utf8 of JSON", "b Utf8 of JSON"]
        );
    }

    #[test]
    fn later_rows_fit_or_say_why_not() {
        let first = columns(&[("a", "1"), ("b", "1.5"), ("c", "\"x\""), ("d", "[1]")]);
        let mut layout = Layout::of_rows([first.as_slice()].into_iter(), &[]);
        let mut fit = |values: &[(&str, &str)]| match layout.fit(&columns(values)) {
            Ok(Fitted::Plain(values)) => format!("{values:?}"),
            Ok(Fitted::Typed { .. }) => "typed".into(),
            Err(Misfit::NewColumn(name)) => format!("new {name}"),
            Err(Misfit::Type { column, cause }) => format!("{column} {cause}"),
        };
        assert_eq!(fit(&[("b", "2"), ("d", "\"y\"")]), r#"[Null, Float(2.0), Null, Text("\"y\"")]"#);
        assert_eq!(fit(&[("c", "3")]), r#"[Null, Null, Text("3"), Null]"#);
        assert_eq!(fit(&[("a", "2.5")]), "a is `2.5`, and Int64 in the output");
        assert_eq!(fit(&[("b", "9007199254740993")]), "b is `9007199254740993`, and Float64 in the output");
        assert_eq!(fit(&[("e", "3")]), "new e");
    }
}

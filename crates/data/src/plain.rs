//! A user's own labelled files: a table or JSON Lines with a label column, without a recipe.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::article::{Article, Position, Row};
use crate::error::DataError;
use crate::labelled::{LabelledArticle, LabelledHead, LabelledSet};
use crate::labels::{LabelId, LabelSet};
use crate::read::{ReadError, ReadOptions, Reject};
use crate::rows::{LabelledRow, LabelledRows};
use crate::source::Source;
use crate::target::{find_label, target};

/// Labels that an error names.
const NAMED: usize = 10;

/// Where labels usually stand, after a column that is called like the head.
const LABEL_NAMES: [&str; 7] = ["label", "labels", "category", "class", "topic", "section", "sentiment"];

/// How a user's labelled files are read.
#[derive(Debug, Clone, Default)]
pub struct PlainOptions {
    /// How articles are found.
    pub read: ReadOptions,
    /// The name of the head that the labels teach.
    pub head: String,
    /// The column of the label. When absent: the one called like the head, or else the first of `label`, `labels`,
    /// `category`, `class`, `topic`, `section`, `sentiment`.
    pub label_field: Option<String>,
    /// The labels that may occur; made of those that do, sorted by name, when absent.
    pub labels: Option<Arc<LabelSet>>,
    /// Which of `labels` each label of the files may mean, in order; an empty list where a label says nothing. It is heeded where the
    /// files have a label that `labels` has not. Of rows that have several labels, all that they map to are meant.
    pub map: Option<Vec<(String, Vec<String>)>>,
    /// What stands between the labels of a row that has several. Makes the head one of many labels, as a JSON list does.
    pub separator: Option<String>,
}

/// Reads labelled files into one set. Rows whose label is blank or `null` were not labelled and are skipped.
pub fn load_plain(sources: &[Source], options: &PlainOptions) -> Result<LabelledSet, DataError> {
    let names: Vec<String> = sources.iter().map(|source| source.name().to_string()).collect();
    let mut rows = PlainRows { multi: options.separator.is_some(), ..PlainRows::default() };
    for source in sources {
        rows.add(source, options)?;
    }
    if rows.labelled.is_empty() {
        let told = |reject: &Reject| match (rows.first_columns.is_empty(), &reject.hint) {
            (true, Some(hint)) => format!("{reject}; {hint}"),
            (true, None) => reject.to_string(),
            (false, _) => reject.cause.clone(),
        };
        let cause = rows.rejects.first().map(told);
        return Err(DataError::NoLabelled {
            name: names.join("`, `"),
            found: rows.first_columns,
            first: cause.or_else(|| (rows.skipped > 0).then(|| "no row has a label".to_owned())),
        });
    }
    let labels = match &options.labels {
        Some(labels) => Arc::clone(labels),
        None => {
            let occurring: BTreeSet<&String> = rows.labelled.iter().flat_map(|row| &row.labels).collect();
            Arc::new(LabelSet::new(options.head.clone(), occurring.into_iter().cloned()))
        }
    };
    let map = match (unknown(&rows.labelled, &labels), &options.map) {
        (None, _) => None,
        (Some(_), Some(map)) => Some(resolved(map, &labels)?),
        (Some(error), None) => return Err(error),
    };
    let mut articles = Vec::with_capacity(rows.labelled.len());
    for row in rows.labelled {
        let mut ids = vec![];
        for label in &row.labels {
            match &map {
                None => ids.push(find_label(&labels, label, &row.position)?),
                Some(map) => match map.iter().find(|(from, _)| from == label) {
                    Some((_, to)) => ids.extend_from_slice(to),
                    None => {
                        return Err(DataError::NotInMap { position: row.position, label: label.clone() });
                    }
                },
            }
        }
        if ids.is_empty() && !row.labels.is_empty() {
            // The map says that its labels say nothing.
            rows.skipped += 1;
            continue;
        }
        articles.push(LabelledArticle {
            targets: vec![target(ids, rows.multi)],
            also: vec![vec![]],
            source_labels: vec![Some(row.labels.join("; "))],
            position: row.position,
            article: row.article,
        });
    }
    Ok(LabelledSet {
        name: names.join(", "),
        split: "all".to_owned(),
        heads: vec![LabelledHead { name: options.head.clone(), labels, multi: rows.multi, map }],
        articles,
        rejects: rows.rejects,
        skipped: rows.skipped,
    })
}

/// What each label of the files may mean, by its place in the label set.
fn resolved(map: &[(String, Vec<String>)], labels: &LabelSet) -> Result<Vec<(String, Vec<LabelId>)>, DataError> {
    let find = |from: &str, label: &String| {
        labels.find(label).ok_or_else(|| DataError::WrongMap {
            from: from.to_owned(),
            label: label.clone(),
            known: labels.suggestions(label),
        })
    };
    let entry = |(from, to): &(String, Vec<String>)| {
        let to = to.iter().map(|label| find(from, label)).collect::<Result<Vec<_>, _>>()?;
        Ok((from.clone(), to))
    };
    map.iter().map(entry).collect()
}

/// The labels of the rows that the label set does not have, as an error that names several at once: whoever has to map some wants to
/// know of them. `None` if it has all of them.
fn unknown(rows: &[PlainRow], labels: &LabelSet) -> Option<DataError> {
    let (mut seen, mut unknown): (BTreeSet<&String>, Vec<(&String, &Position)>) = Default::default();
    for row in rows {
        for label in row.labels.iter().filter(|label| labels.find(label).is_none()) {
            if seen.insert(label) {
                unknown.push((label, &row.position));
            }
        }
    }
    match unknown.as_slice() {
        [] => None,
        [(label, position)] => find_label(labels, label, position).err(),
        [(_, position), ..] => Some(DataError::UnknownLabels {
            position: Box::new((*position).clone()),
            unknown: unknown.iter().take(NAMED).map(|(label, _)| (*label).clone()).collect(),
            more: unknown.len().saturating_sub(NAMED),
            labels: labels.name.clone(),
            known: labels.labels.iter().map(|label| label.name.clone()).collect(),
        }),
    }
}

struct PlainRow {
    position: Position,
    article: Article,
    labels: Vec<String>,
}

/// The rows of all files, before it is known which labels there are.
#[derive(Default)]
struct PlainRows {
    labelled: Vec<PlainRow>,
    rejects: Vec<Reject>,
    skipped: u64,
    multi: bool,
    first_columns: Vec<String>,
}

impl PlainRows {
    fn add(&mut self, source: &Source, options: &PlainOptions) -> Result<(), DataError> {
        let mut rows = LabelledRows::of_file(source, options)?;
        for row in rows.by_ref() {
            let LabelledRow { row, labels, several, .. } = match row {
                Ok(row) => row,
                Err(ReadError::Reject(reject)) => {
                    self.rejects.push(reject);
                    continue;
                }
                Err(ReadError::Fatal(error)) => return Err(error),
            };
            self.multi |= several;
            match labels.into_iter().next().flatten() {
                Some(labels) => {
                    self.labelled.push(PlainRow { position: row.position, article: row.article, labels });
                }
                None => self.skipped += 1,
            }
        }
        if self.first_columns.is_empty() {
            self.first_columns = rows.found().to_vec();
        }
        Ok(())
    }
}

/// The name of the column that holds the labels, as the row writes it.
pub(crate) fn label_column(row: &Row, options: &PlainOptions) -> Option<String> {
    let like = |wanted: &str| row.columns.iter().find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    let found = match &options.label_field {
        Some(wanted) if row.column(wanted).is_some() => return Some(wanted.clone()),
        Some(wanted) => like(wanted),
        None => std::iter::once(options.head.as_str()).chain(LABEL_NAMES).find_map(like),
    };
    found.map(|(name, _)| name.to_string())
}

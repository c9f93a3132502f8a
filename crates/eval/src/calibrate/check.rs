//! Checks whether labelled articles say enough about the temperature of a head.

use crate::error::{EvalError, Result};
use crate::head_data::{HeadData, head_data};
use newsdesk_data::{LabelledSet, TextHash};
use newsdesk_model::Head;
use std::collections::{BTreeSet, HashSet};

/// The smallest number of distinct articles from which a temperature is fitted.
const MIN_ARTICLES: usize = 50;

/// Checks that [`calibrate`](crate::calibrate) can fit the temperature of at least one head that the data sets have labels
/// for, as far as that is known before the articles are classified.
///
/// # Errors
/// If data set and model have no head in common, a label of a common head is not one of the model's, or every such head has
/// no labelled article, too few of them, or only one label.
pub fn check_calibration(sets: &[LabelledSet], heads: &[Head]) -> Result<()> {
    let sets: Vec<&LabelledSet> = sets.iter().collect();
    let mut error = None;
    for (index, head) in heads.iter().enumerate() {
        let data = head_data(&sets, heads, index)?;
        if data.is_empty() {
            continue;
        }
        let Some(cause) = obstacle(&data) else { return Ok(()) };
        error.get_or_insert(EvalError::Uncalibratable { head: head.name.clone(), cause, min_articles: MIN_ARTICLES });
    }
    error.map_or(Ok(()), Err)
}

/// Returns why the labels of these data sets say too little about a head's temperature; `None` if they say enough.
pub(super) fn obstacle(data: &[HeadData]) -> Option<String> {
    let (mut articles, mut distinct_labels) = (HashSet::new(), BTreeSet::new());
    for data in data {
        for row in &data.set.articles {
            let Some(gold_labels) = &row.gold_labels[data.head_index] else { continue };
            articles.insert(TextHash::with_target(&row.article));
            distinct_labels.insert(format!("{:?}", data.matched.gold(gold_labels)));
        }
    }
    match (articles.len(), distinct_labels.len()) {
        (0, _) => Some("no article is labelled for it".into()),
        (1, _) => Some(format!("that needs {MIN_ARTICLES} distinct labelled articles, and there is 1")),
        (all, 1) => Some(format!("all {all} articles have the same label")),
        (few, _) if few < MIN_ARTICLES => {
            Some(format!("that needs {MIN_ARTICLES} distinct labelled articles, and there are {few}"))
        }
        _ => None,
    }
}

//! Loads articles without labels, which a teacher labels.

use super::set::{LabelledArticle, LabelledSet};
use crate::error::DataError;
use crate::open::Source;
use crate::read::{ReadError, ReadOptions, read};

/// Reads files into a data set without heads. Label columns are ignored.
///
/// # Errors
/// If a file cannot be read.
pub fn load_unlabelled_files(sources: &[Source], options: &ReadOptions) -> Result<LabelledSet, DataError> {
    let names: Vec<String> = sources.iter().map(|source| source.name().to_string()).collect();
    let mut set = LabelledSet {
        name: names.join(", "),
        split: "unlabelled".into(),
        heads: vec![],
        articles: vec![],
        rejects: vec![],
        skipped: 0,
        html: 0,
    };
    for source in sources {
        for row in read(source, options)? {
            match row {
                Ok(row) => {
                    set.html += u64::from(row.was_html);
                    set.articles.push(LabelledArticle {
                        position: row.position,
                        article: row.article,
                        gold_labels: vec![],
                        also_correct: vec![],
                        data_set_labels: vec![],
                    });
                }
                Err(ReadError::Reject(reject)) => set.rejects.push(reject),
                Err(ReadError::Fatal(error)) => return Err(error),
            }
        }
    }
    Ok(set)
}

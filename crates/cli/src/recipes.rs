//! Built-in recipes and label sets, compiled into the binary.

use newsdesk_data::{DataError, LabelSet, Recipe};
use std::sync::Arc;

macro_rules! datasets {
    ($folder:literal, $($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../datasets/", $folder, $name, ".toml")))),+]
    };
}

const RECIPES: [(&str, &str); 22] = datasets!(
    "",
    "ag-news",
    "bbc-news",
    "financial-phrasebank",
    "huffpost",
    "iptc-media-topics",
    "iptc-news",
    "iptc-news-any",
    "iptc-news-more",
    "masakhanews",
    "movie-reviews",
    "newsgroups20",
    "newsmtsc",
    "newsmtsc-target",
    "newsmtsc-tone",
    "open-news",
    "reuters-r52",
    "reuters-r90",
    "sample",
    "sib200",
    "sst2",
    "sst5",
    "tweet-sentiment",
);

const LABEL_SETS: [(&str, &str); 2] = datasets!("labels/", "iptc-topics", "sentiment");

/// Returns the names of the built-in recipes.
pub fn names() -> Vec<&'static str> {
    RECIPES.iter().map(|(name, _)| *name).collect()
}

/// Returns the built-in recipe of this name.
pub fn recipe(name: &str) -> Option<Result<Recipe, DataError>> {
    RECIPES.iter().find(|(known, _)| *known == name).map(|(name, text)| Recipe::parse(text, &format!("{name}.toml")))
}

/// Returns the built-in label set of this name.
pub fn label_set(name: &str) -> Option<Arc<LabelSet>> {
    let (_, text) = LABEL_SETS.iter().find(|(known, _)| *known == name)?;
    let set = LabelSet::parse(text, &format!("{name}.toml"));
    Some(Arc::new(set.expect("built-in label sets are valid, since a test parses each of them")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn built_in_recipes_parse_and_map_to_known_labels() {
        for (name, _) in LABEL_SETS {
            assert_eq!(label_set(name).unwrap().name, name);
        }
        for name in names() {
            let recipe = recipe(name).unwrap().unwrap();
            assert_eq!(recipe.name, name);
            for (head, source) in &recipe.heads {
                let labels = label_set(&source.labels).unwrap();
                for label in source.map.iter().flatten().flat_map(|(_, to)| to) {
                    assert!(labels.find(label).is_some(), "{name}, {head}: `{label}` is not in {}", source.labels);
                }
            }
        }
    }
}

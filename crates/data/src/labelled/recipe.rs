//! Recipes: how a public data set is read, which files and fields it has, and how its labels map to a label set.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::error::LabelError;
use crate::error::DataError;
use crate::read::TargetFields;

/// How one public data set is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name of the recipe, which commands refer to.
    pub name: String,
    /// The usual name of the data set.
    pub title: String,
    /// Where the data set can be downloaded.
    pub origin: String,
    /// The licence, as its source states it.
    pub licence: String,
    /// What users should know before they use the data set.
    #[serde(default)]
    pub notes: Option<String>,
    /// The folder of its files, relative to the folder that contains all data sets.
    pub folder: PathBuf,
    /// The file of each split, relative to the folder.
    pub files: BTreeMap<String, PathBuf>,
    /// The fields of text and title, if they do not have the usual names.
    #[serde(default)]
    pub fields: Fields,
    /// The fields of the target entity, for target-dependent sentiment. Older recipes call them `mention`.
    #[serde(default, rename = "target", alias = "mention")]
    pub target_fields: Option<TargetFields>,
    /// The heads that the data set has labels for, in the order of the recipe.
    #[serde(deserialize_with = "in_order")]
    pub heads: Vec<(String, HeadRecipe)>,
}

/// The fields of an article.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The field of the text.
    #[serde(default)]
    pub text: Option<String>,
    /// The field of the title.
    #[serde(default)]
    pub title: Option<String>,
}

/// The labels that a data set has for one head.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRecipe {
    /// The field of the label, or of a list of labels.
    pub field: String,
    /// The name of the label set of the head.
    pub labels: String,
    /// Maps each label of the data set to the labels of the label set that it may mean, in the order of the recipe. An
    /// empty list excludes a label. Without a map, the field contains names or codes of the label set itself.
    #[serde(default, deserialize_with = "some_in_order")]
    pub map: Option<Vec<(String, Vec<String>)>>,
    /// Whether the head is multi-label: a row has all labels of its field, rather than one of them.
    #[serde(default)]
    pub multi: bool,
    /// The field of further labels that also count as correct in evaluation. They are not used for training.
    #[serde(default, rename = "also")]
    pub also_correct: Option<String>,
}

impl Recipe {
    /// Parses a recipe from TOML.
    ///
    /// # Errors
    /// If the TOML is not valid, or the recipe has no files, no heads, or inconsistent ones. Messages name the file
    /// `origin`.
    pub fn parse(toml: &str, origin: &str) -> Result<Recipe, DataError> {
        let recipe: Recipe = toml::from_str(toml)
            .map_err(|source| LabelError::Toml { name: origin.to_owned(), source: Box::new(source) })?;
        let both = recipe.heads.iter().find(|(_, head)| head.multi && head.also_correct.is_some());
        let cause = match (recipe.files.is_empty(), recipe.heads.is_empty(), both) {
            (true, ..) => "it has no files".to_owned(),
            (_, true, _) => "it has no heads".to_owned(),
            (.., Some((head, _))) => {
                format!("its head `{head}` has both `multi` and `also`, and a multi-label head cannot use `also`")
            }
            _ => return Ok(recipe),
        };
        Err(LabelError::Invalid { name: origin.to_owned(), cause }.into())
    }

    /// Returns the file of a split. `root` is the folder that contains all data sets.
    ///
    /// # Errors
    /// If the recipe has no such split, or its file does not exist.
    pub fn split_file(&self, root: &Path, split: &str) -> Result<PathBuf, DataError> {
        let file = self.files.get(split).ok_or_else(|| LabelError::NoSplit {
            recipe: self.name.clone(),
            split: split.to_owned(),
            splits: self.files.keys().cloned().collect(),
        })?;
        let path = root.join(&self.folder).join(file);
        if !path.exists() {
            let (recipe, origin) = (self.name.clone(), self.origin.clone());
            return Err(LabelError::NoSplitFile { recipe, split: split.to_owned(), path, origin }.into());
        }
        Ok(path)
    }
}

fn in_order<'de, V: Deserialize<'de>, D: Deserializer<'de>>(table: D) -> Result<Vec<(String, V)>, D::Error> {
    table.deserialize_map(Entries(PhantomData))
}

fn some_in_order<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
    table: D,
) -> Result<Option<Vec<(String, V)>>, D::Error> {
    in_order(table).map(Some)
}

/// Collects the entries of a table in the order of the file. A map would sort them.
struct Entries<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
    type Value = Vec<(String, V)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = table.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const AG_NEWS: &str = r#"
        name = "ag-news"
        title = "AG News"
        origin = "github.com/mhjabreel/CharCnn_Keras"
        licence = "research and non-commercial use"
        folder = "ag-news"
        [files]
        train = "train.jsonl.zst"
        test = "test.jsonl.zst"
        [heads.topic]
        field = "label"
        labels = "iptc-topics"
        [heads.topic.map]
        World = ["politics", "conflict, war and peace"]
        Business = ["economy, business and finance"]
        Ads = []
        [heads.sentiment]
        field = "tone"
        labels = "sentiment"
    "#;

    #[test]
    fn recipe_keeps_the_order_of_heads_and_labels() {
        let recipe = Recipe::parse(AG_NEWS, "ag-news.toml").unwrap();
        let heads: Vec<&str> = recipe.heads.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(heads, ["topic", "sentiment"]);
        let map = recipe.heads[0].1.map.as_ref().unwrap();
        let mapped: Vec<&str> = map.iter().map(|(label, _)| label.as_str()).collect();
        assert_eq!(mapped, ["World", "Business", "Ads"]);
        assert!(map[2].1.is_empty());
        assert!(recipe.heads[1].1.map.is_none());
        assert!(recipe.fields.title.is_none());
    }

    #[test]
    fn also_is_an_error_for_a_multi_label_head() {
        let also = AG_NEWS.replace("field = \"tone\"", "field = \"tone\"\nalso = \"tones\"");
        let recipe = Recipe::parse(&also, "ag-news.toml").unwrap();
        assert_eq!(
            (&recipe.heads[0].1.also_correct, recipe.heads[1].1.also_correct.as_deref()),
            (&None, Some("tones"))
        );
        let both = also.replace("also =", "multi = true\nalso =");
        let error = Recipe::parse(&both, "ag-news.toml").unwrap_err();
        assert!(error.to_string().contains("its head `sentiment` has both `multi` and `also`"), "{error}");
    }

    #[test]
    fn target_fields_have_an_older_name() {
        for key in ["target", "mention"] {
            let text = format!("{AG_NEWS}\n[{key}]\nfield = \"who\"\n");
            let recipe = Recipe::parse(&text, "ag-news.toml").unwrap();
            assert_eq!(recipe.target_fields.unwrap().field, "who", "{key}");
        }
    }

    #[test]
    fn unknown_key_is_an_error() {
        let wrong = AG_NEWS.replace("field = \"tone\"", "field = \"tone\"\ncolour = 1");
        let error = Recipe::parse(&wrong, "ag-news.toml").unwrap_err();
        assert_eq!(error.to_string(), "cannot read `ag-news.toml`");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("colour"), "{cause}");
    }
}

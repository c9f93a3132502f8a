//! A recipe says how a public data set is read: its files, its fields, and what its labels mean in ours.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::error::DataError;

/// How one public data set is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name by which commands refer to the set.
    pub name: String,
    /// The name that people know.
    pub title: String,
    /// Where the set comes from.
    pub origin: String,
    /// The licence as its source states it.
    pub licence: String,
    /// What one should know before using it.
    #[serde(default)]
    pub notes: Option<String>,
    /// The folder of its files, below the data root.
    pub folder: PathBuf,
    /// The file of each split, below the folder.
    pub files: BTreeMap<String, PathBuf>,
    /// Where text and title stand, unless under their usual names.
    #[serde(default)]
    pub fields: Fields,
    /// What the set teaches, head by head, in the order of the recipe.
    #[serde(deserialize_with = "in_order")]
    pub heads: Vec<(String, HeadRecipe)>,
}

/// Where a set keeps its articles.
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

/// What a set teaches one head.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRecipe {
    /// The field that holds the label, or a list of labels.
    pub field: String,
    /// The name of the label set that the head speaks.
    pub labels: String,
    /// Which labels of that set each label of the data may mean, in the order of the recipe; an empty list where the
    /// label teaches nothing. Without it the field holds names or codes of the label set itself.
    #[serde(default, deserialize_with = "some_in_order")]
    pub map: Option<Vec<(String, Vec<String>)>>,
    /// Whether a row has all the labels that its field names, rather than one of them.
    #[serde(default)]
    pub multi: bool,
    /// The field that lists other labels that are right, too. They are measured by and not trained on.
    #[serde(default)]
    pub also: Option<String>,
}

impl Recipe {
    /// Reads a recipe from TOML. The origin is the file that messages name.
    pub fn parse(toml: &str, origin: &str) -> Result<Recipe, DataError> {
        let recipe: Recipe = toml::from_str(toml)
            .map_err(|source| DataError::Toml { name: origin.to_owned(), source: Box::new(source) })?;
        let both = recipe.heads.iter().find(|(_, head)| head.multi && head.also.is_some());
        let cause = match (recipe.files.is_empty(), recipe.heads.is_empty(), both) {
            (true, ..) => "it has no files".to_owned(),
            (_, true, _) => "it has no heads".to_owned(),
            (.., Some((head, _))) => format!("its head `{head}` has `also`, which a head with `multi` has no use for"),
            _ => return Ok(recipe),
        };
        Err(DataError::Invalid { name: origin.to_owned(), cause })
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

/// Collects the entries of a table as they stand, which a map would sort.
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
    fn a_recipe_keeps_its_order() {
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
    fn other_right_labels_are_for_heads_of_one_label() {
        let also = AG_NEWS.replace("field = \"tone\"", "field = \"tone\"\nalso = \"tones\"");
        let recipe = Recipe::parse(&also, "ag-news.toml").unwrap();
        assert_eq!((&recipe.heads[0].1.also, recipe.heads[1].1.also.as_deref()), (&None, Some("tones")));
        let both = also.replace("also =", "multi = true\nalso =");
        let error = Recipe::parse(&both, "ag-news.toml").unwrap_err();
        assert!(error.to_string().contains("its head `sentiment` has `also`"), "{error}");
    }

    #[test]
    fn unknown_keys_are_errors() {
        let wrong = AG_NEWS.replace("field = \"tone\"", "field = \"tone\"\ncolour = 1");
        let error = Recipe::parse(&wrong, "ag-news.toml").unwrap_err();
        assert_eq!(error.to_string(), "Failed to read `ag-news.toml`");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("colour"), "{cause}");
    }
}

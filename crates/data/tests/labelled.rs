//! Labelled sets, by recipe and without.
#![allow(clippy::unwrap_used)]

mod scratch;

use std::sync::Arc;

use newsdesk_data::{
    DataError, LabelId, LabelSet, LabelledSet, PlainOptions, Recipe, Source, Target, load_plain, load_recipe,
};
use scratch::{Scratch, zstd};

const RECIPE: &str = r#"
    name = "wire"
    title = "Wire"
    origin = "example.org/wire"
    licence = "public domain"
    folder = "wire"
    [files]
    test = "test.jsonl.zst"
    train = "train.jsonl"
    [heads.topic]
    field = "label"
    labels = "topics"
    [heads.topic.map]
    World = ["politics", "war"]
    Sports = ["sport"]
    Ads = []
    [heads.sentiment]
    field = "tone"
    labels = "sentiment"
"#;

fn label_sets(name: &str) -> Option<Arc<LabelSet>> {
    match name {
        "topics" => Some(Arc::new(LabelSet::new("topics", ["sport", "politics", "war"]))),
        "sentiment" => Some(Arc::new(LabelSet::new("sentiment", ["negative", "neutral", "positive"]))),
        _ => None,
    }
}

fn load(recipe: &str, lines: &str) -> Result<LabelledSet, DataError> {
    let scratch = Scratch::new();
    scratch.file("wire/test.jsonl.zst", zstd(lines.as_bytes()));
    let recipe = Recipe::parse(recipe, "wire.toml").unwrap();
    load_recipe(&recipe, &scratch.path(""), "test", &label_sets)
}

fn said(error: &DataError) -> (String, String) {
    let message = error.to_string();
    // Without the folder, which is another one each time.
    let message = match message.rfind('/') {
        Some(at) => format!("{}{}", &message[..message.find("`/").unwrap() + 1], &message[at + 1..]),
        None => message,
    };
    (message, error.hint().unwrap_or_default())
}

#[test]
fn a_recipe_maps_labels() {
    let lines = concat!(
        "{\"text\":\"a\",\"label\":\"World\",\"tone\":\"negative\"}\n",
        "{\"text\":\"b\",\"label\":\"Sports\",\"tone\":null}\n",
        "{\"text\":\"c\",\"label\":\"Ads\",\"tone\":\"Positive\"}\n",
        "{\"text\":\"d\",\"label\":\"Ads\",\"tone\":null}\n",
        "{\"text\":\"e\",\"label\":[\"Sports\",\"World\",\"Ads\"],\"tone\":\"neutral\"}\n",
        "{\"text\":\"f\",\"tone\":\"neutral\"}\n",
        "{\"text\":\" \",\"label\":\"Ads\",\"tone\":\"neutral\"}\n",
    );
    let set = load(RECIPE, lines).unwrap();
    assert_eq!((set.name.as_str(), set.split.as_str()), ("wire", "test"));
    let [sport, politics, war] = [LabelId(0), LabelId(1), LabelId(2)];
    let targets: Vec<_> = set.articles.iter().map(|article| article.targets.clone()).collect();
    assert_eq!(
        targets,
        [
            [Some(Target::AnyOf(vec![politics, war])), Some(Target::One(LabelId(0)))],
            [Some(Target::One(sport)), None],
            [None, Some(Target::One(LabelId(2)))],
            [Some(Target::AnyOf(vec![sport, politics, war])), Some(Target::One(LabelId(1)))],
        ]
    );
    assert_eq!(set.skipped, 1, "a row that teaches nothing is left out");
    assert_eq!(set.articles[3].source_labels, [Some("Sports; World; Ads".into()), Some("neutral".into())]);
    let causes: Vec<&str> = set.rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(causes, ["the label field `label` is missing", "the text is blank"]);
    assert_eq!(set.rejects[0].raw, "{\"text\":\"f\",\"tone\":\"neutral\"}");
    let map = set.heads[0].map.as_ref().unwrap();
    assert_eq!(map[0], ("World".to_owned(), vec![politics, war]));
    assert_eq!(set.articles[0].targets[0].as_ref().unwrap().labels(), [politics, war]);
}

#[test]
fn other_labels_may_be_right_too() {
    let recipe = RECIPE.replace("field = \"label\"", "field = \"label\"\nalso = \"labels\"");
    let lines = concat!(
        "{\"text\":\"a\",\"label\":\"Sports\",\"labels\":[\"World\",\"Sports\"],\"tone\":null}\n",
        "{\"text\":\"b\",\"label\":\"Sports\",\"labels\":null,\"tone\":\"neutral\"}\n",
        "{\"text\":\"c\",\"label\":\"Sports\",\"tone\":null}\n",
    );
    let set = load(&recipe, lines).unwrap();
    let of = |article: usize| (set.articles[article].targets[0].clone(), set.articles[article].also.clone());
    let [sport, politics, war] = [LabelId(0), LabelId(1), LabelId(2)];
    assert_eq!(of(0), (Some(Target::One(sport)), vec![vec![sport, politics, war], vec![]]));
    assert_eq!(of(1), (Some(Target::One(sport)), vec![vec![], vec![]]));
    let causes: Vec<&str> = set.rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(causes, ["the label field `labels` is missing"]);
    let (error, _) = said(&load(&recipe, &lines.replace("[\"World\"", "[\"Weather\"")).unwrap_err());
    assert!(error.starts_with("Failed to map the label `Weather`"), "{error}");
}

#[test]
fn a_head_of_many_labels_takes_them_all() {
    let recipe = RECIPE.replace("field = \"label\"", "field = \"label\"\nmulti = true");
    let lines = concat!(
        "{\"text\":\"a\",\"label\":[\"World\",\"Sports\"],\"tone\":null}\n",
        "{\"text\":\"b\",\"label\":[],\"tone\":null}\n",
        "{\"text\":\"c\",\"label\":\"Sports\",\"tone\":null}\n",
    );
    let set = load(&recipe, lines).unwrap();
    let targets: Vec<_> = set.articles.iter().map(|article| article.targets[0].clone().unwrap()).collect();
    let all = |labels: &[u32]| Target::All(labels.iter().map(|label| LabelId(*label)).collect());
    assert_eq!(targets, [all(&[0, 1, 2]), all(&[]), all(&[0])]);
}

#[test]
fn recipes_that_do_not_fit_are_errors() {
    let one = "{\"text\":\"a\",\"label\":\"Weather\",\"tone\":\"neutral\"}\n";
    let (error, hint) = said(&load(RECIPE, one).unwrap_err());
    assert_eq!(
        error,
        "Failed to map the label `Weather` of `test.jsonl.zst`, line 1: the head `topic` of `wire` has no entry for it"
    );
    assert_eq!(hint, "add `Weather` to [heads.topic.map] of the recipe, with [] if it teaches nothing");

    let tone = "{\"text\":\"a\",\"label\":\"Ads\",\"tone\":\"glad\"}\n";
    let (error, hint) = said(&load(RECIPE, tone).unwrap_err());
    assert_eq!(
        error,
        "Failed to use the label `glad` of `test.jsonl.zst`, line 1: it is not in the label set `sentiment`"
    );
    assert!(hint.contains("`neutral`"), "{hint}");

    let (error, hint) = said(&load(&RECIPE.replace("\"war\"", "\"wars\""), "").unwrap_err());
    assert_eq!(error, "Failed to map `World` in the head `topic` of the recipe `wire`: no label is called `wars`");
    assert_eq!(hint, "known labels: `war`, `sport`, `politics`");

    let (error, _) = said(&load(&RECIPE.replace("\"topics\"", "\"themes\""), "").unwrap_err());
    assert_eq!(error, "Failed to find the label set `themes` of the head `topic` of the recipe `wire`");

    let recipe = Recipe::parse(RECIPE, "wire.toml").unwrap();
    let root = std::path::Path::new("/nowhere");
    let error = load_recipe(&recipe, root, "train", &label_sets).unwrap_err();
    assert_eq!(error.to_string(), "Failed to find `/nowhere/wire/train.jsonl`, the split `train` of `wire`");
    assert!(error.hint().unwrap().contains("--data-root"));
    let error = load_recipe(&recipe, root, "dev", &label_sets).unwrap_err();
    assert_eq!(error.to_string(), "Failed to find the split `dev` of `wire`");
    assert_eq!(error.hint().unwrap(), "its splits are `test`, `train`");
}

fn plain(name: &str, bytes: &str, options: &PlainOptions) -> Result<LabelledSet, DataError> {
    let scratch = Scratch::new();
    load_plain(&[scratch.file(name, bytes)], options)
}

fn topic() -> PlainOptions {
    PlainOptions { head: "topic".into(), ..PlainOptions::default() }
}

#[test]
fn labels_are_gathered_from_the_file() {
    let set = plain("a.csv", "Label,text\nsport,a\npolitics,b\n,c\n sport ,d\nsport\n", &topic()).unwrap();
    assert_eq!(set.heads[0].labels.names().collect::<Vec<_>>(), ["politics", "sport"]);
    let targets: Vec<_> = set.articles.iter().map(|article| article.targets[0].clone().unwrap()).collect();
    assert_eq!(targets, [Target::One(LabelId(1)), Target::One(LabelId(0)), Target::One(LabelId(1))]);
    assert_eq!((set.skipped, set.rejects.len(), set.heads[0].multi), (1, 1, false));
}

#[test]
fn the_label_column_is_found_or_named() {
    let column = |options: &PlainOptions| {
        let set = plain("a.csv", "text,category,topic,Tone\na,1,2,3\n", options).unwrap();
        set.articles[0].source_labels[0].clone().unwrap()
    };
    assert_eq!(column(&topic()), "2", "a column called like the head comes first");
    assert_eq!(column(&PlainOptions { head: "subject".into(), ..PlainOptions::default() }), "1");
    assert_eq!(column(&PlainOptions { label_field: Some("tone".into()), ..topic() }), "3");
}

#[test]
fn several_labels_come_as_a_list_or_with_a_separator() {
    let options = PlainOptions { separator: Some("|".into()), ..topic() };
    let table = plain("a.csv", "text,label\na,sport| war\nb,war\n", &options).unwrap();
    let lines = "{\"text\":\"a\",\"label\":[\"war\",\"sport\"]}\n{\"text\":\"b\",\"label\":\"war\"}\n";
    let lines = plain("a.jsonl", lines, &topic()).unwrap();
    for set in [table, lines] {
        assert!(set.heads[0].multi);
        let targets: Vec<_> = set.articles.iter().map(|article| article.targets[0].clone().unwrap()).collect();
        assert_eq!(targets, [Target::All(vec![LabelId(0), LabelId(1)]), Target::All(vec![LabelId(1)])]);
    }
}

#[test]
fn a_label_that_is_not_in_the_set_is_an_error() {
    let options = PlainOptions { labels: label_sets("topics"), ..topic() };
    let set = plain("a.csv", "text,label\na,Sport\n", &options).unwrap();
    assert_eq!(set.articles[0].targets, [Some(Target::One(LabelId(0)))]);
    let (error, hint) = said(&plain("a.csv", "text,label\na,sport\nb,sports\n", &options).unwrap_err());
    assert_eq!(
        error,
        "Failed to use the label `sports` of `a.csv`, row 2 (line 3): it is not in the label set `topics`"
    );
    assert_eq!(hint, "known labels: `sport`, `politics`, `war`");
}

#[test]
fn a_set_without_labels_is_an_error() {
    let (error, hint) = said(&plain("a.csv", "text,mark\na,1\n", &topic()).unwrap_err());
    assert_eq!(error, "Failed to find a labelled article in `a.csv`");
    assert_eq!(
        hint,
        "the label column `label` is missing; its columns are `text`, `mark`; --label-field names the one to use"
    );
    let (_, hint) = said(&plain("a.jsonl", "", &topic()).unwrap_err());
    assert_eq!(hint, "the file has no rows");
}

#[test]
fn numbers_are_labels_and_objects_are_not() {
    let lines =
        "{\"text\":\"a\",\"label\":3}\n{\"text\":\"b\",\"label\":{\"x\":1}}\n{\"text\":\"c\",\"label\":[[1]]}\n";
    let set = plain("a.jsonl", lines, &topic()).unwrap();
    assert_eq!(set.heads[0].labels.names().collect::<Vec<_>>(), ["3"]);
    let causes: Vec<&str> = set.rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(
        causes,
        [
            "the label column `label` holds no label",
            "the label column `label` holds a list of something other than labels"
        ]
    );
}

#[test]
fn several_files_make_one_set() {
    let scratch = Scratch::new();
    let sources: [Source; 2] =
        [scratch.file("a.csv", "text,label\na,x\n"), scratch.file("b.jsonl", "{\"text\":\"b\",\"label\":\"y\"}")];
    let set = load_plain(&sources, &topic()).unwrap();
    assert_eq!(set.articles.len(), 2);
    assert_eq!(&*set.articles[1].position.source, &*sources[1].name());
}

//! Labelled data sets, with and without a recipe.
#![allow(clippy::unwrap_used)]

mod scratch;

use std::sync::Arc;

use newsdesk_data::{
    DataError, GoldLabels, LabelId, LabelSet, LabelledFileOptions, LabelledSet, Recipe, Remedy, Source,
    load_labelled_files, load_recipe,
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

/// Returns the message of an error without its temporary folder, and its remedy.
fn message_and_remedy(error: &DataError) -> (String, Remedy) {
    let message = error.to_string();
    let message = match message.rfind('/') {
        Some(at) => format!("{}{}", &message[..message.find("`/").unwrap() + 1], &message[at + 1..]),
        None => message,
    };
    (message, error.remedy().unwrap())
}

#[test]
fn recipe_maps_labels() {
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
    let gold_labels: Vec<_> = set.articles.iter().map(|article| article.gold_labels.clone()).collect();
    assert_eq!(
        gold_labels,
        [
            [Some(GoldLabels::AnyOf(vec![politics, war])), Some(GoldLabels::One(LabelId(0)))],
            [Some(GoldLabels::One(sport)), None],
            [None, Some(GoldLabels::One(LabelId(2)))],
            [Some(GoldLabels::AnyOf(vec![sport, politics, war])), Some(GoldLabels::One(LabelId(1)))],
        ]
    );
    assert_eq!(set.skipped, 1, "a row without a label for any head is skipped");
    assert_eq!(set.articles[3].data_set_labels, [Some("Sports; World; Ads".into()), Some("neutral".into())]);
    let causes: Vec<&str> = set.rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(causes, ["the label field `label` is missing", "the text is blank"]);
    assert_eq!(set.rejects[0].raw, "{\"text\":\"f\",\"tone\":\"neutral\"}");
    let map = set.heads[0].map.as_ref().unwrap();
    assert_eq!(map[0], ("World".to_owned(), vec![politics, war]));
    assert_eq!(set.articles[0].gold_labels[0].as_ref().unwrap().labels(), [politics, war]);
}

#[test]
fn also_labels_are_loaded_for_evaluation() {
    let recipe = RECIPE.replace("field = \"label\"", "field = \"label\"\nalso = \"labels\"");
    let lines = concat!(
        "{\"text\":\"a\",\"label\":\"Sports\",\"labels\":[\"World\",\"Sports\"],\"tone\":null}\n",
        "{\"text\":\"b\",\"label\":\"Sports\",\"labels\":null,\"tone\":\"neutral\"}\n",
        "{\"text\":\"c\",\"label\":\"Sports\",\"tone\":null}\n",
    );
    let set = load(&recipe, lines).unwrap();
    let of =
        |article: usize| (set.articles[article].gold_labels[0].clone(), set.articles[article].also_correct.clone());
    let [sport, politics, war] = [LabelId(0), LabelId(1), LabelId(2)];
    assert_eq!(of(0), (Some(GoldLabels::One(sport)), vec![vec![sport, politics, war], vec![]]));
    assert_eq!(of(1), (Some(GoldLabels::One(sport)), vec![vec![], vec![]]));
    let causes: Vec<&str> = set.rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(causes, ["the label field `labels` is missing"]);
    let (error, _) = message_and_remedy(&load(&recipe, &lines.replace("[\"World\"", "[\"Weather\"")).unwrap_err());
    assert!(error.starts_with("cannot map the label `Weather`"), "{error}");
}

#[test]
fn multi_label_head_gets_all_labels() {
    let recipe = RECIPE.replace("field = \"label\"", "field = \"label\"\nmulti = true");
    let lines = concat!(
        "{\"text\":\"a\",\"label\":[\"World\",\"Sports\"],\"tone\":null}\n",
        "{\"text\":\"b\",\"label\":[],\"tone\":null}\n",
        "{\"text\":\"c\",\"label\":\"Sports\",\"tone\":null}\n",
    );
    let set = load(&recipe, lines).unwrap();
    let gold_labels: Vec<_> = set.articles.iter().map(|article| article.gold_labels[0].clone().unwrap()).collect();
    let all = |labels: &[u32]| GoldLabels::All(labels.iter().map(|label| LabelId(*label)).collect());
    assert_eq!(gold_labels, [all(&[0, 1, 2]), all(&[]), all(&[0])]);
}

#[test]
fn recipe_that_does_not_match_the_data_is_an_error() {
    let one = "{\"text\":\"a\",\"label\":\"Weather\",\"tone\":\"neutral\"}\n";
    let (error, remedy) = message_and_remedy(&load(RECIPE, one).unwrap_err());
    assert_eq!(
        error,
        "cannot map the label `Weather` of `test.jsonl.zst`, line 1: the head `topic` of `wire` has no entry for it"
    );
    assert_eq!(remedy, Remedy::AddToRecipe { label: "Weather".into(), head: "topic".into() });

    let tone = "{\"text\":\"a\",\"label\":\"Ads\",\"tone\":\"glad\"}\n";
    let (error, remedy) = message_and_remedy(&load(RECIPE, tone).unwrap_err());
    assert_eq!(
        error,
        "cannot use the label `glad` of `test.jsonl.zst`, line 1: it is not in the label set `sentiment`"
    );
    assert!(matches!(&remedy, Remedy::ChooseLabel { known } if known.contains(&"neutral".into())), "{remedy:?}");

    let (error, remedy) = message_and_remedy(&load(&RECIPE.replace("\"war\"", "\"wars\""), "").unwrap_err());
    assert_eq!(error, "cannot map `World` in the head `topic` of the recipe `wire`: there is no label `wars`");
    assert_eq!(remedy, Remedy::ChooseLabel { known: names(&["war", "sport", "politics"]) });

    let (error, _) = message_and_remedy(&load(&RECIPE.replace("\"topics\"", "\"themes\""), "").unwrap_err());
    assert_eq!(error, "cannot find the label set `themes` of the head `topic` of the recipe `wire`");

    let recipe = Recipe::parse(RECIPE, "wire.toml").unwrap();
    let root = std::path::Path::new("/nowhere");
    let error = load_recipe(&recipe, root, "train", &label_sets).unwrap_err();
    assert_eq!(error.to_string(), "cannot find `/nowhere/wire/train.jsonl`, the split `train` of `wire`");
    assert_eq!(error.remedy(), Some(Remedy::NameDataRoot { origin: "example.org/wire".into() }));
    let error = load_recipe(&recipe, root, "dev", &label_sets).unwrap_err();
    assert_eq!(error.to_string(), "cannot find the split `dev` of `wire`");
    assert_eq!(error.remedy(), Some(Remedy::ChooseSplit { splits: names(&["test", "train"]) }));
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn load_file(name: &str, bytes: &str, options: &LabelledFileOptions) -> Result<LabelledSet, DataError> {
    let scratch = Scratch::new();
    load_labelled_files(&[scratch.file(name, bytes)], options)
}

fn topic() -> LabelledFileOptions {
    LabelledFileOptions { head: "topic".into(), ..LabelledFileOptions::default() }
}

#[test]
fn label_set_comes_from_the_file() {
    let set = load_file("a.csv", "Label,text\nsport,a\npolitics,b\n,c\n sport ,d\nsport\n", &topic()).unwrap();
    assert_eq!(set.heads[0].labels.names().collect::<Vec<_>>(), ["politics", "sport"]);
    let gold_labels: Vec<_> = set.articles.iter().map(|article| article.gold_labels[0].clone().unwrap()).collect();
    assert_eq!(gold_labels, [GoldLabels::One(LabelId(1)), GoldLabels::One(LabelId(0)), GoldLabels::One(LabelId(1))]);
    assert_eq!((set.skipped, set.rejects.len(), set.heads[0].multi), (1, 1, false));
}

#[test]
fn label_column_is_detected_or_named() {
    let column = |options: &LabelledFileOptions| {
        let set = load_file("a.csv", "text,category,topic,Tone\na,1,2,3\n", options).unwrap();
        set.articles[0].data_set_labels[0].clone().unwrap()
    };
    assert_eq!(column(&topic()), "2", "the column with the name of the head comes first");
    assert_eq!(column(&LabelledFileOptions { head: "subject".into(), ..LabelledFileOptions::default() }), "1");
    assert_eq!(column(&LabelledFileOptions { label_field: Some("tone".into()), ..topic() }), "3");
}

#[test]
fn several_labels_are_a_list_or_separated() {
    let options = LabelledFileOptions { separator: Some("|".into()), ..topic() };
    let table = load_file("a.csv", "text,label\na,sport| war\nb,war\n", &options).unwrap();
    let lines = "{\"text\":\"a\",\"label\":[\"war\",\"sport\"]}\n{\"text\":\"b\",\"label\":\"war\"}\n";
    let lines = load_file("a.jsonl", lines, &topic()).unwrap();
    for set in [table, lines] {
        assert!(set.heads[0].multi);
        let gold_labels: Vec<_> = set.articles.iter().map(|article| article.gold_labels[0].clone().unwrap()).collect();
        assert_eq!(gold_labels, [GoldLabels::All(vec![LabelId(0), LabelId(1)]), GoldLabels::All(vec![LabelId(1)])]);
    }
}

#[test]
fn unknown_label_is_an_error() {
    let options = LabelledFileOptions { labels: label_sets("topics"), ..topic() };
    let set = load_file("a.csv", "text,label\na,Sport\n", &options).unwrap();
    assert_eq!(set.articles[0].gold_labels, [Some(GoldLabels::One(LabelId(0)))]);
    let (error, remedy) =
        message_and_remedy(&load_file("a.csv", "text,label\na,sport\nb,sports\n", &options).unwrap_err());
    assert_eq!(error, "cannot use the label `sports` of `a.csv`, row 2 (line 3): it is not in the label set `topics`");
    assert_eq!(remedy, Remedy::ChooseLabel { known: names(&["sport", "politics", "war"]) });
}

#[test]
fn file_without_labels_is_an_error() {
    let (error, remedy) = message_and_remedy(&load_file("a.csv", "text,mark\na,1\n", &topic()).unwrap_err());
    assert_eq!(error, "cannot find a labelled article in `a.csv`: the label column `label` is missing");
    assert_eq!(remedy, Remedy::NameLabelColumn { columns: names(&["text", "mark"]) });
    let (error, _) = message_and_remedy(&load_file("a.jsonl", "", &topic()).unwrap_err());
    assert_eq!(error, "cannot find a labelled article in `a.jsonl`: the file has no rows");
}

#[test]
fn numbers_are_labels_and_objects_are_not() {
    let lines =
        "{\"text\":\"a\",\"label\":3}\n{\"text\":\"b\",\"label\":{\"x\":1}}\n{\"text\":\"c\",\"label\":[[1]]}\n";
    let set = load_file("a.jsonl", lines, &topic()).unwrap();
    assert_eq!(set.heads[0].labels.names().collect::<Vec<_>>(), ["3"]);
    let causes: Vec<&str> = set.rejects.iter().map(|reject| reject.cause.as_str()).collect();
    assert_eq!(
        causes,
        [
            "the label column `label` contains no label",
            "the label column `label` contains a list with something other than labels"
        ]
    );
}

#[test]
fn several_files_form_one_data_set() {
    let scratch = Scratch::new();
    let sources: [Source; 2] =
        [scratch.file("a.csv", "text,label\na,x\n"), scratch.file("b.jsonl", "{\"text\":\"b\",\"label\":\"y\"}")];
    let set = load_labelled_files(&sources, &topic()).unwrap();
    assert_eq!(set.articles.len(), 2);
    assert_eq!(&*set.articles[1].position.source, &*sources[1].name());
}

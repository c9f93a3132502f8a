//! `newsdesk train --options FILE`, and the weights of data sets in an epoch.

use crate::support::{Answer, Folder, TINY};

/// Writes two training data sets of 30 and 60 articles about sport or business, and one of 20 articles for validation.
fn data_sets(folder: &Folder) {
    let row = |i: usize| match i % 2 {
        0 => format!("{{\"text\":\"match goal team {i}\",\"label\":\"sport\"}}\n"),
        _ => format!("{{\"text\":\"price pay company {i}\",\"label\":\"labour\"}}\n"),
    };
    let rows = |range: std::ops::Range<usize>| range.map(row).collect::<String>();
    for (name, range) in [("few", 0..30), ("many", 30..90), ("held", 90..110)] {
        folder.write(&format!("{name}/rows.jsonl"), rows(range));
        folder.write(&format!("{name}.toml"), RECIPE.replace("NAME", name));
    }
}

const RECIPE: &str = r#"name = "NAME"
title = "NAME"
origin = "written for this test"
licence = "free"
folder = "NAME"
[files]
train = "rows.jsonl"
validation = "rows.jsonl"
[heads.topic]
field = "label"
labels = "iptc-topics"
"#;

const OPTIONS: &str = r#"# Everything that a run needs.
base = "BASE"
data = ["few.toml", "many.toml"]
validation = ["held.toml"]
pooling = "mean"
max-train-length = 64
max-length = 64
overlap = 16
epochs = 1
learning-rate = 1e-3
batch-size = 4
seed = 7
quiet = false
output = "m"

[set-weights]
few = 2
many = 0.5
"#;

/// The file that trained a half of the built-in model, with the names that its options had then.
const OLDER: &str = r#"data = ["iptc-news", "iptc-news-any", "iptc-media-topics", "ag-news", "bbc-news", "huffpost", "newsmtsc", "financial-phrasebank", "tweet-sentiment"]
validation = ["iptc-news", "ag-news", "bbc-news", "newsmtsc", "financial-phrasebank", "tweet-sentiment"]
name = "newsdesk-default-fresh"
pooling = "cls"
length = 160
epochs = 3
learning-rate = 1e-4
head-rate-factor = 2
micro-batch = 4
seed = 2

[set-weights]
iptc-news = 0.8
iptc-news-any = 0.5
"#;

fn options(folder: &Folder, from: &str, to: &str) {
    folder.write("train.toml", OPTIONS.replace("BASE", TINY).replace(from, to));
}

fn train(folder: &Folder, more: &[&str]) -> Answer {
    folder.newsdesk(&[&["train", "--options", "train.toml"], more].concat())
}

#[test]
fn a_file_has_the_effect_of_typed_options() {
    let folder = Folder::new();
    data_sets(&folder);
    options(&folder, "", "");
    train(&folder, &[]).done().says("few train: 30 articles").says("wrote m\n");
    let typed = "train --data few.toml many.toml --validation held.toml --pooling mean --max-train-length 64 --max-length 64 \
                 --overlap 16 --epochs 1 --learning-rate 1e-3 --batch-size 4 --seed 7 --set-weights few=2 many=0.5 -o typed --base";
    folder.newsdesk(&[&typed.split_whitespace().collect::<Vec<_>>()[..], &[TINY]].concat()).done();
    assert!(folder.bytes("m/model.safetensors") == folder.bytes("typed/model.safetensors"), "the weights differ");
    let manifest = folder.text("m/newsdesk.toml");
    for taken in ["few train: 60 of 30 rows", "many train: 30 of 60 rows", "few = 2.0"] {
        assert!(manifest.contains(taken), "no {taken} in {manifest}");
    }
}

#[test]
fn a_typed_option_replaces_that_of_the_file() {
    let folder = Folder::new();
    data_sets(&folder);
    options(&folder, "", "");
    // By its long name, with its value in the same argument, by its short name; and a list is replaced as a whole.
    train(&folder, &["--seed", "8", "--data=few.toml", "-oother", "--set-weights", "few=1"]).done();
    let manifest = folder.text("other/newsdesk.toml");
    assert!(
        manifest.contains("seed = 8\n") && manifest.contains("sets = [\"few train: 30 of 30 rows\"]"),
        "{manifest}"
    );
    assert!(!folder.path("m").exists());
}

#[test]
fn a_typed_option_replaces_conflicting_options_of_the_file() {
    let folder = Folder::new();
    data_sets(&folder);
    options(&folder, "", "");
    train(&folder, &["--seeds", "1,2"]).done().says("seed 1, 1 of 2\n").says("wrote m/seed-2\n");
}

#[test]
fn old_names_of_options_are_replaced_by_typed_ones() {
    let folder = Folder::new();
    data_sets(&folder);
    folder.write("train.toml", OLDER);
    let typed = "--data few.toml --validation held.toml --set-weights few=1 --epochs 1 --max-train-length 32 --batch-size 8 -o m --base";
    train(&folder, &[&typed.split_whitespace().collect::<Vec<_>>()[..], &[TINY]].concat()).done();
    let typed = "train --data few.toml --validation held.toml --set-weights few=1 --epochs 1 --max-train-length 32 --batch-size 8 \
                 --name newsdesk-default-fresh --pooling cls --learning-rate 1e-4 --head-lr-multiplier 2 --micro-batch-size 4 \
                 --seed 2 -o typed --base";
    folder.newsdesk(&[&typed.split_whitespace().collect::<Vec<_>>()[..], &[TINY]].concat()).done();
    assert!(folder.bytes("m/model.safetensors") == folder.bytes("typed/model.safetensors"), "the weights differ");
    assert_eq!(folder.text("m/newsdesk.toml"), folder.text("typed/newsdesk.toml"));
    // An old name excludes what its present name excludes.
    folder.write("train.toml", format!("stride = 48\n{OLDER}"));
    let refused = train(&folder, &["--overlap", "8", "--data", "none.csv", "-o", "n"]);
    refused.refused("cannot find `none.csv`");
}

#[test]
fn options_of_the_file_satisfy_and_need_required_options() {
    let folder = Folder::new();
    folder.write("train.toml", "teacher-weight = 0.3\n");
    let typed = ["--data", "none.csv", "-o", "m"];
    train(&folder, &typed).refused("required arguments were not provided").says("--teacher <DIR>");
    folder.write("train.toml", "teacher = \"none\"\ndata = \"none.csv\"\noutput = \"m\"\n");
    train(&folder, &["--teacher-weight", "0.3"]).refused("none");
}

#[test]
fn an_invalid_file_is_refused() {
    let folder = Folder::new();
    data_sets(&folder);
    let refused = |from: &str, to: &str, error: &str| {
        options(&folder, from, to);
        train(&folder, &[]).refused(error)
    };
    refused("epochs", "epoch", "cannot read the options of `train.toml`: there is no option `epoch`").hint("epochs");
    refused("quiet = false", "quiet = 1", "cannot read the options of `train.toml`: `quiet` is neither true nor false");
    refused(
        "seed = 7",
        "seed = [{}]",
        "cannot read the options of `train.toml`: `seed` is a list of values that are no",
    );
    refused("seed = 7", "seed = ", "cannot read the options of `train.toml`: TOML parse error at line 12")
        .hint("epochs = 3");
    refused("epochs = 1", "epochs = 1\nmax-length = 32", "cannot read the options of `train.toml`: TOML parse error");
    refused("epochs = 1", "epochs = 1\nwindow = 32", "'--max-length <N>' cannot be used multiple times");
    refused("few = 2", "fw = 2", "cannot use `--set-weights`: no training set is called `fw`, but `few`, `many`");
    refused("few = 2", "few = 0", "cannot use `--set-weights`: 0 is not above zero");
    options(&folder, "epochs = 1", "epochs = \"two\"");
    let answer = train(&folder, &[]);
    assert_eq!(answer.code, Some(2));
    answer.says("invalid value 'two' for '--epochs");
    let missing = folder.newsdesk(&["train", "--options", "none.toml"]);
    missing.refused("cannot read the options of `none.toml`");
    assert!(!folder.path("m").exists());
}

//! `newsdesk train --options FILE`, and how much of each set an epoch takes.

use crate::support::{Answer, Folder, TINY};

/// A set of thirty articles about sport or business, one of sixty, and twenty articles to validate with.
fn sets(folder: &Folder) {
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
length = 64
window = 64
stride = 48
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

fn options(folder: &Folder, from: &str, to: &str) {
    folder.write("train.toml", OPTIONS.replace("BASE", TINY).replace(from, to));
}

fn train(folder: &Folder, more: &[&str]) -> Answer {
    folder.newsdesk(&[&["train", "--options", "train.toml"], more].concat())
}

#[test]
fn a_file_says_what_the_command_line_would() {
    let folder = Folder::new();
    sets(&folder);
    options(&folder, "", "");
    train(&folder, &[]).done().says("few train: 30 articles").says("wrote m\n");
    let typed = "train --data few.toml many.toml --validation held.toml --pooling mean --length 64 --window 64 \
                 --stride 48 --epochs 1 --learning-rate 1e-3 --batch-size 4 --seed 7 --set-weights few=2 many=0.5 -o typed --base";
    folder.newsdesk(&[&typed.split_whitespace().collect::<Vec<_>>()[..], &[TINY]].concat()).done();
    assert!(folder.bytes("m/model.safetensors") == folder.bytes("typed/model.safetensors"), "another model");
    let manifest = folder.text("m/newsdesk.toml");
    for taken in ["few train: 60 of 30 rows", "many train: 30 of 60 rows", "few = 2.0"] {
        assert!(manifest.contains(taken), "no {taken} in {manifest}");
    }
}

#[test]
fn the_command_line_comes_first() {
    let folder = Folder::new();
    sets(&folder);
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
fn what_excludes_an_option_of_the_file_comes_first_as_well() {
    let folder = Folder::new();
    sets(&folder);
    options(&folder, "", "");
    train(&folder, &["--seeds", "1,2"]).done().says("seed 1, 1 of 2\n").says("wrote m/seed-2\n");
}

#[test]
fn a_file_that_cannot_be_meant_is_refused() {
    let folder = Folder::new();
    sets(&folder);
    let refused = |from: &str, to: &str, error: &str| {
        options(&folder, from, to);
        train(&folder, &[]).refused(error)
    };
    refused("epochs", "epoch", "Failed to read the options of `train.toml`: there is no option `epoch`").hint("epochs");
    refused(
        "quiet = false",
        "quiet = 1",
        "Failed to read the options of `train.toml`: `quiet` is neither true nor false",
    );
    refused(
        "seed = 7",
        "seed = [{}]",
        "Failed to read the options of `train.toml`: `seed` is a list of something other",
    );
    refused("seed = 7", "seed = ", "Failed to read the options of `train.toml`: TOML parse error at line 12")
        .hint("epochs = 3");
    refused(
        "few = 2",
        "fw = 2",
        "Failed to use the setting `set-weights`: no training set is called `fw`, but `few`, `many`",
    );
    refused("few = 2", "few = 0", "Failed to use the setting `set-weights`: 0 is not above zero");
    options(&folder, "epochs = 1", "epochs = \"two\"");
    let answer = train(&folder, &[]);
    assert_eq!(answer.code, Some(2));
    answer.says("invalid value 'two' for '--epochs");
    let missing = folder.newsdesk(&["train", "--options", "none.toml"]);
    missing.refused("Failed to read the options of `none.toml`");
    assert!(!folder.path("m").exists());
}

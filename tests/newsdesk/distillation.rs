//! `newsdesk train --teacher`: a model learns from the predictions of others.

use crate::support::training::train_arguments;
use crate::support::{Answer, Folder, LABELS, TINY, column, json_lines, recipe, texts};
use serde_json::json;

/// Returns articles with all five labels. Texts and labels are unrelated, so that a model can learn from the teacher only.
fn with_unrelated_labels(articles: usize) -> String {
    let rows = texts(articles).into_iter().enumerate();
    json_lines(rows.map(|(i, text)| json!({"text": text, "label": LABELS[i % 5]})))
}

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    train_arguments(output, "--data rows.jsonl --learning-rate 1e-3 --batch-size 8 --seed 2", more)
}

fn train(folder: &Folder, output: &str, more: &[&str]) -> Answer {
    folder.newsdesk(&arguments(output, more))
}

/// Counts the predictions of a model that equal those of the tiny model.
fn same_predictions(folder: &Folder, model: &str) -> usize {
    let predict = |model: &str| {
        let arguments = ["classify", "--model", model, "rows.jsonl", "--prefix", "m_", "--max-windows", "1"];
        folder.newsdesk(&arguments).done().rows()
    };
    let (one, other) = (predict(model), predict(TINY));
    column(&one, "m_label").iter().zip(column(&other, "m_label")).filter(|(one, other)| *one == other).count()
}

/// Returns the mean difference of a model's scores from those of the tiny model.
fn difference_of_scores(folder: &Folder, model: &str) -> f64 {
    let scores = |model: &str| -> Vec<f64> {
        let arguments = ["classify", "--model", model, "rows.jsonl", "--prefix", "m_", "--max-windows", "1"];
        let rows = folder.newsdesk(&arguments).done().rows();
        rows.iter().map(|row| row["m_label_score"].as_f64().unwrap()).collect()
    };
    let (one, other) = (scores(model), scores(TINY));
    one.iter().zip(&other).map(|(one, other)| (one - other).abs()).sum::<f64>() / one.len() as f64
}

#[test]
fn a_student_learns_the_predictions_of_its_teacher() {
    let folder = Folder::new();
    folder.write("rows.jsonl", with_unrelated_labels(200));
    let teach = ["--teacher", TINY, "--teacher-weight", "1", "--teacher-temperature", "1", "--epochs", "4"];
    let answer = train(&folder, "student", &teach).done();
    answer.says("teachers: 183 of 183 articles");
    train(&folder, "alone", &["--epochs", "4"]).done();
    let (student, alone) = (same_predictions(&folder, "student"), same_predictions(&folder, "alone"));
    assert!(
        student >= 170 && alone < 120,
        "of 200 predictions, {student} equal the teacher's (expected at least 170), and {alone} without a teacher \
         (expected fewer than 120)"
    );

    let manifest = folder.manifest("student");
    let training = &manifest["training"];
    assert!(training["teachers"][0].as_str().unwrap().starts_with("tiny ("), "{training}");
    let distillation = json!({"weight": 1.0, "temperature": 1.0, "include_unlabelled": true});
    assert_eq!(training["settings"]["distillation"], distillation);
    let shown = folder.newsdesk(&["models", "info", "student"]).done().out;
    assert!(shown.contains("distilled from tiny (") && shown.contains("distillation {"), "{shown}");
    assert_eq!(folder.manifest("alone")["training"]["settings"].get("distillation"), None);

    // The card lists settings that differ from their defaults, and a command that works.
    let card = folder.text("student/README.md");
    for row in ["| teacher-weight | 1 | 0.5 |\n", "| teacher-temperature | 1 | 2 |\n", "| batch-size | 8 | 32 |\n"] {
        assert!(card.contains(row), "no {row} in {card}");
    }
    assert!(!card.contains("| freeze |") && card.contains("  --teacher tiny \\\n"), "{card}");
    let command = card.split("instead of paths:\n\n```\n").nth(1).unwrap().split("\n```").next().unwrap();
    let command = command.replace("\\\n", " ").replace(" tiny ", " TINY ");
    folder.run(command.strip_prefix("newsdesk ").unwrap()).done();
    assert!(folder.weights("MODEL") == folder.weights("student"), "the command of the card gives another model");
}

#[test]
fn weights_depend_on_the_settings_of_the_teacher() {
    let folder = Folder::new();
    folder.write("rows.jsonl", with_unrelated_labels(60));
    let weights = |name: &str, more: &[&str]| {
        train(&folder, name, &[&["--epochs", "1", "--quiet"], more].concat()).done();
        folder.weights(name)
    };
    let alone = weights("alone", &[]);
    assert!(
        weights("nothing", &["--teacher", TINY, "--teacher-weight", "0"]) == alone,
        "a weight of 0 changes the model"
    );
    let half = weights("half", &["--teacher", TINY]);
    assert!(half != alone, "a teacher does not change the model");
    // The mean of a teacher with itself is that teacher.
    assert!(weights("twice", &["--teacher", TINY, TINY]) == half, "a teacher that is given twice changes the model");
    assert!(weights("threads", &["--teacher", TINY, "--threads", "1"]) == half, "threads change the model");
    assert!(
        weights("hot", &["--teacher", TINY, "--teacher-temperature", "5"]) != half,
        "the temperature does not change the model"
    );
}

#[test]
fn distillation_uses_rows_without_labels_unless_switched_off() {
    let folder = Folder::new();
    let moods = ["negative", "neutral", "positive"];
    let rows = texts(60).into_iter().enumerate().map(|(i, text)| json!({"text": text, "label": moods[i % 3]}));
    let rows = json_lines(rows);
    for (name, head) in [("one", "sentiment"), ("other", "tone")] {
        let files = "train = \"rows.jsonl\"\nvalidation = \"rows.jsonl\"";
        let head = format!("[heads.{head}]\nfield = \"label\"\nlabels = \"sentiment\"\n");
        folder.write(&format!("{name}.toml"), recipe(name, files, &head));
        folder.write(&format!("sets/{name}/rows.jsonl"), &rows);
    }
    let run = |data: &[&str], output: &str, more: &[&str]| {
        let more = [&["--quiet", "--data"], data, more].concat();
        folder.newsdesk(&train_arguments(output, "--data-root sets --batch-size 8 --epochs 1", &more)).done();
        folder.weights(output)
    };
    run(&["one.toml"], "teacher", &[]);
    let both = ["one.toml", "other.toml"];
    let (alone, all) = (run(&both, "alone", &[]), run(&both, "all", &["--teacher", "teacher"]));
    let labelled = run(&both, "labelled", &["--teacher", "teacher", "--teacher-labelled-only"]);
    assert!(alone != all && alone != labelled, "the teacher does not change the model");
    assert!(all != labelled, "`--teacher-labelled-only` does not change the model");
    // If all rows have labels, the option changes nothing.
    let one = |output: &str, more: &[&str]| run(&["one.toml"], output, &[&["--teacher", "teacher"], more].concat());
    assert!(one("a", &[]) == one("b", &["--teacher-labelled-only"]), "`--teacher-labelled-only` changes the model");
}

#[test]
fn an_interrupted_run_resumes_only_with_the_same_teacher() {
    let folder = Folder::new();
    folder.write("rows.jsonl", with_unrelated_labels(200));
    folder.copy_tiny("teacher");
    let teach = ["--teacher", "teacher", "--epochs", "2", "--save-steps", "5"];
    train(&folder, "whole", &teach).done();
    folder.kill_when_exists("killed/checkpoint/state.json", &arguments("killed", &teach));
    let resume = |teacher: &str, more: &[&str]| {
        let again = ["--teacher", teacher, "--epochs", "2", "--save-steps", "5", "--resume"];
        train(&folder, "killed", &[&again[..], more].concat())
    };
    let other = "cannot resume from `killed/checkpoint`";
    resume("whole", &[]).refused(other);
    resume("teacher", &["--teacher-weight", "0.4"]).refused(other);
    resume("teacher", &[]).done().says("resuming after");
    assert!(folder.weights("killed") == folder.weights("whole"), "the models differ");
}

#[test]
fn a_student_with_fewer_layers_learns_from_the_encoder_of_its_teacher() {
    let folder = Folder::new();
    folder.write("rows.jsonl", with_unrelated_labels(200));
    let student = |output: &str, more: &[&str]| {
        let common = ["--layers", "1", "--teacher", TINY, "--teacher-weight", "1", "--epochs", "4"];
        train(&folder, output, &[&common[..], more].concat()).done();
        assert_eq!(folder.json(&format!("{output}/config.json"))["num_hidden_layers"], 1);
        same_predictions(&folder, output)
    };
    let alone = student("predictions", &[]);
    let both = student("encoder", &["--hidden-state-weight", "3", "--relation-weight", "0.5"]);
    assert!(alone > 150 && both > 150, "of 200 predictions, {alone} and {both} equal the teacher's");
    assert!(folder.weights("predictions") != folder.weights("encoder"), "the encoder of the teacher has no effect");
    let settings = &folder.manifest("encoder")["training"]["settings"];
    assert_eq!((&settings["layers"], &settings["distillation"]["hidden_state_weight"]), (&json!([1]), &json!(3.0)));
    let card = folder.text("encoder/README.md");
    let listed = ["| layers | 1 |", "| hidden-state-weight | 3 | 0 |\n", "| relation-weight | 0.5 | 0 |\n"];
    listed.iter().for_each(|row| assert!(card.contains(row), "no {row} in {card}"));
}

#[test]
fn a_student_learns_from_articles_without_labels() {
    let folder = Folder::new();
    folder.write("few.jsonl", with_unrelated_labels(40));
    folder.write("rows.jsonl", with_unrelated_labels(200));
    // Labels that the model does not have are ignored. A row without a text is reported.
    let more = json_lines(texts(200).into_iter().map(|text| json!({"text": text, "label": "unknown"})));
    folder.write("more.jsonl", format!("{more}{}\n", json!({"label": "unknown"})));
    let student = |output: &str, more: &[&str]| {
        let arguments = "--data few.jsonl --teacher-weight 0.3 --learning-rate 1e-3 --epochs 8 --batch-size 8 --seed 2";
        let more = [&["--teacher", TINY], more].concat();
        let answer = folder.newsdesk(&train_arguments(output, arguments, &more));
        (difference_of_scores(&folder, output), answer)
    };
    // Labels that are unrelated to the texts lead it away from its teacher.
    let (labelled, _) = student("labelled", &[]);
    let (both, answer) = student("both", &["--unlabelled", "more.jsonl"]);
    let answer =
        answer.says("more.jsonl unlabelled: 200 articles").says("`more.jsonl`, line 201: no field contains the text");
    assert_eq!(answer.code, Some(1), "a row was rejected: {answer}");
    assert!(
        both < 0.75 * labelled,
        "the scores differ by {both} from the teacher's, and by {labelled} without more articles"
    );
    let card = folder.text("both/README.md");
    for part in ["--unlabelled more.jsonl", "| more.jsonl | unlabelled | training | 200 |"] {
        assert!(card.contains(part), "no {part} in {card}");
    }

    let refused = |more: &[&str], error: &str| train(&folder, "m", more).refused(error);
    refused(&["--unlabelled", "more.jsonl"], "required arguments were not provided").says("--teacher <DIR>");
    let teach = |more: &[&'static str]| [&["--teacher", TINY, "--unlabelled"], more].concat();
    refused(&teach(&["more.jsonl", "--teacher-labelled-only"]), "cannot be used with");
    refused(&teach(&["none.jsonl"]), "cannot find `none.jsonl`");
    folder.write("empty.jsonl", "");
    refused(&teach(&["empty.jsonl"]), "cannot find an article in `empty.jsonl`");
}

#[test]
fn encoders_that_cannot_be_compared_are_refused() {
    let folder = Folder::new();
    folder.write("rows.jsonl", with_unrelated_labels(60));
    let refused = |more: &[&str], error: &str| train(&folder, "m", more).refused(error);
    refused(&["--layers", "0,2"], "`--layers`: there is no layer 2; the last one is 1");
    refused(&["--layers", "1,0"], "`--layers`: 1 does not come before 0");
    refused(&["--layers", "first"], "invalid value 'first' for '--layers <NUMBERS>'");
    refused(&["--hidden-state-weight", "1"], "required arguments were not provided").says("--teacher <DIR>");
    let two = ["--teacher", TINY, TINY];
    refused(&[&two[..], &["--hidden-state-weight", "1"]].concat(), "it needs exactly one teacher");
    let teach = |more: &[&'static str]| [&["--teacher", TINY], more].concat();
    refused(&teach(&["--hidden-state-weight=-1"]), "`--hidden-state-weight`: -1 is not zero or above");
    refused(&teach(&["--relation-weight", "nan"]), "`--relation-weight`: NaN is not zero or above");
    refused(&teach(&["--relation-weight", "1", "--freeze", "encoder"]), "`--relation-weight`: the encoder is frozen");
    let roberta = format!("{TINY}/architectures/roberta");
    train(&folder, "student", &["--layers", "1", "--epochs", "1"]).done();
    refused(&["--teacher", "student", "--hidden-state-weight", "1"], "2 layers, more than the 1 of its teacher");
    let other = [&teach(&["--relation-weight", "1"])[..], &["--base", &roberta]].concat();
    refused(&other, "student and teacher have different tokenizers");
}

#[test]
fn unsuitable_teachers_are_refused() {
    let folder = Folder::new();
    folder.write("rows.jsonl", with_unrelated_labels(60));
    let refused = |more: &[&str], error: &str| train(&folder, "m", more).refused(error);
    refused(&["--teacher", "nowhere"], "`nowhere`").hint("");
    refused(&["--teacher", TINY, "--head", "desk"], "the teacher `tiny`: it has no head `desk`")
        .hint("the teacher's heads are label");
    refused(&["--teacher", TINY, "--teacher-weight", "1.5"], "`--teacher-weight`: 1.5 is not within 0..=1");
    refused(&["--teacher", TINY, "--teacher-temperature", "0"], "`--teacher-temperature`: 0 is not above zero");
    refused(&["--teacher-weight", "0.5"], "required arguments were not provided").says("--teacher <DIR>");
    refused(&["--teacher-labelled-only"], "required arguments were not provided").says("--teacher <DIR>");
    folder.write("rows.jsonl", with_unrelated_labels(60).replace("\"arts\"", "\"weather\""));
    refused(&["--teacher", TINY], "its head `label` has no label `weather`")
        .hint("use the teacher's labels: arts; business");
    folder.write("rows.jsonl", with_unrelated_labels(60).replace("\"arts\"", "\"sport\""));
    refused(&["--teacher", TINY], "its head `label` has a label `arts`, which no row has");
    folder.write("rows.jsonl", with_unrelated_labels(60).replace("\"arts\"", "[\"arts\"]"));
    refused(&["--teacher", TINY], "its head `label` is a softmax head");
}

#[test]
fn scores_in_a_file_stand_for_the_teacher() {
    let folder = Folder::new();
    folder.write("rows.jsonl", with_unrelated_labels(60));
    folder.write("more.jsonl", json_lines(texts(80)[60..].iter().map(|text| json!({"text": text}))));
    let score = |output: &str, more: &[&str]| {
        let arguments = ["models", "teacher-scores", TINY, "--max-length", "64", "--dtype", "f32", "-o", output];
        folder.newsdesk(&[&arguments[..], more].concat())
    };
    score("all.safetensors", &["--data", "rows.jsonl", "--unlabelled", "more.jsonl"])
        .done()
        .says("wrote all.safetensors");
    // Two files together stand for the one, and a file is not overwritten by accident.
    score("rows.safetensors", &["--data", "rows.jsonl"]).done();
    score("more.safetensors", &["--unlabelled", "more.jsonl"]).done();
    score("more.safetensors", &["--unlabelled", "more.jsonl"]).refused("more.safetensors");
    score("more.safetensors", &["--unlabelled", "more.jsonl", "--overwrite"]).done();

    let weights = |name: &str, more: &[&str]| {
        train(&folder, name, &[&["--epochs", "1", "--quiet", "--unlabelled", "more.jsonl"], more].concat()).done();
        folder.weights(name)
    };
    let all = weights("all", &["--teacher-scores", "all.safetensors"]);
    assert!(weights("parts", &["--teacher-scores", "rows.safetensors", "more.safetensors"]) == all, "parts differ");
    weights("teacher", &["--teacher", TINY]);
    let difference = (difference_of_scores(&folder, "all") - difference_of_scores(&folder, "teacher")).abs();
    assert!(difference < 1e-2, "a student of the file differs by {difference} from one of the teacher");
    let teachers = folder.manifest("all")["training"]["teachers"].clone();
    assert!(teachers[0].as_str().unwrap().starts_with("tiny ("), "{teachers}");
    let card = folder.text("all/README.md");
    assert!(card.contains("  --teacher-scores all.safetensors \\\n"), "{card}");

    let lacking = train(&folder, "lacking", &["--teacher-scores", "more.safetensors"]);
    lacking.refused("its scores lack 37 of 54 articles").says("newsdesk models teacher-scores");
    folder.write("damaged.safetensors", "no tensors");
    train(&folder, "damaged", &["--teacher-scores", "damaged.safetensors"])
        .refused("cannot use the teacher scores `damaged.safetensors`: it is not a file of teacher scores");
    train(&folder, "none", &["--teacher-weight", "0.5"]).refused("--teacher");
}

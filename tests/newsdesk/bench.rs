//! `newsdesk bench` and `newsdesk agree`: what they measure, keep and compare. No test depends on the speed of the machine.

use crate::support::training::train_arguments;
use crate::support::{Folder, LABELS, TINY, articles, column, json_lines, texts, words};
use serde_json::{Value, json};

/// Returns a folder with the data set `set.jsonl`.
fn folder() -> Folder {
    let folder = Folder::new();
    let rows = texts(40).into_iter().enumerate();
    folder.write(
        "set.jsonl",
        json_lines(rows.map(|(i, text)| json!({"text": text, "label": LABELS[i % 4 % 3], "n": i}))),
    );
    folder
}

/// Returns [`folder`] with a linear model in `linear`, trained on the data set.
fn with_linear() -> Folder {
    let folder = folder();
    train_linear(&folder);
    folder
}

/// Trains a linear model on `set.jsonl`.
fn train_linear(folder: &Folder) {
    folder.run("train --arch linear --data set.jsonl -o linear --buckets 1024 --quiet").done();
}

#[test]
fn every_model_is_measured_with_every_dtype_and_number_of_threads() {
    let folder = with_linear();
    let bench = "bench TINY linear --data set.jsonl --dtypes f32,int8 --threads 1,2 --rounds 2 --latency-articles 20 \
                 -o results.json --report page.html";
    let answer = folder.run(bench).done();
    let found = folder.json("results.json");
    assert_eq!((&found["complete"], &found["rounds"]), (&json!(true), &json!(2)));
    let all = found["results"].as_array().unwrap();
    let settings: Vec<String> = all
        .iter()
        .map(|of| format!("{} {} {}", of["model"].as_str().unwrap(), of["dtype"].as_str().unwrap(), of["threads"]))
        .collect();
    // A linear model only supports f32.
    assert_eq!(settings, ["tiny f32 1", "tiny int8 1", "tiny f32 2", "tiny int8 2", "linear f32 1", "linear f32 2"]);
    let eval = folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--json"]).done().json();
    for of in all {
        assert_eq!((&of["articles"], &of["set"]), (&json!(40), &json!("set.jsonl")));
        for figure in ["load_seconds", "articles_per_second", "steady_articles_per_second", "tokens_per_second"] {
            let [low, middle, high] = ["low", "median", "high"].map(|end| of[figure][end].as_f64().unwrap());
            assert!(0.0 < low && low <= middle && middle <= high, "{figure}: {of}");
        }
        let [p50, p95, p99] = ["p50", "p95", "p99"].map(|p| of["latency_ms"][p].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p95 && p95 <= p99 && of["latency_ms"]["articles"] == json!(40), "{of}");
        assert!(cfg!(not(target_os = "linux")) || of["peak_memory_bytes"]["median"].as_f64().unwrap() > 1e6, "{of}");
        assert!(of["tokens"].as_u64().unwrap() > 40 && of["sha256"].as_str().unwrap().len() == 64, "{of}");
    }
    assert_eq!(all[0]["heads"][0]["accuracy"], eval[0]["heads"][0]["report"]["accuracy"]);
    // Nothing is faster than the fastest setting, so nothing beats it.
    let speed = |of: &&Value| of["articles_per_second"]["median"].as_f64().unwrap();
    let fastest = all.iter().max_by(|one, other| speed(one).total_cmp(&speed(other))).unwrap();
    assert_eq!(fastest["heads"][0]["is_on_front"], json!(true), "{fastest}");
    let differences = found["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 5);
    for of in differences {
        assert_eq!([&of["articles"], &of["first"]], [&json!(40), &json!("tiny, f32, 1 thread")]);
    }
    answer.prints("tiny").prints("linear").prints("articles/s").prints("McNemar");

    let page = folder.text("page.html");
    assert!(
        !page.contains("<script") && !page.contains("src=") && !page.contains("href="),
        "the page has scripts or needs other files"
    );
    assert!(page.matches("http").count() == page.matches("http://www.w3.org/2000/svg").count(), "the page has links");
    let charts = page.matches("<svg ").count();
    assert!(charts >= 6, "expected at least 6 charts, found {charts}");
    assert_eq!(page.matches("<figcaption>").count(), charts);
    assert_eq!(page.matches("<svg role=\"img\" aria-label=\"").count(), charts);
    let descriptions = page.matches("<desc>").count() - page.matches("<desc></desc>").count();
    assert_eq!(descriptions, charts, "a chart has no description");
    for text in
        ["articles/s", "Speed against accuracy", "Confusion", "Reliability", "Latency", "Peak memory", "coverage"]
    {
        assert!(page.contains(text), "`{text}` is missing");
    }
}

#[test]
fn a_run_that_is_worse_than_the_baseline_ends_with_code_1() {
    let folder = folder();
    let bench = |more: &[&str]| {
        let plain = ["bench", TINY, "--data", "set.jsonl", "--rounds", "1", "--latency-articles", "0", "--quiet"];
        folder.newsdesk(&[&plain[..], more].concat())
    };
    bench(&["-o", "old.json"]).done();
    // Make the earlier results a hundred times as fast, and all predictions correct.
    let mut old = folder.json("old.json");
    let now = old["results"][0]["heads"][0]["accuracy"].as_f64().unwrap();
    for end in ["low", "median", "high"] {
        let speed = old["results"][0]["articles_per_second"][end].as_f64().unwrap();
        old["results"][0]["articles_per_second"][end] = json!(speed * 100.0);
    }
    old["results"][0]["heads"][0]["accuracy"] = json!(1.0);
    old["results"][0]["heads"][0]["accuracy_interval"] = json!({"low": 0.99, "high": 1.0});
    folder.write("old.json", old.to_string());
    let answer = bench(&["--baseline", "old.json", "--json"]);
    assert_eq!(answer.code, Some(1), "{answer}");
    let found: Value = answer.json();
    let changes = found["changes"].as_array().unwrap();
    let change = |figure: &str| changes.iter().find(|change| change["figure"] == json!(figure)).unwrap();
    assert_eq!(change("articles/s")["worse"], json!(true));
    assert_eq!(
        (&change("accuracy of label")["now"], &change("accuracy of label")["worse"]),
        (&json!(now), &json!(true))
    );

    // Results without a model in common cannot be compared.
    old["results"][0]["model"] = json!("other");
    folder.write("old.json", old.to_string());
    bench(&["--baseline", "old.json"]).refused("cannot compare with the baseline: it has no model");
    folder.write("broken.json", "{\"results\":");
    bench(&["--baseline", "broken.json"]).refused("cannot read the results `broken.json`");
    bench(&["--baseline", "missing.json"]).refused("cannot read the results `missing.json`");
}

#[test]
fn unusable_data_sets_and_models_are_refused_before_measuring() {
    let folder = folder();
    folder.write("other.jsonl", "{\"text\":\"a\",\"label\":\"Weather\"}\n{\"text\":\"b\",\"label\":\"Chess\"}\n");
    folder.write("unlabelled.jsonl", articles(["one", "two"]));
    folder.write("empty.jsonl", "");
    let bench = |data: &str| folder.newsdesk(&["bench", TINY, "--data", "set.jsonl", data, "-o", "out.json"]);
    bench("other.jsonl")
        .refused("cannot use the labels `Weather`, `Chess` of `other.jsonl`, line 1 and other rows")
        .hint("map the labels with `--label-map FILE`, one line per label: \"Weather\" = [");
    bench("unlabelled.jsonl").refused("cannot find a labelled article in `unlabelled.jsonl`");
    bench("empty.jsonl").refused("cannot find a labelled article in `empty.jsonl`");
    bench("missing.jsonl").refused("missing.jsonl");
    bench("-").refused("cannot benchmark on standard input");
    folder.newsdesk(&["bench", "nowhere", "--data", "set.jsonl"]).refused("cannot open the model `nowhere`");
    folder.assert_missing("out.json");
}

#[cfg(unix)]
#[test]
fn an_interrupted_bench_keeps_its_finished_rounds() {
    let folder = folder();
    let bench = words("bench TINY --data set.jsonl --rounds 1000 --latency-articles 0 -o out.json --quiet");
    let interrupted = folder.interrupt_when_exists("out.json", &bench);
    assert_eq!(interrupted.code, Some(130), "{interrupted}");
    interrupted.prints("tiny");
    let found = folder.json("out.json");
    assert_eq!((&found["complete"], found["results"].as_array().unwrap().len()), (&json!(false), 1));
}

#[test]
fn a_label_map_maps_labels_of_the_data_set_to_labels_of_the_model() {
    let folder = folder();
    let rows = [("a b", "Any"), ("b c", "None"), ("c d", "Any")];
    folder.write("other.jsonl", json_lines(rows.map(|(text, label)| json!({"text": text, "label": label}))));
    let all = LABELS.map(|label| format!("\"{label}\"")).join(", ");
    folder.write("map.toml", format!("Any = [{all}]\nNone = []\n"));
    let eval = |map: &str| folder.newsdesk(&["eval", TINY, "--data", "other.jsonl", "--label-map", map, "--json"]);
    let found = eval("map.toml").done().json();
    // The label `None` has no label of the model, so its row is skipped. Any prediction is correct for the others.
    assert_eq!((&found[0]["articles"], &found[0]["skipped"]), (&json!(2), &json!(1)));
    assert_eq!(found[0]["heads"][0]["report"]["accuracy"], json!(1.0));
    folder.write("short.toml", format!("Any = [{all}]\n"));
    eval("short.toml").refused("None");
    folder.write("wrong.toml", "Any = [\"no such label\"]\nNone = []\n");
    eval("wrong.toml").refused("no such label");
    folder.write("bad.toml", "Any = 1\n");
    eval("bad.toml").refused("cannot read the label map `bad.toml`: `Any` has no list of labels");
    eval("m=map.toml").refused("cannot read the label map `m=map.toml`").hint("`--label-map map.toml`");
    let hint = eval("wrong.toml").err;
    assert!(hint.contains("correct the label map") && !hint.contains("--label-map"), "{hint}");
    // The map of a recipe can be used as it is.
    folder.write("recipe.toml", format!("name = \"x\"\n[heads.topic.map]\nAny = [{all}]\nNone = []\n"));
    assert_eq!(eval("recipe.toml").done().json(), found);
    folder.write("recipe.toml", "name = \"x\"\n[heads.topic]\nfield = \"label\"\n");
    eval("recipe.toml").refused("it is a recipe with 0 label maps").hint("a file of its own");
}

#[test]
fn agree_counts_equal_predictions_and_writes_the_other_rows() {
    let folder = with_linear();
    folder.write("new.jsonl", articles(texts(50)));
    let found = folder.run("agree TINY linear --data new.jsonl --disagreements rows.jsonl --json").done().json();
    let predict = |model: &str| folder.newsdesk(&["classify", "new.jsonl", "--model", model]).done().rows();
    let (one, two) = (predict(TINY), predict("linear"));
    let same = column(&one, "label").iter().zip(column(&two, "label")).filter(|(one, two)| *one == two).count();
    assert!(0 < same && same < 50, "the models should agree on some of 50 articles, but agree on {same}");
    let pair = &found["pairs"][0];
    assert_eq!((&pair["articles"], &pair["agreeing"]), (&json!(50), &json!(same)));
    let rows = folder.rows("rows.jsonl");
    assert_eq!(rows.len(), 50 - same);
    for row in &rows {
        assert!(row["tiny_label"] != row["linear_label"] && row["text"].is_string(), "{row}");
    }
    let differing: u64 = pair["differing"].as_array().unwrap().iter().map(|of| of[2].as_u64().unwrap()).sum();
    assert_eq!(differing as usize, 50 - same);

    folder.run("agree TINY linear --data new.jsonl --limit 7").done().prints("kappa");
}

#[test]
fn agree_refuses_one_model_empty_inputs_and_inputs_as_outputs() {
    let folder = with_linear();
    folder.write("new.jsonl", articles(texts(5)));
    folder
        .newsdesk(&["agree", "linear", "linear", "--data", "new.jsonl"])
        .refused("cannot compare `linear` with itself");
    folder.write("none.jsonl", "");
    folder.newsdesk(&["agree", TINY, "linear", "--data", "none.jsonl"]).refused("the input has no articles");
    folder
        .newsdesk(&["agree", TINY, "linear", "--data", "new.jsonl", "--disagreements", "new.jsonl"])
        .refused("it is one of the inputs");
}

#[test]
fn differences_count_the_same_articles_if_only_one_model_needs_the_label_map() {
    let folder = Folder::new();
    let row = |(i, text): (usize, String)| {
        let label = ["good", "bad", "odd"][i % 3];
        json!({"text": format!("{label} {text}"), "label": label})
    };
    folder.write("set.jsonl", json_lines(texts(60).into_iter().enumerate().map(row)));
    let all = LABELS.map(|label| format!("\"{label}\"")).join(", ");
    // The rows with `odd` are skipped. For the others, every prediction of the tiny model is correct.
    folder.write("map.toml", format!("good = [{all}]\nbad = [{all}]\nodd = []\n"));
    train_linear(&folder);
    let bench = "bench TINY linear --data set.jsonl --label-map map.toml --rounds 1 --latency-articles 0 --limit 30 --json --quiet";
    let found = folder.run(bench).done().json();
    let of = &found["differences"][0];
    // Of the first 30 articles, 20 have a label that the map keeps.
    assert_eq!((&of["articles"], &of["only_second"]), (&json!(20), &json!(0)), "{found}");
}

const TWO_HEADS: &str = r#"version = 1
name = "two"
pooling = "pooler"
[window]
length = 32
overlap = 12
[[head]]
name = "mood"
activation = "softmax"
label = [{ name = "negative" }, { name = "neutral" }, { name = "positive" }]
[[head]]
name = "desk"
activation = "softmax"
label = [{ name = "arts" }, { name = "business" }, { name = "science" }, { name = "sport" }, { name = "world" }]
"#;

/// Returns [`with_linear`] with a model in `m` that has the heads `mood` and `desk`; the linear model has the head `label`.
fn with_two_heads() -> Folder {
    let folder = with_linear();
    folder.copy_tiny_with_heads("mood", "desk");
    folder.write("m/newsdesk.toml", TWO_HEADS);
    folder
}

#[test]
fn each_model_can_have_its_own_head_and_label_map() {
    let folder = with_two_heads();
    let bench = |more: &str| {
        folder.run(&format!("bench m linear --data set.jsonl --rounds 1 --latency-articles 0 --json --quiet {more}"))
    };
    bench("")
        .refused("cannot find head `label`: the model `m` does not have it")
        .hint("`--head m=mood` or `--head m=desk`");
    bench("--head two=desk --head linear=desk").refused("`linear` does not have it").hint("`--head linear=label`");
    bench("--head other=desk")
        .refused("no model here is called `other`")
        .hint("`--head m=desk` or `--head linear=desk`");
    bench("--head desk --head mood").refused("all models would have two values");
    for heads in ["--head m=desk", "--head desk", "--head two=desk --head linear=label"] {
        let found = bench(heads).done().json();
        let heads: Vec<&Value> =
            found["results"].as_array().unwrap().iter().map(|of| &of["heads"][0]["head"]).collect();
        assert_eq!(heads, ["desk", "label"]);
        assert_eq!(found["differences"][0]["articles"], json!(40));
    }
    // The labels are those of the linear model, and not those of the head `mood`.
    bench("--head m=mood")
        .refused("cannot measure the model `m`")
        .says("caused by: cannot use the labels `arts`")
        .hint("--label-map");
    let moods = r#"["negative", "neutral", "positive"]"#;
    let map = LABELS.map(|label| format!("{label} = {moods}\n")).concat();
    folder.write("map.toml", map);
    let found = bench("--head m=mood --label-map m=map.toml").done().json();
    assert_eq!(found["results"][0]["heads"][0]["accuracy"], json!(1.0), "{found}");
    folder.write("m=map.toml", "arts = 1");
    bench("--head m=mood --label-map m=map.toml").done();
}

#[test]
fn agree_compares_the_named_heads_by_the_label_map() {
    let folder = with_two_heads();
    folder.write("new.jsonl", articles(texts(50)));
    let agree = |more: &str| folder.run(&format!("agree m linear --data new.jsonl --json {more}"));
    agree("").refused("they have no head in common").hint("`--head MODEL=NAME`");
    agree("--head m=label")
        .refused("cannot find head `label`: the model `m`")
        .hint("`--head m=mood` or `--head m=desk`");
    let pair = agree("--head m=desk").done().json()["pairs"][0].clone();
    let same = pair["agreeing"].as_u64().unwrap();
    assert!(pair["articles"] == json!(50) && 0 < same && same < 50, "{pair}");
    agree("--head m=mood").refused("have no label in common").hint("--label-map FILE");
    folder.write("arts.toml", "positive = [\"arts\"]\n");
    agree("--head m=mood --label-map arts.toml")
        .done()
        .says("count as differing, since no label of the other model agrees with")
        .says("--label-map FILE");
    folder.write("map.toml", format!("positive = {0:?}\nneutral = {0:?}\nnegative = {0:?}\n", LABELS));
    let all = agree("--head m=mood --label-map map.toml").done();
    let pair = &all.json()["pairs"][0];
    assert_eq!((&pair["agreement"], &pair["differing"]), (&json!(1.0), &json!([])), "{all}");
    assert_eq!(all.err, "");
    folder.write("wrong.toml", "positive = [\"chess\"]\n");
    agree("--head m=mood --label-map wrong.toml").refused("no model has the label `chess`");
}

/// The measured command reads the same columns as the evaluation.
#[test]
fn target_columns_are_passed_to_the_measured_command() {
    let folder = Folder::new();
    let row = |i: usize, name: &str| match i % 2 {
        0 => json!({"text": format!("The coach met Ann in week {i}."), name: "Ann", "label": "good"}),
        _ => json!({"text": format!("Ann met the coach in week {i}."), name: "coach", "label": "bad"}),
    };
    folder.write("rows.jsonl", json_lines((0..60).map(|i| row(i, "who"))));
    folder.write("other.jsonl", json_lines((0..40).map(|i| row(i, "person"))));
    let options = "--data rows.jsonl --target-field who --epochs 1 --pooling mean --learning-rate 1e-3 --batch-size 4";
    folder.newsdesk(&train_arguments("m", options, &[])).done();
    let found = folder
        .run("bench m --data other.jsonl --target-field person --rounds 1 --latency-articles 0 --json --quiet")
        .done()
        .json();
    assert_eq!((&found["results"][0]["articles"], &found["results"][0]["rejected"]), (&json!(40), &json!(0)));
}

#[test]
fn inputs_are_never_overwritten() {
    let folder = with_linear();
    let set = folder.text("set.jsonl");
    let error = "cannot write `set.jsonl`: it is one of the inputs";
    for option in ["--errors", "--report"] {
        folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", option, "set.jsonl"]).refused(error);
    }
    for option in ["-o", "--report"] {
        folder.newsdesk(&["bench", TINY, "--data", "set.jsonl", option, "set.jsonl"]).refused(error);
        folder
            .newsdesk(&["bench", TINY, "--data", "set.jsonl", option, "no/such/file"])
            .refused("cannot write `no/such/file`");
    }
    #[cfg(unix)]
    {
        std::fs::hard_link(folder.path("set.jsonl"), folder.path("link.jsonl")).unwrap();
        let error = "cannot write `link.jsonl`: it is one of the inputs";
        folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--errors", "link.jsonl"]).refused(error);
        folder
            .newsdesk(&["agree", TINY, "linear", "--data", "set.jsonl", "--disagreements", "link.jsonl"])
            .refused(error);
        // A device is not replaced by a file.
        folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--report", "/dev/null"]).done();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file(), "`/dev/null` is a file");
    }
    assert_eq!(folder.text("set.jsonl"), set);
    folder.write("mine", "mine");
    for command in [
        &["eval", TINY, "--data", "set.jsonl", "--report", "mine"][..],
        &["bench", TINY, "--data", "set.jsonl", "-o", "mine"],
        &["bench", TINY, "--data", "set.jsonl", "--report", "mine"],
        &["data", "convert", "set.jsonl", "--to", "csv", "-o", "mine"],
    ] {
        folder.newsdesk(command).refused("cannot write `mine`: it already exists").hint("`--overwrite`");
    }
    assert_eq!(folder.text("mine"), "mine");
    folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--report", "mine", "--overwrite"]).done();
    folder.assert_contains("mine", "<html");
    for option in [["--errors", "wrong.jsonl"], ["--by", "n"]] {
        let eval = [&["eval", TINY, "--data", "-"], &option[..]].concat();
        folder.newsdesk_reading(set.clone(), &eval).refused("on standard input: the rows are read twice");
    }
}

#[test]
fn models_with_the_same_name_are_listed_by_their_folders() {
    let folder = with_linear();
    folder.write("a.txt", "Goal!");
    for file in ["newsdesk.toml", "model.safetensors"] {
        folder.write(&format!("copy/{file}"), folder.bytes(&format!("linear/{file}")));
    }
    let bench = "bench linear copy --data set.jsonl --rounds 1 --latency-articles 0 --json --quiet";
    let found = folder.run(bench).done().json();
    assert_eq!(column(found["results"].as_array().unwrap(), "model"), ["linear", "copy"]);
    let found = folder.newsdesk(&["agree", "linear", "copy", "--data", "a.txt", "--json"]).done().json();
    assert_eq!((&found["models"], &found["pairs"][0]["agreement"]), (&json!(["linear", "copy"]), &json!(1.0)));
}

#[test]
fn the_same_run_is_not_worse_than_the_baseline() {
    let folder = folder();
    // The tolerance is so wide that a noisy machine does not matter.
    let bench = words("bench TINY --data set.jsonl --rounds 2 --latency-articles 20 --quiet --tolerance 100000");
    folder.newsdesk(&[&bench[..], &["-o", "old.json"]].concat()).done();
    let answer = folder.newsdesk(&[&bench[..], &["--baseline", "old.json"]].concat()).done();
    answer.prints("No changes since the baseline.");
    // Results on other articles cannot be compared.
    let other = folder.newsdesk(&[&bench[..], &["--baseline", "old.json", "--limit", "10"]].concat());
    other.says("it measured other numbers of articles");
}

//! `newsdesk bench` and `newsdesk agree`: what they measure, keep and compare. No test looks at how fast anything is.

use crate::support::{Folder, LABELS, TINY, articles, column, texts};
use serde_json::{Value, json};

/// Labelled rows in `set.jsonl`.
fn folder() -> Folder {
    let folder = Folder::new();
    let row = |(i, text): (usize, String)| format!("{}\n", json!({"text": text, "label": LABELS[i % 4 % 3], "n": i}));
    folder.write("set.jsonl", texts(40).into_iter().enumerate().map(row).collect::<String>());
    folder
}

/// With a linear model of the same labels in `linear`.
fn with_linear() -> Folder {
    let folder = folder();
    train_linear(&folder);
    folder
}

/// Trains a linear model of the rows in `set.jsonl` into `linear`.
fn train_linear(folder: &Folder) {
    let train = ["train", "--arch", "linear", "--data", "set.jsonl", "-o", "linear", "--buckets", "1024", "--quiet"];
    folder.newsdesk(&train).done();
}

fn results(folder: &Folder, name: &str) -> Value {
    serde_json::from_str(&folder.text(name)).unwrap()
}

#[test]
fn models_precisions_and_threads_are_measured_side_by_side() {
    let folder = with_linear();
    let bench = [
        "bench",
        TINY,
        "linear",
        "--data",
        "set.jsonl",
        "--precisions",
        "f32,int8",
        "--threads",
        "1,2",
        "--rounds",
        "2",
        "--singles",
        "20",
        "-o",
        "results.json",
        "--report",
        "page.html",
    ];
    let answer = folder.newsdesk(&bench).done();
    let found = results(&folder, "results.json");
    assert_eq!((&found["complete"], &found["rounds"]), (&json!(true), &json!(2)));
    let all = found["results"].as_array().unwrap();
    let settings: Vec<String> = all
        .iter()
        .map(|of| format!("{} {} {}", of["model"].as_str().unwrap(), of["precision"].as_str().unwrap(), of["threads"]))
        .collect();
    // Of a linear model there is one precision.
    assert_eq!(settings, ["tiny f32 1", "tiny int8 1", "tiny f32 2", "tiny int8 2", "linear f32 1", "linear f32 2"]);
    let eval: Value =
        serde_json::from_str(&folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--json"]).done().out).unwrap();
    for of in all {
        assert_eq!((&of["articles"], &of["set"]), (&json!(40), &json!("set.jsonl")));
        for figure in ["load_seconds", "articles_per_second", "steady_articles_per_second", "tokens_per_second"] {
            let [low, middle, high] = ["low", "median", "high"].map(|end| of[figure][end].as_f64().unwrap());
            assert!(0.0 < low && low <= middle && middle <= high, "{figure}: {of}");
        }
        let [p50, p95, p99] = ["p50", "p95", "p99"].map(|p| of["latency_ms"][p].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p95 && p95 <= p99 && of["latency_ms"]["articles"] == json!(40), "{of}");
        assert!(cfg!(not(target_os = "linux")) || of["peak_memory_bytes"]["median"].as_f64().unwrap() > 1e6);
        assert!(of["tokens"].as_u64().unwrap() > 40 && of["sha256"].as_str().unwrap().len() == 64);
    }
    assert_eq!(all[0]["heads"][0]["accuracy"], eval[0]["heads"][0]["report"]["accuracy"]);
    let differences = found["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 5);
    assert!(differences.iter().all(|of| of["articles"] == json!(40) && of["first"] == json!("tiny, f32, 1 thread")));
    for text in ["tiny", "linear", "articles/s", "McNemar"] {
        assert!(answer.out.contains(text), "{answer}");
    }

    let page = folder.text("page.html");
    assert!(
        !page.contains("<script") && !page.contains("src=") && !page.contains("href="),
        "the page needs something else"
    );
    assert!(
        page.matches("http").count() == page.matches("http://www.w3.org/2000/svg").count(),
        "the page fetches something"
    );
    let charts = page.matches("<svg ").count();
    assert!(charts >= 6 && charts == page.matches("<figcaption>").count());
    assert_eq!(charts, page.matches("<svg role=\"img\" aria-label=\"").count());
    assert_eq!(charts, page.matches("<desc>").count() - page.matches("<desc></desc>").count(), "a chart says nothing");
    for text in
        ["articles/s", "Speed against accuracy", "Confusion", "Reliability", "Latency", "Peak memory", "coverage"]
    {
        assert!(page.contains(text), "`{text}` is missing");
    }
}

#[test]
fn an_earlier_run_is_compared() {
    let folder = folder();
    let bench = |more: &[&str]| {
        let plain = ["bench", TINY, "--data", "set.jsonl", "--rounds", "1", "--singles", "0", "--quiet"];
        folder.newsdesk(&[&plain[..], more].concat())
    };
    bench(&["-o", "old.json"]).done();
    // As if everything had been a hundred times as fast, and right.
    let mut old = results(&folder, "old.json");
    let now = old["results"][0]["heads"][0]["accuracy"].as_f64().unwrap();
    for end in ["low", "median", "high"] {
        let speed = old["results"][0]["articles_per_second"][end].as_f64().unwrap();
        old["results"][0]["articles_per_second"][end] = json!(speed * 100.0);
    }
    old["results"][0]["heads"][0]["accuracy"] = json!(1.0);
    old["results"][0]["heads"][0]["accuracy_interval"] = json!({"low": 0.99, "high": 1.0});
    folder.write("old.json", old.to_string());
    let answer = bench(&["--against", "old.json", "--json"]);
    assert_eq!(answer.code, Some(1), "{answer}");
    let found: Value = serde_json::from_str(&answer.out).unwrap();
    let changes = found["changes"].as_array().unwrap();
    let change = |figure: &str| changes.iter().find(|change| change["figure"] == json!(figure)).unwrap();
    assert_eq!(change("articles/s")["worse"], json!(true));
    assert_eq!(
        (&change("accuracy of label")["now"], &change("accuracy of label")["worse"]),
        (&json!(now), &json!(true))
    );

    // Nothing in common is not the same as nothing worse.
    old["results"][0]["model"] = json!("other");
    folder.write("old.json", old.to_string());
    bench(&["--against", "old.json"]).refused("Failed to compare: the earlier results have no model");
    folder.write("broken.json", "{\"results\":");
    bench(&["--against", "broken.json"]).refused("Failed to read the results `broken.json`");
    bench(&["--against", "missing.json"]).refused("Failed to read the results `missing.json`");
}

#[test]
fn what_cannot_be_measured_is_known_before_the_first_measurement() {
    let folder = folder();
    folder.write("other.jsonl", "{\"text\":\"a\",\"label\":\"Weather\"}\n{\"text\":\"b\",\"label\":\"Chess\"}\n");
    folder.write("unlabelled.jsonl", articles(["one", "two"]));
    folder.write("empty.jsonl", "");
    let bench = |data: &str| folder.newsdesk(&["bench", TINY, "--data", "set.jsonl", data, "-o", "out.json"]);
    bench("other.jsonl")
        .refused("Failed to use the labels `Weather`, `Chess` of `other.jsonl`, line 1 and other rows")
        .hint("`--label-map FILE` says what others mean, with a line for each: \"Weather\" = [");
    bench("unlabelled.jsonl").refused("Failed to find a labelled article in `unlabelled.jsonl`");
    bench("empty.jsonl").refused("Failed to find a labelled article in `empty.jsonl`");
    bench("missing.jsonl").refused("missing.jsonl");
    bench("-").refused("Failed to bench on standard input");
    folder.newsdesk(&["bench", "nowhere", "--data", "set.jsonl"]).refused("Failed to open the model `nowhere`");
    assert!(!folder.path("out.json").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_bench_keeps_what_it_has() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    let folder = folder();
    let bench =
        ["bench", TINY, "--data", "set.jsonl", "--rounds", "1000", "--singles", "0", "-o", "out.json", "--quiet"];
    let mut child = folder.command(&bench).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let since = Instant::now();
    while !folder.path("out.json").exists() {
        assert!(since.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none(), "no round ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let found = results(&folder, "out.json");
    assert_eq!((&found["complete"], found["results"].as_array().unwrap().len()), (&json!(false), 1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("tiny"));
}

#[test]
fn labels_of_a_set_are_mapped() {
    let folder = folder();
    folder.write("other.jsonl", "{\"text\":\"a b\",\"label\":\"Any\"}\n{\"text\":\"b c\",\"label\":\"None\"}\n{\"text\":\"c d\",\"label\":\"Any\"}\n");
    let all = LABELS.map(|label| format!("\"{label}\"")).join(", ");
    folder.write("map.toml", format!("Any = [{all}]\nNone = []\n"));
    let eval = |map: &str| folder.newsdesk(&["eval", TINY, "--data", "other.jsonl", "--label-map", map, "--json"]);
    let found: Value = serde_json::from_str(&eval("map.toml").done().out).unwrap();
    // Rows that the map leaves out are not measured; any answer is right for the others.
    assert_eq!((&found[0]["articles"], &found[0]["skipped"]), (&json!(2), &json!(1)));
    assert_eq!(found[0]["heads"][0]["report"]["accuracy"], json!(1.0));
    folder.write("short.toml", format!("Any = [{all}]\n"));
    eval("short.toml").refused("None");
    folder.write("wrong.toml", "Any = [\"no such label\"]\nNone = []\n");
    eval("wrong.toml").refused("no such label");
    folder.write("bad.toml", "Any = 1\n");
    eval("bad.toml").refused("Failed to read the label map `bad.toml`: `Any` has no list of labels");
}

#[test]
fn agreement_is_counted_and_rows_that_differ_are_written() {
    let folder = with_linear();
    folder.write("new.jsonl", articles(texts(50)));
    let answer =
        folder.newsdesk(&["agree", TINY, "linear", "--data", "new.jsonl", "--rows", "rows.jsonl", "--json"]).done();
    let found: Value = serde_json::from_str(&answer.out).unwrap();
    let of = |model: &str| {
        let rows = folder.newsdesk(&["classify", "new.jsonl", "--model", model]).done().rows();
        column(&rows, "label").iter().map(|label| label.to_string()).collect::<Vec<_>>()
    };
    let (one, two) = (of(TINY), of("linear"));
    let same = one.iter().zip(&two).filter(|(one, two)| one == two).count();
    assert!(same > 0 && same < 50, "{same} of 50 test nothing");
    let pair = &found["pairs"][0];
    assert_eq!((&pair["articles"], &pair["agreeing"]), (&json!(50), &json!(same)));
    let rows = crate::support::rows(&folder.text("rows.jsonl"));
    assert_eq!(rows.len(), 50 - same);
    assert!(rows.iter().all(|row| row["tiny_label"] != row["linear_label"] && row["text"].is_string()));
    let differing: u64 = pair["differing"].as_array().unwrap().iter().map(|of| of[2].as_u64().unwrap()).sum();
    assert_eq!(differing as usize, 50 - same);

    let limited = folder.newsdesk(&["agree", TINY, "linear", "--data", "new.jsonl", "--limit", "7"]).done();
    assert!(limited.out.contains("kappa"), "{limited}");
    folder
        .newsdesk(&["agree", "linear", "linear", "--data", "new.jsonl"])
        .refused("Failed to compare `linear` with itself");
    folder.write("none.jsonl", "");
    folder.newsdesk(&["agree", TINY, "linear", "--data", "none.jsonl"]).refused("there is no article in the input");
    folder
        .newsdesk(&["agree", TINY, "linear", "--data", "new.jsonl", "--rows", "new.jsonl"])
        .refused("it is one of the inputs");
}

/// Where only one of two models needs the label map, and the map leaves rows out, the articles of both are still the same ones.
#[test]
fn differences_are_between_answers_to_the_same_articles() {
    let folder = Folder::new();
    let row = |(i, text): (usize, String)| {
        let label = ["good", "bad", "odd"][i % 3];
        format!("{}\n", json!({"text": format!("{label} {text}"), "label": label}))
    };
    folder.write("set.jsonl", texts(60).into_iter().enumerate().map(row).collect::<String>());
    let all = LABELS.map(|label| format!("\"{label}\"")).join(", ");
    // Whatever the tiny model answers is right for the rows that are left.
    folder.write("map.toml", format!("good = [{all}]\nbad = [{all}]\nodd = []\n"));
    train_linear(&folder);
    let bench = [
        "bench",
        TINY,
        "linear",
        "--data",
        "set.jsonl",
        "--label-map",
        "map.toml",
        "--rounds",
        "1",
        "--singles",
        "0",
        "--limit",
        "30",
        "--json",
        "--quiet",
    ];
    let found: Value = serde_json::from_str(&folder.newsdesk(&bench).done().out).unwrap();
    let of = &found["differences"][0];
    // Of the linear model's first thirty articles twenty have a label that the map keeps.
    assert_eq!((&of["articles"], &of["only_second"]), (&json!(20), &json!(0)), "{found}");
}

#[test]
fn inputs_are_never_overwritten() {
    let folder = with_linear();
    let set = folder.text("set.jsonl");
    let error = "Failed to write `set.jsonl`: it is one of the inputs";
    for option in ["--errors", "--report"] {
        folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", option, "set.jsonl"]).refused(error);
    }
    for option in ["-o", "--report"] {
        folder.newsdesk(&["bench", TINY, "--data", "set.jsonl", option, "set.jsonl"]).refused(error);
        folder
            .newsdesk(&["bench", TINY, "--data", "set.jsonl", option, "no/such/file"])
            .refused("Failed to write `no/such/file`");
    }
    #[cfg(unix)]
    {
        std::fs::hard_link(folder.path("set.jsonl"), folder.path("link.jsonl")).unwrap();
        let error = "Failed to write `link.jsonl`: it is one of the inputs";
        folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--errors", "link.jsonl"]).refused(error);
        folder.newsdesk(&["agree", TINY, "linear", "--data", "set.jsonl", "--rows", "link.jsonl"]).refused(error);
        // A device is written to and not replaced.
        folder.newsdesk(&["eval", TINY, "--data", "set.jsonl", "--report", "/dev/null"]).done();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }
    assert_eq!(folder.text("set.jsonl"), set);
    for option in [["--errors", "wrong.jsonl"], ["--by", "n"]] {
        let eval = [&["eval", TINY, "--data", "-"], &option[..]].concat();
        folder.newsdesk_reading(set.clone(), &eval).refused("on standard input: its rows are read twice");
    }
}

#[test]
fn models_of_one_name_are_told_apart() {
    let folder = with_linear();
    folder.write("a.txt", "Goal!");
    std::fs::create_dir(folder.path("copy")).unwrap();
    for file in ["newsdesk.toml", "model.safetensors"] {
        folder.write(&format!("copy/{file}"), folder.bytes(&format!("linear/{file}")));
    }
    let bench =
        ["bench", "linear", "copy", "--data", "set.jsonl", "--rounds", "1", "--singles", "0", "--json", "--quiet"];
    let found: Value = serde_json::from_str(&folder.newsdesk(&bench).done().out).unwrap();
    let names: Vec<&str> =
        found["results"].as_array().unwrap().iter().map(|of| of["model"].as_str().unwrap()).collect();
    assert_eq!(names, ["linear", "copy"]);
    let agree = folder.newsdesk(&["agree", "linear", "copy", "--data", "a.txt", "--json"]).done();
    let found: Value = serde_json::from_str(&agree.out).unwrap();
    assert_eq!((&found["models"], &found["pairs"][0]["agreement"]), (&json!(["linear", "copy"]), &json!(1.0)));
}

/// The same program on the same articles did not get worse, however noisy the machine: ranges of rounds overlap.
#[test]
fn an_unchanged_run_is_no_worse_when_tolerance_is_wide() {
    let folder = folder();
    let bench =
        ["bench", TINY, "--data", "set.jsonl", "--rounds", "2", "--singles", "20", "--quiet", "--tolerance", "100000"];
    folder.newsdesk(&[&bench[..], &["-o", "old.json"]].concat()).done();
    let answer = folder.newsdesk(&[&bench[..], &["--against", "old.json"]].concat()).done();
    assert!(answer.out.contains("Nothing changed since the earlier run."), "{answer}");
    // Of other articles nothing can be said.
    let other = folder.newsdesk(&[&bench[..], &["--against", "old.json", "--limit", "10"]].concat());
    other.says("the earlier results are those of other numbers of articles");
}

//! `newsdesk classify -o FILE`: a run that is cut off at any moment goes on with `--resume` and ends as if nothing had happened.

use crate::support::{Folder, articles, rows, texts};
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::process::Stdio;
use std::time::Duration;

const ROWS: usize = 6000;

/// Articles of many words, and now and then a line that is none.
fn corpus() -> String {
    let short = texts(ROWS);
    let long = (0..ROWS).map(|i| format!("{} {} {i}", short[i], short[(7 * i) % ROWS].repeat(3)));
    let lines = articles(long).lines().map(str::to_owned).collect::<Vec<_>>();
    let line = |(i, line): (usize, &String)| if i % 700 == 350 { "no object\n".into() } else { format!("{line}\n") };
    lines.iter().enumerate().map(line).collect()
}

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    arguments_of("news.jsonl", output, more)
}

fn arguments_of<'a>(input: &'a str, output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = ["classify", "--model", "m", input, "--threads", "1", "--save-every", "0", "-o", output];
    [&usual[..], more].concat()
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("news.jsonl", corpus());
    folder
}

/// What stands in the folder beside its inputs.
fn files(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.retain(|name| name != "m" && !name.starts_with("news."));
    names.sort();
    names
}

/// Begins a run and kills it when its journal has so many bytes.
fn kill_at(folder: &Folder, output: &str, bytes: u64) {
    let mut child = folder.command(&arguments(output, &[])).stderr(Stdio::null()).spawn().unwrap();
    let journal = folder.path(&format!("{output}.journal"));
    while std::fs::metadata(&journal).map_or(0, |metadata| metadata.len()) < bytes {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it was killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn killed_at_random_moments_it_ends_as_if_it_had_not_been() {
    let folder = folder();
    for input in ["news.parquet", "news.arrows.zst", "news.csv"] {
        let convert = ["data", "convert", "news.jsonl", "-o", input, "--rejects", "bad.jsonl", "--quiet"];
        assert_eq!(folder.newsdesk(&convert).code, Some(1));
        std::fs::remove_file(folder.path("bad.jsonl")).unwrap();
    }
    let pairs = [
        ("jsonl", "jsonl"),
        ("csv", "csv"),
        ("jsonl", "tsv"),
        ("jsonl", "jsonl.gz"),
        ("jsonl", "csv.zst"),
        ("parquet", "parquet"),
        ("jsonl", "parquet"),
        ("arrows.zst", "arrows"),
        ("parquet", "arrows.gz"),
    ];
    for (input, ending) in pairs {
        let (input, whole, killed) = (format!("news.{input}"), format!("whole.{ending}"), format!("killed.{ending}"));
        let since = std::time::Instant::now();
        let of_whole = folder.newsdesk(&arguments_of(&input, &whole, &[])).code;
        // Bad lines stand in the JSON Lines alone.
        assert_eq!(of_whole, Some((input == "news.jsonl").into()));
        let time = since.elapsed();
        let mut kills = 0;
        let code = loop {
            let mut child =
                folder.command(&arguments_of(&input, &killed, &["--resume"])).stderr(Stdio::null()).spawn().unwrap();
            let random = RandomState::new().hash_one(kills) % 1000;
            std::thread::sleep(time.mul_f64(0.4 * random as f64 / 1000.0));
            if kills < 20 && child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            } else {
                break child.wait().unwrap().code();
            }
        };
        assert_eq!(code, of_whole, "after {kills} kills");
        assert!(kills > 0, "it was never killed");
        assert!(folder.bytes(&killed) == folder.bytes(&whole), "{ending} differs after {kills} kills");
        let rejects = |name: &str| std::fs::read(folder.path(&format!("{name}.rejects.jsonl"))).ok();
        assert!(rejects(&killed) == rejects(&whole), "the rejects of {ending} differ after {kills} kills");
        let manifest =
            |name: &str| -> Value { serde_json::from_str(&folder.text(&format!("{name}.manifest.json"))).unwrap() };
        let (one, other) = (manifest(&whole), manifest(&killed));
        for key in ["model", "settings", "inputs", "read", "counts", "machine"] {
            assert_eq!(one[key], other[key], "{key} of {ending}");
        }
        for name in [&whole, &killed] {
            for more in ["", ".rejects.jsonl", ".manifest.json"] {
                let removed = std::fs::remove_file(folder.path(&format!("{name}{more}")));
                assert!(removed.is_ok() || more == ".rejects.jsonl");
            }
        }
        assert_eq!(files(&folder), Vec::<String>::new());
    }
}

#[test]
fn a_run_tells_of_itself() {
    let folder = folder();
    let bad: Vec<String> = (0..9).map(|number| format!("line {}", 351 + 700 * number)).collect();
    folder.newsdesk(&arguments("out.csv", &[])).rejected(&bad.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(files(&folder), ["out.csv", "out.csv.manifest.json", "out.csv.rejects.jsonl"]);
    let manifest: Value = serde_json::from_str(&folder.text("out.csv.manifest.json")).unwrap();
    let counts = &manifest["counts"];
    assert_eq!((&counts["articles"], &counts["rejected"]), (&(ROWS as u64 - 9).into(), &9.into()));
    let labels = counts["labels"]["label"].as_object().unwrap();
    assert_eq!(labels.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), ROWS as u64 - 9);
    let input = &manifest["read"][0];
    assert_eq!((&input["file"], &input["bytes"]), (&"news.jsonl".into(), &(corpus().len() as u64).into()));
    assert_eq!(manifest["settings"]["output_format"], "csv");
    assert_eq!(manifest["model"]["name"], "m");
    for hash in [&input["sha256"], &manifest["model"]["sha256"]] {
        assert!(hash.as_str().is_some_and(|hash| hash.len() == 64), "{hash}");
    }
    let rejects = rows(&folder.text("out.csv.rejects.jsonl"));
    assert_eq!((rejects.len(), &rejects[1]["raw"], &rejects[1]["line"]), (9, &"no object".into(), &1051.into()));
    // The rejects of an earlier run are not left beside a run without any.
    folder.write("good.jsonl", articles(texts(3)));
    folder.newsdesk(&["classify", "--model", "m", "good.jsonl", "-o", "out.csv"]).done();
    assert!(!folder.path("out.csv.rejects.jsonl").exists());
    folder.newsdesk(&["classify", "--model", "m", "good.jsonl", "-o", "out.csv", "--rejects", "r.jsonl.gz"]).done();
    assert_eq!(crate::support::compression::gunzip(&folder.bytes("r.jsonl.gz")), "");
}

#[test]
fn what_was_interrupted_is_neither_overwritten_nor_mixed() {
    let folder = folder();
    kill_at(&folder, "out.jsonl", 3000);
    assert!(!folder.path("out.jsonl").exists());
    folder
        .newsdesk(&arguments("out.jsonl", &[]))
        .refused("Failed to begin: `out.jsonl.journal` is the journal of a run that was interrupted")
        .hint("go on with `--resume`");
    let other = |more: &[&str]| folder.newsdesk(&arguments("out.jsonl", &[&["--resume"], more].concat()));
    other(&["--scores"]).refused("Failed to go on with `out.jsonl`: scores was false and is true");
    other(&["--prefix", "x_"]).refused("prefix was `` and is `x_`");
    other(&["news.jsonl"]).refused("the inputs");

    // Other contents of the same size and time are noticed when they are read again.
    let before = folder.text("news.jsonl");
    let time = std::fs::metadata(folder.path("news.jsonl")).unwrap().modified().unwrap();
    let set = |text: &str, time| {
        folder.write("news.jsonl", text);
        std::fs::File::options().write(true).open(folder.path("news.jsonl")).unwrap().set_modified(time).unwrap();
    };
    set(&before.replacen('a', "b", 1), time);
    other(&[]).refused("rows, which were done, are not what they were").hint("remove its `.journal`");
    set(&before, time + Duration::from_secs(5));
    other(&[]).refused("`news.jsonl` was changed since the run began");
    set(&format!("{before}{{\"text\":\"more\"}}\n"), time);
    other(&[]).refused(&format!("`news.jsonl` had {} bytes and has {}", before.len(), before.len() + 16));
    set(&before, time);
    assert_eq!(other(&[]).says("going on after ").code, Some(1));
    assert_eq!(folder.text("out.jsonl").lines().count(), ROWS - 9);
    let again = other(&[]).says("`out.jsonl` is complete: there is nothing to go on with");
    assert_eq!(again.code, Some(1), "there were rejects: {again}");
    folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--resume"]).refused("there is no output file");
}

#[test]
fn complete_outputs_of_other_runs_are_not_taken_for_this_one() {
    let folder = folder();
    folder.newsdesk(&arguments("out.jsonl", &["--limit", "5"])).done();
    let again = |more: &[&str]| folder.newsdesk(&arguments("out.jsonl", &[&["--resume"], more].concat()));
    again(&["--limit", "6"]).refused("Failed to go on with `out.jsonl`: limit was 5 and is 6");
    again(&["--limit", "5"]).done().says("there is nothing to go on with");
    std::fs::remove_file(folder.path("out.jsonl.manifest.json")).unwrap();
    again(&["--limit", "5"]).refused("nothing tells of a run that made it").hint("leave out `--resume`");
    // Without `--resume` it is written anew.
    folder.newsdesk(&arguments("out.jsonl", &["--limit", "7"])).done();
    assert_eq!(folder.text("out.jsonl").lines().count(), 7);
}

#[test]
fn what_could_not_begin_leaves_nothing() {
    let folder = folder();
    folder.write("bad.csv", "a,b\n1,2\n");
    let run = |more: &[&str]| folder.newsdesk(&[&["classify", "--model", "m"], more].concat());
    run(&["news.jsonl", "bad.csv", "--limit", "0", "-o", "zero.jsonl"]).done();
    run(&["news.jsonl", "-o", "out.jsonl", "--rejects", "missing/r.jsonl"]).refused("write to `missing/r.jsonl`");
    run(&["news.jsonl", "-o", "out.jsonl", "--rejects", "/dev/null"])
        .refused("it is no file")
        .hint("a file of their own");
    run(&["news.jsonl", "-o", "missing/out.jsonl"]).refused("write to `missing/out.jsonl`").hint("create the folder");
    assert_eq!(files(&folder), ["bad.csv", "zero.jsonl", "zero.jsonl.manifest.json"]);
    folder.write("out.jsonl.partial", articles(texts(1)));
    let own = run(&["out.jsonl.partial", "--format", "jsonl", "-o", "out.jsonl"]);
    own.refused("Failed to write `out.jsonl.partial`: it is one of the inputs");
}

#[test]
fn rejects_of_an_earlier_run_are_no_articles() {
    let folder = folder();
    folder.write("in/a.jsonl", articles(texts(3)) + "no object\n").write("in/b.jsonl", articles(texts(2)));
    let run = ["classify", "--model", "m", "in", "-o", "in/b.csv"];
    folder.newsdesk(&run).rejected(&["line 4"]);
    assert!(folder.path("in/b.csv.rejects.jsonl").exists());
    let again = folder.newsdesk(&["classify", "--model", "m", "in", "--json", "--rejects", "r.jsonl"]);
    again.rejected(&["line 4"]);
}

#[test]
fn ctrl_c_ends_cleanly_and_the_run_goes_on() {
    let folder = folder();
    folder.newsdesk(&arguments("whole.jsonl.zst", &["--quiet"]));
    // Whatever this test runs under may ignore such signals.
    let newsdesk = folder.command(&arguments("out.jsonl.zst", &[]));
    let mut command = std::process::Command::new("env");
    command.arg("--default-signal").arg(newsdesk.get_program()).args(newsdesk.get_args());
    command.current_dir(folder.path(".")).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while std::fs::metadata(folder.path("out.jsonl.zst.journal")).map_or(0, |metadata| metadata.len()) < 3000 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert!(said.contains("the same command with `--resume` goes on"), "{said}");
    assert!(!folder.path("out.jsonl.zst").exists());
    assert_eq!(folder.newsdesk(&arguments("out.jsonl.zst", &["--resume"])).code, Some(1));
    assert!(folder.bytes("out.jsonl.zst") == folder.bytes("whole.jsonl.zst"));
}

#[test]
fn too_many_rejects_stop_a_run() {
    let folder = folder();
    let answer = folder.newsdesk(&arguments("out.jsonl", &["--max-rejects", "3", "--quiet"]));
    assert!(answer.err.contains("error: Failed to go on: 4 of 2451 rows are rejected, more than 3"), "{answer}");
    assert_eq!(answer.code, Some(2));
    assert!(!folder.path("out.jsonl").exists());
    assert_eq!(folder.text("out.jsonl.rejects.jsonl.partial").lines().count(), 4);
    let again = folder.newsdesk(&arguments("out.jsonl", &["--max-rejects", "3", "--resume"]));
    again.refused("4 of 2451 rows are rejected, more than 3");
    let on = folder.newsdesk(&arguments("out.jsonl", &["--max-rejects", "1%", "--resume"]));
    assert_eq!(on.says("going on after 2451 rows").code, Some(1));
    assert_eq!(folder.text("out.jsonl").lines().count(), ROWS - 9);
    folder.newsdesk(&arguments("other.jsonl", &["--max-rejects", "x"])).refused("neither a number of rows");
}

#[test]
fn a_first_look_takes_some_of_the_rows() {
    let folder = folder();
    folder.newsdesk(&arguments("few.jsonl", &["--limit", "100"])).done();
    assert_eq!(folder.text("few.jsonl").lines().count(), 100);
    let sample = |output: &str, share: &str| {
        folder.newsdesk(&arguments(output, &["--sample", share, "--quiet"]));
        folder.text(output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (tenth, fifth) = (sample("tenth.jsonl", "10%"), sample("fifth.jsonl", "0.2"));
    assert!(
        (450..750).contains(&tenth.len()) && (1050..1350).contains(&fifth.len()),
        "{} {}",
        tenth.len(),
        fifth.len()
    );
    assert!(tenth.iter().all(|line| fifth.contains(line)), "a larger sample has the smaller one in it");
    folder.newsdesk(&arguments("x.jsonl", &["--sample", "0"])).refused("it is no share");
}

#[test]
fn an_input_that_breaks_off_keeps_what_was_read() {
    let folder = folder();
    let whole = crate::support::compression::gzip(corpus());
    folder.write("news.jsonl.gz", &whole[..whole.len() / 2]);
    let run = ["classify", "--model", "m", "news.jsonl.gz", "-o", "out.jsonl"];
    let answer = folder.newsdesk(&run).says("rows are kept");
    assert_eq!(answer.code, Some(2), "{answer}");
    let kept = folder.text("out.jsonl.partial").lines().count();
    assert!(kept > 1000 && !folder.path("out.jsonl").exists(), "{kept}");
    folder.write("news.jsonl.gz", &whole);
    folder.newsdesk(&[&run[..], &["--resume"]].concat()).refused("`news.jsonl.gz` had ");
}

/// Begins a run over a pipe and a file, has `meddle` change the file while the pipe is open, and gives what came of it.
#[cfg(unix)]
fn run_over_a_pipe(folder: &Folder, meddle: impl FnOnce()) -> crate::support::Answer {
    use std::io::Write;
    let made = std::process::Command::new("mkfifo").arg(folder.path("pipe.jsonl")).status().unwrap();
    assert!(made.success());
    let arguments = ["classify", "--model", "m", "pipe.jsonl", "second.jsonl", "-o", "out.jsonl"];
    let child = folder.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = std::fs::OpenOptions::new().write(true).open(folder.path("pipe.jsonl")).unwrap();
    pipe.write_all(articles(texts(600)).as_bytes()).unwrap();
    while !folder.path("out.jsonl.journal").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    meddle();
    drop(pipe);
    crate::support::Answer::new(&arguments, child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn an_input_that_vanishes_is_named_and_what_was_done_is_kept() {
    let folder = folder();
    folder.write("second.jsonl", articles(texts(5)));
    let answer = run_over_a_pipe(&folder, || std::fs::remove_file(folder.path("second.jsonl")).unwrap());
    answer.refused("Failed to open `second.jsonl`").says("600 rows are kept: with the same inputs, `--resume` goes on");
    assert!(!folder.path("out.jsonl").exists() && folder.path("out.jsonl.partial").exists());
}

#[cfg(unix)]
#[test]
fn an_input_that_grows_is_read_to_its_new_end_and_told() {
    let folder = folder();
    folder.write("second.jsonl", articles(texts(5)));
    let answer = run_over_a_pipe(&folder, || _ = folder.write("second.jsonl", articles(texts(9))));
    answer.done().says("warning: `second.jsonl` had ");
    assert_eq!(folder.text("out.jsonl").lines().count(), 609);
    let manifest: Value = serde_json::from_str(&folder.text("out.jsonl.manifest.json")).unwrap();
    assert_eq!(manifest["read"][1]["bytes"], folder.bytes("second.jsonl").len());
}

#[test]
fn an_output_that_cannot_be_made_costs_nothing() {
    let folder = folder();
    // Nobody can make files there, not even root.
    for place in ["/proc/out.jsonl", "news.jsonl/out.jsonl"] {
        folder.newsdesk(&arguments(place, &[])).refused(&format!("Failed to write to `{place}`"));
    }
    assert_eq!(files(&folder), Vec::<String>::new());
}

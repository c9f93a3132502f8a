//! `newsdesk classify -o FILE`: an interrupted run is resumed with `--resume`, and its files are those of an undisturbed run.
//!
//! The unit tests of `crates/run` interrupt runs at every step of writing, in every format. Here the process is really killed.

use crate::support::compression::{gunzip, gzip};
#[cfg(unix)]
use crate::support::processes::ignoring;
use crate::support::{Answer, Folder, Random, articles, texts};
use std::process::Stdio;
use std::time::{Duration, Instant};

const ROWS: usize = 3000;

/// Rows of the corpus that are not JSON objects.
const BAD_ROWS: usize = 4;

/// Returns articles of different lengths, with a few lines that are not JSON objects.
fn corpus() -> String {
    let short = texts(ROWS);
    let long = (0..ROWS).map(|i| format!("{} {} {i}", short[i], short[(7 * i) % ROWS].repeat(3)));
    let lines = articles(long).lines().map(str::to_owned).collect::<Vec<_>>();
    let line = |(i, line): (usize, &String)| if i % 700 == 350 { "no object\n".into() } else { format!("{line}\n") };
    lines.iter().enumerate().map(line).collect()
}

fn arguments<'a>(output: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual =
        ["classify", "--model", "m", "news.jsonl", "--threads", "1", "--checkpoint-interval", "0", "-o", output];
    [&usual[..], more].concat()
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.copy_tiny("m");
    folder.write("news.jsonl", corpus());
    folder
}

/// Returns the names of the files in the folder, without the model and the inputs.
fn files(folder: &Folder) -> Vec<String> {
    let mut names = folder.entries("");
    names.retain(|name| name != "m" && !name.starts_with("news."));
    names
}

#[test]
fn resume_after_kill_gives_identical_files() {
    let (folder, mut random) = (folder(), Random::new());
    let endings = ["jsonl", "jsonl.gz", "csv.zst", "tsv", "arrows", "parquet"];
    let ending = endings[random.below(endings.len() as u64) as usize];
    let (whole, killed) = (format!("whole.{ending}"), format!("killed.{ending}"));
    let since = Instant::now();
    // There are rejects.
    assert_eq!(folder.newsdesk(&arguments(&whole, &["--quiet"])).code, Some(1));
    let time = since.elapsed();
    let mut kills = 0;
    let code = loop {
        let arguments = arguments(&killed, &["--resume"]);
        let mut child = folder.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
        // The first kill comes early, since the run may be faster than the undisturbed one.
        let longest = if kills == 0 { 0.1 } else { 0.7 };
        std::thread::sleep(time.mul_f64(random.fraction() * longest));
        if kills == 5 || child.try_wait().unwrap().is_some() {
            break child.wait().unwrap().code();
        }
        // SIGKILL: the process cannot clean up.
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
    };
    assert_eq!(code, Some(1), "after {kills} kills");
    assert!(kills > 0, "the run ended before it was killed");
    for suffix in ["", ".rejects.jsonl"] {
        let bytes = |name: &str| folder.bytes(&format!("{name}{suffix}"));
        assert!(bytes(&killed) == bytes(&whole), "{ending}{suffix} differs after {kills} kills");
    }
    let [one, other] = [&whole, &killed].map(|name| folder.json(&format!("{name}.manifest.json")));
    for key in ["model", "settings", "inputs", "read", "counts", "machine"] {
        assert_eq!(one[key], other[key], "{key} of {ending}");
    }
    let names = |name: &str| ["", ".manifest.json", ".rejects.jsonl"].map(|suffix| format!("{name}{suffix}"));
    assert_eq!(files(&folder), [names(&killed), names(&whole)].concat());
}

#[test]
fn manifest_describes_the_run() {
    let folder = folder();
    let bad: Vec<String> = (0..BAD_ROWS).map(|number| format!("line {}", 351 + 700 * number)).collect();
    folder.newsdesk(&arguments("out.csv", &[])).rejected(&bad.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(files(&folder), ["out.csv", "out.csv.manifest.json", "out.csv.rejects.jsonl"]);
    let manifest = folder.json("out.csv.manifest.json");
    let counts = &manifest["counts"];
    assert_eq!((&counts["articles"], &counts["rejected"]), (&(ROWS - BAD_ROWS).into(), &BAD_ROWS.into()));
    let labels = counts["labels"]["label"].as_object().unwrap();
    assert_eq!(labels.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), (ROWS - BAD_ROWS) as u64);
    let input = &manifest["read"][0];
    assert_eq!((&input["file"], &input["bytes"]), (&"news.jsonl".into(), &(corpus().len() as u64).into()));
    assert_eq!(manifest["settings"]["output_format"], "csv");
    assert_eq!(manifest["model"]["name"], "m");
    for hash in [&input["sha256"], &manifest["model"]["sha256"]] {
        assert!(hash.as_str().is_some_and(|hash| hash.len() == 64), "{hash}");
    }
    let rejects = folder.rows("out.csv.rejects.jsonl");
    assert_eq!((rejects.len(), &rejects[1]["raw"], &rejects[1]["line"]), (BAD_ROWS, &"no object".into(), &1051.into()));
    // A run without rejects removes the rejects file of an earlier run.
    folder.write("good.jsonl", articles(texts(3)));
    let again = ["classify", "--model", "m", "good.jsonl", "--overwrite", "-o", "out.csv"];
    folder.newsdesk(&again).done();
    folder.assert_missing("out.csv.rejects.jsonl");
    folder.newsdesk(&[&again[..], &["--rejects", "r.jsonl.gz"]].concat()).done();
    assert_eq!(gunzip(&folder.bytes("r.jsonl.gz")), "");
}

#[test]
fn interrupted_run_is_neither_overwritten_nor_resumed_with_other_settings() {
    let folder = folder();
    folder.kill_when_written("out.jsonl.journal", 1500, &arguments("out.jsonl", &[]));
    folder.assert_missing("out.jsonl");
    folder
        .newsdesk(&arguments("out.jsonl", &[]))
        .refused("cannot start the run: `out.jsonl.journal` is the journal of an interrupted run")
        .hint("continue the run with `--resume`, or start again with `--overwrite`");
    let other = |more: &[&str]| folder.newsdesk(&arguments("out.jsonl", &[&["--resume"], more].concat()));
    other(&["--scores"]).refused("cannot resume `out.jsonl`: scores: off in the first run, on now");
    other(&["--prefix", "x_"]).refused("prefix: `` in the first run, `x_` now");
    other(&["news.jsonl"]).refused("the inputs");

    // Different contents of the same size and time are noticed when the rows are read again.
    let before = folder.text("news.jsonl");
    let time = std::fs::metadata(folder.path("news.jsonl")).unwrap().modified().unwrap();
    let set = |text: &str, time| {
        folder.write("news.jsonl", text);
        std::fs::File::options().write(true).open(folder.path("news.jsonl")).unwrap().set_modified(time).unwrap();
    };
    set(&before.replacen('a', "b", 1), time);
    other(&[]).refused("rows, which were done, have changed").hint("start again with `--overwrite`");
    set(&before, time + Duration::from_secs(5));
    other(&[]).refused("`news.jsonl` was modified after the run started");
    set(&format!("{before}{{\"text\":\"more\"}}\n"), time);
    other(&[]).refused(&format!("`news.jsonl` had {} bytes and has {}", before.len(), before.len() + 16));
    set(&before, time);
    assert_eq!(other(&[]).says("resuming after ").code, Some(1));
    assert_eq!(folder.text("out.jsonl").lines().count(), ROWS - BAD_ROWS);
    let again = other(&[]).says("`out.jsonl` is already complete: nothing to resume");
    assert_eq!(again.code, Some(1), "there were rejects: {again}");
    folder.newsdesk(&["classify", "--model", "m", "news.jsonl", "--resume"]).refused("there is no output file");
}

#[test]
fn resume_refuses_a_complete_output_of_another_run() {
    let folder = folder();
    folder.newsdesk(&arguments("out.jsonl", &["--limit", "5"])).done();
    let again = |more: &[&str]| folder.newsdesk(&arguments("out.jsonl", &[&["--resume"], more].concat()));
    again(&["--limit", "6"]).refused("cannot resume `out.jsonl`: limit: 5 in the first run, 6 now");
    again(&["--limit", "5"]).done().says("nothing to resume");
    std::fs::remove_file(folder.path("out.jsonl.manifest.json")).unwrap();
    again(&["--limit", "5"]).refused("has neither a journal nor a manifest").hint("`--overwrite`");
    folder.newsdesk(&arguments("out.jsonl", &["--limit", "7", "--overwrite"])).done();
    assert_eq!(folder.text("out.jsonl").lines().count(), 7);
}

#[test]
fn existing_files_are_kept_without_overwrite() {
    let folder = folder();
    let run = |more: &[&str]| folder.newsdesk(&arguments("out.jsonl", &[&["--limit", "5"], more].concat()));
    folder.write("out.jsonl", "mine");
    let hint = "choose another output, or replace it with `--overwrite`";
    run(&[]).refused("cannot write `out.jsonl`: it already exists").hint(hint);
    folder.write("r.jsonl", "mine");
    run(&["--overwrite", "--resume"]).refused("cannot be used with");
    folder.write("out.jsonl", "");
    run(&["--rejects", "r.jsonl"]).refused("cannot write `r.jsonl`: it already exists").hint(hint);
    assert_eq!(folder.text("r.jsonl"), "mine");
    // An empty file, as `mktemp` makes it, holds nothing.
    run(&[]).done();
    // The name of an earlier version of the option.
    run(&["--fresh", "--rejects", "r.jsonl"]).done();
    assert_eq!((folder.rows("out.jsonl").len(), folder.text("r.jsonl")), (5, String::new()));
    // The rejects of a run whose output was moved away are kept as well.
    folder.write("b.jsonl.rejects.jsonl", "mine");
    let moved = folder.newsdesk(&arguments("b.jsonl", &[]));
    moved.refused("cannot write `b.jsonl.rejects.jsonl`: it already exists");
    #[cfg(unix)]
    folder.newsdesk(&arguments("/dev/null", &["--limit", "5", "--output-format", "csv"])).done();
}

#[test]
fn overwrite_starts_an_interrupted_run_again() {
    let folder = folder();
    folder.kill_when_written("out.jsonl.journal", 1500, &arguments("out.jsonl", &[]));
    // Other settings, and a later kill of the new run.
    assert_eq!(folder.newsdesk(&arguments("out.jsonl", &["--limit", "300", "--overwrite"])).code, Some(0));
    assert_eq!(files(&folder), ["out.jsonl", "out.jsonl.manifest.json"]);
    assert_eq!(folder.rows("out.jsonl").len(), 300);
}

#[test]
fn damaged_rows_of_an_interrupted_run_are_not_trusted() {
    let folder = folder();
    folder.newsdesk(&arguments("whole.jsonl", &["--quiet"]));
    folder.kill_when_written("out.jsonl.journal", 1700, &arguments("out.jsonl", &[]));
    let mut bytes = folder.bytes("out.jsonl.partial");
    let lengths: Vec<usize> = folder
        .text("out.jsonl.journal")
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["checkpoint"]["output"].as_u64())
        .map(|length| length as usize)
        .collect();
    let [first, .., last] = lengths[..] else { panic!("the journal has {} checkpoints", lengths.len()) };
    let intact = bytes.clone();
    bytes[first / 2..first / 2 + 8].fill(b'X');
    folder.write("out.jsonl.partial", &bytes);
    let resume = || folder.newsdesk(&arguments("out.jsonl", &["--resume"]));
    resume()
        .refused(&format!("the first {first} bytes of `out.jsonl.partial` are not those that the run wrote"))
        .hint("start again with `--overwrite`");
    bytes = intact;
    bytes[last - 8..last].fill(b'X');
    folder.write("out.jsonl.partial", &bytes);
    assert_eq!(resume().says("warning: `out.jsonl.partial` is not as the run wrote it").code, Some(1));
    assert!(folder.bytes("out.jsonl") == folder.bytes("whole.jsonl"), "the outputs differ");
}

#[test]
fn output_whose_other_names_are_too_long_is_refused_at_once() {
    let folder = folder();
    let name = format!("{}.jsonl", "a".repeat(230));
    folder.newsdesk(&arguments(&name, &[])).refused("cannot write `aaa").hint("choose a shorter name");
    assert_eq!(files(&folder), Vec::<String>::new());
}

#[test]
fn run_that_cannot_start_leaves_no_files() {
    let folder = folder();
    folder.write("bad.csv", "a,b\n1,2\n");
    let run = |more: &[&str]| folder.newsdesk(&[&["classify", "--model", "m"], more].concat());
    run(&["news.jsonl", "bad.csv", "--limit", "0", "-o", "zero.jsonl"]).done();
    run(&["news.jsonl", "-o", "out.jsonl", "--rejects", "missing/r.jsonl"]).refused("write to `missing/r.jsonl`");
    run(&["news.jsonl", "-o", "out.jsonl", "--rejects", "/dev/null"])
        .refused("it is not a file")
        .hint("name a file with `--rejects FILE`");
    run(&["news.jsonl", "-o", "missing/out.jsonl"]).refused("write to `missing/out.jsonl`").hint("create the folder");
    assert_eq!(files(&folder), ["bad.csv", "zero.jsonl", "zero.jsonl.manifest.json"]);
    folder.write("out.jsonl.partial", articles(texts(1)));
    let own = run(&["out.jsonl.partial", "--format", "jsonl", "-o", "out.jsonl"]);
    own.refused("cannot write `out.jsonl.partial`: it is one of the inputs");
}

#[test]
fn rejects_files_are_not_read_as_articles() {
    let folder = folder();
    folder.write("in/a.jsonl", articles(texts(3)) + "no object\n").write("in/b.jsonl", articles(texts(2)));
    let run = ["classify", "--model", "m", "in", "-o", "in/b.csv"];
    folder.newsdesk(&run).rejected(&["line 4"]);
    assert!(folder.path("in/b.csv.rejects.jsonl").exists(), "the rejects were not written");
    let again = folder.newsdesk(&["classify", "--model", "m", "in", "--json", "--rejects", "r.jsonl"]);
    again.rejected(&["line 4"]);
}

#[cfg(unix)]
#[test]
fn run_interrupted_by_ctrl_c_can_be_resumed() {
    let folder = folder();
    folder.newsdesk(&arguments("whole.jsonl.zst", &["--quiet"]));
    let interrupted = folder.interrupt_when_written("out.jsonl.zst.journal", 1500, &arguments("out.jsonl.zst", &[]));
    assert_eq!(interrupted.code, Some(130), "{interrupted}");
    interrupted.says("resume with the same command and `--resume`");
    folder.assert_missing("out.jsonl.zst");
    assert_eq!(folder.newsdesk(&arguments("out.jsonl.zst", &["--resume"])).code, Some(1));
    assert!(folder.bytes("out.jsonl.zst") == folder.bytes("whole.jsonl.zst"), "the outputs differ");
}

/// `nohup` ignores SIGHUP, and shells ignore SIGINT for jobs in the background of a script.
#[cfg(unix)]
#[test]
fn ignored_signals_stay_ignored_and_sigterm_is_handled() {
    let folder = folder();
    let command = folder.command(&arguments("out.jsonl", &[]));
    let command = ignoring(command, &[libc::SIGHUP, libc::SIGINT]);
    let signals = ["-HUP", "-INT", "-TERM"];
    let interrupted = folder.signal_when_written("out.jsonl.journal", 1500, command, &signals);
    assert_eq!(interrupted.code, Some(130), "{interrupted}");
    interrupted.says("resume with the same command and `--resume`");
    assert!(folder.text("out.jsonl.partial").lines().count() >= 512, "no rows were saved");
}

#[cfg(unix)]
#[test]
fn limit_on_the_size_of_files_is_an_error_that_keeps_rows() {
    let folder = folder();
    folder.newsdesk(&arguments("whole.jsonl", &["--quiet"]));
    let command = arguments("out.jsonl", &[]);
    // In blocks of 512 or 1,024 bytes.
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -f 600 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_newsdesk")]).args(&command);
    let output = limited.current_dir(folder.path("")).output().unwrap();
    let answer = Answer::new(&command, output).says(" rows kept").hint("raise the limit on the size of files");
    assert!(answer.code == Some(2) && answer.err.contains("File too large"), "{answer}");
    assert_eq!(folder.newsdesk(&arguments("out.jsonl", &["--resume"])).code, Some(1));
    assert!(folder.bytes("out.jsonl") == folder.bytes("whole.jsonl"), "the outputs differ");
}

#[test]
fn too_many_rejects_stop_the_run() {
    let folder = folder();
    let answer = folder.newsdesk(&arguments("out.jsonl", &["--max-rejects", "3", "--quiet"]));
    assert!(answer.err.contains("error: cannot continue: 4 of 2451 rows are rejected, more than 3"), "{answer}");
    assert_eq!(answer.code, Some(2));
    folder.assert_missing("out.jsonl");
    assert_eq!(folder.text("out.jsonl.rejects.jsonl.partial").lines().count(), 4);
    let again = folder.newsdesk(&arguments("out.jsonl", &["--max-rejects", "3", "--resume"]));
    again.refused("4 of 2451 rows are rejected, more than 3");
    let on = folder.newsdesk(&arguments("out.jsonl", &["--max-rejects", "1%", "--resume"]));
    assert_eq!(on.says("resuming after 2,451 rows").code, Some(1));
    assert_eq!(folder.text("out.jsonl").lines().count(), ROWS - BAD_ROWS);
    folder.newsdesk(&arguments("other.jsonl", &["--max-rejects", "x"])).refused("neither a number of rows");
}

#[test]
fn limit_and_sample_take_some_of_the_rows() {
    let folder = folder();
    folder.newsdesk(&arguments("few.jsonl", &["--limit", "100"])).done();
    assert_eq!(folder.text("few.jsonl").lines().count(), 100);
    let sample = |output: &str, share: &str| {
        folder.newsdesk(&arguments(output, &["--sample", share, "--quiet"]));
        folder.text(output).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (tenth, fifth) = (sample("tenth.jsonl", "10%"), sample("fifth.jsonl", "0.2"));
    let counts = (tenth.len(), fifth.len());
    assert!(
        (225..375).contains(&counts.0) && (500..700).contains(&counts.1),
        "rows in samples of 10 and 20 %: {counts:?}"
    );
    assert!(tenth.iter().all(|line| fifth.contains(line)), "the larger sample does not contain the smaller one");
    folder.newsdesk(&arguments("x.jsonl", &["--sample", "0"])).refused("use a share above 0");
}

#[test]
fn rows_before_a_read_error_are_kept() {
    let folder = folder();
    let whole = gzip(corpus());
    folder.write("news.jsonl.gz", &whole[..whole.len() / 2]);
    let run = ["classify", "--model", "m", "news.jsonl.gz", "-o", "out.jsonl"];
    let answer = folder.newsdesk(&run).says("rows kept");
    assert_eq!(answer.code, Some(2), "{answer}");
    let kept = folder.text("out.jsonl.partial").lines().count();
    assert!(kept > 500, "expected more than 500 rows, found {kept}");
    folder.assert_missing("out.jsonl");
    folder.write("news.jsonl.gz", &whole);
    folder.newsdesk(&[&run[..], &["--resume"]].concat()).refused("`news.jsonl.gz` had ");
}

/// Starts a run over a pipe and a file, calls `change_file` while the pipe is open, and returns the result of the run.
#[cfg(unix)]
fn run_over_a_pipe(folder: &Folder, change_file: impl FnOnce()) -> Answer {
    use std::io::Write;
    let made = std::process::Command::new("mkfifo").arg(folder.path("pipe.jsonl")).status().unwrap();
    assert!(made.success(), "`mkfifo` failed: {made}");
    let arguments = ["classify", "--model", "m", "pipe.jsonl", "second.jsonl", "-o", "out.jsonl"];
    let child = folder.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = std::fs::OpenOptions::new().write(true).open(folder.path("pipe.jsonl")).unwrap();
    pipe.write_all(articles(texts(600)).as_bytes()).unwrap();
    while !folder.path("out.jsonl.journal").exists() {
        std::thread::sleep(Duration::from_millis(1));
    }
    change_file();
    drop(pipe);
    Answer::new(&arguments, child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn removed_input_is_named_and_labelled_rows_are_kept() {
    let folder = folder();
    folder.write("second.jsonl", articles(texts(5)));
    let answer = run_over_a_pipe(&folder, || std::fs::remove_file(folder.path("second.jsonl")).unwrap());
    answer.refused("cannot open `second.jsonl`").says("600 rows kept; resume with the same inputs and `--resume`");
    folder.assert_missing("out.jsonl");
    assert!(folder.path("out.jsonl.partial").exists(), "the labelled rows were removed");
}

#[cfg(unix)]
#[test]
fn grown_input_is_read_to_its_new_end_and_reported() {
    let folder = folder();
    folder.write("second.jsonl", articles(texts(5)));
    let answer = run_over_a_pipe(&folder, || _ = folder.write("second.jsonl", articles(texts(9))));
    answer.done().says("warning: `second.jsonl` had ");
    assert_eq!(folder.text("out.jsonl").lines().count(), 609);
    let manifest = folder.json("out.jsonl.manifest.json");
    assert_eq!(manifest["read"][1]["bytes"], folder.bytes("second.jsonl").len());
}

#[test]
fn output_that_cannot_be_created_leaves_no_files() {
    let folder = folder();
    // Not even root can create files there.
    for path in ["/proc/out.jsonl", "news.jsonl/out.jsonl"] {
        folder.newsdesk(&arguments(path, &[])).refused(&format!("cannot write to `{path}`"));
    }
    assert_eq!(files(&folder), Vec::<String>::new());
}

/// A run that was killed at its very start leaves an empty journal. It must not count as a run that may replace files.
#[test]
fn an_empty_journal_and_resume_without_a_run_replace_no_files() {
    let folder = Folder::new();
    folder.write("a.jsonl", "{\"text\":\"Goal!\"}\n").write("r.jsonl", "old\n");
    folder.classify(&["a.jsonl", "-o", "new.jsonl", "--rejects", "r.jsonl", "--resume"]).refused("already exists");
    assert_eq!(folder.text("r.jsonl"), "old\n");
    folder.write("old.jsonl", "old\n").write("old.jsonl.journal", "");
    folder.classify(&["a.jsonl", "-o", "old.jsonl"]).refused("already exists");
    assert_eq!(folder.text("old.jsonl"), "old\n");
}

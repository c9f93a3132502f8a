//! Shares a cache with Python's `huggingface_hub`, against a hub on loopback.
//!
//! Needs Python with that library, so it runs on request:
//! `NEWSDESK_PYTHON=python3 cargo test -p newsdesk-hub --features download --test python -- --ignored`

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../tests/fake_hub/mod.rs"]
mod fake_hub;

use fake_hub::{FakeHub, Raw, etag};
use newsdesk_hub::{Fetched, Files, Hub, ModelName, Settings, Wanted};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

const WEIGHTS: &str = "model.safetensors";

/// Starts Python with code that uses the hub and the cache.
fn python(hub: &FakeHub, cache: &Path, code: &str) -> Child {
    let program = std::env::var("NEWSDESK_PYTHON").expect("NEWSDESK_PYTHON names a Python with huggingface_hub");
    let mut command = Command::new(program);
    command.args(["-c", code]).env("HF_ENDPOINT", hub.endpoint()).env("HF_HUB_CACHE", cache);
    command.env("NO_PROXY", "127.0.0.1").env("HF_HUB_DISABLE_XET", "1").env("HF_HUB_DOWNLOAD_TIMEOUT", "60");
    command.spawn().unwrap()
}

const SNAPSHOT: &str = "from huggingface_hub import snapshot_download; print(snapshot_download('acme/news'))";

fn weights() -> Vec<u8> {
    (0..60_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn fetch(hub: &FakeHub, cache: &Path) -> Fetched {
    let settings = Settings {
        cache: Some(cache.into()),
        endpoint: hub.endpoint(),
        offline: false,
        ..Settings::from_variables(|_| None)
    };
    let choose = |names: &[String], pickle: bool| {
        let wanted = if pickle { "pytorch_model.bin" } else { WEIGHTS };
        let has = names.iter().any(|name| name == wanted);
        has.then(|| Files { others: vec!["config.json".into()], weights: vec![wanted.into()] })
    };
    let wanted = Wanted {
        choose: &choose,
        check: &|_| Ok(()),
        is_complete: &|folder, _| folder.join(WEIGHTS).exists(),
        allow_pickle: false,
    };
    Hub::new(settings).unwrap().fetch(&ModelName::parse("acme/news").unwrap(), &wanted, &mut |_| {}).unwrap()
}

fn setup() -> (FakeHub, tempfile::TempDir, Vec<u8>) {
    let (hub, weights) = (FakeHub::start(), weights());
    hub.add("acme/news", vec![("config.json", b"{}".to_vec()), (WEIGHTS, weights.clone())]);
    (hub, tempfile::tempdir().unwrap(), weights)
}

/// Sends the first half of the weights, then nothing, until the hub behaves again.
fn stall(hub: &FakeHub, weights: &[u8]) {
    let (half, size) = (weights[..weights.len() / 2].to_vec(), format!("Content-Length: {}", weights.len()));
    hub.misbehave(move |request| {
        let is_first = request.to_other_port && request.method == "GET";
        is_first.then(|| Raw { stall: Duration::from_secs(60), ..Raw::with_headers("200 OK", &[&size], &half) })
    });
}

fn wait_for(cache: &Path, ending: &str, size: usize) {
    let blobs = cache.join("models--acme--news/blobs");
    let is_there = || {
        let files = std::fs::read_dir(&blobs).into_iter().flatten().flatten();
        files.into_iter().any(|file| {
            file.file_name().to_string_lossy().ends_with(ending)
                && file.metadata().is_ok_and(|file| file.len() as usize >= size)
        })
    };
    for _ in 0..600 {
        if is_there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("no file *{ending} of {size} bytes");
}

#[test]
#[ignore = "needs Python with huggingface_hub"]
fn what_python_downloaded_is_used() {
    let (hub, cache, weights) = setup();
    assert!(python(&hub, cache.path(), SNAPSHOT).wait().unwrap().success());
    hub.requests();
    let fetched = fetch(&hub, cache.path());
    assert!(std::fs::read(fetched.snapshot.folder.join(WEIGHTS)).unwrap() == weights);
    assert_eq!(hub.requests().len(), 1);
}

#[test]
#[ignore = "needs Python with huggingface_hub"]
fn python_uses_what_was_downloaded() {
    let (hub, cache, _) = setup();
    let folder = fetch(&hub, cache.path()).snapshot.folder;
    hub.requests();
    let code = format!("{SNAPSHOT}\nassert snapshot_download('acme/news') == {:?}", folder.to_str().unwrap());
    assert!(python(&hub, cache.path(), &code).wait().unwrap().success());
    assert!(hub.requests().iter().all(|request| request.method == "HEAD" || request.path.starts_with("/api/")));
}

#[test]
#[ignore = "needs Python with huggingface_hub"]
fn python_finds_no_fault_with_the_cache() {
    let (hub, cache, _) = setup();
    fetch(&hub, cache.path());
    // Weights of a pull request, which only our references connect with `main`.
    let main = hub.add("acme/news", vec![("config.json", b"{}".to_vec()), ("pytorch_model.bin", b"x".to_vec())]);
    let files = vec![("config.json", b"{}".to_vec()), (WEIGHTS, vec![1; 100])];
    let commit = hub.add_revision("acme/news", "refs/pr/2", files);
    let title = "Adding `safetensors` variant of this model";
    hub.add_pull_request("acme/news", 2, title, "SFconvertbot", &[&commit, &main]);
    assert_eq!(fetch(&hub, cache.path()).pull_request, Some(2));
    let code = "from huggingface_hub import scan_cache_dir\ninfo = scan_cache_dir()\n\
                assert not info.warnings, info.warnings\nassert len(info.repos) == 1";
    assert!(python(&hub, cache.path(), code).wait().unwrap().success());
}

#[test]
#[ignore = "needs Python with huggingface_hub"]
fn what_a_killed_python_left_is_continued() {
    let (hub, cache, weights) = setup();
    stall(&hub, &weights);
    let mut child = python(&hub, cache.path(), SNAPSHOT);
    // Python writes blocks of 10 MiB.
    const WRITTEN: usize = 20 << 20;
    wait_for(cache.path(), ".incomplete", WRITTEN);
    child.kill().unwrap();
    child.wait().unwrap();
    hub.behave();
    hub.requests();
    let fetched = fetch(&hub, cache.path());
    assert!(std::fs::read(fetched.snapshot.folder.join(WEIGHTS)).unwrap() == weights);
    let ranges: Vec<_> =
        hub.requests().into_iter().filter(|r| r.to_other_port).map(|r| r.headers.get("range").cloned()).collect();
    assert_eq!(ranges, [Some(format!("bytes={WRITTEN}-"))]);
}

#[test]
#[ignore = "needs Python with huggingface_hub"]
fn python_finishes_what_was_left() {
    let (hub, cache, weights) = setup();
    let blobs = cache.path().join("models--acme--news/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    let partial = blobs.join(format!("{}.incomplete", etag(WEIGHTS, &weights)));
    std::fs::write(&partial, &weights[..weights.len() / 2]).unwrap();
    assert!(python(&hub, cache.path(), SNAPSHOT).wait().unwrap().success());
    let ranges: Vec<_> = hub
        .requests()
        .into_iter()
        .filter(|r| r.to_other_port && r.method == "GET")
        .map(|r| r.headers.get("range").cloned())
        .collect();
    // Older versions continue. Version 2 starts again.
    let continued = [Some(format!("bytes={}-", weights.len() / 2))];
    assert!(ranges == continued || ranges == [None], "{ranges:?}");
    let fetched = fetch(&hub, cache.path());
    assert!(std::fs::read(fetched.snapshot.folder.join(WEIGHTS)).unwrap() == weights);
}

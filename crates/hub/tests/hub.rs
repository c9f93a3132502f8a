//! Downloads from a hub on loopback that misbehaves.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../../tests/fake_hub/mod.rs"]
mod fake_hub;

use fake_hub::{FakeHub, Raw, Request, etag};
use newsdesk_hub::{Event, Fetched, Files, Hub, HubError, ModelName, Settings, Token, Wanted};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const WEIGHTS: &str = "model.safetensors";
const TITLE: &str = "Adding `safetensors` variant of this model";

/// A hub with the model `acme/news`, and an empty cache.
struct Setup {
    hub: FakeHub,
    cache: TempDir,
    commit: String,
    /// The contents of the weights.
    weights: Vec<u8>,
}

fn setup() -> Setup {
    let weights: Vec<u8> = (0..3_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let hub = FakeHub::start();
    let commit = hub.add("acme/news", files(&weights));
    Setup { hub, cache: tempfile::tempdir().unwrap(), commit, weights }
}

fn files(weights: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("config.json", b"{}".to_vec()),
        ("1_Pooling/config.json", b"{\"pooling\": 1}".to_vec()),
        ("unneeded.onnx", b"x".to_vec()),
        (WEIGHTS, weights.to_vec()),
    ]
}

fn name(text: &str) -> ModelName {
    ModelName::parse(text).unwrap()
}

fn choose(names: &[String], pickle: bool) -> Option<Files> {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let weights = [WEIGHTS, "pytorch_model.bin"].into_iter().take(1 + usize::from(pickle)).find(|name| has(name))?;
    let others =
        ["config.json", "1_Pooling/config.json"].into_iter().filter(|name| has(name)).map(String::from).collect();
    Some(Files { others, weights: vec![weights.into()] })
}

fn is_complete(folder: &Path, pickle: bool) -> bool {
    let has = |name: &str| folder.join(name).exists();
    has("config.json") && (has(WEIGHTS) || (pickle && has("pytorch_model.bin")))
}

fn wanted(allow_pickle: bool) -> Wanted<'static> {
    Wanted { choose: &choose, check: &|_| Ok(()), is_complete: &is_complete, allow_pickle }
}

impl Setup {
    fn settings(&self) -> Settings {
        Settings {
            cache: Some(self.cache.path().into()),
            endpoint: self.hub.endpoint(),
            token: None,
            offline: false,
            // Long enough for a busy machine.
            answer_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(10),
            retry_delay: Duration::from_millis(1),
        }
    }

    fn hub(&self) -> Hub {
        Hub::new(self.settings()).unwrap()
    }

    fn fetch(&self) -> Result<Fetched, HubError> {
        fetch(&self.hub(), "acme/news", false)
    }

    fn repository(&self) -> PathBuf {
        self.cache.path().join("models--acme--news")
    }

    /// The path of the weights in the cache.
    fn blob(&self) -> PathBuf {
        self.repository().join("blobs").join(etag(WEIGHTS, &self.weights))
    }

    fn partial(&self) -> PathBuf {
        self.blob().with_extension("incomplete")
    }

    /// Writes the beginning of a file that a killed process left.
    fn leave(&self, path: &Path, bytes: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Asserts that the model is in the cache whole.
    #[track_caller]
    fn is_whole(&self, fetched: &Fetched) {
        let folder = &fetched.snapshot.folder;
        assert_eq!(
            (&fetched.snapshot.commit, folder),
            (&self.commit, &self.repository().join("snapshots").join(&self.commit))
        );
        assert!(std::fs::read(folder.join(WEIGHTS)).unwrap() == self.weights);
        assert_eq!(std::fs::read_to_string(folder.join("1_Pooling/config.json")).unwrap(), "{\"pooling\": 1}");
        assert_eq!(std::fs::read_to_string(self.repository().join("refs/main")).unwrap(), self.commit);
        assert!(self.blob().is_file() && !self.partial().exists());
    }

    /// Asserts that a download failed, and that no file with weights appeared.
    #[track_caller]
    fn failed(&self, result: Result<Fetched, HubError>, expected: &str) -> String {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!self.blob().exists());
        text
    }
}

fn fetch(hub: &Hub, model: &str, allow_pickle: bool) -> Result<Fetched, HubError> {
    hub.fetch(&name(model), &wanted(allow_pickle), &mut |_| {})
}

fn is_weights(request: &Request) -> bool {
    request.to_other_port && request.method == "GET"
}

/// Misbehaves for the first `times` requests for weights.
fn at_first(
    times: usize,
    mut answer: impl FnMut(&Request) -> Raw + Send + 'static,
) -> impl FnMut(&Request) -> Option<Raw> + Send {
    let mut left = times;
    move |request| {
        if !is_weights(request) || left == 0 {
            return None;
        }
        left -= 1;
        Some(answer(request))
    }
}

fn ranges(setup: &Setup) -> Vec<Option<String>> {
    let requests = setup.hub.requests();
    requests.iter().filter(|request| is_weights(request)).map(|request| request.headers.get("range").cloned()).collect()
}

#[test]
fn a_model_is_downloaded_once() {
    let setup = setup();
    setup.is_whole(&setup.fetch().unwrap());
    let requests = setup.hub.requests();
    assert!(requests.iter().all(|request| !request.path.contains("unneeded")), "{requests:?}");
    setup.is_whole(&setup.fetch().unwrap());
    // The second time, it only asks whether the revision is still that commit.
    let paths: Vec<String> = setup.hub.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/models/acme/news/revision/main?blobs=true"]);
    // A commit never changes.
    let fixed = format!("acme/news@{}", setup.commit);
    setup.is_whole(&fetch(&setup.hub(), &fixed, false).unwrap());
    assert!(setup.hub.requests().is_empty());
}

#[test]
fn progress_adds_up_over_the_files() {
    let setup = setup();
    let mut seen = vec![];
    let mut note = |event: Event| {
        if let Event::Progress { done, size, .. } = event {
            seen.push((done, size));
        }
    };
    setup.hub().fetch(&name("acme/news"), &wanted(false), &mut note).unwrap();
    let size = (setup.weights.len() + 16) as u64;
    assert_eq!(*seen.last().unwrap(), (size, size));
    assert!(seen.is_sorted() && seen.len() > 3, "{seen:?}");
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let setup = setup();
    let hub = Hub::new(Settings { token: Token::new("secret"), ..setup.settings() }).unwrap();
    setup.is_whole(&fetch(&hub, "acme/news", false).unwrap());
    for request in setup.hub.requests() {
        let token = request.headers.get("authorization").map(String::as_str);
        assert_eq!(token, (!request.to_other_port).then_some("Bearer secret"), "{request:?}");
    }
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_was() {
    let setup = setup();
    let weights = setup.weights.clone();
    let size = format!("Content-Length: {}", weights.len());
    setup.hub.misbehave(at_first(1, move |_| Raw::with_headers("200 OK", &[&size], &weights[..1_000_000])));
    setup.is_whole(&setup.fetch().unwrap());
    assert_eq!(ranges(&setup), [None, Some("bytes=1000000-".into())]);
}

#[test]
fn a_download_that_stalls_goes_on_where_it_was() {
    let setup = setup();
    let weights = setup.weights.clone();
    let size = format!("Content-Length: {}", weights.len());
    setup.hub.misbehave(at_first(1, move |_| Raw {
        stall: Duration::from_secs(20),
        ..Raw::with_headers("200 OK", &[&size], &weights[..500])
    }));
    let hub = Hub::new(Settings { read_timeout: Duration::from_secs(1), ..setup.settings() }).unwrap();
    let start = Instant::now();
    setup.is_whole(&fetch(&hub, "acme/news", false).unwrap());
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_eq!(ranges(&setup)[..2], [None, Some("bytes=500-".into())]);
}

#[test]
fn what_a_killed_process_left_is_taken_up() {
    for leftover in ["incomplete", "1f2e3d4c.incomplete"] {
        let setup = setup();
        setup.leave(&setup.blob().with_extension(leftover), &setup.weights[..2_000_000]);
        setup.is_whole(&setup.fetch().unwrap());
        assert_eq!(ranges(&setup), [Some("bytes=2000000-".into())]);
    }
}

#[test]
fn a_process_killed_before_the_rename_left_the_whole_file() {
    let setup = setup();
    setup.leave(&setup.partial(), &setup.weights);
    setup.is_whole(&setup.fetch().unwrap());
    assert_eq!(ranges(&setup), [] as [Option<String>; 0]);
}

#[test]
fn a_beginning_of_another_file_is_dropped() {
    for left in [vec![7; 2_000_000], vec![7; 3_000_000], vec![7; 4_000_000]] {
        let setup = setup();
        setup.leave(&setup.partial(), &left);
        setup.is_whole(&setup.fetch().unwrap());
        assert_eq!(ranges(&setup).last().unwrap(), &None);
    }
}

#[test]
fn servers_that_ignore_or_refuse_ranges_send_the_whole_file() {
    let whole = |weights: &[u8]| Raw::answer("200 OK", &[], weights);
    let other_part =
        |weights: &[u8]| Raw::answer("206 Partial Content", &["Content-Range: bytes 5-9/3000000"], &weights[5..10]);
    let refused = |_: &[u8]| Raw::answer("416 Range Not Satisfiable", &[], "");
    for answer in [whole as Answer, other_part, refused] {
        let setup = setup();
        setup.leave(&setup.partial(), &setup.weights[..1_000_000]);
        let weights = setup.weights.clone();
        setup.hub.misbehave(at_first(1, move |_| answer(&weights)));
        setup.is_whole(&setup.fetch().unwrap());
    }
}

/// Answers a request for these bytes.
type Answer = fn(&[u8]) -> Raw;

#[test]
fn a_file_that_is_not_what_was_announced_never_appears() {
    let cases: [(&str, Answer); 4] = [
        ("its SHA-256 is ", |weights| Raw::answer("200 OK", &[], vec![1; weights.len()])),
        ("10 bytes were sent instead of 3000000", |_| Raw::answer("200 OK", &[], "<html></ht")),
        ("more than 3000000 bytes were sent", |weights| Raw::with_headers("200 OK", &[], [weights, b"more"].concat())),
        ("was cut off after 9 of 3000000 bytes", |weights| Raw::with_headers("200 OK", &[], &weights[..9])),
    ];
    for (expected, answer) in cases {
        let setup = setup();
        let weights = setup.weights.clone();
        setup.hub.misbehave(at_first(99, move |request| match request.headers.contains_key("range") {
            true => Raw::default(),
            false => answer(&weights),
        }));
        setup.failed(setup.fetch(), expected);
        // The next time, it is whole.
        setup.hub.behave();
        setup.is_whole(&setup.fetch().unwrap());
    }
}

#[test]
fn small_files_are_checked_too() {
    let setup = setup();
    setup.hub.misbehave(|request| {
        let is_config = request.method == "GET" && request.path.ends_with("/config.json");
        is_config.then(|| Raw::answer("200 OK", &[], "[]"))
    });
    setup.failed(setup.fetch(), "its git hash is ");
}

#[test]
fn a_hostile_hub_writes_nothing_outside_the_cache() {
    for etag in ["../../x", "a/b", "..", "", "a\\b"] {
        let setup = setup();
        let header = format!("ETag: \"{etag}\"");
        setup.hub.misbehave(move |request| {
            let is_file = request.path.contains("/resolve/");
            is_file.then(|| Raw::answer("200 OK", &[&header], "{}"))
        });
        setup.failed(setup.fetch(), "an etag that cannot be the name of a file");
    }
    for answer in
        [json!({ "sha": "../../../../x", "siblings": [] }), json!({ "sha": "" }), json!([]), json!({ "siblings": 3 })]
    {
        let setup = setup();
        let text = answer.to_string();
        setup.hub.misbehave(move |_| Some(Raw::answer("200 OK", &[], &text)));
        setup.failed(setup.fetch(), "/api/models/acme/news/revision/main?blobs=true` answers with ");
    }
    // Names of files that lead out of the folder of the model are not even offered.
    let setup = setup();
    let answer = json!({ "sha": "1".repeat(40), "siblings": [{ "rfilename": "../config.json" }, { "rfilename": "/model.safetensors" }] });
    setup.hub.misbehave(move |_| Some(Raw::answer("200 OK", &[], answer.to_string())));
    setup.failed(setup.fetch(), "has no weights that can be read; its files: none");
    assert_eq!(std::fs::read_dir(setup.cache.path()).unwrap().count(), 0);
}

#[test]
fn a_mirror_that_answers_for_another_commit_is_refused() {
    let setup = setup();
    let other = format!("X-Repo-Commit: {}", "2".repeat(40));
    setup.hub.misbehave(move |request| {
        request.path.contains("/resolve/").then(|| Raw::answer("200 OK", &[&other, "ETag: \"x\""], "{}"))
    });
    setup.failed(setup.fetch(), "another commit than was asked for");
    let fixed = setup.hub().fetch(&name("acme/news").at("3".repeat(40)), &wanted(false), &mut |_| {});
    setup.failed(fixed, "has no revision");
}

#[test]
fn redirects_are_followed_to_addresses_only() {
    // A renamed model.
    let setup = setup();
    setup.hub.misbehave(|request| {
        let is_old = request.path.starts_with("/api/models/old/name");
        let new = request.path.replace("old/name", "acme/news");
        is_old.then(|| Raw::answer("307 Temporary Redirect", &[&format!("Location: {new}")], ""))
    });
    let found = setup.hub().repository(&name("old/name")).unwrap();
    assert_eq!(found.commit, setup.commit);
    for (location, expected) in [
        ("Location: file:///etc/passwd", "a redirect to something that is no address"),
        ("Other: x", "a redirect to nowhere"),
        ("Location: /api/models/acme/news/revision/main", "more than 8 redirects"),
    ] {
        setup.hub.misbehave(move |_| Some(Raw::answer("302 Found", &[location], "")));
        setup.failed(setup.fetch(), expected);
    }
}

#[test]
fn passing_failures_are_repeated_as_the_hub_asks() {
    let setup = setup();
    let mut left = 2;
    setup.hub.misbehave(move |request| {
        let fails = request.path.starts_with("/api/") && left > 0;
        left -= i32::from(fails);
        let status = if left == 1 { "429 Too Many Requests" } else { "503 Service Unavailable" };
        fails.then(|| Raw::answer(status, &["Retry-After: 1"], ""))
    });
    let start = Instant::now();
    setup.is_whole(&setup.fetch().unwrap());
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[test]
fn lasting_failures_end_after_some_tries() {
    for (status, headers, expected, tries) in [
        ("503 Service Unavailable", &[][..], "answers 503 Service Unavailable", 5),
        ("429 Too Many Requests", &[], "refuses further requests for now (429)", 5),
        ("429 Too Many Requests", &["Retry-After: 3600"], "refuses further requests for now (429)", 1),
        ("400 Bad Request", &[], "answers 400 Bad Request", 1),
    ] {
        let setup = setup();
        setup.hub.misbehave(move |_| Some(Raw::answer(status, headers, "")));
        setup.failed(setup.fetch(), expected);
        assert_eq!(setup.hub.requests().len(), tries, "{status}");
    }
}

#[test]
fn refusals_say_why() {
    let setup = setup();
    let check = |model: &str, token: Option<Token>, expected: &str| {
        let hub = Hub::new(Settings { token, ..setup.settings() }).unwrap();
        let error = fetch(&hub, model, false).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        error
    };
    let error = check("acme/other", None, "has no model `acme/other`, or it is private");
    assert!(matches!(error, HubError::NoRepository { with_token: false, .. }));
    check("acme/news@v9", None, "the model `acme/news` has no revision `v9`");
    let answer = |status: &'static str, header: &'static str| {
        setup.hub.misbehave(move |_| Some(Raw::answer(status, &[header], "")));
    };
    answer("403 Forbidden", "X-Error-Code: GatedRepo");
    match check("acme/news", None, "is gated") {
        HubError::Gated { page, .. } => assert_eq!(page, format!("{}/acme/news", setup.hub.endpoint())),
        other => panic!("{other}"),
    }
    answer("401 Unauthorized", "X-Error-Message: Invalid credentials in Authorization header");
    check("acme/news", Token::new("old"), "does not accept the token");
    answer("403 Forbidden", "X-Error-Message: Access to this resource is disabled.");
    check("acme/news", None, "has disabled the model");
}

#[test]
fn without_a_network_a_model_of_the_cache_is_used() {
    let setup = setup();
    let offline = Hub::new(Settings { offline: true, ..setup.settings() }).unwrap();
    setup.failed(fetch(&offline, "acme/news", false), "is not in the cache");
    assert!(setup.hub.requests().is_empty());
    setup.fetch().unwrap();
    setup.hub.requests();
    setup.is_whole(&fetch(&offline, "acme/news", false).unwrap());
    assert!(setup.hub.requests().is_empty());
    // Nothing listens there.
    let unreachable = Hub::new(Settings { endpoint: "http://127.0.0.1:9".into(), ..setup.settings() }).unwrap();
    let mut cached = 0;
    let fetched = unreachable.fetch(&name("acme/news"), &wanted(false), &mut |event| {
        cached += usize::from(matches!(event, Event::CachedCopy { cause: HubError::Unreachable { .. } }));
    });
    setup.is_whole(&fetched.unwrap());
    assert_eq!(cached, 1);
    let start = Instant::now();
    assert!(matches!(fetch(&unreachable, "acme/other", false), Err(HubError::Unreachable { .. })));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_model_that_changed_is_downloaded_again_and_its_old_commit_stays() {
    let setup = setup();
    let old = setup.fetch().unwrap();
    let mut changed = files(&setup.weights);
    changed[0].1 = b"{\"new\": true}".to_vec();
    let commit = setup.hub.add("acme/news", changed);
    setup.hub.requests();
    let new = setup.fetch().unwrap();
    assert_eq!((new.snapshot.commit == commit, old.snapshot.commit == setup.commit), (true, true));
    assert_eq!(std::fs::read_to_string(new.snapshot.folder.join("config.json")).unwrap(), "{\"new\": true}");
    assert_eq!(std::fs::read_to_string(old.snapshot.folder.join("config.json")).unwrap(), "{}");
    // The weights are the same file.
    assert_eq!(ranges(&setup), [] as [Option<String>; 0]);
}

#[test]
fn two_processes_download_a_file_once() {
    let setup = setup();
    let (waiting, gets) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (weights, counted) = (setup.weights.clone(), Arc::clone(&gets));
    setup.hub.misbehave(move |request| {
        is_weights(request).then(|| {
            counted.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(700));
            Raw::answer("200 OK", &[], &weights)
        })
    });
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let fetched = setup.hub().fetch(&name("acme/news"), &wanted(false), &mut |event| {
                    waiting.fetch_add(usize::from(matches!(event, Event::Waiting { file: WEIGHTS })), Ordering::SeqCst);
                });
                setup.is_whole(&fetched.unwrap());
            });
        }
    });
    assert_eq!((waiting.into_inner(), gets.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn weights_of_the_bots_pull_request_replace_a_pickle() {
    let setup = setup();
    let pickle = ("pytorch_model.bin", b"pickle".to_vec());
    let main = setup.hub.add("acme/old", vec![("config.json", b"{}".to_vec()), pickle.clone()]);
    let fetch = |allow_pickle| fetch(&setup.hub(), "acme/old", allow_pickle);
    assert!(matches!(fetch(false), Err(HubError::OnlyPickle { .. })));
    let add = |number: u64, author: &str, parent: &str| {
        let files = vec![("config.json", b"{}".to_vec()), pickle.clone(), (WEIGHTS, vec![number as u8; 100])];
        let commit = setup.hub.add_revision("acme/old", &format!("refs/pr/{number}"), files);
        setup.hub.add_pull_request("acme/old", number, TITLE, author, &[&commit, parent]);
        commit
    };
    // Another author, and a commit on top of an older one.
    add(2, "stranger", &main);
    add(3, "SFconvertbot", &"4".repeat(40));
    assert!(matches!(fetch(false), Err(HubError::OnlyPickle { .. })));
    let of_pickle = fetch(true).unwrap();
    assert_eq!((&of_pickle.snapshot.commit, of_pickle.pull_request), (&main, None));
    let commit = add(4, "SFconvertbot", &main);
    setup.hub.requests();
    for allow_pickle in [false, true] {
        let fetched = fetch(allow_pickle).unwrap();
        assert_eq!((&fetched.snapshot.commit, fetched.pull_request), (&commit, Some(4)));
        assert!(fetched.snapshot.folder.join(WEIGHTS).is_file());
    }
    let offline = Hub::new(Settings { offline: true, ..setup.settings() }).unwrap();
    let cached = self::fetch(&offline, "acme/old", false).unwrap();
    assert_eq!((&cached.snapshot.commit, cached.pull_request), (&commit, Some(4)));
}

#[test]
fn a_model_that_is_refused_costs_no_weights() {
    let setup = setup();
    let check = |folder: &Path| {
        assert!(folder.join("config.json").is_file());
        Err("no such architecture".into())
    };
    let wanted = Wanted { choose: &choose, check: &check, is_complete: &is_complete, allow_pickle: false };
    match setup.hub().fetch(&name("acme/news"), &wanted, &mut |_| {}) {
        Err(HubError::Refused { cause, .. }) => assert_eq!(cause.to_string(), "no such architecture"),
        other => panic!("{other:?}"),
    }
    assert_eq!(ranges(&setup), [] as [Option<String>; 0]);
    assert!(!setup.repository().join("refs").exists());
}

#[test]
fn what_another_program_left_out_is_downloaded() {
    let setup = setup();
    // Python downloads single files, too.
    setup.fetch().unwrap();
    let snapshot = setup.repository().join("snapshots").join(&setup.commit);
    for missing in ["config.json", "1_Pooling/config.json"] {
        std::fs::remove_file(snapshot.join(missing)).unwrap();
        setup.is_whole(&setup.fetch().unwrap());
    }
    std::fs::remove_file(snapshot.join("config.json")).unwrap();
    let offline = Hub::new(Settings { offline: true, ..setup.settings() }).unwrap();
    assert!(matches!(fetch(&offline, "acme/news", false), Err(HubError::NotCached { .. })));
    assert!(matches!(offline.pull(&name("acme/news"), &wanted(false), &mut |_| {}), Err(HubError::NotCached { .. })));
}

#[test]
fn downloads_that_never_get_anywhere_end() {
    let setup = setup();
    let (weights, size) = (setup.weights.clone(), format!("Content-Length: {}", setup.weights.len()));
    // Half of the file, and then no ranges.
    setup.hub.misbehave(at_first(99, move |request| match request.headers.contains_key("range") {
        true => Raw::answer("416 Range Not Satisfiable", &[], ""),
        false => Raw::with_headers("200 OK", &[&size], &weights[..1_500_000]),
    }));
    setup.failed(setup.fetch(), "3000000 bytes");
    assert!(setup.hub.requests().len() < 30);
}

#[test]
fn a_model_is_not_removed_during_its_download() {
    let setup = setup();
    let (weights, size) = (setup.weights.clone(), format!("Content-Length: {}", setup.weights.len()));
    let stalled = move |_: &Request| Raw {
        stall: Duration::from_millis(900),
        ..Raw::with_headers("200 OK", &[&size], &weights[..9])
    };
    setup.hub.misbehave(at_first(1, stalled));
    thread::scope(|scope| {
        let fetched = scope.spawn(|| setup.fetch());
        while std::fs::metadata(setup.partial()).map_or(0, |file| file.len()) < 9 {
            thread::sleep(Duration::from_millis(10));
        }
        let cache = newsdesk_hub::Cache::new(setup.cache.path());
        assert!(matches!(cache.remove_all(&name("acme/news")), Err(HubError::Busy { .. })));
        setup.is_whole(&fetched.join().unwrap().unwrap());
        assert!(cache.remove_all(&name("acme/news")).unwrap() > 3_000_000);
    });
}

#[test]
fn the_beginning_of_a_commit_names_it_in_the_cache() {
    let setup = setup();
    setup.fetch().unwrap();
    setup.hub.requests();
    setup.is_whole(&fetch(&setup.hub(), &format!("acme/news@{}", &setup.commit[..12]), false).unwrap());
    assert!(setup.hub.requests().is_empty());
}

#[test]
fn sizes_without_sense_and_endpoints_without_scheme_are_refused() {
    let setup = setup();
    setup.hub.misbehave(|request| {
        let headers = ["ETag: \"x\"", "Content-Length: 18446744073709551615"];
        request.path.contains("/resolve/").then(|| Raw::with_headers("200 OK", &headers, ""))
    });
    setup.failed(setup.fetch(), "a size of 18446744073709551615 bytes, more than");
    let endpoint = Settings { endpoint: "localhost:80".into(), ..setup.settings() };
    assert!(matches!(Hub::new(endpoint), Err(HubError::BadEndpoint { .. })));
}

#[test]
fn a_copy_that_cannot_be_updated_is_used_and_the_cause_is_told() {
    let setup = setup();
    setup.fetch().unwrap();
    let mut changed = files(&setup.weights);
    changed[0].1 = b"{\"new\": true}".to_vec();
    setup.hub.add("acme/news", changed);
    let check = |_: &Path| Err("no such architecture".into());
    let wanted = Wanted { choose: &choose, check: &check, is_complete: &is_complete, allow_pickle: false };
    let mut causes = vec![];
    let fetched = setup.hub().fetch(&name("acme/news"), &wanted, &mut |event| {
        if let Event::CachedCopy { cause } = event {
            causes.push(matches!(cause, HubError::Refused { .. }));
        }
    });
    setup.is_whole(&fetched.unwrap());
    assert_eq!(causes, [true]);
}

#[test]
fn what_the_hub_says_about_a_model_is_read() {
    let setup = setup();
    setup.hub.describe("acme/news", json!({ "gated": "auto", "private": true, "tags": ["license:mit"] }));
    let found = setup.hub().repository(&name("acme/news")).unwrap();
    assert_eq!((found.gated.as_deref(), found.private, found.licence.as_deref()), (Some("auto"), true, Some("mit")));
    let size = found.files.iter().find(|file| file.name == WEIGHTS).unwrap().size;
    assert_eq!(size, Some(setup.weights.len() as u64));
    assert_eq!(setup.hub().read(&found, "config.json", 10).unwrap(), b"{}");
    assert!(matches!(setup.hub().read(&found, WEIGHTS, 10), Err(HubError::Answer { .. })));
    assert!(matches!(setup.hub().read(&found, "none.json", 10), Err(HubError::NoFile { .. })));
}

#[test]
fn retries_are_reported_with_their_cause() {
    let setup = setup();
    setup.hub.misbehave(at_first(2, |_| Raw::answer("502 Bad Gateway", &[], "")));
    let causes = Mutex::new(vec![]);
    let fetched = setup.hub().pull(&name("acme/news"), &wanted(false), &mut |event| {
        if let Event::Retrying { cause, wait } = event {
            causes.lock().unwrap().push((cause.to_string(), wait));
        }
    });
    setup.is_whole(&fetched.unwrap());
    let causes = causes.into_inner().unwrap();
    assert!(
        causes.len() == 2 && causes[0].0.ends_with("answers 502 Bad Gateway") && !causes[0].0.contains("Signature"),
        "{causes:?}"
    );
    assert_eq!((causes[0].1, causes[1].1), (Duration::from_millis(1), Duration::from_millis(2)));
}

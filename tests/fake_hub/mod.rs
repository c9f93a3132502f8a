//! A hub on loopback that tests fill with models. It can misbehave: tests replace single answers by raw bytes.
//!
//! Like the public hub, it answers for large files with a redirect to another port, and names them by SHA-256. Small files it
//! sends itself, and names them by the SHA-1 of a git blob.

#![allow(dead_code)]

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request, as the hub or its other port got it.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub path: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    /// Whether it came to the other port, which sends large files.
    pub to_other_port: bool,
}

/// An answer in raw bytes, after which the connection stays open for a while and is then cut.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    pub bytes: Vec<u8>,
    pub stall: Duration,
}

impl Raw {
    /// Returns an answer with a status line such as `404 Not Found`, further header lines and a body, with its right length.
    pub fn answer(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let length = format!("Content-Length: {}", body.as_ref().len());
        Self::with_headers(status, &[headers, &[&length]].concat(), body)
    }

    /// Returns an answer with exactly these headers.
    pub fn with_headers(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let head = [&[&format!("HTTP/1.1 {status}")[..], "Connection: close"], headers].concat().join("\r\n");
        Self { bytes: [head.as_bytes(), b"\r\n\r\n", body.as_ref()].concat(), stall: Duration::ZERO }
    }
}

type Fault = Box<dyn FnMut(&Request) -> Option<Raw> + Send>;

/// The files of one commit.
type Files = BTreeMap<String, Vec<u8>>;

struct PullRequest {
    number: u64,
    title: String,
    author: String,
    /// The newest first.
    commits: Vec<String>,
}

#[derive(Default)]
struct State {
    /// Files by repository and commit.
    commits: BTreeMap<(String, String), Files>,
    /// Commits by repository and revision.
    revisions: BTreeMap<(String, String), String>,
    /// What the hub says about a repository besides.
    about: BTreeMap<String, Value>,
    /// Pull requests by repository.
    pull_requests: BTreeMap<String, Vec<PullRequest>>,
    fault: Option<Fault>,
    requests: Vec<Request>,
    other_port: u16,
}

/// A hub on loopback. Its threads end with the process.
#[derive(Clone)]
pub struct FakeHub {
    state: Arc<Mutex<State>>,
    port: u16,
}

impl FakeHub {
    /// Starts a hub without models.
    pub fn start() -> Self {
        let listen = || TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (hub, other) = (listen(), listen());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State { other_port: port(&other), ..State::default() }));
        let started = Self { state: Arc::clone(&state), port: port(&hub) };
        for (listener, to_other_port) in [(hub, false), (other, true)] {
            let state = Arc::clone(&state);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let state = Arc::clone(&state);
                    thread::spawn(move || drop(serve(&state, stream, to_other_port)));
                }
            });
        }
        started
    }

    /// Returns the address for `HF_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds a model, whose revision `main` is a commit of these files. Returns the commit.
    pub fn add(&self, repository: &str, files: Vec<(&str, Vec<u8>)>) -> String {
        self.add_revision(repository, "main", files)
    }

    /// Adds the files of a folder as a model, without its subfolders. Returns the commit.
    pub fn add_folder(&self, repository: &str, folder: &Path) -> String {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
        let files =
            entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()));
        let files: Vec<(String, Vec<u8>)> = files.collect();
        self.add(repository, files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect())
    }

    /// Adds a revision of a model. Returns its commit, which depends on the files.
    pub fn add_revision(&self, repository: &str, revision: &str, files: Vec<(&str, Vec<u8>)>) -> String {
        let files: Files = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
        let mut hasher = Sha1::new();
        for (name, bytes) in &files {
            hasher.update(name.as_bytes());
            hasher.update(bytes);
        }
        let commit = format!("{:x}", hasher.finalize());
        let mut state = self.state.lock().unwrap();
        state.commits.insert((repository.into(), commit.clone()), files);
        state.revisions.insert((repository.into(), revision.into()), commit.clone());
        commit
    }

    /// Sets what the hub says about a model besides its files, such as `{"gated": "auto"}`.
    pub fn describe(&self, repository: &str, about: Value) {
        self.state.lock().unwrap().about.insert(repository.into(), about);
    }

    /// Adds an open pull request whose commits are these, newest first. Its files are those of revision `refs/pr/NUMBER`.
    pub fn add_pull_request(&self, repository: &str, number: u64, title: &str, author: &str, commits: &[&str]) {
        let commits = commits.iter().map(ToString::to_string).collect();
        let mut state = self.state.lock().unwrap();
        state.pull_requests.entry(repository.into()).or_default().push(PullRequest {
            number,
            title: title.into(),
            author: author.into(),
            commits,
        });
    }

    /// Answers with what the function returns, where it returns something.
    pub fn misbehave(&self, fault: impl FnMut(&Request) -> Option<Raw> + Send + 'static) {
        self.state.lock().unwrap().fault = Some(Box::new(fault));
    }

    /// Behaves well again.
    pub fn behave(&self) {
        self.state.lock().unwrap().fault = None;
    }

    /// Returns the requests since the last call.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.lock().unwrap().requests)
    }
}

/// Returns the name that the hub gives a file of this kind: SHA-256 for large ones, and that of a git blob for others.
pub fn etag(file: &str, bytes: &[u8]) -> String {
    match is_large(file) {
        true => format!("{:x}", Sha256::digest(bytes)),
        false => {
            format!("{:x}", Sha1::new_with_prefix(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize())
        }
    }
}

fn is_large(file: &str) -> bool {
    file.ends_with(".safetensors") || file.ends_with(".bin") || file == "tokenizer.json"
}

/// Reads a request and answers it.
fn serve(state: &Mutex<State>, mut stream: TcpStream, to_other_port: bool) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = BTreeMap::new();
    while let Some(Ok(line)) = lines.next() {
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let request = Request { method, path, headers, to_other_port };
    let raw = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        let raw = state.fault.as_mut().and_then(|fault| fault(&request));
        raw.unwrap_or_else(|| state.answer(&request))
    };
    stream.write_all(&raw.bytes)?;
    stream.flush()?;
    thread::sleep(raw.stall);
    stream.shutdown(std::net::Shutdown::Write)?;
    // Reads to the end, so that the other side gets all bytes before the connection is gone.
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    let _ = stream.read(&mut [0; 64]);
    Ok(())
}

impl State {
    fn answer(&self, request: &Request) -> Raw {
        let path = request.path.split('?').next().unwrap_or_default().replace("%2F", "/");
        let not_found = |code: &str| Raw::answer("404 Not Found", &[&format!("X-Error-Code: {code}")], "");
        if request.to_other_port {
            let etag = path.rsplit('/').next().unwrap_or_default();
            let files = self.commits.values().flatten();
            let Some((_, bytes)) =
                files.into_iter().find(|(name, bytes)| is_large(name) && self::etag(name, bytes) == etag)
            else {
                return not_found("");
            };
            return part(request, bytes, &[]);
        }
        if let Some(path) = path.strip_prefix("/api/models/") {
            let mut words = path.splitn(4, '/');
            let repository = format!("{}/{}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if !self.commits.keys().any(|(known, _)| *known == repository) {
                return Raw::answer("401 Unauthorized", &["X-Error-Code: RepoNotFound"], "");
            }
            return match (words.next(), words.next()) {
                (Some("revision"), Some(revision)) => {
                    self.model(&repository, revision).unwrap_or_else(|| not_found("RevisionNotFound"))
                }
                (Some("tree"), Some(revision)) => {
                    // After a revision comes a folder, which the models here do not have.
                    self.tree(&repository, revision).unwrap_or_else(|| not_found("EntryNotFound"))
                }
                (Some("discussions"), None) => self.discussions(&repository),
                (Some("commits"), Some(revision)) => {
                    self.history(&repository, revision).unwrap_or_else(|| not_found("RevisionNotFound"))
                }
                _ => not_found(""),
            };
        }
        let mut words = path.trim_start_matches('/').splitn(3, '/');
        let repository = format!("{}/{}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let rest = words.next().and_then(|rest| rest.strip_prefix("resolve/")).unwrap_or_default();
        let found =
            self.commits.iter().filter(|((known, _), _)| *known == repository).find_map(|((_, commit), files)| {
                let is_commit = |revision: &str| {
                    revision == commit || self.revisions.get(&(repository.clone(), revision.into())) == Some(commit)
                };
                let revisions = rest.match_indices('/').map(|(at, _)| rest.split_at(at));
                let (_, file) = revisions.into_iter().find(|(revision, _)| is_commit(revision))?;
                Some((commit, files.get_key_value(&file[1..])))
            });
        match found {
            None => not_found("RepoNotFound"),
            Some((_, None)) => not_found("EntryNotFound"),
            Some((commit, Some((file, bytes)))) => self.file(request, commit, file, bytes),
        }
    }

    fn model(&self, repository: &str, revision: &str) -> Option<Raw> {
        let commit = self.commit(repository, revision)?;
        let files = &self.commits[&(repository.to_owned(), commit.clone())];
        let siblings: Vec<Value> =
            files.iter().map(|(name, bytes)| json!({ "rfilename": name, "size": bytes.len() })).collect();
        let mut answer =
            json!({ "id": repository, "sha": commit, "siblings": siblings, "gated": false, "private": false });
        if let Some(Value::Object(about)) = self.about.get(repository) {
            answer.as_object_mut().unwrap().extend(about.clone());
        }
        Some(Raw::answer("200 OK", &["Content-Type: application/json"], answer.to_string()))
    }

    /// Lists the files as Python's library asks for them.
    fn tree(&self, repository: &str, revision: &str) -> Option<Raw> {
        let files = &self.commits[&(repository.to_owned(), self.commit(repository, revision)?)];
        let entry = |(name, bytes): (&String, &Vec<u8>)| json!({ "type": "file", "path": name, "size": bytes.len(), "oid": etag(name, bytes) });
        let entries: Vec<Value> = files.iter().map(entry).collect();
        Some(Raw::answer("200 OK", &["Content-Type: application/json"], Value::from(entries).to_string()))
    }

    fn discussions(&self, repository: &str) -> Raw {
        let requests = self.pull_requests.get(repository).into_iter().flatten();
        let discussion = |PullRequest { number, title, author, .. }: &PullRequest| json!({ "num": number, "title": title, "status": "open", "isPullRequest": true, "author": { "name": author } });
        let discussions: Vec<Value> = requests.map(discussion).collect();
        let answer = json!({ "count": discussions.len(), "start": 0, "discussions": discussions });
        Raw::answer("200 OK", &[], answer.to_string())
    }

    fn history(&self, repository: &str, revision: &str) -> Option<Raw> {
        let number: u64 = revision.strip_prefix("refs/pr/")?.parse().ok()?;
        let request = self.pull_requests.get(repository)?.iter().find(|request| request.number == number)?;
        let commits: Vec<Value> = request.commits.iter().map(|id| json!({ "id": id })).collect();
        Some(Raw::answer("200 OK", &[], Value::from(commits).to_string()))
    }

    fn commit(&self, repository: &str, revision: &str) -> Option<String> {
        let known = (repository.to_owned(), revision.to_owned());
        let of_revision = self.revisions.get(&known).cloned();
        of_revision.or_else(|| self.commits.contains_key(&known).then(|| revision.to_owned()))
    }

    fn file(&self, request: &Request, commit: &str, file: &str, bytes: &[u8]) -> Raw {
        let (commit, etag) = (format!("X-Repo-Commit: {commit}"), etag(file, bytes));
        if !is_large(file) {
            return part(request, bytes, &[&commit, &format!("ETag: \"{etag}\"")]);
        }
        let location = format!("Location: http://127.0.0.1:{}/blobs/{etag}?Signature=x", self.other_port);
        let (etag, size) = (format!("X-Linked-Etag: \"{etag}\""), format!("X-Linked-Size: {}", bytes.len()));
        Raw::answer("302 Found", &[&commit, &location, &etag, &size], "")
    }
}

/// Answers with a file, or with the part of it that is asked for.
fn part(request: &Request, bytes: &[u8], headers: &[&str]) -> Raw {
    let length = |bytes: &[u8]| format!("Content-Length: {}", bytes.len());
    if request.method == "HEAD" {
        return Raw::with_headers("200 OK", &[headers, &[&length(bytes)]].concat(), "");
    }
    let range = request.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    let Some(from) = range.and_then(|from| from.parse::<usize>().ok()) else {
        return Raw::answer("200 OK", headers, bytes);
    };
    if from >= bytes.len() {
        return Raw::answer("416 Range Not Satisfiable", headers, "");
    }
    let range = format!("Content-Range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    Raw::answer("206 Partial Content", &[headers, &[&range]].concat(), &bytes[from..])
}

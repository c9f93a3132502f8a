//! The download of one file: what the hub announces about it, and its contents.

use super::address::without_query;
use super::checksum::Checksum;
use super::client::{About, Client, Method, Response};
use super::events::{Event, Events};
use super::failure::{Failure, Tries};
use super::lock::lock;
use super::partial::{PIECE, Partial, partial_path};
use crate::cache::Cache;
use crate::error::{HubError, Result};
use crate::name::ModelName;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use ureq::http::StatusCode;

/// Bytes of progress after which the tries are counted anew.
const PROGRESS: u64 = 1 << 20;

/// A file, as the hub announces it.
#[derive(Debug, Clone)]
pub struct Announced {
    /// Name in the model, with `/` between folders.
    pub file: String,
    url: String,
    etag: String,
    /// Bytes.
    pub size: u64,
    checksum: Checksum,
}

impl Announced {
    /// Asks the hub about a file of a commit, of `max_size` bytes at most.
    ///
    /// # Errors
    /// If the hub does not say its size and its etag, if it is too large, or if the hub is not reached.
    pub fn ask(
        client: &Client,
        name: &ModelName,
        commit: &str,
        file: &str,
        max_size: u64,
        events: &mut Events,
    ) -> Result<Self> {
        let url = client.url(&format!("{}/resolve/{commit}/{}", name.repository, encoded(file)));
        let about = About { name, file: Some(file) };
        client.with_retries(&mut |error, wait| events.retrying(error, wait), || {
            let response = client.send(Method::Head, &url, 0, about)?;
            let answer = |what: String| Failure::Final(HubError::Answer { url: url.clone(), what });
            if response.header("X-Repo-Commit").is_some_and(|other| other != commit) {
                return Err(answer("another commit than was asked for".into()));
            }
            let etag = response.header("X-Linked-Etag").or_else(|| response.header("ETag")).unwrap_or_default();
            let etag = etag.trim_start_matches("W/").trim_matches('"');
            if !is_safe(etag) {
                return Err(answer(format!("an etag that cannot be the name of a file: {:?}", shortened(etag))));
            }
            let size = response
                .number("X-Linked-Size")
                .or_else(|| response.status.is_success().then(|| response.number("Content-Length")).flatten());
            let size = size.ok_or_else(|| answer("no size of the file".into()))?;
            if size > max_size {
                return Err(answer(format!("a size of {size} bytes, more than {max_size}")));
            }
            let checksum = Checksum::of_etag(etag);
            Ok(Self { file: file.into(), url: url.clone(), etag: etag.into(), size, checksum })
        })
    }

    /// Returns where the contents belong in the cache.
    pub fn blob(&self, cache: &Cache, name: &ModelName) -> PathBuf {
        cache.repository(name).join("blobs").join(&self.etag)
    }

    /// Downloads the contents into the cache, unless they are there. Continues what an earlier download began.
    ///
    /// # Errors
    /// If the file cannot be downloaded or written, or is another one than was announced. What was downloaded of the right
    /// file is kept.
    pub fn download(&self, client: &Client, cache: &Cache, name: &ModelName, events: &mut Events) -> Result<PathBuf> {
        let blob = self.blob(cache, name);
        if blob.exists() {
            events.progress(&self.file, self.size);
            return Ok(blob);
        }
        let folder = cache.repository(name).join("blobs");
        fs::create_dir_all(&folder).map_err(HubError::io("create", &folder))?;
        let path = cache.locks(name).join(format!("{}.lock", self.etag));
        let lock = lock(&path, &mut || events.send(Event::Waiting { file: &self.file }))?;
        // Another process may have finished it meanwhile.
        if !blob.exists() {
            // Without a hash, nothing tells whether what another program left is the beginning of this file.
            let excludes = lock.excludes && self.checksum != Checksum::Unknown;
            let path = partial_path(&blob, self.size, excludes);
            let partial = Partial::open(path.clone(), self.checksum.clone(), self.size)?;
            self.complete(client, name, partial, &blob, events).inspect_err(|_| {
                if !excludes {
                    // Nobody would continue a file with this name.
                    let _ = fs::remove_file(&path);
                }
            })?;
        }
        events.progress(&self.file, self.size);
        Ok(blob)
    }

    /// Downloads what is missing, and checks the whole file.
    fn complete(
        &self,
        client: &Client,
        name: &ModelName,
        mut partial: Partial,
        blob: &Path,
        events: &mut Events,
    ) -> Result<()> {
        let was_continued = partial.done() > 0;
        self.fill(client, name, &mut partial, events)?;
        if was_continued && partial.difference().is_some() {
            // It began with what another program left.
            partial.restart()?;
            self.fill(client, name, &mut partial, events)?;
        }
        match partial.difference() {
            None => partial.finish(blob),
            Some(what) => {
                partial.restart()?;
                Err(HubError::Corrupt { url: without_query(&self.url), what })
            }
        }
    }

    /// Downloads until no byte is missing.
    fn fill(&self, client: &Client, name: &ModelName, partial: &mut Partial, events: &mut Events) -> Result<()> {
        let (mut tries, mut most) = (Tries::default(), partial.done());
        while partial.missing() > 0 {
            if let Err(failure) = self.transfer(client, name, partial, events) {
                // Bytes that are downloaded again are no progress.
                if partial.done() >= most + PROGRESS {
                    most = partial.done();
                    tries.reset();
                }
                let delay = client.settings().retry_delay;
                let waited = tries.wait(failure, delay, &mut |error, wait| events.retrying(error, wait));
                waited.map_err(|error| self.cut_off(partial, error))?;
            }
        }
        Ok(())
    }

    /// Downloads until the end, or until something happens.
    fn transfer(
        &self,
        client: &Client,
        name: &ModelName,
        partial: &mut Partial,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let about = About { name, file: Some(&self.file) };
        let response = client.send(Method::Download, &self.url, partial.done(), about)?;
        if response.status == StatusCode::RANGE_NOT_SATISFIABLE {
            partial.restart()?;
            return Err(Failure::passing(HubError::Status {
                url: without_query(&self.url),
                status: response.status.to_string(),
            }));
        }
        if !starts_at(&response, partial.done()) {
            // The server sends the whole file, or some other part.
            partial.restart()?;
            if response.status == StatusCode::PARTIAL_CONTENT {
                let what = "another part of the file than was asked for".into();
                return Err(Failure::passing(HubError::Answer { url: without_query(&response.url), what }));
            }
        }
        let corrupt = |what: String| Failure::passing(HubError::Corrupt { url: without_query(&self.url), what });
        if let Some(length) = response.number("Content-Length").filter(|length| *length != partial.missing()) {
            return Err(corrupt(format!("{length} bytes were sent instead of {}", partial.missing())));
        }
        let cut = |cause: String| {
            Failure::passing(HubError::CutOff { url: without_query(&self.url), done: 0, size: self.size, cause })
        };
        let mut reader = response.body.into_reader();
        let mut piece = vec![0; PIECE];
        loop {
            let count = reader.read(&mut piece).map_err(|error| cut(error.to_string()))?;
            if count as u64 > partial.missing() {
                partial.restart()?;
                return Err(corrupt(format!("more than {} bytes were sent", self.size)));
            }
            if count == 0 {
                return if partial.missing() == 0 { Ok(()) } else { Err(cut("the connection ended early".into())) };
            }
            partial.append(&piece[..count])?;
            events.progress(&self.file, partial.done());
        }
    }

    /// Says in the error of a download that ended early how much of the file is kept.
    fn cut_off(&self, partial: &Partial, error: HubError) -> HubError {
        let (url, done, size) = (without_query(&self.url), partial.done(), self.size);
        match error {
            HubError::CutOff { cause, .. } => HubError::CutOff { url, done, size, cause },
            HubError::Unreachable { cause, .. } if done > 0 => HubError::CutOff { url, done, size, cause },
            error => error,
        }
    }
}

/// Returns whether a response has the bytes from `from` on.
fn starts_at(response: &Response, from: u64) -> bool {
    match response.status {
        StatusCode::PARTIAL_CONTENT => {
            let range = response.header("Content-Range").and_then(|range| range.trim().strip_prefix("bytes "));
            range.and_then(|range| range.split('-').next()?.parse().ok()) == Some(from)
        }
        _ => from == 0,
    }
}

/// Returns whether text from the server can be the name of a file.
fn is_safe(etag: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=128).contains(&etag.len()) && etag.chars().all(is_plain) && !etag.starts_with('.') && !etag.contains("..")
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Encodes the name of a file for an address.
fn encoded(file: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    file.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_that_lead_out_of_the_cache_are_unsafe() {
        for evil in ["", "../../x", "..", ".", "a/b", "a\\b", "a\0b", ".hidden", "a..b", &"a".repeat(129)] {
            assert!(!is_safe(evil), "{evil:?}");
        }
        assert!(is_safe("5f3-6203.gz"));
    }

    #[test]
    fn names_of_files_are_encoded() {
        assert_eq!(encoded("1_Pooling/config.json"), "1_Pooling/config.json");
        assert_eq!(encoded("a b?ü"), "a%20b%3F%C3%BC");
    }
}

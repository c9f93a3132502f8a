//! Requests to the hub: redirects, the token, time-outs, and what the statuses mean.

use crate::error::{HubError, Result};
use crate::name::ModelName;
use crate::settings::Settings;
use std::io::Read;
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 8;
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait that the hub may ask for before the next try.
const MAX_WAIT: Duration = Duration::from_secs(120);
/// Tries without progress.
const TRIES: u32 = 5;

/// A response of the hub or of the host to which it redirects.
pub struct Response {
    /// What was asked last.
    pub url: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
}

impl Response {
    /// Returns a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns a header that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.trim().parse().ok()
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// If it is longer than `limit` bytes, or cannot be read; the latter may pass.
    pub fn read(self, limit: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![];
        let read = self.body.into_reader().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|cause| {
            Failure::passing(HubError::Unreachable { endpoint: self.url.clone(), cause: cause.to_string() })
        })?;
        match bytes.len() as u64 > limit {
            true => Err(Failure::Final(HubError::Answer { url: self.url, what: format!("more than {limit} bytes") })),
            false => Ok(bytes),
        }
    }
}

/// Why a request failed.
#[derive(Debug)]
pub enum Failure {
    /// Another try would fail too.
    Final(HubError),
    /// Another try may succeed, after the time for which the hub asks.
    Passing(HubError, Option<Duration>),
}

impl Failure {
    pub fn passing(error: HubError) -> Self {
        Self::Passing(error, None)
    }

    /// Returns the error.
    pub fn error(self) -> HubError {
        match self {
            Self::Final(error) | Self::Passing(error, _) => error,
        }
    }
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Self::Final(error)
    }
}

/// What a request is about, for its errors.
#[derive(Clone, Copy)]
pub struct About<'a> {
    pub name: &'a ModelName,
    /// A file of the model.
    pub file: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Only the headers. Redirects to another host are not followed: the hub itself knows the size and hash of a file.
    Head,
    Get,
}

/// Sends requests.
pub struct Client {
    agent: Agent,
    settings: Settings,
}

impl Client {
    pub fn new(settings: Settings) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        // Redirects are followed by `send`, so that the token is sent to the hub only.
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls)
            .user_agent(concat!("newsdesk/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(CONNECT_TIMEOUT.min(settings.answer_timeout)))
            .timeout_resolve(Some(settings.answer_timeout))
            .timeout_per_read(Some(settings.read_timeout))
            .timeout_recv_response(Some(settings.answer_timeout.max(settings.read_timeout)));
        Self { agent: config.build().into(), settings }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the address of a path on the hub.
    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.endpoint)
    }

    /// Sends a request, from byte `from` on. Answers 2xx, and 416 if `from` is not 0; a redirect to another host for
    /// [`Method::Head`].
    ///
    /// # Errors
    /// If the hub is not reached or refuses.
    pub fn send(&self, method: Method, url: &str, from: u64, about: About) -> Result<Response, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_once(method, &url, from)?;
            if response.status.is_success() || (response.status == StatusCode::RANGE_NOT_SATISFIABLE && from > 0) {
                return Ok(response);
            }
            if !response.status.is_redirection() {
                return Err(self.refusal(response, about));
            }
            let target = redirect_target(&response)?;
            if method == Method::Head && !is_same_origin(&target, &url) {
                return Ok(response);
            }
            url = target;
        }
        Err(HubError::Answer { url, what: format!("more than {MAX_REDIRECTS} redirects") }.into())
    }

    fn send_once(&self, method: Method, url: &str, from: u64) -> Result<Response, Failure> {
        let mut request = match method {
            Method::Head => self.agent.head(url),
            Method::Get => self.agent.get(url),
        };
        if let Some(token) = &self.settings.token
            && is_same_origin(url, &self.settings.endpoint)
        {
            request = request.header("Authorization", token.header());
        }
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let (parts, body) = request.call().map_err(|error| failure(url, error))?.into_parts();
        Ok(Response { url: url.to_owned(), status: parts.status, headers: parts.headers, body })
    }

    /// Returns the error for an answer that is neither a success nor a redirect.
    fn refusal(&self, response: Response, about: About) -> Failure {
        let Settings { endpoint, token, .. } = &self.settings;
        let (endpoint, with_token) = (endpoint.clone(), token.is_some());
        let ModelName { repository, revision } = about.name.clone();
        let status = response.status;
        let no_repository =
            || HubError::NoRepository { endpoint: endpoint.clone(), repository: repository.clone(), with_token };
        let no_file = |file: &str| HubError::NoFile { name: about.name.to_string(), file: file.to_owned() };
        let is_hub = is_same_origin(&response.url, &endpoint);
        let message = response.header("X-Error-Message").unwrap_or_default();
        let is_about = |text: &str| message.to_ascii_lowercase().contains(text);
        let error = match (response.header("X-Error-Code").unwrap_or_default(), status.as_u16()) {
            ("GatedRepo", _) => {
                let page = format!("{endpoint}/{repository}");
                HubError::Gated { repository, page, with_token }
            }
            ("RevisionNotFound", _) => HubError::NoRevision { repository, revision },
            ("EntryNotFound", _) => no_file(about.file.unwrap_or_default()),
            _ if is_about("access to this resource is disabled") => HubError::Disabled { repository },
            (_, 401) if is_hub && with_token && is_about("invalid") => HubError::BadToken { endpoint },
            ("RepoNotFound", _) | (_, 401) if is_hub => no_repository(),
            (_, 404) if is_hub => about.file.map_or_else(no_repository, no_file),
            (_, 429) => {
                let wait = response.number("Retry-After");
                let error = HubError::Quota { endpoint, seconds: wait };
                let wait = wait.map(Duration::from_secs);
                return match wait {
                    Some(wait) if wait > MAX_WAIT => Failure::Final(error),
                    wait => Failure::Passing(error, wait),
                };
            }
            (_, code) => {
                let wait = response.number("Retry-After").map(Duration::from_secs).filter(|wait| *wait <= MAX_WAIT);
                let error = HubError::Status { url: without_query(&response.url), status: status.to_string() };
                // A signed address of another host expires. The next try gets a new one from the hub.
                let passes = matches!(code, 408 | 425 | 500..) || (code == 403 && !is_hub);
                return if passes { Failure::Passing(error, wait) } else { Failure::Final(error) };
            }
        };
        Failure::Final(error)
    }

    /// Tries until it succeeds, or fails finally, or has failed [`TRIES`] times in a row. `retrying` gets each cause and wait.
    ///
    /// # Errors
    /// The last one.
    pub fn with_retries<T>(
        &self,
        retrying: &mut dyn FnMut(&HubError, Duration),
        mut attempt: impl FnMut() -> Result<T, Failure>,
    ) -> Result<T> {
        let mut tries = Tries::default();
        loop {
            match attempt() {
                Ok(value) => return Ok(value),
                Err(failure) => tries.wait(failure, self.settings.retry_delay, retrying)?,
            }
        }
    }
}

/// Counts tries in a row that failed.
#[derive(Default)]
pub struct Tries(u32);

impl Tries {
    /// Starts to count again, because there was progress.
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// Waits before the next try.
    ///
    /// # Errors
    /// The failure, if it is final or was the last try.
    pub fn wait(
        &mut self,
        failure: Failure,
        delay: Duration,
        retrying: &mut dyn FnMut(&HubError, Duration),
    ) -> Result<()> {
        let (error, wait) = match failure {
            Failure::Passing(error, wait) if self.0 + 1 < TRIES => (error, wait),
            failure => return Err(failure.error()),
        };
        let wait = wait.unwrap_or(delay * 2u32.pow(self.0));
        self.0 += 1;
        retrying(&error, wait);
        std::thread::sleep(wait);
        Ok(())
    }
}

/// Turns an error of the HTTP library into a failure.
fn failure(url: &str, error: ureq::Error) -> Failure {
    let endpoint = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    match error {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => {
            Failure::Final(HubError::Tls { host: endpoint, cause: error.to_string() })
        }
        ureq::Error::Io(io) if io.get_ref().is_some_and(|inner| inner.to_string().contains("certificate")) => {
            Failure::Final(HubError::Tls { host: endpoint, cause: io.to_string() })
        }
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl => {
            Failure::Final(HubError::Unreachable { endpoint, cause: error.to_string() })
        }
        error => Failure::passing(HubError::Unreachable { endpoint, cause: error.to_string() }),
    }
}

/// Returns where a response redirects to.
fn redirect_target(response: &Response) -> Result<String, Failure> {
    let answer = |what: String| Failure::Final(HubError::Answer { url: response.url.clone(), what });
    let location = response.header("Location").ok_or_else(|| answer("a redirect to nowhere".into()))?;
    let target = match (location.starts_with("//"), location.starts_with('/')) {
        (false, true) => {
            let (scheme, rest) = response.url.split_once("://").unwrap_or(("https", &response.url));
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            format!("{scheme}://{host}{location}")
        }
        _ => location.to_owned(),
    };
    let Some((scheme, ..)) = origin(&target) else {
        return Err(answer("a redirect to something that is no address".into()));
    };
    if scheme == "http" && response.url.starts_with("https:") {
        return Err(answer("a redirect from https to http".into()));
    }
    Ok(target)
}

/// Returns scheme, host and port of an address of http or https.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    Some((scheme, uri.host()?.to_ascii_lowercase(), uri.port_u16().unwrap_or(default)))
}

fn is_same_origin(a: &str, b: &str) -> bool {
    origin(a).is_some_and(|origin_of_a| Some(origin_of_a) == origin(b))
}

/// Returns an address without its query, which may hold a signature.
pub fn without_query(url: &str) -> String {
    url.split('?').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_the_same_scheme_host_and_port_only() {
        assert!(is_same_origin("https://hub.example/a", "https://HUB.example:443"));
        for other in [
            "http://hub.example/a",
            "https://hub.example.org/a",
            "https://hub.example:8443/a",
            "https://hub.example@evil.example/a",
            "ftp://hub.example",
            "nonsense",
        ] {
            assert!(!is_same_origin(other, "https://hub.example"), "{other}");
        }
    }

    #[test]
    fn signatures_are_not_printed() {
        assert_eq!(without_query("https://cdn.example/x?Signature=secret"), "https://cdn.example/x");
    }
}

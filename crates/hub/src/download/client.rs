//! Requests to the hub: redirects, the token, time-outs, and what the statuses mean.

use super::address::{is_same_origin, scheme, without_query};
use super::failure::{Failure, Tries};
use crate::error::{HubError, Result};
use crate::name::ModelName;
use crate::settings::Settings;
use std::io::{ErrorKind, Read};
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 8;
/// How long a small answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(60);
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait that the hub may ask for before the next try.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// Characters of a message of the hub that are shown.
const MAX_MESSAGE: usize = 200;

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

    /// Returns the seconds to wait before the next request, if the server says so.
    fn wait(&self) -> Option<u64> {
        // `"api";r=0;t=55`: no requests are left for 55 seconds.
        let of_limit = || {
            let mut fields =
                self.header("RateLimit")?.split(';').map(str::trim).filter_map(|field| field.split_once('='));
            let (_, seconds) = fields.clone().find(|(name, _)| *name == "t")?;
            fields.any(|field| field == ("r", "0")).then(|| seconds.parse::<u64>().ok())?.map(|seconds| seconds + 1)
        };
        self.number("Retry-After").or_else(of_limit)
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// If it is longer than `limit` bytes, or cannot be read; the latter may pass.
    pub fn read(self, limit: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![];
        let read = self.body.into_reader().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|cause| {
            Failure::passing(HubError::Unreachable {
                endpoint: self.url.clone(),
                cause: cause.to_string(),
                connected: true,
            })
        })?;
        match bytes.len() as u64 > limit {
            true => Err(Failure::Final(HubError::Answer { url: self.url, what: format!("more than {limit} bytes") })),
            false => Ok(bytes),
        }
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
    /// Only the headers, as soon as they tell size and hash.
    Head,
    /// A small answer, within [`ANSWER_TIME`].
    Get,
    /// A file, however long it takes.
    Download,
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

    /// Sends a request, from byte `from` on, and follows redirects. The response has a status of 2xx. It may be 416 if `from` is
    /// not 0, and a redirect for [`Method::Head`].
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
            // The hub knows size and hash of a file itself, before it redirects to another host.
            if method == Method::Head && response.headers.contains_key("X-Linked-Etag") {
                return Ok(response);
            }
            url = redirect_target(&response)?;
        }
        Err(HubError::Answer { url, what: format!("more than {MAX_REDIRECTS} redirects") }.into())
    }

    fn send_once(&self, method: Method, url: &str, from: u64) -> Result<Response, Failure> {
        let request = match method {
            Method::Head => self.agent.head(url),
            Method::Get | Method::Download => self.agent.get(url),
        };
        let time = (method != Method::Download).then_some(ANSWER_TIME);
        let mut request = request.config().timeout_recv_body(time).build();
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
                let wait = response.wait();
                let error = HubError::Quota { endpoint, seconds: wait };
                let wait = wait.map(Duration::from_secs);
                return match wait {
                    Some(wait) if wait > MAX_WAIT => Failure::Final(error),
                    wait => Failure::Passing(error, wait),
                };
            }
            (_, code) => {
                let wait = response.wait().map(Duration::from_secs).filter(|wait| *wait <= MAX_WAIT);
                let said: String = message.chars().filter(|c| !c.is_control()).take(MAX_MESSAGE).collect();
                let status = if said.is_empty() { status.to_string() } else { format!("{status}: {said}") };
                let error = HubError::Status { url: without_query(&response.url), status };
                // A signed address of another host expires. The next try gets a new one from the hub.
                let passes = matches!(code, 408 | 425 | 500..) || (code == 403 && !is_hub);
                return if passes { Failure::Passing(error, wait) } else { Failure::Final(error) };
            }
        };
        Failure::Final(error)
    }

    /// Tries until it succeeds, or fails finally, or has failed too many times in a row. `retrying` gets each cause and wait.
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
            Failure::Final(HubError::Unreachable { endpoint, cause: error.to_string(), connected: false })
        }
        error => {
            let connected = match &error {
                ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => false,
                ureq::Error::Timeout(timeout) => !matches!(timeout, Timeout::Resolve | Timeout::Connect),
                // Other errors of the system, such as those of looking up a name, come before there is a connection.
                ureq::Error::Io(io) => matches!(
                    io.kind(),
                    ErrorKind::UnexpectedEof
                        | ErrorKind::ConnectionReset
                        | ErrorKind::ConnectionAborted
                        | ErrorKind::BrokenPipe
                ),
                _ => true,
            };
            Failure::passing(HubError::Unreachable { endpoint, cause: error.to_string(), connected })
        }
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
    let Some(scheme) = scheme(&target) else {
        return Err(answer("a redirect to something that is no address".into()));
    };
    if scheme == "http" && self::scheme(&response.url).as_deref() == Some("https") {
        return Err(answer("a redirect from https to http".into()));
    }
    Ok(target)
}

//! Settings from the environment, under the names that Hugging Face's own tools use.

use std::ffi::OsString;
use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The public hub.
const ENDPOINT: &str = "https://huggingface.co";
/// Maximum size of a token file in bytes that is read.
const MAX_TOKEN: usize = 4096;

/// Where models come from and where they are kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the cache; `None` if the environment names no home.
    pub cache: Option<PathBuf>,
    /// Address of the hub, without a slash at the end.
    pub endpoint: String,
    /// Proves who asks. Sent to `endpoint` only.
    pub token: Option<Token>,
    /// Whether the network must not be used.
    pub offline: bool,
    /// How long to wait for an answer about a model.
    pub answer_timeout: Duration,
    /// How long to wait for the next bytes of a file.
    pub read_timeout: Duration,
    /// How long to wait before the first retry; doubled before each further one.
    pub retry_delay: Duration,
}

impl Settings {
    /// Reads the environment: `HF_HUB_CACHE`, `HF_HOME`, `XDG_CACHE_HOME`, `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`,
    /// `HF_HUB_DISABLE_IMPLICIT_TOKEN`, `HF_HUB_OFFLINE`, `HF_HUB_ETAG_TIMEOUT` and `HF_HUB_DOWNLOAD_TIMEOUT`. Older names of
    /// the cache (`HUGGINGFACE_HUB_CACHE`), the token (`HUGGING_FACE_HUB_TOKEN`) and offline use (`TRANSFORMERS_OFFLINE`) count
    /// too.
    pub fn from_environment() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// Like [`Settings::from_environment`], with variables that the function returns. Empty ones count as unset.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let home = || variable("HOME").or_else(|| variable("USERPROFILE")).map(PathBuf::from);
        let path = |name: &str| variable(name).map(|path| expanded(PathBuf::from(path), home));
        let text = |name: &str| variable(name)?.into_string().ok().map(|text| text.trim().to_owned());
        let seconds = |name: &str| {
            let seconds = text(name).and_then(|text| text.parse::<f64>().ok()).filter(|seconds| *seconds > 0.0);
            Duration::try_from_secs_f64(seconds.unwrap_or(10.0)).unwrap_or(Duration::MAX)
        };
        let hugging_face = path("HF_HOME")
            .or_else(|| path("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
            .or_else(|| home().map(|home| home.join(".cache").join("huggingface")));
        let of_file = || {
            let file = path("HF_TOKEN_PATH").or_else(|| Some(hugging_face.as_ref()?.join("token")))?;
            token_of_file(&file)
        };
        let is_true = |name: &str| {
            text(name).is_some_and(|text| matches!(text.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"))
        };
        let token = text("HF_TOKEN").or_else(|| text("HUGGING_FACE_HUB_TOKEN")).or_else(of_file);
        let endpoint = text("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.into());
        Self {
            cache: path("HF_HUB_CACHE")
                .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
                .or_else(|| Some(hugging_face.as_ref()?.join("hub"))),
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: token.filter(|_| !is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")).and_then(Token::new),
            offline: is_true("HF_HUB_OFFLINE") || is_true("TRANSFORMERS_OFFLINE"),
            answer_timeout: seconds("HF_HUB_ETAG_TIMEOUT"),
            read_timeout: seconds("HF_HUB_DOWNLOAD_TIMEOUT"),
            retry_delay: Duration::from_millis(500),
        }
    }
}

/// Returns a path with the home in place of `~` at its beginning.
fn expanded(path: PathBuf, home: impl Fn() -> Option<PathBuf>) -> PathBuf {
    match path.strip_prefix("~") {
        Ok(rest) => home().map_or(path.clone(), |home| home.join(rest)),
        Err(_) => path,
    }
}

/// Returns the contents of a token file, if it is one.
fn token_of_file(path: &Path) -> Option<String> {
    let is_usable = std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= MAX_TOKEN as u64);
    is_usable.then(|| std::fs::read_to_string(path).ok()).flatten()
}

/// An access token, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Returns a token; `None` if it is empty or cannot be a header of a request.
    pub fn new(text: impl AsRef<str>) -> Option<Self> {
        let text = text.as_ref().trim();
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(text.to_owned()))
    }

    /// Returns the value of the `Authorization` header.
    #[cfg(feature = "download")]
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl Debug for Token {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_cache_is_where_other_tools_look_for_it() {
        let cache = |variables: &[(&str, &str)]| settings(variables).cache;
        let home = ("HOME", "/home/ada");
        assert_eq!(cache(&[home]), Some("/home/ada/.cache/huggingface/hub".into()));
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "/x")]), Some("/x/huggingface/hub".into()));
        assert_eq!(cache(&[home, ("XDG_CACHE_HOME", "/x"), ("HF_HOME", "/hf")]), Some("/hf/hub".into()));
        assert_eq!(cache(&[("HF_HOME", "/hf"), ("HF_HUB_CACHE", "/hub")]), Some("/hub".into()));
        assert_eq!(cache(&[home, ("HF_HOME", "")]), Some("/home/ada/.cache/huggingface/hub".into()));
        assert_eq!(cache(&[home, ("HF_HOME", "~/hf")]), Some("/home/ada/hf/hub".into()));
        assert_eq!(cache(&[home, ("HUGGINGFACE_HUB_CACHE", "/old")]), Some("/old".into()));
        assert_eq!(cache(&[]), None);
    }

    #[test]
    fn tokens_come_from_the_environment_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        let token = |variables: &[(&str, &str)]| settings(variables).token;
        assert_eq!(token(&[("HF_HOME", home)]), None);
        std::fs::write(folder.path().join("token"), "of_file\n").unwrap();
        assert_eq!(token(&[("HF_HOME", home)]), Token::new("of_file"));
        assert_eq!(token(&[("HF_HOME", home), ("HF_TOKEN", "given")]), Token::new("given"));
        let other = folder.path().join("other");
        std::fs::write(&other, "elsewhere").unwrap();
        assert_eq!(token(&[("HF_HOME", home), ("HF_TOKEN_PATH", other.to_str().unwrap())]), Token::new("elsewhere"));
        assert_eq!(token(&[("HF_TOKEN", "given"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")]), None);
        assert_eq!(Token::new("two\nlines"), None);
        assert_eq!(format!("{:?}", Token::new("secret")), "Some(Token(..))");
    }

    #[test]
    fn offline_endpoint_and_timeouts_are_read() {
        let given = settings(&[
            ("HF_HUB_OFFLINE", "yes"),
            ("HF_ENDPOINT", "http://mirror.example/"),
            ("HF_HUB_ETAG_TIMEOUT", "2.5"),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "soon"),
        ]);
        assert!(given.offline);
        assert_eq!(given.endpoint, "http://mirror.example");
        assert_eq!((given.answer_timeout, given.read_timeout), (Duration::from_millis(2500), Duration::from_secs(10)));
        let none = settings(&[("HF_HUB_OFFLINE", "0")]);
        assert_eq!((none.offline, none.endpoint.as_str()), (false, ENDPOINT));
    }
}

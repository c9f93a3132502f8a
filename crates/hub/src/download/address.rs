//! Addresses: whether two are of the same server, and what may be printed of them.

use ureq::http::Uri;

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

/// Returns whether two addresses have the same scheme, host and port.
pub fn is_same_origin(a: &str, b: &str) -> bool {
    origin(a).is_some_and(|origin_of_a| Some(origin_of_a) == origin(b))
}

/// Returns the scheme of an address of http or https.
pub fn scheme(url: &str) -> Option<String> {
    origin(url).map(|(scheme, ..)| scheme)
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

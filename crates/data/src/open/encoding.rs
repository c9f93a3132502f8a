//! Character encodings other than UTF-8.

use std::fmt;
use std::str::FromStr;

/// A character encoding. Its names are those of the WHATWG Encoding Standard, such as `latin1` or `windows-1252`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding(pub(crate) &'static encoding_rs::Encoding);

impl Encoding {
    /// Returns the encoding that an HTML page declares in its first 1,024 bytes.
    pub(crate) fn declared_by(page: &[u8]) -> Option<Encoding> {
        const NAME: &[u8] = b"charset=";
        let start = &page[..page.len().min(1024)];
        let index = start.windows(NAME.len()).position(|seen| seen.eq_ignore_ascii_case(NAME))?;
        let rest = start[index + NAME.len()..].trim_ascii_start();
        let rest = rest.strip_prefix(b"\"").or(rest.strip_prefix(b"'")).unwrap_or(rest);
        let is_name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:".contains(byte);
        let end = rest.iter().position(|byte| !is_name_byte(byte)).unwrap_or(rest.len());
        encoding_rs::Encoding::for_label_no_replacement(&rest[..end]).map(Encoding)
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(name: &str) -> Result<Encoding, String> {
        encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()).map(Encoding).ok_or_else(|| {
            format!("unknown encoding `{name}`; some known ones are utf-8, utf-16, latin1, windows-1252, iso-8859-2, koi8-r, gbk, shift_jis")
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.name().to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found_by_name_and_in_pages() {
        assert_eq!("Latin1".parse::<Encoding>().map(|found| found.to_string()), Ok("windows-1252".to_owned()));
        assert!("latin-9000".parse::<Encoding>().is_err());
        let of = |page: &str| Encoding::declared_by(page.as_bytes()).map(|found| found.to_string());
        assert_eq!(of("<html><meta charset=\"ISO-8859-2\">").as_deref(), Some("iso-8859-2"));
        assert_eq!(of("<meta http-equiv=x content='text/html; Charset= koi8-r'>").as_deref(), Some("koi8-r"));
        assert_eq!(of("<p>charset"), None);
    }
}

//! Text in HTML and SVG.

/// Escapes the characters that HTML and SVG reserve.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

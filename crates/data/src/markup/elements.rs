//! The elements of HTML: which names are tags, and what they do to the text around them.

/// Elements that begin a new line.
const BLOCKS: [&str; 44] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "title",
    "tr",
    "ul",
];
/// Elements whose contents stand apart from their neighbours in the same line.
const CELLS: [&str; 2] = ["td", "th"];
/// Elements whose contents are not text of the page.
const HIDDEN: [&str; 5] = ["iframe", "noembed", "noframes", "script", "style"];
/// Elements that stand alone, and that no other notation looks like.
const BREAKS: [&str; 3] = ["br", "hr", "wbr"];
/// All other elements, obsolete ones included.
const INLINE: [&str; 79] = [
    "a", "abbr", "acronym", "applet", "area", "audio", "b", "base", "basefont", "bdi", "bdo", "bgsound", "big",
    "blink", "button", "canvas", "cite", "code", "col", "colgroup", "data", "datalist", "del", "dfn", "em", "embed",
    "font", "frame", "frameset", "hgroup", "i", "img", "input", "ins", "kbd", "label", "legend", "link", "map", "mark",
    "marquee", "meta", "meter", "nobr", "noscript", "object", "optgroup", "output", "param", "picture", "progress",
    "q", "rp", "rt", "ruby", "s", "samp", "search", "select", "slot", "small", "source", "span", "strike", "strong",
    "sub", "sup", "svg", "tbody", "template", "textarea", "tfoot", "thead", "time", "track", "tt", "u", "var", "video",
];

/// Returns whether a name is that of an element. Names with a colon or a hyphen belong to other vocabularies, such as
/// those of office programs (`o:p`) and of web components (`amp-img`).
pub(super) fn is_element(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_qualified = |separator: char| {
        name.split_once(separator).is_some_and(|(first, second)| !first.is_empty() && !second.is_empty())
    };
    is_qualified(':')
        || is_qualified('-')
        || [&BLOCKS[..], &CELLS, &HIDDEN, &BREAKS, &INLINE].iter().any(|names| names.contains(&name.as_str()))
}

/// Returns whether an element begins a new line.
pub(super) fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name)
}

/// Returns whether an element is a cell of a table.
pub(super) fn is_cell(name: &str) -> bool {
    CELLS.contains(&name)
}

/// Returns whether the contents of an element are not text of the page.
pub(super) fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name)
}

/// Returns whether an element stands alone, and a tag with its name is nothing but markup.
pub(super) fn is_break(name: &str) -> bool {
    BREAKS.contains(&name)
}

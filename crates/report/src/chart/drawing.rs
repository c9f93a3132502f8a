//! What all charts share: sizes, fonts, and the SVG around a drawing.

use crate::error::DrawError;
use crate::html::escape;
use crate::table::Table;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;

/// A drawing with its title, a description, and its data.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The title.
    pub title: String,
    /// The drawing as an SVG element. It contains the title and the description for screen readers.
    pub svg: String,
    /// The data as a table.
    pub data: Table,
}

/// The width of a drawing, in pixels: its texts are still readable on a narrow phone.
pub(super) const WIDTH: u32 = 400;

// The library writes the sizes, which are in pixels, as points. On the page these fonts have 13 and 11 pixels.
pub(super) const FONT: (&str, i32) = ("sans-serif", 16);
pub(super) const SMALL_FONT: (&str, i32) = ("sans-serif", 14);

/// The maximum number of characters of a name in a drawing. The data table has the whole names.
pub(super) const MAX_NAME: usize = 24;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Returns the SVG element of a drawing with this height in pixels, with its title and its description.
///
/// # Errors
/// If the drawing library fails.
pub(super) fn svg(
    height: u32,
    title: &str,
    description: &str,
    draw: impl FnOnce(&Area) -> Result<(), Box<dyn Error>>,
) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        draw(&root).map_err(DrawError::new)?;
        root.present().map_err(DrawError::new)?;
    }
    let (title, description) = (escape(title), escape(description));
    // HTML has no place for the XML declaration before the element. The background is that of the page.
    let start = svg.find("<svg").unwrap_or(0);
    let open = format!("<svg role=\"img\" aria-label=\"{title}. {description}\"");
    let svg = svg[start..].replacen("<svg", &open, 1);
    Ok(svg.replacen('>', &format!("><title>{title}</title><desc>{description}</desc>"), 1).trim_end().to_string())
}

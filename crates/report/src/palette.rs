//! The colours of all charts.
//!
//! Series have the colours of Okabe and Ito ("Color Universal Design", 2008), which readers with any colour vision can tell
//! apart. [`STYLE`](crate::style::STYLE) names some of these colours and replaces them in the dark scheme.

use plotters::style::RGBColor;

const BLACK: RGBColor = RGBColor(0, 0, 0);
const BLUE: RGBColor = RGBColor(0, 114, 178);
const VERMILION: RGBColor = RGBColor(213, 94, 0);
const GREEN: RGBColor = RGBColor(0, 158, 115);
const PURPLE: RGBColor = RGBColor(204, 121, 167);
const SKY_BLUE: RGBColor = RGBColor(86, 180, 233);
const ORANGE: RGBColor = RGBColor(230, 159, 0);

/// Text and axes.
pub(crate) const FOREGROUND: RGBColor = RGBColor(0x1a, 0x1a, 0x1a);

/// Lines of the grid, and empty cells.
pub(crate) const GRID: RGBColor = RGBColor(0xd8, 0xd8, 0xd8);

/// Series on a page, with a light or dark background. Black is left out because it vanishes on dark backgrounds, and sky
/// blue because a page shows blue in a lighter tone there.
pub(crate) const SERIES: [RGBColor; 5] = [BLUE, VERMILION, GREEN, PURPLE, ORANGE];

/// Lines on a white background. The first is for the most important line.
pub(crate) const LINES: [RGBColor; 7] = [BLACK, BLUE, VERMILION, GREEN, PURPLE, SKY_BLUE, ORANGE];

/// Bars.
pub(crate) const BAR: RGBColor = BLUE;

/// Correct predictions in a confusion matrix.
pub(crate) const CORRECT: RGBColor = GREEN;

/// Wrong predictions in a confusion matrix, and all cells of a matrix without a diagonal.
pub(crate) const WRONG: RGBColor = VERMILION;

#[cfg(test)]
mod tests {
    use super::{BLUE, FOREGROUND, GRID, RGBColor};
    use crate::style::STYLE;

    #[test]
    fn page_style_replaces_colours_of_the_palette() {
        for RGBColor(red, green, blue) in [FOREGROUND, GRID, BLUE] {
            let hex = format!("#{red:02X}{green:02X}{blue:02X}");
            assert!(
                STYLE.contains(&format!("[fill='{hex}']")) && STYLE.contains(&format!("[stroke='{hex}']")),
                "{hex}"
            );
        }
    }
}

//! Which positions of a window see each other.

use std::ops::Range;

/// The largest distance between a query and a key that it sees, or `None` without a limit.
#[derive(Clone, Copy)]
pub(super) struct Reach(pub Option<usize>);

impl Reach {
    /// Returns the positions below `length` that at least one of some neighbouring `positions` sees.
    #[inline(always)]
    pub fn around(self, positions: Range<usize>, length: usize) -> Range<usize> {
        let Some(reach) = self.0 else { return 0..length };
        let end = positions.end.saturating_add(reach).min(length);
        positions.start.saturating_sub(reach).min(end)..end
    }

    /// Returns the number of columns that the scores of `rows` neighbouring queries have, in whole panels of keys.
    pub fn score_columns(self, rows: usize, length: usize, panel: usize) -> usize {
        let all = length.next_multiple_of(panel);
        let Some(reach) = self.0 else { return all };
        // The first and the last panel may hold one visible key each.
        reach.saturating_mul(2).saturating_add(rows + 2 * (panel - 1)).min(all) / panel * panel
    }
}

#[cfg(test)]
mod tests {
    use super::Reach;

    #[test]
    fn the_reach_is_inclusive_on_both_sides() {
        assert_eq!(Reach(Some(2)).around(5..6, 20), 3..8);
        assert_eq!(Reach(Some(2)).around(1..4, 20), 0..6);
        assert_eq!(Reach(Some(2)).around(5..8, 7), 3..7);
        assert_eq!(Reach(Some(2)).around(12..14, 7), 7..7);
        assert_eq!(Reach(Some(usize::MAX)).around(5..8, 9), 0..9);
        assert_eq!(Reach(None).around(5..8, 9), 0..9);
    }

    #[test]
    fn the_columns_hold_every_panel_that_is_seen() {
        for panel in [16, 32] {
            for reach in 0..70 {
                for rows in [1, 4, 6, 24] {
                    let columns = Reach(Some(reach)).score_columns(rows, 10_000, panel);
                    let needed = (0..200).map(|first| {
                        let seen = Reach(Some(reach)).around(first..first + rows, 10_000);
                        seen.end.next_multiple_of(panel) - seen.start / panel * panel
                    });
                    assert_eq!(Some(columns), needed.max(), "reach {reach}, {rows} rows, panels of {panel}");
                }
            }
        }
    }
}

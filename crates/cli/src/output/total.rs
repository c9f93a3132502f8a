//! How much a run has to do, for its progress.

use newsdesk_data::Amount;

/// How much a run has to do, as far as that is known before its end.
#[derive(Default)]
pub struct Total {
    rows: Option<u64>,
    bytes: Option<u64>,
    /// Rows after which the run ends.
    limit: Option<u64>,
}

impl Total {
    /// Adds up the inputs of a run, which ends after `limit` rows.
    ///
    /// Nothing is known if an input is a workbook, or if one has rows and another has bytes.
    pub fn new(inputs: impl IntoIterator<Item = Amount>, limit: Option<u64>) -> Total {
        let (mut rows, mut bytes) = (Some(0), Some(0));
        for input in inputs {
            match input {
                Amount::Workbook => return Total::default(),
                Amount::Rows(more) => (rows, bytes) = (rows.map(|rows| rows + more), None),
                Amount::Bytes(more) => (rows, bytes) = (None, bytes.map(|bytes| bytes + more)),
                Amount::Unknown => (rows, bytes) = (None, None),
            }
        }
        Total { rows, bytes, limit }
    }

    /// Returns whether anything is known.
    pub fn is_known(&self) -> bool {
        self.rows.or(self.bytes).or(self.limit).is_some()
    }

    /// Returns the share that is done, from 0 to 1, with the rows that count towards the limit. The run ends at the end of
    /// its inputs or at its limit, so the larger share counts.
    pub fn share(&self, rows_read: u64, bytes: u64, rows: u64) -> Option<f64> {
        let share = |done: u64, total: Option<u64>| total.map(|total| done as f64 / total.max(1) as f64);
        let shares = [share(rows_read, self.rows), share(bytes, self.bytes), share(rows, self.limit)];
        shares.into_iter().flatten().reduce(f64::max).map(|share| share.min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_that_is_done_is_of_rows_bytes_or_the_limit() {
        let share = |inputs: &[Amount], limit| Total::new(inputs.iter().copied(), limit).share(30, 500, 20);
        assert_eq!(share(&[Amount::Rows(40), Amount::Rows(80)], None), Some(0.25));
        assert_eq!(share(&[Amount::Bytes(1000)], None), Some(0.5));
        assert_eq!(share(&[Amount::Bytes(1000)], Some(25)), Some(0.8));
        assert_eq!(share(&[Amount::Unknown, Amount::Bytes(1000)], Some(40)), Some(0.5));
        for inputs in [&[Amount::Rows(40), Amount::Bytes(1000)][..], &[Amount::Unknown]] {
            assert_eq!(share(inputs, None), None);
        }
        // A workbook shows no share, whatever else is known.
        assert_eq!(share(&[Amount::Workbook, Amount::Bytes(1000)], Some(40)), None);
    }
}

//! Distributes the size of a split over the labels by largest remainders.

/// Returns the number of rows of each label in a split.
///
/// `counts` are the rows of each label, and `available` the rows that are not in another split. A label gets its share
/// rounded down. The rows that are then missing from the share of the whole go to the labels with the largest
/// remainders; `tie` orders equal remainders. The split gets at least one row if any label has one available.
pub(super) fn apportion(counts: &[u64], available: &[u64], share: f64, tie: impl Fn(usize) -> u64) -> Vec<u64> {
    if share <= 0.0 {
        return vec![0; counts.len()];
    }
    let exact = |count: u64| count as f64 * share;
    let total = (exact(counts.iter().sum()).round() as u64).max(1);
    let mut quota: Vec<u64> =
        counts.iter().zip(available).map(|(count, available)| (exact(*count) as u64).min(*available)).collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).filter(|&label| quota[label] < available[label]).collect();
    let remainder = |label: usize| exact(counts[label]).fract();
    by_remainder.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)).then_with(|| tie(a).cmp(&tie(b))));
    let missing = total.saturating_sub(quota.iter().sum());
    for label in by_remainder.into_iter().take(missing as usize) {
        quota[label] += 1;
    }
    quota
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_rows_go_to_the_largest_remainders() {
        let quota = apportion(&[100, 37, 6, 1], &[99, 36, 5, 0], 0.1, |label| label as u64);
        assert_eq!(quota, [10, 4, 0, 0]);
        assert_eq!(apportion(&[2; 20], &[1; 20], 0.1, |label| label as u64).iter().sum::<u64>(), 4);
        assert_eq!(apportion(&[2], &[1], 0.01, |_| 0), [1]);
        assert_eq!(apportion(&[1], &[0], 0.5, |_| 0), [0]);
    }
}

//! The Pareto front of speed and accuracy: the settings that no other setting beats in both.

use super::record::{Measured, Quality};

/// Marks the heads of all results whose setting is on the front of its data set and head.
pub fn mark(results: &mut [Measured]) {
    let heads: Vec<_> = results.iter().flat_map(heads).collect();
    let is_on_front = |one: &(&Measured, &Quality)| {
        let of_same = heads.iter().filter(|other| (&other.0.set, &other.1.head) == (&one.0.set, &one.1.head));
        !of_same.map(point).any(|other| beats(other, point(one)))
    };
    let marks: Vec<bool> = heads.iter().map(is_on_front).collect();
    let heads = results.iter_mut().flat_map(|measured| &mut measured.heads);
    heads.zip(marks).for_each(|(head, mark)| head.is_on_front = mark);
}

/// Returns the results with a head of a data set whose setting is on the front, the fastest first.
pub fn front<'a>(results: &'a [Measured], set: &str, head: &str) -> Vec<(&'a Measured, &'a Quality)> {
    let of_set = results.iter().filter(|measured| measured.set == set).flat_map(heads);
    let mut front: Vec<_> = of_set.filter(|(_, quality)| quality.head == head && quality.is_on_front).collect();
    front.sort_by(|a, b| point(b)[0].total_cmp(&point(a)[0]));
    front
}

fn heads(measured: &Measured) -> impl Iterator<Item = (&Measured, &Quality)> {
    measured.heads.iter().map(move |head| (measured, head))
}

/// Returns speed and accuracy.
fn point((measured, quality): &(&Measured, &Quality)) -> [f64; 2] {
    [measured.articles_per_second.median, quality.accuracy]
}

/// Returns whether one setting is better than the other in speed or accuracy, and not worse in either.
fn beats(one: [f64; 2], other: [f64; 2]) -> bool {
    one != other && one[0] >= other[0] && one[1] >= other[1]
}

#[cfg(test)]
mod tests {
    use super::beats;

    #[test]
    fn a_setting_is_beaten_by_one_that_is_better_in_one_respect_and_not_worse_in_the_other() {
        let [fast, exact, slow] = [[90.0, 0.8], [40.0, 0.9], [30.0, 0.9]];
        assert!(!beats(fast, exact) && !beats(exact, fast));
        assert!(beats(exact, slow) && !beats(slow, exact) && !beats(slow, slow));
    }
}

//! The Pareto front of speed and accuracy: the settings that no other setting beats in both.

use super::record::{Measured, Quality};

/// Marks the heads of all results whose setting is on the front of its data set and head.
pub fn mark(results: &mut [Measured]) {
    let points: Vec<Vec<Point>> = results.iter().map(points).collect();
    let all: Vec<&Point> = points.iter().flatten().collect();
    for (measured, points) in results.iter_mut().zip(&points) {
        for (head, point) in measured.heads.iter_mut().zip(points) {
            head.is_on_front = !all.iter().any(|other| other.beats(point));
        }
    }
}

/// Returns the results with a head of a data set whose setting is on the front, the fastest first.
pub fn front<'a>(results: &'a [Measured], set: &str, head: &str) -> Vec<(&'a Measured, &'a Quality)> {
    let of_set = results.iter().filter(|measured| measured.set == set);
    let heads = of_set.flat_map(|measured| measured.heads.iter().map(move |head| (measured, head)));
    let mut front: Vec<_> = heads.filter(|(_, quality)| quality.head == head && quality.is_on_front).collect();
    front.sort_by(|(a, _), (b, _)| b.articles_per_second.median.total_cmp(&a.articles_per_second.median));
    front
}

/// The speed and the accuracy of a setting.
struct Point {
    set: String,
    head: String,
    speed: f64,
    accuracy: f64,
}

impl Point {
    /// Returns whether this setting is better in one respect and not worse in the other.
    fn beats(&self, other: &Self) -> bool {
        let is_comparable = (&self.set, &self.head) == (&other.set, &other.head);
        let is_not_worse = self.speed >= other.speed && self.accuracy >= other.accuracy;
        is_comparable && is_not_worse && (self.speed > other.speed || self.accuracy > other.accuracy)
    }
}

fn points(measured: &Measured) -> Vec<Point> {
    let point = |quality: &Quality| Point {
        set: measured.set.clone(),
        head: quality.head.clone(),
        speed: measured.articles_per_second.median,
        accuracy: quality.accuracy,
    };
    measured.heads.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::Point;

    fn point(speed: f64, accuracy: f64) -> Point {
        Point { set: "a".into(), head: "topic".into(), speed, accuracy }
    }

    #[test]
    fn a_setting_is_beaten_by_one_that_is_better_in_one_respect_and_not_worse_in_the_other() {
        let [fast, exact, slow] = [point(90.0, 0.8), point(40.0, 0.9), point(30.0, 0.9)];
        assert!(!fast.beats(&exact) && !exact.beats(&fast));
        assert!(exact.beats(&slow) && !slow.beats(&exact) && !slow.beats(&slow));
        let elsewhere = Point { set: "b".into(), ..point(90.0, 0.95) };
        assert!(!elsewhere.beats(&slow), "another data set");
    }
}

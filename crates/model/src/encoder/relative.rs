//! Distances of two tokens, and which row of a learned table stands for them.

use crate::architecture::DisentangledSpec;

/// The distance in tokens at which the buckets of a bias end.
const MAX_BIAS_DISTANCE: f64 = 128.0;

/// Returns the bucket of a distance, the position of the query minus that of the key.
///
/// Half of the buckets are for keys after the query. The first part of each half has one bucket per distance, the rest a
/// logarithmic scale. Source: Raffel et al., "Exploring the Limits of Transfer Learning", 2020, as in MPNet.
pub(super) fn bias_bucket(buckets: usize, distance: isize) -> usize {
    let half = buckets / 2;
    let exact = half / 2;
    let side = if distance < 0 { half } else { 0 };
    let distance = distance.unsigned_abs();
    if distance < exact {
        return side + distance;
    }
    let exact_distance = exact as f64;
    let scale = (distance as f64 / exact_distance).ln() / (MAX_BIAS_DISTANCE / exact_distance).ln();
    side + (exact + (scale * (half - exact) as f64) as usize).min(half - 1)
}

/// Returns the row of the relative positions for a distance, the position of the query minus that of the key.
pub(super) fn relative_row(spec: &DisentangledSpec, distance: isize) -> usize {
    let last = 2 * spec.span as isize - 1;
    (relative_bucket(spec, distance) + spec.span as isize).clamp(0, last) as usize
}

/// Returns the signed bucket of a distance. Half of the buckets of each direction stand for one distance each, the others for
/// distances on a logarithmic scale. Source: `make_log_bucket_position` of transformers.
pub(super) fn relative_bucket(spec: &DisentangledSpec, distance: isize) -> isize {
    let Some(buckets) = spec.buckets else { return distance };
    let middle = (buckets / 2) as isize;
    if distance.abs() <= middle {
        return distance;
    }
    let middle_distance = middle as f64;
    let scale = (distance.unsigned_abs() as f64 / middle_distance).ln()
        / ((spec.max_distance as f64 - 1.0) / middle_distance).ln();
    let bucket = (scale * (middle_distance - 1.0)).ceil() as isize + middle;
    bucket * distance.signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bias_buckets_are_those_of_mpnet() {
        // The smallest distance of each bucket from 8 on.
        let first = [8, 12, 16, 23, 32, 46, 64, 91];
        for (number, distance) in first.into_iter().enumerate() {
            assert_eq!(bias_bucket(32, distance), 8 + number, "{distance}");
            assert_eq!(bias_bucket(32, distance - 1), 7 + number, "{distance} - 1");
            assert_eq!(bias_bucket(32, -distance), 16 + 8 + number, "-{distance}");
        }
        assert_eq!((bias_bucket(32, 0), bias_bucket(32, 3), bias_bucket(32, -3)), (0, 3, 19));
        assert_eq!(bias_bucket(32, 100_000), 15);
    }

    #[test]
    fn relative_positions_are_exact_when_near_and_logarithmic_when_far() {
        let spec = DisentangledSpec {
            span: 256,
            buckets: Some(256),
            max_distance: 512,
            content_to_position: true,
            position_to_content: true,
            shares_projections: true,
            has_norm: true,
        };
        for distance in -128..=128 {
            assert_eq!(relative_row(&spec, distance), (distance + 256) as usize);
        }
        assert_eq!((relative_bucket(&spec, 129), relative_bucket(&spec, -129)), (129, -129));
        // The end of the scale: ceil(127 ln(511 / 128) / ln(511 / 128)) + 128.
        assert_eq!((relative_bucket(&spec, 511), relative_row(&spec, -511)), (255, 1));
        let plain = DisentangledSpec { buckets: None, span: 512, ..spec };
        assert_eq!((relative_row(&plain, 511), relative_row(&plain, -512), relative_row(&plain, -600)), (1023, 0, 0));
    }
}

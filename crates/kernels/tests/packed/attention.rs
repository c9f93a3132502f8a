//! Attention, with and without relative terms.

use crate::{bits, numbers, sets};
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{Attention, AttentionScratch, DisentangledPositions, DistanceBias, Relative, Strided};
use proptest::prelude::*;
use proptest::sample::select;

/// A window: queries, keys and values side by side, as in the encoder. `[length, 3 * width]`
struct Window {
    rows: Vec<f32>,
    length: usize,
    heads: usize,
    head_width: usize,
}

impl Window {
    fn new(length: usize, heads: usize, head_width: usize, seed: u64) -> Self {
        Self { rows: numbers(length * 3 * heads * head_width, seed), length, heads, head_width }
    }

    fn width(&self) -> usize {
        self.heads * self.head_width
    }

    fn attention(&self, reach: Option<usize>, set: InstructionSet) -> Attention {
        let (heads, head_width) = (self.heads, self.head_width);
        Attention { heads, head_width, scale: 1.0 / (head_width as f32).sqrt(), reach, set }
    }

    /// Returns a head's part of the query (0), key (1) or value (2) at a position.
    fn part(&self, number: usize, position: usize, head: usize) -> &[f32] {
        let width = self.width();
        &self.rows[(3 * position + number) * width + head * self.head_width..][..self.head_width]
    }

    /// Computes the first `queries` rows.
    fn forward(&self, attention: Attention, relative: Relative, queries: usize) -> Vec<f32> {
        self.forward_with(&mut AttentionScratch::default(), attention, relative, queries)
    }

    fn forward_with(
        &self,
        scratch: &mut AttentionScratch,
        attention: Attention,
        relative: Relative,
        queries: usize,
    ) -> Vec<f32> {
        let width = self.width();
        let part = |number: usize| Strided { values: &self.rows[number * width..], stride: 3 * width };
        let mut out = vec![f32::NAN; queries * width];
        attention.forward(part(0), part(1), part(2), self.length, relative, scratch, &mut out);
        out
    }

    /// Computes all rows with plain loops in f64. `term(head, query, key)` is added to each score after scaling.
    fn expected(&self, scale: f32, reach: Option<usize>, term: impl Fn(usize, usize, usize) -> f64) -> Vec<f64> {
        let mut out = vec![0.0; self.length * self.width()];
        for (query, row) in out.chunks_exact_mut(self.width()).enumerate() {
            for (head, context) in row.chunks_exact_mut(self.head_width).enumerate() {
                let seen: Vec<usize> =
                    (0..self.length).filter(|key| reach.is_none_or(|reach| query.abs_diff(*key) <= reach)).collect();
                let scores: Vec<f64> = seen
                    .iter()
                    .map(|&key| {
                        let product = dot(self.part(0, query, head), self.part(1, key, head));
                        f64::from(scale) * product + term(head, query, key)
                    })
                    .collect();
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let exponentials: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
                let total: f64 = exponentials.iter().sum();
                for (&key, exponential) in seen.iter().zip(exponentials) {
                    for (sum, &value) in context.iter_mut().zip(self.part(2, key, head)) {
                        *sum += exponential / total * f64::from(value);
                    }
                }
            }
        }
        out
    }

    /// Checks all rows, and that the first `queries` rows alone are bit-identical.
    fn check(&self, attention: Attention, relative: Relative, expected: &[f64], queries: usize) {
        let set = attention.set;
        let mut scratch = AttentionScratch::default();
        let all = self.forward_with(&mut scratch, attention, relative, self.length);
        for (index, (&found, expected)) in all.iter().zip(expected).enumerate() {
            let row = index / self.width();
            assert!((f64::from(found) - expected).abs() < 4e-6, "{set}, row {row}: {found} is not {expected}");
        }
        for queries in [1, queries] {
            let first = self.forward_with(&mut scratch, attention, relative, queries);
            assert_eq!(bits(&first), bits(&all[..first.len()]), "{set}: the first {queries} queries differ");
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Returns a bucket function by number. Some buckets hold many distances, and some functions skip buckets.
fn bucket(kind: usize) -> fn(isize) -> isize {
    match kind {
        0 => |distance| distance,
        1 => |distance| distance.div_euclid(3),
        2 => |distance| 2 * distance,
        3 => |distance| deberta_bucket(distance, 16, 64),
        4 => |distance| distance.abs() % 5,
        _ => |distance| deberta_bucket(distance, 256, 512),
    }
}

/// The logarithmic buckets of DeBERTa-v2.
fn deberta_bucket(distance: isize, buckets: usize, max_position: usize) -> isize {
    let exact = buckets.cast_signed() / 2;
    if distance.abs() <= exact {
        return distance;
    }
    let share = (distance.abs() as f64 / exact as f64).ln() / ((max_position - 1) as f64 / exact as f64).ln();
    distance.signum() * ((share * (exact - 1) as f64).ceil() as isize + exact)
}

/// The matrices of disentangled attention.
struct Positions {
    content_to_position: Option<Vec<f32>>,
    position_to_content: Option<Vec<f32>>,
    span: usize,
    bucket: fn(isize) -> isize,
}

impl Positions {
    fn new(window: &Window, terms: (bool, bool), span: usize, kind: usize, seed: u64) -> Self {
        let matrix = |seed| numbers(2 * span * window.width(), seed);
        Self {
            content_to_position: terms.0.then(|| matrix(seed ^ 1)),
            position_to_content: terms.1.then(|| matrix(seed ^ 2)),
            span,
            bucket: bucket(kind),
        }
    }

    fn pack(&self, window: &Window, max_length: usize, set: InstructionSet) -> DisentangledPositions {
        let Self { content_to_position, position_to_content, span, bucket } = self;
        DisentangledPositions::new(
            content_to_position.as_deref(),
            position_to_content.as_deref(),
            window.heads,
            window.head_width,
            *span,
            bucket,
            max_length,
            set,
        )
    }

    /// Returns both terms of a score, not scaled.
    fn term(&self, window: &Window, head: usize, query: usize, key: usize) -> f64 {
        let row = |matrix: &'_ Option<Vec<f32>>, offset: isize, other: &[f32]| {
            let row = (offset + self.span.cast_signed()).clamp(0, 2 * self.span.cast_signed() - 1);
            let start = row.cast_unsigned() * window.width() + head * window.head_width;
            matrix.as_ref().map_or(0.0, |matrix| dot(&matrix[start..][..window.head_width], other))
        };
        let (i, j) = (query.cast_signed(), key.cast_signed());
        row(&self.content_to_position, (self.bucket)(i - j), window.part(0, query, head))
            + row(&self.position_to_content, -(self.bucket)(j - i), window.part(1, key, head))
    }
}

fn head_widths() -> impl Strategy<Value = usize> {
    prop_oneof![select(vec![8, 12, 32, 64, 80]), 1usize..70]
}

/// Lengths around the sizes of panels, blocks and groups, and any others.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![select(vec![1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 63, 64, 65]), 1usize..90, 90usize..300]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn agrees_with_plain_loops(
        length in lengths(), heads in 1usize..4, head_width in head_widths(), queries in 1usize..300, seed: u64,
    ) {
        let window = Window::new(length, heads, head_width, seed);
        let expected = window.expected(1.0 / (head_width as f32).sqrt(), None, |_, _, _| 0.0);
        for set in sets() {
            window.check(window.attention(None, set), Relative::None, &expected, queries.min(length));
        }
    }

    #[test]
    fn only_keys_within_reach_are_seen(
        length in lengths(), reach in prop_oneof![0usize..20, 20usize..150], heads in 1usize..3,
        head_width in head_widths(), queries in 1usize..300, seed: u64,
    ) {
        let window = Window::new(length, heads, head_width, seed);
        let expected = window.expected(1.0 / (head_width as f32).sqrt(), Some(reach), |_, _, _| 0.0);
        for set in sets() {
            window.check(window.attention(Some(reach), set), Relative::None, &expected, queries.min(length));
        }
    }

    #[test]
    fn keys_beyond_reach_change_nothing(length in 2usize..200, reach in 0usize..70, changed in 0usize..200, seed: u64) {
        let changed = changed % length;
        let window = Window::new(length, 2, 12, seed);
        let mut other = Window::new(length, 2, 12, seed);
        // The key and the value of one position.
        other.rows[(3 * changed + 1) * 24..(3 * changed + 3) * 24].fill(1e15);
        for set in sets() {
            let attention = window.attention(Some(reach), set);
            let [before, after] = [&window, &other].map(|w| w.forward(attention, Relative::None, length));
            for (position, (before, after)) in before.chunks_exact(24).zip(after.chunks_exact(24)).enumerate() {
                let same = bits(before) == bits(after);
                prop_assert_eq!(same, position.abs_diff(changed) > reach, "{}, row {}", set, position);
            }
        }
    }

    #[test]
    fn a_bias_is_added_for_each_head_and_distance(
        length in lengths(), longer in 0usize..40, reach in prop::option::of(0usize..100), heads in 1usize..4,
        head_width in head_widths(), queries in 1usize..300, seed: u64,
    ) {
        let window = Window::new(length, heads, head_width, seed);
        let (scale, max_length) = (1.0 / (head_width as f32).sqrt(), length + longer);
        let distances = 2 * max_length - 1;
        let values: Vec<f32> = numbers(heads * distances, seed ^ 1).iter().map(|x| 3.0 * x).collect();
        let bias = DistanceBias::new(&values, heads, scale);
        let expected = window.expected(scale, reach, |head, query, key| {
            f64::from(values[head * distances + key + max_length - 1 - query])
        });
        for set in sets() {
            window.check(window.attention(reach, set), Relative::Bias(&bias), &expected, queries.min(length));
        }
    }

    #[test]
    fn disentangled_terms_are_added(
        length in lengths(), longer in 0usize..40, reach in prop::option::of(0usize..100), heads in 1usize..3,
        head_width in head_widths(), terms: (bool, bool), span in 1usize..60, kind in 0usize..6,
        queries in 1usize..300, seed: u64,
    ) {
        let window = Window::new(length, heads, head_width, seed);
        let positions = Positions::new(&window, terms, span, kind, seed);
        let scale = 1.0 / (3.0 * head_width as f32).sqrt();
        let expected = window.expected(scale, reach, |head, query, key| {
            f64::from(scale) * positions.term(&window, head, query, key)
        });
        for set in sets() {
            let packed = positions.pack(&window, length + longer, set);
            let attention = Attention { scale, ..window.attention(reach, set) };
            window.check(attention, Relative::Disentangled(&packed), &expected, queries.min(length));
        }
    }
}

/// The sizes of DeBERTa-v3, beyond its exact buckets and beyond its span.
#[test]
fn disentangled_terms_of_long_windows() {
    for length in [129, 258, 512, 600] {
        let window = Window::new(length, 1, 16, 5);
        let positions = Positions::new(&window, (true, true), 256, 5, 6);
        let scale = 1.0 / 48f32.sqrt();
        let expected = window
            .expected(scale, None, |head, query, key| f64::from(scale) * positions.term(&window, head, query, key));
        for set in sets() {
            let packed = positions.pack(&window, 640, set);
            let attention = Attention { scale, ..window.attention(None, set) };
            window.check(attention, Relative::Disentangled(&packed), &expected, 100);
        }
    }
}

/// The working memory keeps what the last window left there, for example in columns that this window does not compute.
#[test]
fn working_memory_of_another_window_changes_nothing() {
    let window = Window::new(45, 2, 12, 3);
    let mut broken = Window::new(150, 2, 12, 4);
    broken.rows.fill(f32::NAN);
    for set in sets() {
        let positions = Positions::new(&window, (true, true), 30, 3, 7).pack(&window, 150, set);
        let bias = DistanceBias::new(&numbers(2 * 299, 8), 2, window.attention(None, set).scale);
        for relative in [Relative::None, Relative::Bias(&bias), Relative::Disentangled(&positions)] {
            for reach in [None, Some(0), Some(9)] {
                let attention = window.attention(reach, set);
                let fresh = window.forward(attention, relative, 45);
                let mut scratch = AttentionScratch::default();
                let nothing = broken.forward_with(&mut scratch, attention, relative, 150);
                assert!(nothing.iter().all(|x| x.is_nan()), "{set}: the other window has numbers");
                let reused = window.forward_with(&mut scratch, attention, relative, 45);
                assert_eq!(bits(&fresh), bits(&reused), "{set}, reach {reach:?}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "a matrix has too few rows")]
fn refuses_a_stride_that_overflows() {
    let rows = [0.0; 8];
    // Three rows with this stride would end at 2 * stride + 4, which wraps around to 4.
    let wrapping = Strided { values: &rows, stride: 1 << (usize::BITS - 1) };
    let attention = Window::new(1, 1, 4, 0).attention(None, InstructionSet::best());
    let keys = Strided { values: &rows, stride: 4 };
    attention.forward(wrapping, keys, keys, 2, Relative::None, &mut AttentionScratch::default(), &mut [0.0; 12]);
}

#[test]
#[should_panic(expected = "more queries than positions")]
fn refuses_queries_beyond_the_window() {
    let rows = [0.0; 12];
    let rows = Strided { values: &rows, stride: 4 };
    let attention = Window::new(1, 1, 4, 0).attention(None, InstructionSet::best());
    attention.forward(rows, rows, rows, 2, Relative::None, &mut AttentionScratch::default(), &mut [0.0; 12]);
}

#[test]
#[should_panic(expected = "longer than the relative terms allow")]
fn refuses_a_window_longer_than_its_bias() {
    let window = Window::new(4, 1, 4, 0);
    let bias = DistanceBias::new(&[0.0; 5], 1, 0.5);
    window.forward(window.attention(None, InstructionSet::best()), Relative::Bias(&bias), 1);
}

#[test]
#[should_panic(expected = "longer than the relative terms allow")]
fn refuses_a_window_longer_than_its_positions() {
    let (window, set) = (Window::new(4, 1, 4, 0), InstructionSet::best());
    let positions = Positions::new(&window, (true, true), 2, 0, 0).pack(&window, 3, set);
    window.forward(window.attention(None, set), Relative::Disentangled(&positions), 1);
}

#[test]
#[should_panic(expected = "for another scale")]
fn refuses_a_bias_for_another_scale() {
    let window = Window::new(2, 1, 4, 0);
    let bias = DistanceBias::new(&[0.0; 3], 1, 0.25);
    window.forward(window.attention(None, InstructionSet::best()), Relative::Bias(&bias), 1);
}

#[test]
#[should_panic(expected = "2 * max_length - 1")]
fn refuses_a_bias_with_an_even_number_of_distances() {
    DistanceBias::new(&[0.0; 8], 2, 0.25);
}

#[test]
#[should_panic(expected = "not 2 span x heads x head width")]
fn refuses_positions_of_another_size() {
    DisentangledPositions::new(Some(&[0.0; 12]), None, 1, 4, 2, |d| d, 8, InstructionSet::best());
}

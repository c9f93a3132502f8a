//! Compares attention for training with plain loops in f64, and its gradients with finite differences of these loops.

use newsdesk_kernels::attention::{Attention, Scratch, Window, WindowGradient};
use newsdesk_kernels::dropout::Dropout;
use proptest::prelude::*;

/// The largest number of positions that biases are made for.
const MAX_LENGTH: usize = 300;

/// The input of a window: queries, keys, values and, unless it is empty, the bias.
type Parts = [Vec<f32>; 4];

#[derive(Debug, Clone, Copy)]
struct Case {
    attention: Attention,
    rows: usize,
    length: usize,
    biased: bool,
    dropout: Option<Dropout>,
}

fn wave(count: usize, seed: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.83 + seed).sin() * 1.5).collect()
}

impl Case {
    fn width(&self) -> usize {
        self.attention.heads * self.attention.head_width
    }

    fn parts(&self) -> Parts {
        let biases = if self.biased { self.attention.heads * (2 * MAX_LENGTH - 1) } else { 0 };
        let (queries, others) = (self.rows * self.width(), self.length * self.width());
        [wave(queries, 0.0), wave(others, 1.0), wave(others, 2.0), wave(biases, 3.0)]
    }

    fn window<'a>(&self, [queries, keys, values, bias]: &'a Parts) -> Window<'a> {
        Window { queries, keys, values, bias: self.biased.then_some(bias) }
    }

    fn forward(&self, parts: &Parts, scratch: &mut Scratch) -> Vec<f32> {
        let mut out = vec![f32::NAN; self.rows * self.width()];
        self.attention.forward(self.window(parts), self.dropout, scratch, &mut out);
        out
    }

    /// Returns the gradients of the parts. That of the bias is added to ones.
    fn backward(&self, parts: &Parts, gradient: &[f32], scratch: &mut Scratch) -> Parts {
        let mut found = parts.clone().map(|part| vec![f32::NAN; part.len()]);
        found[3].fill(1.0);
        let [queries, keys, values, bias] = &mut found;
        let out = WindowGradient { queries, keys, values, bias: self.biased.then_some(bias) };
        self.attention.backward(self.window(parts), self.dropout, gradient, scratch, out);
        found
    }

    /// Returns the factors of dropout for a head, `[rows, length]`.
    fn mask(&self, head: usize) -> Vec<f32> {
        let mut mask = vec![1f32; self.rows * self.length];
        if let Some(dropout) = self.dropout {
            dropout.substream(head).apply(0, &mut mask);
        }
        mask
    }

    /// Returns the result of attention by its formula.
    fn formula(&self, [queries, keys, values, bias]: &[Vec<f64>; 4]) -> Vec<f64> {
        let Attention { heads, head_width, scale, reach } = self.attention;
        let mut out = vec![0f64; self.rows * self.width()];
        for head in 0..heads {
            let mask = self.mask(head);
            for row in 0..self.rows {
                let at = |row: usize, k: usize| row * self.width() + head * head_width + k;
                let seen = || (0..self.length).filter(|key| reach.is_none_or(|reach| row.abs_diff(*key) <= reach));
                let score = |key: usize| {
                    let product: f64 = (0..head_width).map(|k| queries[at(row, k)] * keys[at(key, k)]).sum();
                    let distance = head * (2 * MAX_LENGTH - 1) + key + MAX_LENGTH - 1 - row;
                    f64::from(scale) * product + if self.biased { bias[distance] } else { 0.0 }
                };
                let exponentials: Vec<(usize, f64)> = seen().map(|key| (key, score(key).exp())).collect();
                let total: f64 = exponentials.iter().map(|(_, e)| e).sum();
                for (key, e) in exponentials {
                    let weight = e / total * f64::from(mask[row * self.length + key]);
                    (0..head_width).for_each(|k| out[at(row, k)] += weight * values[at(key, k)]);
                }
            }
        }
        out
    }

    /// Returns the indices of about eight values of a part. Those of biases are of distances that occur.
    fn sample(&self, part: usize, count: usize, first: usize) -> Vec<usize> {
        let bias = |number: usize| {
            let distance = (first + 37 * number) % (2 * self.length - 1);
            (number % self.attention.heads) * (2 * MAX_LENGTH - 1) + MAX_LENGTH - self.length + distance
        };
        match part {
            3 => (0..if self.biased { 8 } else { 0 }).map(bias).collect(),
            _ => (first % count.div_ceil(8)..count).step_by(count.div_ceil(8)).collect(),
        }
    }

    /// Compares the result with the formula, and about eight gradients of each part with finite differences.
    fn check(&self, first: usize) {
        let parts = self.parts();
        let exact = parts.clone().map(|part| part.into_iter().map(f64::from).collect::<Vec<f64>>());
        let mut scratch = Scratch::default();
        let out = self.forward(&parts, &mut scratch);
        for (i, (&y, expected)) in out.iter().zip(self.formula(&exact)).enumerate() {
            assert!((f64::from(y) - expected).abs() < 1e-5, "{self:?}: output {i} is {y}, not {expected}");
        }
        let gradient = wave(out.len(), 4.0);
        let loss = |parts: &[Vec<f64>; 4]| -> f64 {
            self.formula(parts).iter().zip(&gradient).map(|(y, &g)| y * f64::from(g)).sum()
        };
        let found = self.backward(&parts, &gradient, &mut scratch);
        for part in 0..4 {
            for i in self.sample(part, parts[part].len(), first) {
                let at = |step: f64| {
                    let mut moved = exact.clone();
                    moved[part][i] += step;
                    loss(&moved)
                };
                let slope = (at(1e-4) - at(-1e-4)) / 2e-4 + if part == 3 { 1.0 } else { 0.0 };
                let found = f64::from(found[part][i]);
                let tolerance = 2e-5 * (1.0 + slope.abs());
                assert!((slope - found).abs() < tolerance, "{self:?}: part {part}, {i}: {found} is not {slope}");
            }
        }
        let beyond =
            |(i, d): (usize, &f32)| (i % (2 * MAX_LENGTH - 1)).abs_diff(MAX_LENGTH - 1) < self.length || *d == 1.0;
        assert!(found[3].iter().enumerate().all(beyond), "{self:?}: a distance that does not occur has a gradient");
        for (part, i) in (0..3).flat_map(|part| (0..found[part].len()).map(move |i| (part, i))) {
            assert!(found[part][i].is_finite(), "{self:?}: part {part}, {i} was not written");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn results_and_gradients_agree_with_plain_loops(
        (heads, head_width) in (1usize..4, 1usize..9),
        length in prop_oneof![1usize..20, 20usize..=MAX_LENGTH],
        only_first: bool,
        reach in prop::option::of(0usize..70),
        biased: bool,
        dropped: bool,
        scale in 0.1f32..1.0,
        first: u16,
    ) {
        let attention = Attention { heads, head_width, scale, reach };
        let dropout = dropped.then(|| Dropout::new(0.3, u64::from(first)));
        Case { attention, rows: if only_first { 1 } else { length }, length, biased, dropout }.check(first.into());
    }

    #[test]
    fn reach_beyond_the_window_changes_no_bit(
        length in 1usize..100,
        beyond in 0usize..10,
        only_first: bool,
        biased: bool,
    ) {
        let attention = Attention { heads: 2, head_width: 8, scale: 0.3, reach: None };
        let rows = if only_first { 1 } else { length };
        let case = Case { attention, rows, length, biased, dropout: Some(Dropout::new(0.1, 3)) };
        let with_reach = Case { attention: Attention { reach: Some(length - 1 + beyond), ..attention }, ..case };
        let (parts, mut scratch) = (case.parts(), Scratch::default());
        let out = case.forward(&parts, &mut scratch);
        prop_assert_eq!(&out, &with_reach.forward(&parts, &mut scratch));
        prop_assert_eq!(case.backward(&parts, &out, &mut scratch), with_reach.backward(&parts, &out, &mut scratch));
    }
}

#[test]
fn gradient_of_the_bias_is_optional() {
    let attention = Attention { heads: 2, head_width: 8, scale: 0.3, reach: Some(20) };
    let case = Case { attention, rows: 90, length: 90, biased: true, dropout: None };
    let (parts, mut scratch) = (case.parts(), Scratch::default());
    let gradient = case.forward(&parts, &mut scratch);
    let with = case.backward(&parts, &gradient, &mut scratch);
    let mut without = parts.clone().map(|part| vec![f32::NAN; part.len()]);
    let [queries, keys, values, _] = &mut without;
    let out = WindowGradient { queries, keys, values, bias: None };
    attention.backward(case.window(&parts), None, &gradient, &mut scratch, out);
    for (part, (with, without)) in with[..3].iter().zip(&without).enumerate() {
        assert!(with.iter().zip(without).all(|(a, b)| (a - b).abs() < 1e-5), "part {part}");
    }
}

#[test]
#[should_panic(expected = "window is longer than the bias allows")]
fn windows_beyond_the_bias_are_refused() {
    let attention = Attention { heads: 1, head_width: 1, scale: 1.0, reach: None };
    let window = Window { queries: &[0.0; 3], keys: &[0.0; 3], values: &[0.0; 3], bias: Some(&[0.0; 3]) };
    attention.forward(window, None, &mut Scratch::default(), &mut [0.0; 3]);
}

#[test]
#[should_panic(expected = "sizes of biases differ")]
fn gradient_without_a_bias_is_refused() {
    let attention = Attention { heads: 1, head_width: 1, scale: 1.0, reach: None };
    let window = Window { queries: &[0.0; 2], keys: &[0.0; 2], values: &[0.0; 2], bias: None };
    let [mut queries, mut keys, mut values, mut bias] = [[0f32; 2], [0f32; 2], [0f32; 2], [0f32; 2]];
    let out = WindowGradient { queries: &mut queries, keys: &mut keys, values: &mut values, bias: Some(&mut bias) };
    attention.backward(window, None, &[0.0; 2], &mut Scratch::default(), out);
}

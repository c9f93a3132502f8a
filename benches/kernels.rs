//! Benches the kernels of the built-in model on every instruction set of the machine, next to the peak speed of one core.
//!
//! Criterion's Gelem/s are billions of operations per second, where a product and a sum are two operations. Every kernel is
//! compared with plain loops in f64 before it is timed. The table at the end shows the fastest calls.

#![expect(clippy::print_stdout, reason = "a bench prints its results")]

mod peaks;
mod timing;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{Attention, AttentionScratch, Dtype, PackedDense, Relative, Scratch, Strided};
use newsdesk_kernels::{activation::Activation, layer_norm};
use std::time::Duration;
use timing::{fastest, timed};

/// The rows of a block: the encoder computes 96 at a time in f32, and 48 otherwise.
const ROWS: [usize; 2] = [48, 96];
/// The depth and width of a layer's products, in the order of the forward pass.
const SHAPES: [(usize, usize); 4] = [(384, 1152), (384, 384), (384, 1536), (1536, 384)];
/// The numbers of tokens of a window.
const WINDOWS: [usize; 3] = [55, 256, 512];
const HEADS: usize = 12;
const HEAD_WIDTH: usize = 32;
const WIDTH: usize = HEADS * HEAD_WIDTH;
const INTERMEDIATE_WIDTH: usize = 1536;
const EPSILON: f32 = 1e-12;
/// Operations per value, counted in the source: 22 of the exponential and 18 around it.
const GELU_OPERATIONS: usize = 40;
/// Operations per value: residual 1, mean 1, variance 3, normalisation 4.
const LAYER_NORM_OPERATIONS: usize = 9;

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let sets = || InstructionSet::ALL.into_iter().filter(|set| set.is_available());
    let peaks: Vec<_> = sets().map(|set| Dtype::ALL.map(|dtype| peaks::peak(set, dtype))).collect();
    let products: Vec<Product> = ROWS.iter().flat_map(|&rows| SHAPES.map(|shape| Product::new(rows, shape))).collect();
    let windows = WINDOWS.map(Window::new);
    let mut rows = vec![];
    for (set, peaks) in sets().zip(peaks) {
        let mut benches = Benches { set, group: criterion.benchmark_group(set.to_string()), rows: &mut rows };
        for (dtype, peak) in Dtype::ALL.into_iter().zip(peaks) {
            products.iter().for_each(|product| benches.product(product, dtype, peak));
        }
        let [peak, ..] = peaks;
        windows.iter().for_each(|window| benches.attention(window, peak));
        benches.gelu(peak);
        benches.layer_norm(peak);
    }
    criterion.final_summary();
    if !rows.is_empty() {
        println!("{:<44} {:>8} {:>8} {:>8}", "one core, fastest call", "GOP/s", "peak", "of peak");
    }
    for Row { kernel, speed, peak } in rows {
        let (peak, share) = match peak {
            Some(peak) => (format!("{peak:.1}"), format!("{:.0} %", 100.0 * speed / peak)),
            None => ("-".into(), "-".into()),
        };
        println!("{kernel:<44} {speed:>8.1} {peak:>8} {share:>8}");
    }
}

/// A row of the table at the end.
struct Row {
    kernel: String,
    /// Billions of operations per second. The peak has the same unit.
    speed: f64,
    peak: Option<f64>,
}

/// The benches of one instruction set.
struct Benches<'a> {
    set: InstructionSet,
    group: BenchmarkGroup<'a, WallTime>,
    rows: &'a mut Vec<Row>,
}

impl Benches<'_> {
    fn product(&mut self, product: &Product, dtype: Dtype, peak: Option<f64>) {
        let Product { rows, depth, width, input, weight, bias, expected } = product;
        let dense = PackedDense::new(weight, bias, dtype, self.set);
        let (mut scratch, mut out) = (Scratch::default(), vec![f32::NAN; rows * width]);
        dense.forward(input, &mut scratch, &mut out);
        let tolerance = match dtype {
            Dtype::F32 => 1e-4,
            Dtype::Int16 => 0.005,
            Dtype::Bf16 => 0.05,
            Dtype::Int8 => 0.1,
        };
        let kernel = format!("{dtype} product {rows}x{depth}x{width}");
        check(&kernel, &out, expected, tolerance);
        self.time(&kernel, 2 * rows * depth * width, peak, || timed(|| dense.forward(input, &mut scratch, &mut out)));
    }

    fn attention(&mut self, window: &Window, peak: Option<f64>) {
        let Window { length, hidden, expected } = window;
        let scale = 1.0 / (HEAD_WIDTH as f32).sqrt();
        let attention = Attention { heads: HEADS, head_width: HEAD_WIDTH, scale, reach: None, set: self.set };
        let part = |number: usize| Strided { values: &hidden[number * WIDTH..], stride: 3 * WIDTH };
        let (mut scratch, mut out) = (AttentionScratch::default(), vec![f32::NAN; length * WIDTH]);
        let mut forward = |out: &mut [f32]| {
            attention.forward(part(0), part(1), part(2), *length, Relative::None, &mut scratch, out);
        };
        forward(&mut out);
        let kernel = format!("attention {length}");
        check(&kernel, &out, expected, 1e-4);
        // Only the two products are counted, not the exponentials.
        self.time(&kernel, 4 * length * length * WIDTH, peak, || timed(|| forward(&mut out)));
    }

    fn gelu(&mut self, peak: Option<f64>) {
        let input: Vec<f32> = numbers(ROWS[0] * INTERMEDIATE_WIDTH, 1).iter().map(|x| 4.0 * x).collect(); // [rows, intermediate width]
        let expected: Vec<f64> = input.iter().map(|&x| gelu(f64::from(x))).collect();
        let (set, mut values) = (self.set, input.clone());
        let kernel = format!("gelu {}x{INTERMEDIATE_WIDTH}", ROWS[0]);
        Activation::Gelu.in_place(&mut values, set);
        check(&kernel, &values, &expected, 1e-4);
        self.time(&kernel, GELU_OPERATIONS * input.len(), peak, || {
            // Applied in place repeatedly, GELU would make the values subnormal, which are slow.
            values.copy_from_slice(&input);
            timed(|| Activation::Gelu.in_place(&mut values, set))
        });
    }

    fn layer_norm(&mut self, peak: Option<f64>) {
        let size = ROWS[0] * WIDTH;
        let (mut hidden, update) = (numbers(size, 1), numbers(size, 2)); // [rows, width]
        let (weight, bias) = (numbers(WIDTH, 3), numbers(WIDTH, 4));
        let rows = hidden.chunks(WIDTH).zip(update.chunks(WIDTH));
        let expected: Vec<f64> =
            rows.flat_map(|(hidden, update)| layer_norm_of_sum(hidden, update, &weight, &bias)).collect();
        let set = self.set;
        let residual = |hidden: &mut [f32]| layer_norm::residual(hidden, &update, &weight, &bias, EPSILON, set);
        residual(&mut hidden);
        let kernel = format!("residual and layer norm {}x{WIDTH}", ROWS[0]);
        check(&kernel, &hidden, &expected, 1e-4);
        self.time(&kernel, LAYER_NORM_OPERATIONS * size, peak, || timed(|| residual(&mut hidden)));
    }

    fn time(&mut self, kernel: &str, operations: usize, peak: Option<f64>, call: impl FnMut() -> Duration) {
        if let Some(took) = fastest(&mut self.group, kernel, operations as u64, call) {
            let speed = operations as f64 / took.as_secs_f64() / 1e9;
            self.rows.push(Row { kernel: format!("{}/{kernel}", self.set), speed, peak });
        }
    }
}

/// The input and weights of a dense layer, and its expected output from plain loops.
struct Product {
    rows: usize,
    depth: usize,
    width: usize,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    expected: Vec<f64>,
}

impl Product {
    fn new(rows: usize, (depth, width): (usize, usize)) -> Self {
        let (input, weight, bias) = (numbers(rows * depth, 1), numbers(width * depth, 2), numbers(width, 3));
        let output = |row| {
            let columns = weight.chunks_exact(depth).zip(&bias);
            columns.map(move |(column, &bias)| f64::from(bias) + dot(row, column))
        };
        let expected = input.chunks_exact(depth).flat_map(output).collect(); // [rows, width]
        Self { rows, depth, width, input, weight, bias, expected }
    }
}

/// The queries, keys and values of a window side by side, and its expected context from plain loops.
struct Window {
    length: usize,
    hidden: Vec<f32>,
    expected: Vec<f64>,
}

impl Window {
    fn new(length: usize) -> Self {
        let hidden: Vec<f32> = numbers(length * 3 * WIDTH, 1).iter().map(|x| 2.0 * x).collect(); // [length, 3 * width]
        let mut expected = vec![0f64; length * WIDTH];
        for (token, context) in expected.chunks_mut(WIDTH).enumerate() {
            for (head, context) in context.chunks_mut(HEAD_WIDTH).enumerate() {
                let part = |token: usize, number: usize| {
                    &hidden[(3 * token + number) * WIDTH + head * HEAD_WIDTH..][..HEAD_WIDTH]
                };
                let score = |other| dot(part(token, 0), part(other, 1)) / (HEAD_WIDTH as f64).sqrt();
                let exponentials: Vec<f64> = (0..length).map(|other| score(other).exp()).collect();
                let total: f64 = exponentials.iter().sum();
                for (other, exponential) in exponentials.iter().enumerate() {
                    for (sum, &value) in context.iter_mut().zip(part(other, 2)) {
                        *sum += exponential / total * f64::from(value);
                    }
                }
            }
        }
        Self { length, hidden, expected }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// Returns `x * Phi(x)`, from the series of the error function.
fn gelu(x: f64) -> f64 {
    let square = x * x / 2.0;
    let (mut term, mut sum) = (x, x);
    for n in 1..60 {
        term *= -square / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    x * (0.5 + sum / std::f64::consts::TAU.sqrt())
}

/// Returns the layer norm of the sum of a row and its update.
fn layer_norm_of_sum(hidden: &[f32], update: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let row: Vec<f64> = hidden.iter().zip(update).map(|(&h, &u)| f64::from(h) + f64::from(u)).collect();
    let width = row.len() as f64;
    let mean = row.iter().sum::<f64>() / width;
    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / width;
    let scaled = row.iter().map(|x| (x - mean) / (variance + f64::from(EPSILON)).sqrt());
    scaled.zip(weight).zip(bias).map(|((n, &w), &b)| n * f64::from(w) + f64::from(b)).collect()
}

/// Checks that every value is within `tolerance` times the root mean square of the expected values.
fn check(kernel: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{kernel}");
    let root_mean_square = (expected.iter().map(|x| x * x).sum::<f64>() / expected.len() as f64).sqrt();
    for (index, (&found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= tolerance * root_mean_square, "{kernel}: {found} at {index}, not {expected}");
    }
}

/// Returns pseudo-random numbers within -1 and 1.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

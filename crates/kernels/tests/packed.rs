//! Compares packed products and attention with plain loops, on every instruction set of the machine. Checks that the result
//! of a row is bit-identical regardless of the other rows.

use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{Attention, AttentionScratch, Dtype, PackedDense, Scratch, Strided};
use proptest::prelude::*;

fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_available())
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

fn bf16(x: f32) -> f64 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) & 0xffff_0000;
    f64::from(f32::from_bits(rounded))
}

/// Returns the largest quantised activation and weight on an instruction set.
fn limits(dtype: Dtype, set: InstructionSet) -> (f32, f32) {
    match dtype.activation_bits(set) {
        7 => (127.0, 63.0),
        8 => (255.0, 127.0),
        12 => (4095.0, 4095.0),
        bits => unreachable!("{dtype} has no limits of {bits} bits"),
    }
}

/// Returns one output of the dense layer, computed in f64, and the largest error that a kernel may have.
fn expected(input: &[f32], weight: &[f32], bias: f32, dtype: Dtype, set: InstructionSet) -> (f64, f64) {
    let pairs = || input.iter().zip(weight);
    match dtype {
        Dtype::F32 | Dtype::Bf16 => {
            let rounds_activations = dtype == Dtype::Bf16 && dtype.activation_bits(set) == 16;
            let x = |x: f32| if rounds_activations { bf16(x) } else { f64::from(x) };
            let w = |w: f32| if dtype == Dtype::Bf16 { bf16(w) } else { f64::from(w) };
            let size: f64 = pairs().map(|(&a, &b)| (x(a) * w(b)).abs()).sum();
            (f64::from(bias) + pairs().map(|(&a, &b)| x(a) * w(b)).sum::<f64>(), 1e-6 * (1.0 + size))
        }
        Dtype::Int16 | Dtype::Int8 => {
            let (max_activation, max_weight) = limits(dtype, set);
            let (mut total, mut size) = (f64::from(bias), 1.0);
            for (input, weight) in input.chunks(128).zip(weight.chunks(128)) {
                let min = input.iter().copied().fold(f32::INFINITY, f32::min);
                let range = input.iter().copied().fold(f32::NEG_INFINITY, f32::max) - min;
                let scale = weight.iter().fold(0f32, |largest, w| largest.max(w.abs())) / max_weight;
                let inverse = if range > 0.0 { max_activation / range } else { 0.0 };
                let inverse_scale = if scale > 0.0 { 1.0 / scale } else { 0.0 };
                let x = |x: f32| f64::from(((x - min) * inverse).round_ties_even());
                let w = |w: f32| f64::from((w * inverse_scale).round_ties_even());
                let sum: f64 = input.iter().zip(weight).map(|(&a, &b)| x(a) * w(b)).sum();
                let weights: f64 = weight.iter().map(|&b| w(b)).sum();
                let (step, min, scale) = (f64::from(range / max_activation), f64::from(min), f64::from(scale));
                total += (step * sum + min * weights) * scale;
                size += scale * ((step * sum).abs() + (min * weights).abs());
            }
            (total, 2e-6 * size)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn products_agree_with_plain_loops(rows in 1usize..20, depth in 1usize..300, width in 1usize..150, seed: u64) {
        let (input, weight, bias) = (numbers(rows * depth, seed), numbers(width * depth, seed ^ 1), numbers(width, seed ^ 2));
        let mut scratch = Scratch::default();
        for set in sets() {
            for dtype in Dtype::ALL {
                let mut out = vec![f32::NAN; rows * width];
                PackedDense::new(&weight, &bias, dtype, set).forward(&input, &mut scratch, &mut out);
                for row in 0..rows {
                    for column in 0..width {
                        let x = &input[row * depth..(row + 1) * depth];
                        let w = &weight[column * depth..(column + 1) * depth];
                        let (expected, tolerance) = expected(x, w, bias[column], dtype, set);
                        let found = f64::from(out[row * width + column]);
                        prop_assert!(
                            (found - expected).abs() <= tolerance,
                            "{} on {}: {} x {} x {} at {}, {}: {} is not {}",
                            dtype, set, rows, depth, width, row, column, found, expected
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn row_is_bit_identical_regardless_of_other_rows(rows in 1usize..60, depth in 1usize..300, width in 1usize..100, seed: u64) {
        let (input, weight, bias) = (numbers(rows * depth, seed), numbers(width * depth, seed ^ 1), numbers(width, seed ^ 2));
        let mut scratch = Scratch::default();
        for set in sets() {
            for dtype in Dtype::ALL {
                let dense = PackedDense::new(&weight, &bias, dtype, set);
                let mut together = vec![f32::NAN; rows * width];
                dense.forward(&input, &mut scratch, &mut together);
                for row in 0..rows {
                    let mut alone = vec![f32::NAN; width];
                    dense.forward(&input[row * depth..(row + 1) * depth], &mut scratch, &mut alone);
                    prop_assert_eq!(bits(&alone), bits(&together[row * width..(row + 1) * width]), "{} on {}", dtype, set);
                }
            }
        }
    }

    #[test]
    fn attention_agrees_with_plain_loops(length in 1usize..90, heads in 1usize..4, head_width in 1usize..70, seed: u64) {
        let width = heads * head_width;
        // Queries, keys and values side by side, as in the encoder. [length, 3 * width]
        let rows = numbers(length * 3 * width, seed);
        let part = |number: usize| Strided { values: &rows[number * width..], stride: 3 * width };
        let mut scratch = AttentionScratch::default();
        for set in sets() {
            let attention = Attention { heads, head_width, set };
            let mut out = vec![f32::NAN; length * width];
            attention.forward(part(0), part(1), part(2), length, &mut scratch, &mut out);
            for query in 0..length {
                for head in 0..heads {
                    let at = |number: usize, row: usize, k: usize| {
                        f64::from(rows[row * 3 * width + number * width + head * head_width + k])
                    };
                    let score = |key: usize| -> f64 {
                        (0..head_width).map(|k| at(0, query, k) * at(1, key, k)).sum::<f64>() / (head_width as f64).sqrt()
                    };
                    let exponentials: Vec<f64> = (0..length).map(|key| score(key).exp()).collect();
                    let total: f64 = exponentials.iter().sum();
                    for k in 0..head_width {
                        let expected = (0..length).map(|key| exponentials[key] / total * at(2, key, k)).sum::<f64>();
                        let found = f64::from(out[query * width + head * head_width + k]);
                        prop_assert!((found - expected).abs() < 2e-6, "{}: {} is not {}", set, found, expected);
                    }
                }
                // A query alone has the same result.
                let mut alone = vec![f32::NAN; width];
                let row = Strided { values: &rows[query * 3 * width..], stride: 3 * width };
                attention.forward(row, part(1), part(2), length, &mut scratch, &mut alone);
                prop_assert_eq!(bits(&alone), bits(&out[query * width..(query + 1) * width]), "{}", set);
            }
        }
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

/// Prints with `--nocapture` which instruction sets the tests ran on, for runs in an emulator.
#[test]
#[expect(clippy::print_stdout, reason = "--nocapture shows the instruction sets")]
fn all_instruction_sets_of_the_machine_are_tested() {
    let mut expected = vec!["portable"];
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        expected.push("avx2");
        if is_x86_feature_detected!("avxvnni") {
            expected.push("avx2-vnni");
        }
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if avx512 && is_x86_feature_detected!("avx512vnni") && is_x86_feature_detected!("avx512bf16") {
            expected.push("avx512");
        }
    }
    let names: Vec<String> = sets().map(|set| set.to_string()).collect();
    assert_eq!(names, expected);
    println!("instruction sets: {}", names.join(", "));
}

#[test]
fn zero_weights_and_constant_rows_give_the_bias() {
    for set in sets() {
        for dtype in Dtype::ALL {
            let dense = PackedDense::new(&[0.0; 24], &[1.0, -2.0, 0.5], dtype, set);
            let mut out = [f32::NAN; 6];
            dense.forward(&[3.0; 16], &mut Scratch::default(), &mut out);
            assert_eq!(out, [1.0, -2.0, 0.5, 1.0, -2.0, 0.5], "{dtype} on {set}");
        }
    }
}

#[test]
#[should_panic(expected = "a matrix has too few rows")]
fn attention_refuses_a_stride_that_overflows() {
    let rows = [0.0; 8];
    // Three rows with this stride would end at 2 * stride + 4, which wraps around to 4.
    let wrapping = Strided { values: &rows, stride: 1 << (usize::BITS - 1) };
    let attention = Attention { heads: 1, head_width: 4, set: InstructionSet::best() };
    let keys = Strided { values: &rows, stride: 4 };
    attention.forward(wrapping, keys, keys, 2, &mut AttentionScratch::default(), &mut [0.0; 12]);
}

#[test]
#[should_panic(expected = "input is not rows x depth")]
fn dense_refuses_an_input_of_another_size() {
    let dense = PackedDense::new(&[1.0; 6], &[0.0; 2], Dtype::F32, InstructionSet::best());
    dense.forward(&[1.0; 5], &mut Scratch::default(), &mut [0.0; 4]);
}

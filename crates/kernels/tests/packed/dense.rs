//! Packed products.

use crate::{bits, numbers, sets};
use newsdesk_kernels::activation::Activation;
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{Dtype, PackedDense, PreciseRows, Scratch, round_activations, round_weights};
use proptest::prelude::*;

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
fn expected(
    input: &[f32],
    weight: &[f32],
    bias: f32,
    dtype: Dtype,
    set: InstructionSet,
    is_precise: bool,
) -> (f64, f64) {
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
            let (mut max_activation, max_weight) = limits(dtype, set);
            if is_precise && dtype == Dtype::Int8 {
                max_activation = (max_activation + 1.0).powi(2) - 1.0;
            }
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

/// Returns about a third of `count` rows.
fn some_rows(count: usize, seed: u64) -> Vec<usize> {
    let chosen = numbers(count, seed ^ 3).into_iter().map(|number| number > 0.3);
    chosen.enumerate().filter_map(|(row, is_chosen)| is_chosen.then_some(row)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn products_agree_with_plain_loops(rows in 1usize..20, depth in 1usize..300, width in 1usize..150, seed: u64) {
        let (input, weight, bias) = (numbers(rows * depth, seed), numbers(width * depth, seed ^ 1), numbers(width, seed ^ 2));
        let precise = some_rows(rows, seed);
        let mut scratch = Scratch::default();
        for set in sets() {
            for dtype in Dtype::ALL {
                let mut out = vec![f32::NAN; rows * width];
                let dense = PackedDense::new(&weight, &bias, dtype, set);
                dense.forward_precise(&input, PreciseRows::new(&precise), &mut scratch, &mut out);
                for row in 0..rows {
                    for column in 0..width {
                        let x = &input[row * depth..(row + 1) * depth];
                        let w = &weight[column * depth..(column + 1) * depth];
                        let (expected, tolerance) = expected(x, w, bias[column], dtype, set, precise.contains(&row));
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
    fn rounded_weights_are_multiplied_without_loss(depth in 16usize..300, width in 1usize..10, seed: u64) {
        // The first of two rows is precise.
        let (input, mut weight) = (numbers(2 * depth, seed), numbers(width * depth, seed ^ 1));
        let (mut x, precise) = (vec![f32::NAN; 2 * depth], PreciseRows::new(&[0]));
        round_activations(&input, depth, precise, &mut Scratch::default(), &mut x);
        round_weights(&mut weight, depth);
        // Off by as much as numbers that were stored in f16.
        let off = numbers(width * depth, seed ^ 2).into_iter().map(|number| 1.0 + number.sin() / 4096.0);
        let stored: Vec<f32> = weight.iter().zip(off).map(|(w, off)| w * off).collect();
        for set in sets() {
            for (packed, off) in [(&weight, 1e-6), (&stored, 1e-3)] {
                let dense = PackedDense::new(packed, &vec![0.5; width], Dtype::Int8, set);
                let mut out = vec![f32::NAN; 2 * width];
                dense.forward_precise(&input, precise, &mut Scratch::default(), &mut out);
                for (x, out) in x.chunks(depth).zip(out.chunks(width)) {
                    for (found, weight) in out.iter().zip(weight.chunks(depth)) {
                        let products = || x.iter().zip(weight).map(|(&x, &w)| f64::from(x) * f64::from(w));
                        let (expected, size) = (0.5 + products().sum::<f64>(), products().map(f64::abs).sum::<f64>());
                        let difference = (f64::from(*found) - expected).abs();
                        prop_assert!(difference <= off * (size + 1.0), "{set}: {found} is not {expected}");
                    }
                }
            }
        }
    }

    #[test]
    fn row_is_bit_identical_regardless_of_other_rows(rows in 1usize..60, depth in 1usize..300, width in 1usize..100, seed: u64) {
        let (input, weight, bias) = (numbers(rows * depth, seed), numbers(width * depth, seed ^ 1), numbers(width, seed ^ 2));
        let precise = some_rows(rows, seed);
        let precise = PreciseRows::new(&precise);
        let mut scratch = Scratch::default();
        for set in sets() {
            for dtype in Dtype::ALL {
                let dense = PackedDense::new(&weight, &bias, dtype, set);
                let mut together = vec![f32::NAN; rows * width];
                dense.forward_precise(&input, precise, &mut scratch, &mut together);
                for row in 0..rows {
                    let mut alone = vec![f32::NAN; width];
                    let x = &input[row * depth..(row + 1) * depth];
                    dense.forward_precise(x, precise.from(row), &mut scratch, &mut alone);
                    prop_assert_eq!(bits(&alone), bits(&together[row * width..(row + 1) * width]), "{} on {}", dtype, set);
                }
            }
        }
    }

    #[test]
    fn activation_before_a_product_is_that_of_its_input(rows in 1usize..20, depth in 1usize..300, width in 1usize..40, seed: u64) {
        let (input, weight) = (numbers(rows * depth, seed), numbers(width * depth, seed ^ 1));
        let input: Vec<f32> = input.iter().map(|x| 4.0 * x).collect();
        let precise = some_rows(rows, seed);
        let precise = PreciseRows::new(&precise);
        let mut scratch = Scratch::default();
        for set in sets() {
            for dtype in Dtype::ALL {
                let dense = PackedDense::new(&weight, &vec![0.5; width], dtype, set);
                for activation in Activation::ALL {
                    let (mut activated, mut before) = (input.clone(), input.clone());
                    activation.in_place(&mut activated, set);
                    let (mut expected, mut out) = (vec![f32::NAN; rows * width], vec![f32::NAN; rows * width]);
                    dense.forward_precise(&activated, precise, &mut scratch, &mut expected);
                    dense.forward_activated(activation, &mut before, precise, &mut scratch, &mut out);
                    // GELU is approximated before int8 products. A number that was near the middle between two steps may then
                    // be rounded to the other one.
                    let tolerance = if (activation, dtype) == (Activation::Gelu, Dtype::Int8) { 0.05 } else { 0.0 };
                    for (found, expected) in out.iter().zip(&expected) {
                        let is_close = (found - expected).abs() <= tolerance * (depth as f32).sqrt();
                        prop_assert!(is_close, "{dtype} on {set}, {activation:?}: {found} is not {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn zero_weights_and_constant_rows_give_the_bias() {
    for set in sets() {
        for dtype in Dtype::ALL {
            let dense = PackedDense::new(&[0.0; 24], &[1.0, -2.0, 0.5], dtype, set);
            let mut out = [f32::NAN; 6];
            dense.forward_precise(&[3.0; 16], PreciseRows::new(&[1]), &mut Scratch::default(), &mut out);
            assert_eq!(out, [1.0, -2.0, 0.5, 1.0, -2.0, 0.5], "{dtype} on {set}");
        }
    }
}

#[test]
#[should_panic(expected = "input is not rows x depth")]
fn dense_refuses_an_input_of_another_size() {
    let dense = PackedDense::new(&[1.0; 6], &[0.0; 2], Dtype::F32, InstructionSet::best());
    dense.forward(&[1.0; 5], &mut Scratch::default(), &mut [0.0; 4]);
}

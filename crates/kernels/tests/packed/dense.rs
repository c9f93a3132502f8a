//! Packed products.

use crate::{bits, numbers, sets};
use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::packed::{Dtype, PackedDense, Scratch, round_activations, round_weights};
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
    fn rounded_weights_are_multiplied_without_loss(depth in 16usize..300, width in 1usize..10, seed: u64) {
        let (input, mut weight) = (numbers(depth, seed), numbers(width * depth, seed ^ 1));
        let mut x = vec![f32::NAN; depth];
        round_activations(&input, depth, &mut x);
        round_weights(&mut weight, depth);
        // Off by as much as numbers that were stored in f16.
        let off = numbers(width * depth, seed ^ 2).into_iter().map(|number| 1.0 + number.sin() / 4096.0);
        let stored: Vec<f32> = weight.iter().zip(off).map(|(w, off)| w * off).collect();
        for set in sets() {
            for (packed, off) in [(&weight, 1e-6), (&stored, 1e-3)] {
                let dense = PackedDense::new(packed, &vec![0.5; width], Dtype::Int8, set);
                let mut out = vec![f32::NAN; width];
                dense.forward(&input, &mut Scratch::default(), &mut out);
                for (found, weight) in out.iter().zip(weight.chunks(depth)) {
                    let products = || x.iter().zip(weight).map(|(&x, &w)| f64::from(x) * f64::from(w));
                    let (expected, size) = (0.5 + products().sum::<f64>(), products().map(f64::abs).sum::<f64>());
                    let difference = (f64::from(*found) - expected).abs();
                    prop_assert!(difference <= off * (size + 1.0), "{set}: {found} is not {expected}");
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
#[should_panic(expected = "input is not rows x depth")]
fn dense_refuses_an_input_of_another_size() {
    let dense = PackedDense::new(&[1.0; 6], &[0.0; 2], Dtype::F32, InstructionSet::best());
    dense.forward(&[1.0; 5], &mut Scratch::default(), &mut [0.0; 4]);
}

//! Compares activation functions and their gradients with formulas in f64, on every instruction set of the machine.

use newsdesk_kernels::activation::Activation;
use newsdesk_kernels::instructions::InstructionSet;
use proptest::prelude::*;

fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_available())
}

fn grid() -> Vec<f32> {
    (-4000..4000).map(|i| i as f32 * 0.003).collect()
}

/// Returns the normal distribution function by Simpson's rule.
fn normal(x: f64) -> f64 {
    let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let (steps, end) = (400, x.clamp(-9.0, 9.0));
    let h = end / f64::from(steps);
    let weight = |i| if i == 0 || i == steps { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
    0.5 + h / 3.0 * (0..=steps).map(|i| weight(i) * density(f64::from(i) * h)).sum::<f64>()
}

/// Returns an activation function by its formula.
fn formula(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Gelu => x * normal(x),
        Activation::GeluTanh => {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3))).tanh())
        }
        Activation::Relu => x.max(0.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::Tanh => x.tanh(),
    }
}

/// Returns the derivative by finite differences of the formula. That of ReLU is exact, and 0 at 0.
fn slope(activation: Activation, x: f64) -> f64 {
    if activation == Activation::Relu {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let h = 1e-4;
    (formula(activation, x + h) - formula(activation, x - h)) / (2.0 * h)
}

fn close(found: f32, expected: f64) -> bool {
    (f64::from(found) - expected).abs() < 2e-6 * (1.0 + expected.abs())
}

#[test]
fn gelu_agrees_with_tables() {
    // x * Phi(x), from tables of the normal distribution.
    let input = [-3.0f32, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 12.0];
    let known = [-0.004_049_694, -0.158_655_25, -0.154_268_77, 0.0, 0.345_731_23, 0.841_344_7, 1.954_5, 12.0];
    let mut out = [0f32; 8];
    Activation::Gelu.forward(&input, &mut out);
    for (y, k) in out.iter().zip(known) {
        assert!((y - k).abs() < 1e-6, "{y} is not {k}");
    }
}

#[test]
fn functions_agree_with_their_formulas() {
    for activation in Activation::ALL {
        for set in sets() {
            let mut values = grid();
            activation.in_place(&mut values, set);
            for (&y, &x) in values.iter().zip(&grid()) {
                let expected = formula(activation, f64::from(x));
                assert!(close(y, expected), "{activation:?}({x}) on {set}: {y} is not {expected}");
            }
            if set == InstructionSet::best() {
                let mut out = vec![f32::NAN; values.len()];
                activation.forward(&grid(), &mut out);
                assert_eq!(out, values, "{activation:?}");
            }
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let input = grid();
    for activation in Activation::ALL {
        let gradient: Vec<f32> = input.iter().map(|x| (x * 0.7).sin()).collect();
        let mut out = vec![f32::NAN; input.len()];
        activation.backward(&input, &gradient, &mut out);
        for ((&d, &x), &g) in out.iter().zip(&input).zip(&gradient) {
            let expected = f64::from(g) * slope(activation, f64::from(x));
            assert!(close(d, expected), "slope of {activation:?} at {x}: {d} is not {expected}");
        }
    }
}

#[test]
fn large_inputs_give_finite_values_and_nan_stays_nan() {
    for activation in Activation::ALL {
        let input = [1e4, -1e4, 1e15, -1e15, 1e20, -1e20, f32::NAN];
        let (mut slopes, mut gates) = ([0f32; 7], [0f32; 14]);
        activation.backward(&input, &[1.0; 7], &mut slopes);
        let limits = if activation == Activation::Tanh { [0.0, 0.0] } else { [1.0, 0.0] };
        for pair in slopes[..6].chunks(2) {
            assert!(pair.iter().zip(limits).all(|(d, limit)| (d - limit).abs() < 1e-6), "{activation:?}: {slopes:?}");
        }
        let gated = [&input[..], &[1.0; 7]].concat();
        activation.gated_backward(&gated, 7, &[1.0; 7], &mut gates);
        assert_eq!(gates[..6], slopes[..6], "{activation:?}");
        for set in sets() {
            let mut values = input;
            activation.in_place(&mut values, set);
            assert!(values[..6].iter().all(|y| y.is_finite()) && values[6].is_nan(), "{activation:?}: {values:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn gated_functions_and_gradients_agree_with_formulas(
        rows in 0usize..5,
        width in 1usize..70,
        seed in 0f32..100.0,
    ) {
        let wave = |count: usize, seed: f32| -> Vec<f32> {
            (0..count).map(|i| 3.0 * (i as f32 * 0.83 + seed).sin()).collect()
        };
        let (input, gradient) = (wave(rows * 2 * width, seed), wave(rows * width, seed + 1.0));
        for activation in Activation::ALL {
            let mut d_input = vec![f32::NAN; input.len()];
            activation.gated_backward(&input, width, &gradient, &mut d_input);
            for set in sets() {
                let mut out = vec![f32::NAN; rows * width];
                activation.gated(&input, width, &mut out, set);
                for (i, &y) in out.iter().enumerate() {
                    let (row, column) = (i / width, i % width);
                    let (first, gate) = (2 * row * width + column, (2 * row + 1) * width + column);
                    let (x, g) = (f64::from(input[first]), f64::from(gradient[i]));
                    let expected = [
                        (y, formula(activation, x) * f64::from(input[gate])),
                        (d_input[first], g * f64::from(input[gate]) * slope(activation, x)),
                        (d_input[gate], g * formula(activation, x)),
                    ];
                    for (found, expected) in expected {
                        let off = (f64::from(found) - expected).abs();
                        prop_assert!(off < 1e-5, "{activation:?} on {set} at {x}: {found} is not {expected}");
                    }
                }
            }
        }
    }
}

//! Compares rotary position embeddings with plain loops in f64, on every instruction set of the machine.

use newsdesk_kernels::instructions::InstructionSet;
use newsdesk_kernels::rotary::Rotary;
use proptest::prelude::*;

fn sets() -> impl Iterator<Item = InstructionSet> {
    InstructionSet::ALL.into_iter().filter(|set| set.is_available())
}

fn wave(count: usize, seed: f32) -> Vec<f32> {
    (0..count).map(|i| 2.0 * (i as f32 * 0.83 + seed).sin()).collect()
}

/// Rotates one head by the formula, with the angle in f64.
fn rotated(head: &[f32], position: usize, theta: f64) -> Vec<f64> {
    let half = head.len() / 2;
    let x = |k: usize| f64::from(head[k]);
    let angle = |k: usize| position as f64 * theta.powf(-2.0 * k as f64 / head.len() as f64);
    let first = (0..half).map(|k| x(k) * angle(k).cos() - x(k + half) * angle(k).sin());
    let second = (0..half).map(|k| x(k + half) * angle(k).cos() + x(k) * angle(k).sin());
    first.chain(second).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn rotations_agree_with_the_formula_and_leave_the_rest_of_a_row(
        length in 1usize..40,
        half in 1usize..40,
        heads in 1usize..4,
        rest in 0usize..20,
        theta in 10f64..200_000.0,
        seed in 0f32..100.0,
    ) {
        let head_width = 2 * half;
        let (width, stride) = (heads * head_width, heads * head_width + rest);
        let rotary = Rotary::new(head_width, theta, length);
        let rows = wave(length * stride - rest, seed); // The last row ends after its heads.
        let mut results = vec![];
        for set in sets() {
            let mut found = rows.clone();
            rotary.apply(&mut found, stride, heads, set);
            for (position, (row, found)) in rows.chunks(stride).zip(found.chunks(stride)).enumerate() {
                prop_assert_eq!(&row[width..], &found[width..]);
                for (head, found) in row[..width].chunks(head_width).zip(found.chunks(head_width)) {
                    for (x, expected) in found.iter().zip(rotated(head, position, theta)) {
                        // Angles are rounded to f32, in three steps of 6e-8 each.
                        let tolerance = 1e-6 + 4e-7 * position as f64;
                        prop_assert!((f64::from(*x) - expected).abs() < tolerance, "{x} is not {expected} on {set}");
                    }
                }
            }
            results.push(found.clone());
            rotary.apply_back(&mut found, stride, heads, set);
            for (x, back) in rows.iter().zip(&found) {
                prop_assert!((x - back).abs() < 1e-6, "{back} is not {x} on {set}");
            }
        }
        prop_assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "instruction sets differ");
    }
}

#[test]
fn gradient_agrees_with_finite_differences() {
    let (length, heads, head_width) = (5, 2, 6);
    let rotary = Rotary::new(head_width, 10_000.0, length);
    let (input, weight) = (wave(length * 12, 0.0), wave(length * 12, 3.0));
    let loss = |input: &[f32]| -> f64 {
        let mut out = input.to_vec();
        rotary.apply(&mut out, 12, heads, InstructionSet::best());
        out.iter().zip(&weight).map(|(&y, &w)| f64::from(y) * f64::from(w)).sum()
    };
    let mut gradient = weight.clone();
    rotary.apply_back(&mut gradient, 12, heads, InstructionSet::best());
    for (i, &d) in gradient.iter().enumerate() {
        let at = |step: f32| {
            let mut moved = input.clone();
            moved[i] += step;
            loss(&moved)
        };
        let slope = (at(0.125) - at(-0.125)) / 0.25;
        assert!((slope - f64::from(d)).abs() < 1e-5, "at {i}: {d} is not {slope}");
    }
}

#[test]
fn keys_of_fused_rows_are_rotated_through_a_slice() {
    let (length, width) = (7, 16);
    let rotary = Rotary::new(8, 160_000.0, 32);
    let rows = wave(length * 3 * width, 0.0); // [length, queries | keys | values]
    let mut fused = rows.clone();
    rotary.apply(&mut fused[width..], 3 * width, 2, InstructionSet::best());
    for (row, fused) in rows.chunks(3 * width).zip(fused.chunks(3 * width)) {
        assert_eq!((&row[..width], &row[2 * width..]), (&fused[..width], &fused[2 * width..]));
    }
    let mut keys: Vec<f32> = rows.chunks(3 * width).flat_map(|row| &row[width..2 * width]).copied().collect();
    rotary.apply(&mut keys, width, 2, InstructionSet::best());
    assert_eq!(keys, fused.chunks(3 * width).flat_map(|row| &row[width..2 * width]).copied().collect::<Vec<f32>>());
}

#[test]
fn angles_are_rounded_like_those_of_transformers() {
    // Position 8,191 and the second frequency of heads of 64: torch's f32 frequency is 0.74989420175552368164.
    let rotary = Rotary::new(64, 10_000.0, 8_192);
    let mut rows = vec![0f32; 8_192 * 64];
    rows[8_191 * 64 + 1] = 1.0;
    rotary.apply(&mut rows, 64, 1, InstructionSet::best());
    let angle = f64::from(8_191.0 * 0.749_894_2_f32);
    let (x, y) = (rows[8_191 * 64 + 1], rows[8_191 * 64 + 33]);
    assert!((f64::from(x) - angle.cos()).abs() < 1e-7 && (f64::from(y) - angle.sin()).abs() < 1e-7, "{x} {y}");
}

#[test]
#[should_panic(expected = "3 rows, but 2 positions")]
fn rows_beyond_the_tables_are_refused() {
    Rotary::new(4, 10_000.0, 2).apply(&mut [0.0; 12], 4, 1, InstructionSet::best());
}

#[test]
#[should_panic(expected = "last row is too short")]
fn incomplete_last_row_is_refused() {
    Rotary::new(4, 10_000.0, 8).apply(&mut [0.0; 11], 4, 1, InstructionSet::best());
}

#[test]
#[should_panic(expected = "no two halves")]
fn odd_heads_are_refused() {
    Rotary::new(5, 10_000.0, 8);
}

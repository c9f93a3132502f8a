//! The loss of attention relations, compared with its definition.
#![allow(clippy::unwrap_used)]

use newsdesk_kernels::attention::relations::{RelationScratch, Vectors, relation_loss};

const HEADS: usize = 2;

fn wave(count: usize, seed: f32) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 0.37 + seed).sin() * 2.0).collect()
}

/// The relations of a head in f64, `[length, length]`.
fn relations(vectors: Vectors, head: usize) -> Vec<f64> {
    let (width, rows) = (vectors.width / HEADS, vectors.values.len() / vectors.width);
    let at = |row: usize, k: usize| f64::from(vectors.values[row * vectors.width + head * width + k]);
    let mut all = vec![];
    for i in 0..rows {
        let scores = (0..rows).map(|j| (0..width).map(|k| at(i, k) * at(j, k)).sum::<f64>() / (width as f64).sqrt());
        let powers: Vec<f64> = scores.map(f64::exp).collect();
        let sum: f64 = powers.iter().sum();
        all.extend(powers.iter().map(|power| power / sum));
    }
    all
}

/// The loss by its definition.
fn expected(student: Vectors, teacher: Vectors) -> f64 {
    let rows = student.values.len() / student.width;
    let divergence = |head| -> f64 {
        let (own, target) = (relations(student, head), relations(teacher, head));
        own.iter().zip(target).map(|(q, p)| p * (p / q).ln()).sum()
    };
    (0..HEADS).map(divergence).sum::<f64>() / (HEADS * rows) as f64
}

#[test]
fn the_loss_and_its_gradient_match_the_definition() {
    // The teacher is wider than the student.
    for rows in [1, 5, 19] {
        let (numbers, of_teacher) = (wave(rows * 6, 0.1), wave(rows * 10, 1.3));
        let student = Vectors { values: &numbers, width: 6 };
        let teacher = Vectors { values: &of_teacher, width: 10 };
        let mut scratch = RelationScratch::default();
        let mut gradient = vec![0.5; numbers.len()];
        let loss = relation_loss(student, teacher, HEADS, 3.0, &mut scratch, &mut gradient);
        let exact = 3.0 * expected(student, teacher);
        assert!((f64::from(loss) - exact).abs() < 1e-5 * exact.max(1.0), "{loss} is not {exact}");
        for index in 0..numbers.len() {
            let moved = |by: f32| {
                let mut numbers = numbers.clone();
                numbers[index] += by;
                3.0 * expected(Vectors { values: &numbers, width: 6 }, teacher)
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / f64::from((numbers[index] + 1e-3) - (numbers[index] - 1e-3));
            // The gradient is added to what was there.
            let found = f64::from(gradient[index] - 0.5);
            assert!((found - slope).abs() < 1e-3, "{rows} rows, number {index}: {found} is not {slope}");
        }
    }
}

#[test]
fn the_loss_of_equal_vectors_is_zero() {
    let numbers = wave(7 * 6, 0.1);
    let vectors = Vectors { values: &numbers, width: 6 };
    let mut gradient = vec![0.0; numbers.len()];
    assert_eq!(relation_loss(vectors, vectors, HEADS, 1.0, &mut RelationScratch::default(), &mut gradient), 0.0);
    assert!(gradient.iter().all(|g| *g == 0.0), "{gradient:?}");
}

//! Compares packed products and attention with plain loops, on every instruction set of the machine. Checks that the result
//! of a row is bit-identical regardless of the other rows.

mod attention;
mod dense;

use newsdesk_kernels::instructions::InstructionSet;

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

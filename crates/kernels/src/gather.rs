//! Sums of selected rows of a bf16 table. The logits of a linear model are the sum of the rows of a text's features.

use crate::half::widen;
use crate::instructions::InstructionSet;

/// Adds the rows of `table` with the numbers in `chosen` to `sums`, one after the other.
///
/// `table` is `[rows, width]` in bf16, where `width` is the length of `sums`. The rounding depends only on the order of
/// `chosen`.
///
/// # Panics
/// If the table is not made of whole rows or lacks one of the chosen rows.
pub fn add_rows(table: &[u16], chosen: &[u32], sums: &mut [f32], set: InstructionSet) {
    let width = sums.len();
    assert!(width > 0 && table.len().is_multiple_of(width), "gather: the table is not made of whole rows");
    set.run(
        #[inline(always)]
        || match width {
            // The sums of a few columns stay in registers.
            8 => add_rows_of::<8>(table, chosen, sums),
            16 => add_rows_of::<16>(table, chosen, sums),
            24 => add_rows_of::<24>(table, chosen, sums),
            32 => add_rows_of::<32>(table, chosen, sums),
            _ => {
                for &row in chosen {
                    let start = row as usize * width;
                    add(sums, &table[start..start + width]);
                }
            }
        },
    );
}

#[inline(always)]
fn add_rows_of<const WIDTH: usize>(table: &[u16], chosen: &[u32], sums: &mut [f32]) {
    let (rows, _) = table.as_chunks::<WIDTH>();
    let mut registers = [0f32; WIDTH];
    registers.copy_from_slice(sums);
    for &row in chosen {
        add(&mut registers, &rows[row as usize]);
    }
    sums.copy_from_slice(&registers);
}

#[inline(always)]
fn add(sums: &mut [f32], row: &[u16]) {
    sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += widen(x));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::half::narrow;

    #[test]
    fn all_widths_and_instruction_sets_are_bit_identical() {
        for width in [1, 7, 8, 16, 24, 32, 40] {
            let table: Vec<u16> = (0..50 * width).map(|i| narrow((i as f32 * 0.73).sin())).collect();
            let chosen: Vec<u32> = (0..90).map(|i| i * i % 50).collect();
            let mut expected = vec![0.5; width];
            for &row in &chosen {
                let row = &table[row as usize * width..][..width];
                expected.iter_mut().zip(row).for_each(|(sum, &x)| *sum += widen(x));
            }
            for set in InstructionSet::ALL.into_iter().filter(|set| set.is_available()) {
                let mut sums = vec![0.5; width];
                add_rows(&table, &chosen, &mut sums, set);
                assert_eq!(sums, expected, "{width} columns with {set}");
            }
        }
    }
}

//! Tiles for AVX2 and FMA. Sixteen registers of eight floats hold 6 rows by 16 columns in floating point.
//!
//! The int16 product is `vpmaddwd` and `vpaddd` for sixteen products.
//!
//! Without VNNI the int8 product is two instructions: `vpmaddubsw` adds pairs of products in 16 bits, and `vpmaddwd` widens
//! them. Both compete for the same two ports. So two results of the first are added before they are widened, which takes
//! three instructions on these ports for 64 products instead of four. Four products must then fit into 16 bits, so
//! activations have seven bits and weights six and a sign. Weights that were trained for int8 have five and a sign, and their
//! activations eight: see the limits in `tile`.

use super::by_distance;
use super::tile::{
    GROUP, PairOrder, QUANTISED_DEPTH, SEVEN_BIT_LIMITS, TileBf16, TileF32, TileQuantised, Tiles, with_rows,
};
use std::arch::x86_64::*;

const LANES: usize = 8;
/// The columns of a panel.
const COLUMNS: usize = 16;

pub(super) static TILES: Tiles = Tiles {
    rows: 6,
    columns: COLUMNS,
    attention_columns: COLUMNS,
    f32: tile_f32,
    attention: tile_f32,
    transpose,
    add_row_by_distance: by_distance::avx2::add_row,
    add_block_by_distance: by_distance::avx2::add_block,
    pair_order: PairOrder::Columns,
    bf16: tile_bf16,
    int16: tile_int16,
    int8_rows: 3,
    int8: tile_int8,
    int8_limits: SEVEN_BIT_LIMITS,
};

pub(super) static VNNI_TILES: Tiles =
    Tiles { int16: tile_int16_vnni, int8_rows: 6, int8: tile_int8_vnni, int8_limits: (255, 127), ..TILES };

/// Multiplies up to 6 rows with a panel of f32 weights.
///
/// # Safety
/// The machine has AVX2 and FMA, `rows` is within 1 and 6, and `tile` keeps its contract.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_f32(rows: usize, tile: TileF32) {
    with_rows!(rows, f32_rows, tile, [6, 1, 2, 3, 4, 5])
}

/// Multiplies `ROWS` rows with a panel of f32 weights.
///
/// # Safety
/// The machine has AVX2 and FMA, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn f32_rows<const ROWS: usize>(tile: TileF32) {
    let TileF32 { input, input_stride, panel, depth, bias, out, out_stride } = tile;
    // SAFETY: the caller keeps the contract of the tile's arguments.
    unsafe {
        let mut sums = [[_mm256_loadu_ps(bias), _mm256_loadu_ps(bias.add(LANES))]; ROWS];
        for k in 0..depth {
            let weights = panel.add(k * COLUMNS);
            let (left, right) = (_mm256_loadu_ps(weights), _mm256_loadu_ps(weights.add(LANES)));
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = _mm256_broadcast_ss(&*input.add(row * input_stride + k));
                sum[0] = _mm256_fmadd_ps(x, left, sum[0]);
                sum[1] = _mm256_fmadd_ps(x, right, sum[1]);
            }
        }
        store(sums, out, out_stride);
    }
}

/// Stores sums as rows of sixteen values.
///
/// # Safety
/// The machine has AVX2 and FMA, and `out` is writable for `ROWS` rows of sixteen values, `stride` values apart.
#[target_feature(enable = "avx2,fma")]
unsafe fn store<const ROWS: usize>(sums: [[__m256; 2]; ROWS], out: *mut f32, stride: usize) {
    for (row, sum) in sums.iter().enumerate() {
        // SAFETY: the caller provides `ROWS` rows of sixteen values.
        unsafe {
            _mm256_storeu_ps(out.add(row * stride), sum[0]);
            _mm256_storeu_ps(out.add(row * stride + LANES), sum[1]);
        }
    }
}

/// Transposes a block of 8 by 8 values.
///
/// # Safety
/// The machine has AVX2 and FMA. `from` is readable and `to` is writable for eight rows of eight values at their strides.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    // SAFETY: the caller provides eight rows of eight values on both sides.
    unsafe {
        // Rows r and r + 4 share a register, so that no step crosses the halves of a register.
        let row = |r: usize, half: usize| {
            let at = |r: usize| _mm_loadu_ps(from.add(r * from_stride + 4 * half));
            _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(at(r)), at(r + 4))
        };
        for half in 0..2 {
            let rows = [row(0, half), row(1, half), row(2, half), row(3, half)];
            let low = [_mm256_unpacklo_ps(rows[0], rows[1]), _mm256_unpacklo_ps(rows[2], rows[3])];
            let high = [_mm256_unpackhi_ps(rows[0], rows[1]), _mm256_unpackhi_ps(rows[2], rows[3])];
            let transposed = [
                _mm256_shuffle_ps::<0x44>(low[0], low[1]),
                _mm256_shuffle_ps::<0xee>(low[0], low[1]),
                _mm256_shuffle_ps::<0x44>(high[0], high[1]),
                _mm256_shuffle_ps::<0xee>(high[0], high[1]),
            ];
            for (column, values) in transposed.into_iter().enumerate() {
                _mm256_storeu_ps(to.add((4 * half + column) * to_stride), values);
            }
        }
    }
}

/// Multiplies up to 6 rows of f32 activations with a panel of bf16 weights.
///
/// # Safety
/// The machine has AVX2 and FMA, `rows` is within 1 and 6, and `tile` keeps its contract.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_bf16(rows: usize, tile: TileBf16) {
    with_rows!(rows, bf16_rows, tile, [6, 1, 2, 3, 4, 5])
}

/// Multiplies `ROWS` rows of f32 activations with a panel of bf16 weights.
///
/// # Safety
/// The machine has AVX2 and FMA, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn bf16_rows<const ROWS: usize>(tile: TileBf16) {
    let TileBf16 { input, input_stride, panel, depth, bias, out, out_stride } = tile;
    // SAFETY: the caller keeps the contract of the tile's arguments.
    unsafe {
        let mut sums = [[_mm256_loadu_ps(bias), _mm256_loadu_ps(bias.add(LANES))]; ROWS];
        let upper = _mm256_set1_epi32(0xffff_0000_u32.cast_signed());
        for k in 0..depth {
            // Column c is in the lower half of each lane and column c + 8 in the upper. A bf16 is the upper half of an f32.
            let pairs = _mm256_loadu_si256(panel.add(k * COLUMNS).cast());
            let left = _mm256_castsi256_ps(_mm256_slli_epi32::<16>(pairs));
            let right = _mm256_castsi256_ps(_mm256_and_si256(pairs, upper));
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = _mm256_broadcast_ss(&*input.add(row * input_stride).cast::<f32>().add(k));
                sum[0] = _mm256_fmadd_ps(x, left, sum[0]);
                sum[1] = _mm256_fmadd_ps(x, right, sum[1]);
            }
        }
        store(sums, out, out_stride);
    }
}

/// Defines a tile of integers. `$interleaved` neighbours in depth fall into one 32-bit lane, and `$step` adds their products
/// to a sum.
macro_rules! integer_tile {
    ($tile:ident, $rows:ident, $arguments:ty, $interleaved:literal, $features:literal, |$sum:ident, $x:ident, $weights:ident| $step:expr) => {
        /// Multiplies up to 6 rows of integers with a panel of integer weights.
        ///
        /// # Safety
        /// The machine has the features named below, `rows` is within 1 and 6, and `tile` keeps its contract.
        #[target_feature(enable = $features)]
        unsafe fn $tile(rows: usize, tile: $arguments) {
            with_rows!(rows, $rows, tile, [6, 1, 2, 3, 4, 5])
        }

        /// Multiplies `ROWS` rows of integers with a panel of integer weights.
        ///
        /// # Safety
        /// The machine has the features named below, and `tile` keeps its contract for `ROWS` rows.
        #[target_feature(enable = $features)]
        unsafe fn $rows<const ROWS: usize>(tile: $arguments) {
            let TileQuantised { input, input_stride, panel, depth, .. } = tile;
            // SAFETY: the caller keeps the contract of the tile's arguments, so depth is made of
            // whole lanes.
            unsafe {
                let mut totals = biases::<ROWS, _, _>(&tile);
                for group in 0..depth.div_ceil(GROUP) {
                    let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
                    for start in (group * GROUP..depth.min((group + 1) * GROUP)).step_by(QUANTISED_DEPTH) {
                        // Several steps per iteration, which share their addresses.
                        for k in (start..start + QUANTISED_DEPTH).step_by($interleaved) {
                            let weights: *const __m256i = panel.add(k * COLUMNS).cast();
                            let weights = [_mm256_loadu_si256(weights), _mm256_loadu_si256(weights.add(1))];
                            for (row, sums) in sums.iter_mut().enumerate() {
                                let x: *const i32 = input.add(row * input_stride + k).cast();
                                let $x = _mm256_set1_epi32(x.read_unaligned());
                                for (sum, &$weights) in sums.iter_mut().zip(&weights) {
                                    let $sum = *sum;
                                    *sum = $step;
                                }
                            }
                        }
                    }
                    add_group(&tile, group, sums, &mut totals);
                }
                store(totals, tile.out, tile.out_stride);
            }
        }
    };
}

integer_tile!(tile_int16, int16_rows, TileQuantised<u16, i16>, 2, "avx2,fma", |sum, x, weights| {
    _mm256_add_epi32(sum, _mm256_madd_epi16(x, weights))
});
integer_tile!(tile_int16_vnni, int16_vnni_rows, TileQuantised<u16, i16>, 2, "avx2,fma,avxvnni", |sum, x, weights| {
    _mm256_dpwssd_avx_epi32(sum, x, weights)
});
integer_tile!(tile_int8_vnni, int8_vnni_rows, TileQuantised<u8, i8>, 4, "avx2,fma,avxvnni", |sum, x, weights| {
    _mm256_dpbusd_avx_epi32(sum, x, weights)
});

/// Multiplies up to 3 rows of int8 activations with a panel of int8 weights, without VNNI.
///
/// # Safety
/// The machine has AVX2 and FMA, `rows` is within 1 and 3, and `tile` keeps its contract.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile_int8(rows: usize, tile: TileQuantised<u8, i8>) {
    with_rows!(rows, int8_rows, tile, [3, 1, 2])
}

/// Multiplies `ROWS` rows of int8 activations with a panel of int8 weights, without VNNI.
///
/// # Safety
/// The machine has AVX2 and FMA, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn int8_rows<const ROWS: usize>(tile: TileQuantised<u8, i8>) {
    let TileQuantised { input, input_stride, panel, depth, .. } = tile;
    let ones = _mm256_set1_epi16(1);
    // SAFETY: the caller keeps the contract of the tile's arguments, so depth is a multiple of eight.
    unsafe {
        let mut totals = biases::<ROWS, _, _>(&tile);
        for group in 0..depth.div_ceil(GROUP) {
            let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
            for k in (group * GROUP..depth.min((group + 1) * GROUP)).step_by(8) {
                let weights: *const __m256i = panel.add(k * COLUMNS).cast();
                let low = [_mm256_loadu_si256(weights), _mm256_loadu_si256(weights.add(1))];
                let high = [_mm256_loadu_si256(weights.add(2)), _mm256_loadu_si256(weights.add(3))];
                for (row, sum) in sums.iter_mut().enumerate() {
                    let x: *const i32 = input.add(row * input_stride + k).cast();
                    let (x_low, x_high) =
                        (_mm256_set1_epi32(x.read_unaligned()), _mm256_set1_epi32(x.add(1).read_unaligned()));
                    for half in 0..2 {
                        let products = _mm256_add_epi16(
                            _mm256_maddubs_epi16(x_low, low[half]),
                            _mm256_maddubs_epi16(x_high, high[half]),
                        );
                        sum[half] = _mm256_add_epi32(sum[half], _mm256_madd_epi16(products, ones));
                    }
                }
            }
            add_group(&tile, group, sums, &mut totals);
        }
        store(totals, tile.out, tile.out_stride);
    }
}

/// Returns the initial totals of all rows: the biases of the columns.
///
/// # Safety
/// The machine has AVX2 and FMA, and `tile` keeps its contract.
#[target_feature(enable = "avx2,fma")]
unsafe fn biases<const ROWS: usize, X, W>(tile: &TileQuantised<X, W>) -> [[__m256; 2]; ROWS] {
    // SAFETY: the caller keeps the contract of the tile's arguments.
    unsafe { [[_mm256_loadu_ps(tile.bias), _mm256_loadu_ps(tile.bias.add(LANES))]; ROWS] }
}

/// Converts the integer sums of a group to f32 and adds them to the totals.
///
/// # Safety
/// The machine has AVX2 and FMA, `group` is one of the depth's groups, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx2,fma")]
unsafe fn add_group<const ROWS: usize, X, W>(
    tile: &TileQuantised<X, W>,
    group: usize,
    sums: [[__m256i; 2]; ROWS],
    totals: &mut [[__m256; 2]; ROWS],
) {
    let groups = tile.depth.div_ceil(GROUP);
    for (row, (sum, total)) in sums.iter().zip(totals).enumerate() {
        // SAFETY: the caller keeps the contract of the tile's arguments.
        unsafe {
            let [scale, min] = *tile.row_ranges.add(row * groups + group);
            let (scale, min) = (_mm256_set1_ps(scale), _mm256_set1_ps(min));
            for half in 0..2 {
                let column =
                    |part: usize| _mm256_loadu_ps(tile.column_terms.add((2 * group + part) * COLUMNS + half * LANES));
                let scales = _mm256_mul_ps(scale, column(1));
                total[half] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[half]), scales, total[half]);
                total[half] = _mm256_fmadd_ps(min, column(0), total[half]);
            }
        }
    }
}

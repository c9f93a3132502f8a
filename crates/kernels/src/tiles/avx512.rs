//! Tiles for AVX-512 with VNNI and BF16. Thirty-two registers of sixteen lanes hold 6 rows by 64 columns.

use super::by_distance;
use super::tile::{GROUP, PairOrder, TileBf16, TileF32, TileQuantised, Tiles, with_rows};
use std::arch::x86_64::*;

const LANES: usize = 16;
/// The columns of a panel of weights.
const COLUMNS: usize = 64;
const VECTORS: usize = COLUMNS / LANES;

pub(super) static TILES: Tiles = Tiles {
    rows: 6,
    columns: COLUMNS,
    // A head is often 32 values wide, and short windows would leave most of 64 columns empty.
    attention_columns: 32,
    f32: tile_f32,
    attention: tile_attention,
    transpose: super::avx2::transpose,
    add_row_by_distance: by_distance::avx2::add_row,
    add_block_by_distance: by_distance::avx2::add_block,
    pair_order: PairOrder::Depth,
    bf16: tile_bf16,
    int16: tile_int16,
    int8_rows: 6,
    int8: tile_int8,
    int8_limits: (255, 127),
};

/// Multiplies up to 6 rows with a panel of f32 weights.
///
/// # Safety
/// The machine has AVX-512F, `rows` is within 1 and 6, and `tile` keeps its contract.
#[target_feature(enable = "avx512f")]
unsafe fn tile_f32(rows: usize, tile: TileF32) {
    with_rows!(rows, f32_rows, tile, [6, 1, 2, 3, 4, 5])
}

/// Multiplies `ROWS` rows with a panel of f32 weights.
///
/// # Safety
/// The machine has AVX-512F, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx512f")]
unsafe fn f32_rows<const ROWS: usize>(tile: TileF32) {
    // SAFETY: the caller keeps the contract of the tile's arguments.
    unsafe { f32_block::<ROWS, VECTORS>(tile) }
}

/// Multiplies up to 6 rows with a panel of f32 keys or values.
///
/// # Safety
/// The machine has AVX-512F, `rows` is within 1 and 6, and `tile` keeps its contract.
#[target_feature(enable = "avx512f")]
unsafe fn tile_attention(rows: usize, tile: TileF32) {
    with_rows!(rows, attention_rows, tile, [6, 1, 2, 3, 4, 5])
}

/// Multiplies `ROWS` rows with a panel of f32 keys or values.
///
/// # Safety
/// The machine has AVX-512F, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx512f")]
unsafe fn attention_rows<const ROWS: usize>(tile: TileF32) {
    // SAFETY: the caller keeps the contract of the tile's arguments.
    unsafe { f32_block::<ROWS, 2>(tile) }
}

/// Loads `COUNT` neighbouring vectors.
///
/// # Safety
/// The machine has AVX-512F, and `from` is readable for `COUNT` vectors.
#[target_feature(enable = "avx512f")]
unsafe fn load<const COUNT: usize>(from: *const f32) -> [__m512; COUNT] {
    let mut vectors = [_mm512_setzero_ps(); COUNT];
    for (v, vector) in vectors.iter_mut().enumerate() {
        // SAFETY: the caller provides that many values.
        *vector = unsafe { _mm512_loadu_ps(from.add(v * LANES)) };
    }
    vectors
}

/// Multiplies `ROWS` rows with a panel of `COUNT` vectors of f32.
///
/// # Safety
/// The machine has AVX-512F, and `tile` keeps its contract for `ROWS` rows and panels of `COUNT` vectors.
#[target_feature(enable = "avx512f")]
unsafe fn f32_block<const ROWS: usize, const COUNT: usize>(tile: TileF32) {
    let TileF32 { input, input_stride, panel, depth, bias, out, out_stride } = tile;
    // SAFETY: the caller keeps the contract of the tile's arguments.
    unsafe {
        let mut sums = [load::<COUNT>(bias); ROWS];
        for k in 0..depth {
            let weights = load::<COUNT>(panel.add(k * COUNT * LANES));
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = _mm512_set1_ps(*input.add(row * input_stride + k));
                for v in 0..COUNT {
                    sum[v] = _mm512_fmadd_ps(x, weights[v], sum[v]);
                }
            }
        }
        store(sums, out, out_stride);
    }
}

/// Stores sums as rows of `COUNT` vectors.
///
/// # Safety
/// The machine has AVX-512F, and `out` is writable for `ROWS` rows of `COUNT` vectors, `stride` values apart.
#[target_feature(enable = "avx512f")]
unsafe fn store<const ROWS: usize, const COUNT: usize>(sums: [[__m512; COUNT]; ROWS], out: *mut f32, stride: usize) {
    for (row, sum) in sums.iter().enumerate() {
        for (v, &sum) in sum.iter().enumerate() {
            // SAFETY: the caller provides `ROWS` rows of `COUNT` vectors.
            unsafe { _mm512_storeu_ps(out.add(row * stride + v * LANES), sum) };
        }
    }
}

/// Multiplies up to 6 rows of bf16 activations with a panel of bf16 weights.
///
/// # Safety
/// The machine has AVX-512F and BF16, `rows` is within 1 and 6, and `tile` keeps its contract.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn tile_bf16(rows: usize, tile: TileBf16) {
    with_rows!(rows, bf16_rows, tile, [6, 1, 2, 3, 4, 5])
}

/// Multiplies `ROWS` rows of bf16 activations with a panel of bf16 weights.
///
/// # Safety
/// The machine has AVX-512F and BF16, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn bf16_rows<const ROWS: usize>(tile: TileBf16) {
    let TileBf16 { input, input_stride, panel, depth, bias, out, out_stride } = tile;
    // SAFETY: the caller keeps the contract of the tile's arguments, so depth is even. Vectors of integers and of
    // bf16 pairs are the same 512 bits.
    unsafe {
        let mut sums = [load::<VECTORS>(bias); ROWS];
        for k in (0..depth).step_by(2) {
            let weights = load_integers(panel.add(k * COLUMNS).cast());
            for (row, sum) in sums.iter_mut().enumerate() {
                let x = _mm512_set1_epi32(input.add(row * input_stride + 2 * k).cast::<i32>().read_unaligned());
                for v in 0..VECTORS {
                    let (x, weights) = (
                        std::mem::transmute::<__m512i, __m512bh>(x),
                        std::mem::transmute::<__m512i, __m512bh>(weights[v]),
                    );
                    sum[v] = _mm512_dpbf16_ps(sum[v], x, weights);
                }
            }
        }
        store(sums, out, out_stride);
    }
}

/// Loads a row of a panel of 16-bit or 8-bit weights.
///
/// # Safety
/// The machine has AVX-512F, and `from` is readable for `VECTORS` vectors.
#[target_feature(enable = "avx512f")]
unsafe fn load_integers(from: *const __m512i) -> [__m512i; VECTORS] {
    let mut vectors = [_mm512_setzero_si512(); VECTORS];
    for (v, vector) in vectors.iter_mut().enumerate() {
        // SAFETY: the caller provides that many values.
        *vector = unsafe { _mm512_loadu_si512(from.add(v)) };
    }
    vectors
}

/// Defines a tile of integers. `$interleaved` neighbours in depth fall into one 32-bit lane, and `$add_products` adds their
/// products to a sum.
macro_rules! integer_tile {
    ($tile:ident, $rows:ident, $arguments:ty, $interleaved:literal, $add_products:ident) => {
        /// Multiplies up to 6 rows of integers with a panel of integer weights.
        ///
        /// # Safety
        /// The machine has AVX-512F and VNNI, `rows` is within 1 and 6, and `tile` keeps its contract.
        #[target_feature(enable = "avx512f,avx512vnni")]
        unsafe fn $tile(rows: usize, tile: $arguments) {
            with_rows!(rows, $rows, tile, [6, 1, 2, 3, 4, 5])
        }

        /// Multiplies `ROWS` rows of integers with a panel of integer weights.
        ///
        /// # Safety
        /// The machine has AVX-512F and VNNI, and `tile` keeps its contract for `ROWS` rows.
        #[target_feature(enable = "avx512f,avx512vnni")]
        unsafe fn $rows<const ROWS: usize>(tile: $arguments) {
            let TileQuantised { input, input_stride, panel, depth, .. } = tile;
            // SAFETY: the caller keeps the contract of the tile's arguments, so depth is made of
            // whole lanes.
            unsafe {
                let mut totals = [load::<VECTORS>(tile.bias); ROWS];
                for group in 0..depth.div_ceil(GROUP) {
                    let mut sums = [[_mm512_setzero_si512(); VECTORS]; ROWS];
                    for k in (group * GROUP..depth.min((group + 1) * GROUP)).step_by($interleaved) {
                        let weights = load_integers(panel.add(k * COLUMNS).cast());
                        for (row, sum) in sums.iter_mut().enumerate() {
                            let x = _mm512_set1_epi32(input.add(row * input_stride + k).cast::<i32>().read_unaligned());
                            for v in 0..VECTORS {
                                sum[v] = $add_products(sum[v], x, weights[v]);
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

integer_tile!(tile_int16, int16_rows, TileQuantised<u16, i16>, 2, _mm512_dpwssd_epi32);
integer_tile!(tile_int8, int8_rows, TileQuantised<u8, i8>, 4, _mm512_dpbusd_epi32);

/// Converts the integer sums of a group to f32 and adds them to the totals.
///
/// # Safety
/// The machine has AVX-512F, `group` is one of the depth's groups, and `tile` keeps its contract for `ROWS` rows.
#[target_feature(enable = "avx512f")]
unsafe fn add_group<const ROWS: usize, X, W>(
    tile: &TileQuantised<X, W>,
    group: usize,
    sums: [[__m512i; VECTORS]; ROWS],
    totals: &mut [[__m512; VECTORS]; ROWS],
) {
    let groups = tile.depth.div_ceil(GROUP);
    for (row, (sum, total)) in sums.iter().zip(totals).enumerate() {
        // SAFETY: the caller keeps the contract of the tile's arguments.
        unsafe {
            let [scale, min] = *tile.row_ranges.add(row * groups + group);
            let (scale, min) = (_mm512_set1_ps(scale), _mm512_set1_ps(min));
            for v in 0..VECTORS {
                let column =
                    |part: usize| _mm512_loadu_ps(tile.column_terms.add((2 * group + part) * COLUMNS + v * LANES));
                let scales = _mm512_mul_ps(scale, column(1));
                total[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[v]), scales, total[v]);
                total[v] = _mm512_fmadd_ps(min, column(0), total[v]);
            }
        }
    }
}

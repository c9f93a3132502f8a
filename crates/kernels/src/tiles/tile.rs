//! What every instruction set provides: its tiles, and the arguments that they take.

/// The layout of the bf16 weights of a panel of `columns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairOrder {
    /// `[depth / 2][columns][2]`: a pair is two neighbours in depth, for instructions that multiply pairs. Activations are
    /// rounded to bf16 as well.
    Depth,
    /// `[depth][columns / 16][8][2]`: a pair is columns `c` and `c + 8` of sixteen, which two shifts widen to f32.
    /// Activations stay f32.
    Columns,
}

/// A product of `rows` rows of f32 activations with a panel of f32 weights, plus a bias.
///
/// Contract of every tile that takes it: `input`, `panel` and `bias` are readable, and `out` is writable, for the sizes
/// given at the fields. `out` overlaps none of the others.
#[derive(Clone, Copy)]
pub(crate) struct TileF32 {
    /// Activations, `[rows, depth]`.
    pub input: *const f32,
    /// Elements from one row of `input` to the next.
    pub input_stride: usize,
    /// Weights, `[depth, columns]`.
    pub panel: *const f32,
    /// The number of products in each sum.
    pub depth: usize,
    /// The value each column's sum starts from, `[columns]`.
    pub bias: *const f32,
    /// Results, `[rows, columns]`.
    pub out: *mut f32,
    /// Elements from one row of `out` to the next.
    pub out_stride: usize,
}

/// A product of `rows` rows with a panel of bf16 weights, plus a bias.
///
/// Contract of every tile that takes it: as for [`TileF32`]. With [`PairOrder::Columns`], the rows of `input` are aligned
/// for f32.
#[derive(Clone, Copy)]
pub(crate) struct TileBf16 {
    /// Activations, `[rows, depth]`: bf16 with [`PairOrder::Depth`], otherwise f32.
    pub input: *const u8,
    /// Bytes from one row of `input` to the next.
    pub input_stride: usize,
    /// Weights, `[depth, columns]` in the pair order of the instruction set.
    pub panel: *const u16,
    /// The number of products in each sum; even with [`PairOrder::Depth`].
    pub depth: usize,
    /// The value each column's sum starts from, `[columns]`.
    pub bias: *const f32,
    /// Results, `[rows, columns]`.
    pub out: *mut f32,
    /// Elements from one row of `out` to the next.
    pub out_stride: usize,
}

/// A product of `rows` rows of quantised activations with a panel of quantised weights, converted back to f32.
///
/// Both sides are quantised in groups of [`GROUP`] neighbours in depth, each with its own range. `out` is the bias plus,
/// for each group, `sum * (row scale * column scale) + row minimum * column sum`.
///
/// Contract of every tile that takes it: as for [`TileF32`]. `depth` is a multiple of [`QUANTISED_DEPTH`], and the integers
/// are within the limits of the instruction set.
#[derive(Clone, Copy)]
pub(crate) struct TileQuantised<X, W> {
    /// Activations, `[rows, depth]`.
    pub input: *const X,
    /// Elements from one row of `input` to the next.
    pub input_stride: usize,
    /// Scale and minimum of each group of each row, from its quantisation: `[rows, groups]`.
    pub row_ranges: *const [f32; 2],
    /// Weights.
    pub panel: *const W,
    /// The number of products in each output.
    pub depth: usize,
    /// The value each column's sum starts from, `[columns]`.
    pub bias: *const f32,
    /// For each group, the sums of the columns' weights, and their scales: `[groups, 2, columns]`.
    pub column_terms: *const f32,
    /// Results, `[rows, columns]`.
    pub out: *mut f32,
    /// Elements from one row of `out` to the next.
    pub out_stride: usize,
}

/// The most columns that a panel of weights has on any instruction set.
pub(crate) const MAX_COLUMNS: usize = 64;

/// The depth of quantised products is a multiple of this.
pub(crate) const QUANTISED_DEPTH: usize = 8;

/// The number of neighbours in depth that share a quantisation range.
pub(crate) const GROUP: usize = 128;

/// The largest int16 activation, and the largest magnitude of an int16 weight. Activations have twelve bits, and weights have
/// twelve bits and a sign, so that the sum of a group fits into 32 bits.
pub(crate) const INT16_LIMITS: (u16, i16) = (4095, 4095);
const _: () = assert!(GROUP as i64 * INT16_LIMITS.0 as i64 * INT16_LIMITS.1 as i64 <= i32::MAX as i64);

/// The largest int8 activation and the largest magnitude of an int8 weight on plain AVX2, where both have seven bits.
pub(crate) const SEVEN_BIT_LIMITS: (u8, i8) = (127, 63);

/// The same for weights that were trained for int8, on every instruction set. Such weights need fewer bits, so that activations
/// have all eight.
pub(crate) const TRAINED_LIMITS: (u8, i8) = (255, 31);

/// Returns whether the sum of four products fits into 16 bits, as plain AVX2 adds them.
const fn fit_into_16_bits((activation, weight): (u8, i8)) -> bool {
    4 * activation as i64 * weight as i64 <= i16::MAX as i64
}
const _: () = assert!(fit_into_16_bits(SEVEN_BIT_LIMITS) && fit_into_16_bits(TRAINED_LIMITS));

/// A tile of integers. It takes the number of rows.
pub(crate) type QuantisedTile<X, W> = unsafe fn(usize, TileQuantised<X, W>);

/// The tiles of one instruction set.
///
/// # Safety
/// To call a tile, the machine must have the instruction set, the number of rows must be within 1 and the tile's maximum,
/// and the arguments must keep the contract of their type.
pub(crate) struct Tiles {
    /// The maximum number of rows of a tile, except int8.
    pub rows: usize,
    /// The columns of a panel of weights.
    pub columns: usize,
    /// The columns of the panels that attention makes of keys and values.
    pub attention_columns: usize,
    /// Multiplies with f32 weights.
    pub f32: unsafe fn(usize, TileF32),
    /// Multiplies with f32 keys or values, in panels of `attention_columns`.
    pub attention: unsafe fn(usize, TileF32),
    /// Transposes a block of 8 by 8 values. Takes source, its stride, destination, its stride. Both must have eight rows of
    /// eight values.
    pub transpose: unsafe fn(*const f32, usize, *mut f32, usize),
    /// Adds products with one vector per distance to a row of scores. Takes products, the table of columns, the number of
    /// blocks, scores. The contract is at [`by_distance::add_row`](super::by_distance::add_row).
    pub add_row_by_distance: unsafe fn(*const f32, *const u32, usize, *mut f32),
    /// The same for a transposed block. Takes products, their stride, the table of columns, scores, their stride. The
    /// contract is at [`by_distance::add_block`](super::by_distance::add_block).
    pub add_block_by_distance: unsafe fn(*const f32, usize, *const u32, *mut f32, usize),
    /// The layout of bf16 weights.
    pub pair_order: PairOrder,
    /// Multiplies with bf16 weights.
    pub bf16: unsafe fn(usize, TileBf16),
    /// Multiplies with int16 weights.
    pub int16: QuantisedTile<u16, i16>,
    /// The maximum number of rows of an int8 tile.
    pub int8_rows: usize,
    /// Multiplies with int8 weights.
    pub int8: QuantisedTile<u8, i8>,
    /// The largest int8 activation, and the largest magnitude of an int8 weight: larger ones would overflow the sums.
    pub int8_limits: (u8, i8),
}

/// Calls `$tile::<ROWS>` for a number of rows that is known only at run time.
macro_rules! with_rows {
    ($rows:expr, $tile:ident, $arguments:expr, [$($count:literal),+]) => {
        match $rows {
            // SAFETY: the caller keeps the contract of the arguments for this number of rows.
            $($count => unsafe { $tile::<$count>($arguments) },)+
            rows => unreachable!("a tile of {rows} rows"),
        }
    };
}
pub(super) use with_rows;

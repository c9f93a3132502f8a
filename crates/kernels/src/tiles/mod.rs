//! Register tiles: a few rows of activations times one panel of packed weights, the innermost part of every product.
//!
//! A *panel* holds the weights of `columns` neighbouring outputs, in the order in which a tile reads them:
//!
//! - f32: `[depth][columns]`;
//! - bf16: as the instruction set wants its pairs, see [`PairOrder`];
//! - int16: `[depth / 2][columns][2]`, so that two products of a column fall into one 32-bit lane;
//! - int8: `[depth / 4][columns][4]`, so that four do.
//!
//! A tile keeps `rows` times `columns` sums in registers and walks down the panel once. Each output is one chain of
//! additions in the order of `depth`, whatever the number of rows, so a row's result never depends on its neighbours.
//!
//! Each tile is written once per instruction set, and once in plain Rust ([`portable`]) as its twin in tests.

#![expect(unsafe_code, reason = "register tiles work on pointers; each call states what they must point to")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::instructions::InstructionSet;

/// How bf16 weights of a panel of `columns` are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairOrder {
    /// `[depth / 2][columns][2]`: a pair is two neighbours in depth, for instructions that multiply pairs; activations
    /// are rounded to bf16 as well.
    Depth,
    /// `[depth][columns / 16][8][2]`: a pair is columns `c` and `c + 8` of sixteen, which two shifts widen to f32;
    /// activations stay in f32.
    Columns,
}

/// A product of `rows` rows of f32 activations with a panel of f32 weights, added to `bias`.
#[derive(Clone, Copy)]
pub(crate) struct TileF32 {
    /// Activations, `rows` times `depth`.
    pub input: *const f32,
    /// Elements from one row of `input` to the next.
    pub input_stride: usize,
    /// Weights, `depth` times `columns`.
    pub panel: *const f32,
    /// Products in each sum.
    pub depth: usize,
    /// Start of each column's sum, `columns` values.
    pub bias: *const f32,
    /// Results, `rows` times `columns`.
    pub out: *mut f32,
    /// Elements from one row of `out` to the next.
    pub out_stride: usize,
}

/// A product of `rows` rows with a panel of bf16 weights, added to `bias`.
#[derive(Clone, Copy)]
pub(crate) struct TileBf16 {
    /// Activations, `rows` times `depth`: f32, or bf16 where the pair order is [`PairOrder::Depth`].
    pub input: *const u8,
    /// Bytes from one row of `input` to the next.
    pub input_stride: usize,
    /// Weights.
    pub panel: *const u16,
    /// Products in each sum; even.
    pub depth: usize,
    /// Start of each column's sum, `columns` values.
    pub bias: *const f32,
    /// Results, `rows` times `columns`.
    pub out: *mut f32,
    /// Elements from one row of `out` to the next.
    pub out_stride: usize,
}

/// A product of `rows` rows of quantised activations with a panel of quantised weights, and its way back to f32. Both sides
/// are quantised in groups of [`GROUP`] neighbours in depth, each with its own range: `out` is `bias` plus, for each group,
/// `sum * (scale * column_scale) + least * column_sum`.
#[derive(Clone, Copy)]
pub(crate) struct TileQuantised<X, W> {
    /// Activations, `rows` times `depth`.
    pub input: *const X,
    /// Elements from one row of `input` to the next.
    pub input_stride: usize,
    /// Scale and least value of each group of each row, which its quantisation took off: `rows` times `groups` pairs.
    pub row_ranges: *const [f32; 2],
    /// Weights.
    pub panel: *const W,
    /// Products in each output; a multiple of [`QUANTISED_DEPTH`].
    pub depth: usize,
    /// The columns' biases; then, for each group, the sums of the columns' weights, and their scales: `columns` values
    /// each.
    pub columns: *const f32,
    /// Results, `rows` times `columns`.
    pub out: *mut f32,
    /// Elements from one row of `out` to the next.
    pub out_stride: usize,
}

/// A product of eight-bit integers, within [`Tiles::int8_limits`].
pub(crate) type TileInt8 = TileQuantised<u8, i8>;

/// A product of sixteen-bit integers, within [`INT16_LIMITS`].
pub(crate) type TileInt16 = TileQuantised<u16, i16>;

/// The depth of quantised products is a multiple of this.
pub(crate) const QUANTISED_DEPTH: usize = 8;

/// Neighbours in depth that share a range.
pub(crate) const GROUP: usize = 128;

/// Largest value of an activation in sixteen bits, and of a weight's magnitude: twelve bits each, so that the sum of a
/// group still fits into 32 bits.
pub(crate) const INT16_LIMITS: (u16, i16) = (4095, 4095);
const _: () = assert!(GROUP as i64 * INT16_LIMITS.0 as i64 * INT16_LIMITS.1 as i64 <= i32::MAX as i64);

/// A tile of integers: it takes the number of rows.
pub(crate) type QuantisedTile<X, W> = unsafe fn(usize, TileQuantised<X, W>);

/// The tiles of one instruction set. The functions take the number of rows, 1 up to `rows`.
pub(crate) struct Tiles {
    /// Most rows of a tile, but for int8.
    pub rows: usize,
    /// Columns of a panel of weights.
    pub columns: usize,
    /// Columns of the panels that attention makes of keys and values.
    pub attention_columns: usize,
    /// f32 weights.
    pub f32: unsafe fn(usize, TileF32),
    /// f32 keys or values, with panels of `attention_columns`.
    pub attention: unsafe fn(usize, TileF32),
    /// Turns a block of 8 by 8 values: from, its stride, to, its stride.
    pub transpose: unsafe fn(*const f32, usize, *mut f32, usize),
    /// Layout of bf16 weights.
    pub pair_order: PairOrder,
    /// bf16 weights.
    pub bf16: unsafe fn(usize, TileBf16),
    /// int16 weights.
    pub int16: QuantisedTile<u16, i16>,
    /// Most rows of a tile of int8.
    pub int8_rows: usize,
    /// int8 weights.
    pub int8: QuantisedTile<u8, i8>,
    /// Largest value of a quantised activation, and of a weight's magnitude: more would not fit into the sums.
    pub int8_limits: (u8, i8),
}

impl Tiles {
    /// The tiles of an instruction set, which this machine has to have.
    ///
    /// # Panics
    /// If it has not.
    pub fn of(set: InstructionSet) -> &'static Self {
        assert!(set.is_available(), "this machine has no {set}");
        Self::kind(set)
    }

    /// The tiles of an instruction set that this machine may not have: to be looked at, not to be called. Sets of other
    /// processors are shown as the portable ones.
    pub fn kind(set: InstructionSet) -> &'static Self {
        match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => &avx2::TILES,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2Vnni => &avx2::VNNI_TILES,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => &avx512::TILES,
            _ => &portable::TILES,
        }
    }
}

/// Calls `$tile::<R>` for a number of rows that is known at run time only.
macro_rules! with_rows {
    ($rows:expr, $tile:ident, $arguments:expr, [$($count:literal),+]) => {
        match $rows {
            // SAFETY: the caller's promise about the pointers is passed on.
            $($count => unsafe { $tile::<$count>($arguments) },)+
            rows => unreachable!("a tile of {rows} rows"),
        }
    };
}
pub(crate) use with_rows;

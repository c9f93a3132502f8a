//! Register tiles: a few rows of activations times one panel of packed weights, the innermost part of every product.
//!
//! A *panel* holds the weights of `columns` neighbouring outputs, in the order in which a tile reads them:
//!
//! - f32: `[depth][columns]`;
//! - bf16: in the pairs that the instruction set multiplies, see [`PairOrder`];
//! - int16: `[depth / 2][columns][2]`, so that two products of a column fall into one 32-bit lane;
//! - int8: `[depth / 4][columns][4]`, so that four products do.
//!
//! A tile keeps `rows` times `columns` sums in registers and reads the panel once from top to bottom. Each output is one
//! chain of additions in the order of `depth`, for any number of rows. So the result of a row never depends on other rows.
//!
//! Each tile is written once per instruction set. The version in plain Rust ([`portable`]) is the reference in tests.

#![expect(unsafe_code, reason = "register tiles work on pointers; each function states what they must point to")]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod by_distance;
mod portable;
mod tile;

pub(crate) use tile::{
    GROUP, INT16_LIMITS, MAX_COLUMNS, PairOrder, QUANTISED_DEPTH, QuantisedTile, TRAINED_LIMITS, TileBf16, TileF32,
    TileQuantised, Tiles,
};

use crate::instructions::InstructionSet;

impl Tiles {
    /// Returns the tiles of an instruction set that this machine has.
    ///
    /// # Panics
    /// If the machine lacks the instruction set.
    pub fn of(set: InstructionSet) -> &'static Self {
        assert!(set.is_available(), "this machine has no {set}");
        Self::describe(set)
    }

    /// Returns the tiles of an instruction set that this machine may lack. Read their sizes, but do not call them.
    ///
    /// Instruction sets of another architecture are described by the portable tiles.
    pub fn describe(set: InstructionSet) -> &'static Self {
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

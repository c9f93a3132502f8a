//! The data types (dtypes) of packed products.

use crate::instructions::InstructionSet;
use crate::tiles::{INT16_LIMITS, PairOrder, Tiles};
use std::fmt;
use std::str::FromStr;

/// The data type (dtype) of the factors of a packed product. Sums, and everything between the products, are f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dtype {
    /// f32 weights and activations.
    F32,
    /// Weights and activations as 12-bit integers (weights with a sign) stored in 16 bits. Each group of 128 neighbours
    /// has its own range. Nearly as accurate as f32.
    Int16,
    /// bf16 weights. Activations are bf16 where the instruction set multiplies bf16, otherwise f32.
    Bf16,
    /// int8 weights and activations. Each group of 128 neighbours has its own range. Plain AVX2 uses seven bits of each.
    Int8,
}

impl Dtype {
    /// All dtypes, the most exact first.
    pub const ALL: [Self; 4] = [Self::F32, Self::Int16, Self::Bf16, Self::Int8];

    /// Returns the dtypes that are faster than f32 on an instruction set, the fastest first.
    pub fn faster_than_f32(set: InstructionSet) -> &'static [Self] {
        match set {
            InstructionSet::Portable => &[],
            InstructionSet::Avx2 | InstructionSet::Avx2Vnni => &[Self::Int8, Self::Int16],
            InstructionSet::Avx512 => &[Self::Int8, Self::Int16, Self::Bf16],
        }
    }

    /// Returns the number of bits of an activation in a product on an instruction set.
    pub fn activation_bits(self, set: InstructionSet) -> u32 {
        let tiles = Tiles::describe(set);
        match self {
            Self::F32 => 32,
            Self::Bf16 => match tiles.pair_order {
                PairOrder::Depth => 16,
                PairOrder::Columns => 32,
            },
            Self::Int16 => u16::BITS - INT16_LIMITS.0.leading_zeros(),
            Self::Int8 => u8::BITS - tiles.int8_limits.0.leading_zeros(),
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::Int16 => "int16",
            Self::Int8 => "int8",
        })
    }
}

impl FromStr for Dtype {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|dtype| dtype.to_string() == name)
            .ok_or_else(|| format!("`{name}` is none of f32, int16, bf16, int8"))
    }
}

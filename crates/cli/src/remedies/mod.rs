//! Words for the libraries' remedies: one hint each, as an imperative, with the flags of the command line.

pub mod data;
pub mod eval;
pub mod model;
pub mod run;
pub mod train;

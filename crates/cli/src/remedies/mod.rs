//! Hints for the libraries' remedies: one sentence each, as an imperative, with the options of the command line.

pub mod data;
pub mod eval;
pub mod hub;
pub mod model;
pub mod run;
pub mod system;
pub mod train;

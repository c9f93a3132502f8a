//! Tests of runs into files: at every step a run is killed, loses power or fails, and must then resume to identical files.

mod damage;
mod failures;
mod harness;
mod kills;
mod resume;

//! End-to-end tests: each module drives the built binary the way a user does.
#![allow(clippy::unwrap_used, clippy::panic)]

mod abstain;
mod average;
mod bad_input;
mod bad_model;
mod bench;
mod calibrate;
mod certify;
mod classify;
mod columns;
mod command_line;
mod corpora;
mod corpus_resume;
mod data;
#[cfg(feature = "embedded-model")]
mod default_model;
mod distillation;
mod eval;
mod formats;
mod html;
mod languages;
mod linear_models;
mod models;
mod nested_fields;
mod older_files;
mod options_file;
mod seeds;
mod summary;
mod target;
mod training;
mod training_failures;
mod training_records;
mod training_resume;
mod verify_and_diff;
mod support;

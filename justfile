# Commands for development. `just --list` shows them. Each recipe is a plain command that also works without just.

# Build the binary with the built-in model
build:
    cargo build --release

# Run all tests of all crates
test:
    cargo test --release --workspace

# Benchmark the kernels, then each step from input to output file; OPTIONS go to criterion, as in `just bench int8`
bench *OPTIONS:
    cargo bench --workspace --bench kernels -- {{OPTIONS}}
    cargo bench --workspace --bench flow -- {{OPTIONS}}

# Run clippy; every warning is an error
lint:
    cargo clippy --release --workspace --all-targets -- -D warnings

# Format all sources
fmt:
    cargo fmt --all

# Label the sample articles; the prefix keeps the predictions apart from the gold labels of the file
classify-sample:
    cargo run --release -- classify datasets/sample/articles.jsonl --prefix model_

# Train the default model; DATA_ROOT is the folder with the public data sets, BASE a folder with all-MiniLM-L6-v2
train-default DATA_ROOT BASE OUTPUT="target/newsdesk-default":
    cargo build --release --no-default-features
    NEWSDESK=target/release/newsdesk models/default/train.sh "{{DATA_ROOT}}" "{{BASE}}" "{{OUTPUT}}"

# Evaluate the default model on the test splits of the English news data sets
eval-default DATA_ROOT:
    cargo run --release -- eval models/default --data-root "{{DATA_ROOT}}" --data iptc-news ag-news bbc-news huffpost reuters-r52 newsmtsc financial-phrasebank

# Build and test the Python wheel; `just python --engines` also with Spark, Ray, Sail, Daft, DataFusion, DuckDB and Dask
python *OPTIONS:
    crates/python/check {{OPTIONS}}

# Build the binary for NVIDIA GPUs; needs nvcc
cuda:
    cargo build --release --features cuda

# Run all checks that a change must pass
ci:
    .ci/run

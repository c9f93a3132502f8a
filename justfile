# The commands of daily work. `just --list` shows them; each one is a plain command that works without just.

# The binary, with the default model inside
build:
    cargo build --release

# All tests of all crates
test:
    cargo test --release --workspace

# Every kernel beside the machine's peak, then every step from file to file; OPTIONS go to criterion: `just bench int8`
bench *OPTIONS:
    cargo bench --workspace --bench kernels -- {{OPTIONS}}
    cargo bench --workspace --bench flow -- {{OPTIONS}}

# Clippy, where every warning is an error
lint:
    cargo clippy --release --workspace --all-targets -- -D warnings

# Format all sources
fmt:
    cargo fmt --all

# Label the sample articles; they have topics and sentiments of their own, which stay beside the answers
classify-sample:
    cargo run --release -- classify datasets/sample/articles.jsonl --prefix model_

# Train the default model: DATA_ROOT holds the public sets, BASE is a folder with all-MiniLM-L6-v2
train-default DATA_ROOT BASE OUTPUT="target/newsdesk-default":
    cargo build --release --no-default-features
    NEWSDESK=target/release/newsdesk models/default/train.sh "{{DATA_ROOT}}" "{{BASE}}" "{{OUTPUT}}"

# Measure the default model on the test splits of the English news sets
eval-default DATA_ROOT:
    cargo run --release -- eval models/default --data-root "{{DATA_ROOT}}" --data iptc-news ag-news bbc-news huffpost reuters-r52 newsmtsc financial-phrasebank

# The binary for NVIDIA GPUs; needs nvcc
cuda:
    cargo build --release --features cuda

# Everything that must hold before a change goes in
ci:
    .ci/run

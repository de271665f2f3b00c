# Parom's everyday commands. Both `demo` and `test` first install what is missing (as root) or say what is.

.PHONY: build demo test bench
.DEFAULT_GOAL := build

build:
	cargo build --release --package parom-app

demo:
	./.ci/deps demo
	cargo run --release --quiet --package parom-app -- demo

# The last line of the output is `N passed, N failed`.
test:
	@./.ci/deps test
	@cargo xtask ci

bench:
	./.ci/deps test
	cargo xtask bench

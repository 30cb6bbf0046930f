# tests/fuzz: built by contrib/check with clang's fuzzer, not by make.
EXTRA_DIST += tests/fuzz/fuzz_structure.c

# tests/fuzz: built by run-fuzz with clang's fuzzer, not by make.
EXTRA_DIST += \
	tests/fuzz/fuzz_address.c \
	tests/fuzz/fuzz_authres.c \
	tests/fuzz/fuzz_crl.c \
	tests/fuzz/fuzz_settings.c \
	tests/fuzz/fuzz_structure.c \
	tests/fuzz/fuzz_verify.c \
	tests/fuzz/run-fuzz

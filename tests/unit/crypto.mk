# tests/unit
EXTRA_DIST += tests/unit/pki.h

CRYPTO_TESTS = \
	tests/unit/test_cert \
	tests/unit/test_der \
	tests/unit/test_digest \
	tests/unit/test_keyring \
	tests/unit/test_sign
check_PROGRAMS += $(CRYPTO_TESTS)
TESTS += $(CRYPTO_TESTS)
PKI = tests/unit/pki.c tests/unit/scratch.c

tests_unit_test_cert_SOURCES = tests/unit/test_cert.c $(PKI)
tests_unit_test_cert_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_der_SOURCES = tests/unit/test_der.c
tests_unit_test_der_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_digest_SOURCES = tests/unit/test_digest.c
tests_unit_test_digest_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_keyring_SOURCES = tests/unit/test_keyring.c $(PKI)
tests_unit_test_keyring_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c $(PKI)
tests_unit_test_sign_LDADD = $(CRYPTO) $(ENGINE_LIBS)

# tests/unit
EXTRA_DIST += tests/unit/crl_maker.h tests/unit/pki.h tests/unit/verdict.h

CRYPTO_TESTS = \
	tests/unit/test_announced \
	tests/unit/test_capabilities \
	tests/unit/test_cert \
	tests/unit/test_certcache \
	tests/unit/test_chain \
	tests/unit/test_cms \
	tests/unit/test_crl \
	tests/unit/test_der \
	tests/unit/test_digest \
	tests/unit/test_forged \
	tests/unit/test_keyring \
	tests/unit/test_revocation \
	tests/unit/test_rules \
	tests/unit/test_sign \
	tests/unit/test_signeddata \
	tests/unit/test_verify
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
tests_unit_test_sign_SOURCES = tests/unit/test_sign.c \
	tests/unit/verdict.c $(PKI)
tests_unit_test_sign_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_chain_SOURCES = tests/unit/test_chain.c $(PKI)
tests_unit_test_chain_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_cms_SOURCES = tests/unit/test_cms.c $(PKI)
tests_unit_test_cms_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_verify_SOURCES = tests/unit/test_verify.c \
	tests/unit/verdict.c $(PKI)
tests_unit_test_verify_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_forged_SOURCES = tests/unit/test_forged.c \
	tests/unit/verdict.c $(PKI)
tests_unit_test_forged_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_announced_SOURCES = tests/unit/test_announced.c \
	tests/unit/verdict.c $(PKI)
tests_unit_test_announced_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_rules_SOURCES = tests/unit/test_rules.c \
	tests/unit/verdict.c $(PKI)
tests_unit_test_rules_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_signeddata_SOURCES = tests/unit/test_signeddata.c \
	tests/unit/verdict.c $(PKI)
tests_unit_test_signeddata_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_certcache_SOURCES = tests/unit/test_certcache.c $(PKI)
tests_unit_test_certcache_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_capabilities_SOURCES = tests/unit/test_capabilities.c
tests_unit_test_capabilities_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_crl_SOURCES = tests/unit/test_crl.c \
	tests/unit/crl_maker.c $(PKI)
tests_unit_test_crl_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_unit_test_revocation_SOURCES = tests/unit/test_revocation.c \
	tests/unit/crl_maker.c $(PKI)
tests_unit_test_revocation_LDADD = $(CRYPTO) $(ENGINE_LIBS)

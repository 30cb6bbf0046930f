# tests/unit
EXTRA_DIST += tests/unit/crl_files.h tests/unit/directory_fixture.h \
	tests/unit/http_server.h tests/unit/store_fixture.h

check_PROGRAMS += tests/unit/test_anchors
TESTS += tests/unit/test_anchors
tests_unit_test_anchors_SOURCES = tests/unit/test_anchors.c \
	tests/unit/store_fixture.c tests/unit/scratch.c
tests_unit_test_anchors_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_crls
TESTS += tests/unit/test_crls
tests_unit_test_crls_SOURCES = tests/unit/test_crls.c \
	tests/unit/crl_files.c tests/unit/pki.c tests/unit/scratch.c
tests_unit_test_crls_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_directory
TESTS += tests/unit/test_directory
tests_unit_test_directory_SOURCES = tests/unit/test_directory.c \
	tests/unit/directory_fixture.c \
	tests/unit/store_fixture.c tests/unit/scratch.c
tests_unit_test_directory_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_directory_harvest
TESTS += tests/unit/test_directory_harvest
tests_unit_test_directory_harvest_SOURCES = \
	tests/unit/test_directory_harvest.c \
	tests/unit/directory_fixture.c \
	tests/unit/store_fixture.c tests/unit/scratch.c
tests_unit_test_directory_harvest_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_fetch_address
TESTS += tests/unit/test_fetch_address
tests_unit_test_fetch_address_SOURCES = tests/unit/test_fetch_address.c
tests_unit_test_fetch_address_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_fetcher
TESTS += tests/unit/test_fetcher
tests_unit_test_fetcher_SOURCES = tests/unit/test_fetcher.c \
	tests/unit/crl_files.c tests/unit/http_server.c tests/unit/pki.c \
	tests/unit/scratch.c
tests_unit_test_fetcher_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_identities
TESTS += tests/unit/test_identities
tests_unit_test_identities_SOURCES = tests/unit/test_identities.c \
	tests/unit/store_fixture.c tests/unit/scratch.c
tests_unit_test_identities_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_intermediates
TESTS += tests/unit/test_intermediates
tests_unit_test_intermediates_SOURCES = tests/unit/test_intermediates.c \
	tests/unit/pki.c tests/unit/scratch.c
tests_unit_test_intermediates_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_layout
TESTS += tests/unit/test_layout
tests_unit_test_layout_SOURCES = tests/unit/test_layout.c \
	tests/unit/scratch.c
tests_unit_test_layout_LDADD = src/store/libstore.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_ledger
TESTS += tests/unit/test_ledger
tests_unit_test_ledger_SOURCES = tests/unit/test_ledger.c \
	tests/unit/scratch.c
tests_unit_test_ledger_LDADD = src/store/libstore.a $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_trust
TESTS += tests/unit/test_trust
tests_unit_test_trust_SOURCES = tests/unit/test_trust.c \
	tests/unit/crl_files.c tests/unit/pki.c tests/unit/scratch.c
tests_unit_test_trust_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

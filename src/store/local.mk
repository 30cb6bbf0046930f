noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES = \
	src/store/anchors.c src/store/anchors.h \
	src/store/crlfacts.c src/store/crlfacts.h \
	src/store/crls.c src/store/crls.h \
	src/store/fetch-address.c src/store/fetch-address.h \
	src/store/fetch-crl.c src/store/fetch-crl.h \
	src/store/fetch-http.c src/store/fetch-http.h \
	src/store/fetcher.c src/store/fetcher.h \
	src/store/identities.c src/store/identities.h \
	src/store/layout.c src/store/layout.h \
	src/store/ledger.c src/store/ledger.h \
	src/store/state.c src/store/state.h \
	src/store/trust.c src/store/trust.h
src_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)

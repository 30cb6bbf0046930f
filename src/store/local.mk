noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES = \
	src/store/anchors.c src/store/anchors.h \
	src/store/certfile.c src/store/certfile.h \
	src/store/crlfacts.c src/store/crlfacts.h \
	src/store/crls-private.h src/store/crls-write.c \
	src/store/crls.c src/store/crls.h \
	src/store/directory-change.c src/store/directory-harvest.c \
	src/store/directory-private.h src/store/directory-walk.c \
	src/store/directory.c src/store/directory.h \
	src/store/entry.c src/store/entry.h \
	src/store/fetch-address.c src/store/fetch-address.h \
	src/store/fetch-crl.c src/store/fetch-crl.h \
	src/store/fetch-http.c src/store/fetch-http.h \
	src/store/fetcher.c src/store/fetcher.h \
	src/store/identities.c src/store/identities.h \
	src/store/intermediates.c src/store/intermediates.h \
	src/store/layout.c src/store/layout.h \
	src/store/ledger.c src/store/ledger.h \
	src/store/listing.c src/store/listing.h \
	src/store/pending.c src/store/pending.h \
	src/store/state.c src/store/state.h \
	src/store/trust.c src/store/trust.h
src_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)

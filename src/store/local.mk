noinst_LIBRARIES += src/store/libstore.a
src_store_libstore_a_SOURCES = \
	src/store/anchors.c src/store/anchors.h \
	src/store/identities.c src/store/identities.h \
	src/store/layout.c src/store/layout.h \
	src/store/ledger.c src/store/ledger.h \
	src/store/state.c src/store/state.h

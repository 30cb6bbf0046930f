noinst_LIBRARIES += src/crypto/libcrypto.a
src_crypto_libcrypto_a_SOURCES = \
	src/crypto/cert.c src/crypto/cert.h \
	src/crypto/chain.c src/crypto/chain.h \
	src/crypto/cms.c src/crypto/cms.h \
	src/crypto/digest.c src/crypto/digest.h \
	src/crypto/inspect.c src/crypto/inspect.h \
	src/crypto/keyring.c src/crypto/keyring.h \
	src/crypto/openssl.c src/crypto/openssl.h \
	src/crypto/sign.c src/crypto/sign.h \
	src/crypto/verify.c src/crypto/verify.h
src_crypto_libcrypto_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)

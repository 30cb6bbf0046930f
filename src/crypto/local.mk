noinst_LIBRARIES += src/crypto/libcrypto.a
src_crypto_libcrypto_a_SOURCES = \
	src/crypto/attributes.c src/crypto/attributes.h \
	src/crypto/capabilities.c src/crypto/capabilities.h \
	src/crypto/cert-private.h \
	src/crypto/cert.c src/crypto/cert.h \
	src/crypto/certcache.c \
	src/crypto/certfile.c \
	src/crypto/chain.c src/crypto/chain.h \
	src/crypto/cms-private.h \
	src/crypto/cms.c src/crypto/cms.h \
	src/crypto/crl-entries.c src/crypto/crl-private.h \
	src/crypto/crl-signature.c \
	src/crypto/crl.c src/crypto/crl.h \
	src/crypto/der.c src/crypto/der.h \
	src/crypto/digest-private.h \
	src/crypto/digest.c src/crypto/digest.h \
	src/crypto/inspect.c src/crypto/inspect.h \
	src/crypto/keyfile-pkcs12.c \
	src/crypto/keyfile.c src/crypto/keyfile.h \
	src/crypto/keyring-private.h \
	src/crypto/keyring.c src/crypto/keyring.h \
	src/crypto/library.c src/crypto/library.h \
	src/crypto/mailbox.c src/crypto/mailbox.h \
	src/crypto/openssl.c src/crypto/openssl.h \
	src/crypto/pem.c src/crypto/pem.h \
	src/crypto/revocation-points.c src/crypto/revocation-private.h \
	src/crypto/revocation-scope.c \
	src/crypto/revocation-signer.c \
	src/crypto/revocation.c src/crypto/revocation.h \
	src/crypto/sign.c src/crypto/sign.h \
	src/crypto/signeddata.c src/crypto/signeddata.h \
	src/crypto/signer.c src/crypto/signer.h \
	src/crypto/verify-certs.c \
	src/crypto/verify-private.h \
	src/crypto/verify-signature.c \
	src/crypto/verify.c src/crypto/verify.h
src_crypto_libcrypto_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)

noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/account.c src/base/account.h \
	src/base/error.c src/base/error.h \
	src/base/file.c src/base/file.h \
	src/base/log.c src/base/log.h \
	src/base/rope.c src/base/rope.h \
	src/base/spool.c src/base/spool.h \
	src/base/text.c src/base/text.h
src_base_libbase_a_CFLAGS = $(AM_CFLAGS) $(SYSTEMD_CFLAGS)

sbin_PROGRAMS += src/milter/smime-milter
noinst_LIBRARIES += src/milter/libmilter-room.a
src_milter_libmilter_room_a_SOURCES = \
	src/milter/apply.c src/milter/apply.h \
	src/milter/callbacks.c src/milter/callbacks.h \
	src/milter/copies.c src/milter/copies.h \
	src/milter/progress.c src/milter/progress.h \
	src/milter/reinject.c src/milter/reinject.h \
	src/milter/service.c src/milter/service.h \
	src/milter/session.c src/milter/session.h \
	src/milter/smtp.c src/milter/smtp.h
src_milter_libmilter_room_a_CFLAGS = $(AM_CFLAGS) $(MILTER_CFLAGS)
src_milter_smime_milter_SOURCES = \
	src/milter/crlnews.c src/milter/crlnews.h \
	src/milter/daemon.c src/milter/daemon.h \
	src/milter/listener.c src/milter/listener.h \
	src/milter/main.c \
	src/milter/privileges.c src/milter/privileges.h \
	src/milter/signals.c src/milter/signals.h \
	src/milter/watch.c src/milter/watch.h
src_milter_smime_milter_CFLAGS = $(AM_CFLAGS) $(MILTER_CFLAGS) $(SYSTEMD_CFLAGS)
src_milter_smime_milter_LDADD = src/milter/libmilter-room.a $(GATEWAY) \
	$(MILTER_LIBS) $(ENGINE_LIBS)

# libmilter and, for the callbacks, the engine are fakes: their objects come
# before the libraries, so nothing else of that name is linked.
MILTER_ROOM = src/milter/libmilter-room.a
MILTER_FAKES = \
	tests/unit/fake_gateway.c tests/unit/fake_gateway.h \
	tests/unit/fake_milter.c tests/unit/fake_milter.h \
	tests/unit/scratch.c tests/unit/scratch.h
MILTER_TESTS = \
	tests/unit/test_callbacks \
	tests/unit/test_copies \
	tests/unit/test_reinject
check_PROGRAMS += $(MILTER_TESTS)
TESTS += $(MILTER_TESTS)

tests_unit_test_callbacks_SOURCES = tests/unit/test_callbacks.c $(MILTER_FAKES)
tests_unit_test_callbacks_CFLAGS = $(AM_CFLAGS) $(MILTER_CFLAGS)
tests_unit_test_callbacks_LDADD = $(MILTER_ROOM) $(GATEWAY) $(ENGINE_LIBS)
tests_unit_test_copies_SOURCES = tests/unit/test_copies.c $(MILTER_FAKES) \
	tests/unit/smtp_server.c tests/unit/smtp_server.h
tests_unit_test_copies_CFLAGS = $(AM_CFLAGS) $(MILTER_CFLAGS)
tests_unit_test_copies_LDADD = $(MILTER_ROOM) $(GATEWAY) $(ENGINE_LIBS)
tests_unit_test_reinject_SOURCES = tests/unit/test_reinject.c \
	tests/unit/smtp_server.c tests/unit/smtp_server.h
tests_unit_test_reinject_LDADD = $(MILTER_ROOM) $(GATEWAY) $(ENGINE_LIBS)

# The program as a process.
dist_check_SCRIPTS += tests/flow/test_daemon.py
TESTS += tests/flow/test_daemon.py

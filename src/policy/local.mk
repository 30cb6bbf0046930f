noinst_LIBRARIES += src/policy/libpolicy.a
src_policy_libpolicy_a_SOURCES = \
	src/policy/direction.c src/policy/direction.h \
	src/policy/endpoint.c src/policy/endpoint.h \
	src/policy/envelope.c src/policy/envelope.h \
	src/policy/loader.c src/policy/loader.h \
	src/policy/option.c src/policy/option.h \
	src/policy/pattern.c src/policy/pattern.h \
	src/policy/plan.c src/policy/plan.h \
	src/policy/sender.c src/policy/sender.h \
	src/policy/settings.c src/policy/settings.h \
	src/policy/source.c src/policy/source.h
src_policy_libpolicy_a_CFLAGS = $(AM_CFLAGS) $(LIBCONFIG_CFLAGS)

# tests/bench: a load for milters, the milters to compare with, and the bare
# operation. "make bench" measures; BENCH_FLAGS="--quick" and others are
# options of tests/bench/bench.
bench_programs = tests/bench/milterload tests/bench/ref_nothing \
	tests/bench/ref_replace tests/bench/barecms \
	tests/bench/bareverify tests/bench/cmscheck \
	tests/bench/crlmemory tests/bench/directorylookup
check_PROGRAMS += $(bench_programs)
EXTRA_DIST += tests/bench/bench tests/bench/inbound.py tests/lib/tsan.h tests/lib/tsan.supp
dist_check_SCRIPTS += tests/mta/test_race.py
TESTS += tests/mta/test_race.py

tests_bench_milterload_SOURCES = tests/bench/milterload.c \
	tests/bench/mailresult.c tests/bench/mailresult.h \
	tests/bench/mailsource.c tests/bench/mailsource.h \
	tests/bench/milterproto.c tests/bench/milterproto.h \
	tests/bench/milterwire.c tests/bench/milterwire.h
tests_bench_milterload_CFLAGS = $(AM_CFLAGS) $(MILTER_CFLAGS)
tests_bench_milterload_LDADD = $(GLIB_LIBS)

tests_bench_ref_nothing_SOURCES = tests/bench/ref_nothing.c
tests_bench_ref_nothing_CFLAGS = $(AM_CFLAGS) $(MILTER_CFLAGS)
tests_bench_ref_nothing_LDADD = $(MILTER_LIBS)

tests_bench_ref_replace_SOURCES = tests/bench/ref_replace.c
tests_bench_ref_replace_CFLAGS = $(AM_CFLAGS) $(MILTER_CFLAGS)
tests_bench_ref_replace_LDADD = $(MILTER_LIBS)

tests_bench_barecms_SOURCES = tests/bench/barecms.c \
	tests/bench/mailsource.c tests/bench/mailsource.h
tests_bench_barecms_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_bench_barecms_LDADD = $(OPENSSL_LIBS) $(GLIB_LIBS)

tests_bench_bareverify_SOURCES = tests/bench/bareverify.c
tests_bench_bareverify_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_bench_bareverify_LDADD = $(OPENSSL_LIBS) $(GLIB_LIBS)

tests_bench_cmscheck_SOURCES = tests/bench/cmscheck.c
tests_bench_cmscheck_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_bench_cmscheck_LDADD = $(OPENSSL_LIBS) $(GLIB_LIBS)

tests_bench_crlmemory_SOURCES = tests/bench/crlmemory.c
tests_bench_crlmemory_LDADD = $(CRYPTO) $(ENGINE_LIBS)
tests_bench_directorylookup_SOURCES = tests/bench/directorylookup.c
tests_bench_directorylookup_LDADD = src/store/libstore.a \
	src/crypto/libcrypto.a $(BASE) $(ENGINE_LIBS)

bench: $(sbin_PROGRAMS) $(bench_programs)
	TOP_SRCDIR='$(abs_top_srcdir)' TOP_BUILDDIR='$(abs_top_builddir)' \
		$(srcdir)/tests/bench/bench $(BENCH_FLAGS)
.PHONY: bench

# The tests, and what runs them in other ways than make check.
include $(srcdir)/tests/unit/base.mk
include $(srcdir)/tests/unit/mime.mk
include $(srcdir)/tests/unit/crypto.mk
include $(srcdir)/tests/unit/store.mk
include $(srcdir)/tests/unit/policy.mk
include $(srcdir)/tests/unit/gateway.mk
include $(srcdir)/tests/unit/milter.mk
include $(srcdir)/tests/flow/local.mk
include $(srcdir)/tests/mta/local.mk
include $(srcdir)/tests/interop/local.mk
include $(srcdir)/tests/bench/local.mk
include $(srcdir)/tests/fuzz/local.mk

EXTRA_DIST += tests/lib/lsan.supp tests/lib/valgrind.supp tests/valgrind-flow

# Those with threads, for ThreadSanitizer.
thread_tests = tests/unit/test_anchors tests/unit/test_callbacks \
	tests/unit/test_directory_harvest tests/unit/test_identities \
	tests/unit/test_intermediates tests/unit/test_log tests/unit/test_sign
	tests/unit/test_crls tests/unit/test_fetcher tests/unit/test_identities \
	tests/unit/test_log tests/unit/test_sign tests/unit/test_trust
print-thread-tests:
	@echo $(thread_tests)

check-valgrind: $(sbin_PROGRAMS)
	TOP_BUILDDIR='$(abs_top_builddir)' TOP_SRCDIR='$(abs_top_srcdir)' \
		$(srcdir)/tests/valgrind-flow

check-man:
	@n=0; for page in $(dist_man_MANS); do \
		n=`expr $$n + 1`; \
		if mandoc -T lint -W warning $(srcdir)/$$page; \
		then echo "ok $$n - $$page"; \
		else echo "not ok $$n - $$page"; fi; \
	done; echo "1..$$n"
.PHONY: check-man check-valgrind print-thread-tests

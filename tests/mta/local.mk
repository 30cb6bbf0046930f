# Real mail servers and foreign judges: root, packages and minutes, so not part
# of `make check`. contrib/check runs them; so does `make check-mta`.
EXTRA_DIST += \
	tests/run-mta \
	tests/lib/smimetest/__init__.py \
	tests/lib/smimetest/cmsmaker.py \
	tests/lib/smimetest/corpus.py \
	tests/lib/smimetest/crlserver.py \
	tests/lib/smimetest/crowd.py \
	tests/lib/smimetest/der.py \
	tests/lib/smimetest/inbox.py \
	tests/lib/smimetest/milter.py \
	tests/lib/smimetest/milterclient.py \
	tests/lib/smimetest/opendkim.py \
	tests/lib/smimetest/partner.py \
	tests/lib/smimetest/pki.py \
	tests/lib/smimetest/place.py \
	tests/lib/smimetest/postfix.py \
	tests/lib/smimetest/producers.py \
	tests/lib/smimetest/rawmail.py \
	tests/lib/smimetest/revocationpki.py \
	tests/lib/smimetest/sendmail.py \
	tests/lib/smimetest/sink.py \
	tests/lib/smimetest/submit.py \
	tests/lib/smimetest/tap.py \
	tests/lib/smimetest/world.py \
	tests/mta/test_badinput.py \
	tests/mta/test_corpus.py \
	tests/mta/test_dkim.py \
	tests/mta/test_harvest_kill.py \
	tests/mta/test_kill.py \
	tests/mta/test_partner.py \
	tests/mta/test_random.py \
	tests/mta/test_refused.py \
	tests/mta/test_revocation.py \
	tests/mta/test_split.py

.PHONY: check-mta
check-mta: src/milter/smime-milter src/ctl/smimectl
	TOP_BUILDDIR='$(abs_top_builddir)' $(srcdir)/tests/run-mta $(MTA_OPTIONS)

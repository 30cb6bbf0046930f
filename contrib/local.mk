# contrib
EXTRA_DIST += contrib/check contrib/demo-pki contrib/demo-postfix \
	contrib/mozilla-email-roots contrib/packages contrib/quickstart

# The unit names the installed program.
EXTRA_DIST += contrib/systemd/smime-milter.service.in \
	contrib/systemd/smime-milter-postfix.conf \
	contrib/systemd/smime-milter-sysusers.conf
CLEANFILES += contrib/systemd/smime-milter.service
nodist_systemdsystemunit_DATA = contrib/systemd/smime-milter.service

contrib/systemd/smime-milter.service: contrib/systemd/smime-milter.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) contrib/systemd && \
	sed 's,@sbindir[@],$(sbindir),g' \
	    $(srcdir)/contrib/systemd/smime-milter.service.in >$@

# The sample goes beside the settings, never over them.
EXTRA_DIST += conf/smime-milter.conf
CLEANFILES += conf/smime-milter.conf.sample
settingsdir = $(sysconfdir)/smime-milter
nodist_settings_DATA = conf/smime-milter.conf.sample

conf/smime-milter.conf.sample: $(srcdir)/conf/smime-milter.conf
	$(AM_V_GEN)$(MKDIR_P) conf && cp $(srcdir)/conf/smime-milter.conf $@

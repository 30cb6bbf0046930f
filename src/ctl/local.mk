sbin_PROGRAMS += src/ctl/smimectl
src_ctl_smimectl_SOURCES = \
	src/ctl/cert.c \
	src/ctl/certchange.c \
	src/ctl/certfind.c src/ctl/certfind.h \
	src/ctl/certimport.c \
	src/ctl/certreport.c src/ctl/certreport.h \
	src/ctl/check.c src/ctl/check.h \
	src/ctl/command.c src/ctl/command.h \
	src/ctl/crl.c \
	src/ctl/explain.c \
	src/ctl/input.c src/ctl/input.h \
	src/ctl/inspect.c \
	src/ctl/issuer.c src/ctl/issuer.h \
	src/ctl/key.c \
	src/ctl/listener.c src/ctl/listener.h \
	src/ctl/mail.c src/ctl/mail.h \
	src/ctl/main.c \
	src/ctl/output.c src/ctl/output.h \
	src/ctl/partners.c \
	src/ctl/pending.c \
	src/ctl/postfix.c \
	src/ctl/process.c \
	src/ctl/reach.c src/ctl/reach.h \
	src/ctl/report.c src/ctl/report.h \
	src/ctl/select.c src/ctl/select.h \
	src/ctl/stores.c src/ctl/stores.h \
	src/ctl/trust.c \
	src/ctl/user.c src/ctl/user.h \
	src/ctl/verbs.h \
	src/ctl/verify.c
src_ctl_smimectl_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
src_ctl_smimectl_LDADD = $(GATEWAY) $(JSON_LIBS) $(ENGINE_LIBS)

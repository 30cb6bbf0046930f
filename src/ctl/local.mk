sbin_PROGRAMS += src/ctl/smimectl
src_ctl_smimectl_SOURCES = \
	src/ctl/check.c \
	src/ctl/command.c src/ctl/command.h \
	src/ctl/explain.c \
	src/ctl/inspect.c \
	src/ctl/key.c \
	src/ctl/main.c \
	src/ctl/process.c \
	src/ctl/report.c src/ctl/report.h \
	src/ctl/trust.c \
	src/ctl/verify.c
src_ctl_smimectl_CFLAGS = $(AM_CFLAGS) $(JSON_CFLAGS)
src_ctl_smimectl_LDADD = $(GATEWAY) $(JSON_LIBS) $(ENGINE_LIBS)

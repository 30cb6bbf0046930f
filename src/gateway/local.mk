noinst_LIBRARIES += src/gateway/libgateway.a
src_gateway_libgateway_a_SOURCES = \
	src/gateway/gateway.c src/gateway/gateway.h \
	src/gateway/groups.c src/gateway/groups.h \
	src/gateway/harvest.c src/gateway/harvest.h \
	src/gateway/inbound.c src/gateway/inbound.h \
	src/gateway/outbound.c src/gateway/outbound.h \
	src/gateway/outcome.c src/gateway/outcome.h \
	src/gateway/peel.c src/gateway/peel.h \
	src/gateway/unwrap.c src/gateway/unwrap.h

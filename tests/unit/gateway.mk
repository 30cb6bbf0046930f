# tests/unit
GATEWAY_TESTS = \
	tests/unit/test_groups \
	tests/unit/test_inbound \
	tests/unit/test_peel
check_PROGRAMS += $(GATEWAY_TESTS)
TESTS += $(GATEWAY_TESTS)

tests_unit_test_groups_SOURCES = tests/unit/test_groups.c
tests_unit_test_groups_LDADD = $(GATEWAY) $(ENGINE_LIBS)
tests_unit_test_inbound_SOURCES = tests/unit/test_inbound.c $(PKI)
tests_unit_test_inbound_LDADD = $(GATEWAY) $(ENGINE_LIBS)
tests_unit_test_peel_SOURCES = tests/unit/test_peel.c $(PKI)
tests_unit_test_peel_LDADD = $(GATEWAY) $(ENGINE_LIBS)

# policy needs only base and mime to link: it knows neither keys nor stores.
POLICY_TESTS = \
	tests/unit/test_envelope \
	tests/unit/test_pattern \
	tests/unit/test_endpoint \
	tests/unit/test_source \
	tests/unit/test_settings \
	tests/unit/test_direction \
	tests/unit/test_sender \
	tests/unit/test_plan
check_PROGRAMS += $(POLICY_TESTS)
TESTS += $(POLICY_TESTS)
POLICY_TEST_LIBS = src/policy/libpolicy.a $(MIME) $(ENGINE_LIBS)

tests_unit_test_envelope_SOURCES = tests/unit/test_envelope.c
tests_unit_test_envelope_LDADD = $(POLICY_TEST_LIBS)
tests_unit_test_pattern_SOURCES = tests/unit/test_pattern.c
tests_unit_test_pattern_LDADD = $(POLICY_TEST_LIBS)
tests_unit_test_endpoint_SOURCES = tests/unit/test_endpoint.c
tests_unit_test_endpoint_LDADD = $(POLICY_TEST_LIBS)
tests_unit_test_source_SOURCES = tests/unit/test_source.c tests/unit/policy_fixture.h
tests_unit_test_source_LDADD = $(POLICY_TEST_LIBS)
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c tests/unit/policy_fixture.h
tests_unit_test_settings_LDADD = $(POLICY_TEST_LIBS)
tests_unit_test_direction_SOURCES = tests/unit/test_direction.c tests/unit/policy_fixture.h
tests_unit_test_direction_LDADD = $(POLICY_TEST_LIBS)
tests_unit_test_sender_SOURCES = tests/unit/test_sender.c tests/unit/policy_fixture.h
tests_unit_test_sender_LDADD = $(POLICY_TEST_LIBS)
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c tests/unit/policy_fixture.h
tests_unit_test_plan_LDADD = $(POLICY_TEST_LIBS)

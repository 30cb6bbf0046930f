check_PROGRAMS += tests/unit/test_groups
TESTS += tests/unit/test_groups
tests_unit_test_groups_SOURCES = tests/unit/test_groups.c
tests_unit_test_groups_LDADD = $(GATEWAY) $(ENGINE_LIBS)

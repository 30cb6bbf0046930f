# tests/unit
check_PROGRAMS += tests/unit/test_address
TESTS += tests/unit/test_address
tests_unit_test_address_SOURCES = tests/unit/test_address.c tests/unit/mime-testing.h
tests_unit_test_address_LDADD = $(MIME) $(ENGINE_LIBS)
check_PROGRAMS += tests/unit/test_edits
TESTS += tests/unit/test_edits
tests_unit_test_edits_SOURCES = tests/unit/test_edits.c tests/unit/mime-testing.h
tests_unit_test_edits_LDADD = $(MIME) $(ENGINE_LIBS)
check_PROGRAMS += tests/unit/test_fields
TESTS += tests/unit/test_fields
tests_unit_test_fields_SOURCES = tests/unit/test_fields.c tests/unit/mime-testing.h
tests_unit_test_fields_LDADD = $(MIME) $(ENGINE_LIBS)
check_PROGRAMS += tests/unit/test_message
TESTS += tests/unit/test_message
tests_unit_test_message_SOURCES = tests/unit/test_message.c tests/unit/mime-testing.h
tests_unit_test_message_LDADD = $(MIME) $(ENGINE_LIBS)

# tests/unit
EXTRA_DIST += tests/unit/scratch.h

check_PROGRAMS += tests/unit/test_error
TESTS += tests/unit/test_error
tests_unit_test_error_SOURCES = tests/unit/test_error.c
tests_unit_test_error_LDADD = $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_file
TESTS += tests/unit/test_file
tests_unit_test_file_SOURCES = tests/unit/test_file.c tests/unit/scratch.c
tests_unit_test_file_LDADD = $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_log
TESTS += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/scratch.c
tests_unit_test_log_LDADD = $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_rope
TESTS += tests/unit/test_rope
tests_unit_test_rope_SOURCES = tests/unit/test_rope.c
tests_unit_test_rope_LDADD = $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_spool
TESTS += tests/unit/test_spool
tests_unit_test_spool_SOURCES = tests/unit/test_spool.c tests/unit/scratch.c
tests_unit_test_spool_LDADD = $(BASE) $(ENGINE_LIBS)

check_PROGRAMS += tests/unit/test_text
TESTS += tests/unit/test_text
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_LDADD = $(BASE) $(ENGINE_LIBS)

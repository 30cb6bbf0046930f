# Judges and producers of signed mail that are not ours; tests/run-mta runs
# their tests.
EXTRA_DIST += \
	tests/interop/Judge.java \
	tests/interop/Producer.java \
	tests/interop/judges.py \
	tests/interop/test_judges.py \
	tests/interop/test_producers.py

# The judges of signed mail that are not ours; tests/run-mta runs their test.
EXTRA_DIST += \
	tests/interop/Judge.java \
	tests/interop/judges.py \
	tests/interop/test_judges.py

# smimectl on files: no MTA, no daemon. Each prints TAP.
flow_tests = \
	tests/flow/test_attacks.py \
	tests/flow/test_cert.py \
	tests/flow/test_check.py \
	tests/flow/test_crl.py \
	tests/flow/test_explain.py \
	tests/flow/test_harvest.py \
	tests/flow/test_inbound.py \
	tests/flow/test_key.py \
	tests/flow/test_mozilla_roots.py \
	tests/flow/test_process.py \
	tests/flow/test_rights.py \
	tests/flow/test_usage.py \
	tests/flow/test_verify.py
dist_check_SCRIPTS += $(flow_tests)
TESTS += $(flow_tests)
EXTRA_DIST += \
	tests/lib/smimetest/authority.py \
	tests/lib/smimetest/desk.py

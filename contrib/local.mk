# contrib
EXTRA_DIST += contrib/check contrib/demo-pki contrib/demo-postfix \
	contrib/packages contrib/quickstart

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a CRL answer for a certificate, and for which reasons (RFC 5280 6.3.3
 * (b) to (d))? Names are compared as OpenSSL does. Pure.
 */
#include "config.h"

#include "crypto/cert-private.h"
#include "crypto/revocation-private.h"

/* GeneralName of the type directoryName, borrowed; NULL: another one. */
static const X509_NAME *
directory_name(const GENERAL_NAME *name)
{
	return name->type == GEN_DIRNAME ? name->d.directoryName : NULL;
}

static bool
names_hold(const GeneralNames *names, const X509_NAME *sought)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const X509_NAME *name =
		    directory_name(sk_GENERAL_NAME_value(names, i));

		if (name != NULL && X509_NAME_cmp(name, sought) == 0) {
			return true;
		}
	}
	return false;
}

static bool
names_hold_key(const GeneralNames *names, const char *key)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const X509_NAME *name =
		    directory_name(sk_GENERAL_NAME_value(names, i));
		g_autofree char *one =
		    name != NULL ? openssl_name_key(name) : NULL;

		if (g_strcmp0(one, key) == 0) {
			return true;
		}
	}
	return false;
}

static bool
names_share(const GeneralNames *a, const GeneralNames *b)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(a); i++) {
		for (int j = 0; j < sk_GENERAL_NAME_num(b); j++) {
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i),
				sk_GENERAL_NAME_value(b, j)) == 0) {
				return true;
			}
		}
	}
	return false;
}

/* In both, type 0 is fullName; 1 is relative, made whole in dpname. */
static bool
point_holds(const DIST_POINT_NAME *point, const X509_NAME *name)
{
	if (point->type == 0) {
		return names_hold(point->name.fullname, name);
	}
	return point->dpname != NULL && X509_NAME_cmp(point->dpname, name) == 0;
}

static bool
points_share(const DIST_POINT_NAME *a, const DIST_POINT_NAME *b)
{
	if (a->type == 0 && b->type == 0) {
		return names_share(a->name.fullname, b->name.fullname);
	}
	if (a->type == 0) {
		return b->dpname != NULL && point_holds(a, b->dpname);
	}
	return a->dpname != NULL && point_holds(b, a->dpname);
}

/* (b) (1): the CRL is of whom the point says, or else of the certificate's
 * issuer. */
static bool
issuer_fits(const Crl *crl, const Cert *cert, const DIST_POINT *point)
{
	bool same = g_str_equal(crl_issuer_key(crl), cert_issuer_key(cert));

	if (point->CRLissuer == NULL) {
		return same;
	}
	return names_hold_key(point->CRLissuer, crl_issuer_key(crl)) &&
	    (same || (crl->point != NULL && crl->point->indirectCRL > 0));
}

/* (b) (2) (i). */
static bool
name_fits(const Crl *crl, const DIST_POINT *point)
{
	const DIST_POINT_NAME *named =
	    crl->point != NULL ? crl->point->distpoint : NULL;

	if (named == NULL) {
		return true;
	}
	if (point->distpoint != NULL) {
		return points_share(named, point->distpoint);
	}
	for (int i = 0; i < sk_GENERAL_NAME_num(point->CRLissuer); i++) {
		const X509_NAME *name =
		    directory_name(sk_GENERAL_NAME_value(point->CRLissuer, i));

		if (name != NULL && point_holds(named, name)) {
			return true;
		}
	}
	return false;
}

/* (b) (2) (ii) to (iv). */
static bool
kind_fits(const Crl *crl, const Cert *cert)
{
	const ISSUING_DIST_POINT *scope = crl->point;

	return scope == NULL ||
	    (scope->onlyattr <= 0 &&
		(scope->onlyuser <= 0 || !cert_is_ca(cert)) &&
		(scope->onlyCA <= 0 || cert_is_ca(cert)));
}

static guint
reasons_of(const ASN1_BIT_STRING *flags)
{
	guint reasons = 0;

	if (flags == NULL) {
		return REVOCATION_ALL_REASONS;
	}
	for (int i = 1; i <= 8; i++) {
		if (ASN1_BIT_STRING_get_bit(flags, i) == 1) {
			reasons |= 1u << i;
		}
	}
	return reasons;
}

/* The end of 6.3.3: a point that is not named, with the issuer's name. */
static bool
own_fits(const Crl *crl, const Cert *cert)
{
	return g_str_equal(crl_issuer_key(crl), cert_issuer_key(cert)) &&
	    (crl->point == NULL || crl->point->distpoint == NULL ||
		point_holds(crl->point->distpoint,
		    X509_get_issuer_name(cert_x509(cert))));
}

guint
revocation_scope(const Crl *crl, const Cert *cert, const DistPoints *points)
{
	guint some =
	    reasons_of(crl->point != NULL ? crl->point->onlysomereasons : NULL);
	guint reasons = 0;

	if (!kind_fits(crl, cert)) {
		return 0;
	}
	if (own_fits(crl, cert)) {
		return some;
	}
	for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);

		if (issuer_fits(crl, cert, point) && name_fits(crl, point)) {
			reasons |= some & reasons_of(point->reasons);
		}
	}
	return reasons;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The S/MIME layers at the root of a message, from the outside in
 * (DESIGN 3.4.2, 3.4.4): each is verified over its raw bytes, then the signed
 * content is looked at in turn, at most PEEL_LAYERS deep. What lies beside
 * other parts is somebody's attachment and is not looked at. The one place
 * where mime and crypto meet for incoming mail; smimectl verify asks it too.
 * Thread-safe.
 */
#ifndef GATEWAY_PEEL_H
#define GATEWAY_PEEL_H

#include <glib.h>
#include <stdbool.h>

#include "crypto/verify.h"
#include "mime/message.h"
#include "policy/settings.h"
#include "store/directory.h"
#include "store/trust.h"

#define PEEL_LAYERS 8

typedef struct {
	guint parts; /* limits.parts, limits.depth: over them is neutral */
	guint depth;
	VerifyRules verify;
} PeelRules;

/* One signature, with where it stands. */
typedef struct {
	VerifySignature *signature;
	char *part; /* body.smime-part: "2", "1", "1.2", ...; NULL: unknown */
} PeelSignature;

typedef struct {
	GPtrArray *signatures; /* of PeelSignature, outermost layer first; when
				  one is not pass none is. Empty: not signed */
	GPtrArray *certs;      /* of Cert: all that any layer brought */
	guint layers;          /* how many were taken off */
	bool encrypted;  /* some layer is encrypted; inside it is not looked */
	bool certs_only; /* the root carries certificates alone */
	/* What the innermost layer signed, when every layer was a signature:
	 * the entity's own header and its body. NULL: not signed. */
	Message *content;
	char *inside; /* what that is, for people: its media type; or NULL */
} Peel;

/* Never fails. */
Peel *peel_message(const Fields *fields, GBytes *body, const PeelRules *rules);
/*
 * The same by the rules of the settings, as every mail is judged that this
 * program sees: from is the single From mailbox or NULL, its certificates in
 * the directory stand for one that the mail lacks; view judges. An unreadable
 * file of the directory is logged and is no certificates.
 */
Peel *
peel_by_settings(const Settings *settings, Directory *directory, TrustView *view,
    const Fields *fields, const char *from, GBytes *body, gint64 at);
void peel_free(Peel *peel);

/* "pass" of a mail: all signatures are, and there is one. */
bool peel_passed(const Peel *peel);
/* The worst; VERIFY_NONE when there is none. */
VerifyResult peel_result(const Peel *peel);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Peel, peel_free)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A milter that collects each mail in memory, replaces its body by the same
 * bytes and changes Content-Type once: what any milter pays that rewrites
 * mail. It negotiates what smime-milter does. libmilter and libc only. Usage:
 * ref_replace SOCKET
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>

#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_DELRCPT)
#define LEFT_OUT (SMFIP_NOHELO | SMFIP_NOUNKNOWN)
#define EXTRAS (SMFIP_SKIP | SMFIP_HDR_LEADSPC)
#define NO_REPLY (SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR)
#define FIRST_SIZE 16384

/* One for each connection, emptied with each mail. */
struct mail {
	char *bytes;
	size_t length;
	size_t size;
	size_t body; /* where it starts */
};

static int
append(struct mail *mail, const void *data, size_t length)
{
	if (mail->size - mail->length < length) {
		size_t size = mail->size == 0 ? FIRST_SIZE : mail->size;
		char *bytes;

		while (size - mail->length < length) {
			size *= 2;
		}
		bytes = realloc(mail->bytes, size);
		if (bytes == NULL) {
			return 0;
		}
		mail->bytes = bytes;
		mail->size = size;
	}
	memcpy(mail->bytes + mail->length, data, length);
	mail->length += length;
	return 1;
}

static void
empty(struct mail *mail)
{
	if (mail != NULL) {
		free(mail->bytes);
		memset(mail, 0, sizeof(*mail));
	}
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused1, unsigned long unused2, unsigned long *actions_out,
    unsigned long *steps_out, unsigned long *unused1_out,
    unsigned long *unused2_out)
{
	(void)ctx;
	(void)unused1;
	(void)unused2;
	*actions_out = actions & ACTIONS;
	*steps_out = (steps & (LEFT_OUT | EXTRAS)) | NO_REPLY;
	*unused1_out = 0;
	*unused2_out = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)name;
	(void)address;
	smfi_setpriv(ctx, calloc(1, sizeof(struct mail)));
	return SMFIS_NOREPLY;
}

static sfsistat
on_mail(SMFICTX *ctx, char **arguments)
{
	(void)arguments;
	empty(smfi_getpriv(ctx));
	return SMFIS_NOREPLY;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **arguments)
{
	(void)arguments;
	return smfi_getpriv(ctx) == NULL ? SMFIS_TEMPFAIL : SMFIS_CONTINUE;
}

static sfsistat
on_data(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct mail *mail = smfi_getpriv(ctx);

	if (!append(mail, name, strlen(name)) || !append(mail, ":", 1) ||
	    !append(mail, value, strlen(value)) || !append(mail, "\r\n", 2)) {
		abort();
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_end_of_header(SMFICTX *ctx)
{
	struct mail *mail = smfi_getpriv(ctx);

	if (!append(mail, "\r\n", 2)) {
		return SMFIS_TEMPFAIL;
	}
	mail->body = mail->length;
	return SMFIS_CONTINUE;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t length)
{
	return append(smfi_getpriv(ctx), data, length) ? SMFIS_CONTINUE
						       : SMFIS_TEMPFAIL;
}

static sfsistat
on_end_of_message(SMFICTX *ctx)
{
	struct mail *mail = smfi_getpriv(ctx);
	unsigned char *body = (unsigned char *)mail->bytes + mail->body;
	char name[] = "Content-Type";
	char value[] = " text/plain";

	if (smfi_chgheader(ctx, name, 1, value) != MI_SUCCESS ||
	    smfi_replacebody(ctx, body, (int)(mail->length - mail->body)) !=
		MI_SUCCESS) {
		return SMFIS_TEMPFAIL;
	}
	empty(mail);
	return SMFIS_ACCEPT;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	empty(smfi_getpriv(ctx));
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct mail *mail = smfi_getpriv(ctx);

	empty(mail);
	free(mail);
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc milter = { "replace", SMFI_VERSION, 0, on_connect, NULL,
		on_mail, on_rcpt, on_header, on_end_of_header, on_body,
		on_end_of_message, on_abort, on_close, NULL, on_data,
		on_negotiate };

	if (argc != 2 || smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(milter) != MI_SUCCESS ||
	    smfi_opensocket(1) != MI_SUCCESS) {
		fprintf(stderr, "usage: ref_replace SOCKET\n");
		return EXIT_FAILURE;
	}
	return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
